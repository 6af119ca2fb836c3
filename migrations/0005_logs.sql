ALTER TABLE logs ADD COLUMN feedback INTEGER; -- -1, 0 or 1, as somebody judged the answer
ALTER TABLE logs ADD COLUMN score REAL; -- of the answer, as somebody judged it

-- The hours and days in which a gateway has rows of the log: what is counted, and what is due.
CREATE TABLE log_periods (
  gateway_id INTEGER NOT NULL, -- gateways.internal_id
  span INTEGER NOT NULL CHECK (span IN (3600000, 86400000)), -- milliseconds
  start INTEGER NOT NULL,
  rows INTEGER NOT NULL DEFAULT 0, -- that the log holds of an hour; 0 for days
  due INTEGER NOT NULL DEFAULT 1, -- whether rows have come since it was counted
  frozen INTEGER NOT NULL DEFAULT 0, -- whether rows were deleted since, so that it must not be counted anew
  PRIMARY KEY (gateway_id, span, start)
) WITHOUT ROWID;
CREATE INDEX log_periods_due ON log_periods (span, start) WHERE due;

-- Gateways whose log is full: nothing more is written to it.
CREATE TABLE full_logs (
  gateway_id INTEGER PRIMARY KEY -- gateways.internal_id
);

-- What charts are made of: the rows of an hour or a day, by what they have in common.
CREATE TABLE rollups (
  gateway_id INTEGER NOT NULL,
  span INTEGER NOT NULL,
  start INTEGER NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL, -- empty where none is known
  status_code INTEGER NOT NULL,
  error_code INTEGER NOT NULL, -- 0 where there is none
  cached INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failed INTEGER NOT NULL, -- requests without success
  tokens_in INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL,
  tokens_cached INTEGER NOT NULL,
  cost REAL NOT NULL, -- USD
  unpriced INTEGER NOT NULL, -- attempts whose cost is unknown
  saved REAL NOT NULL, -- USD
  PRIMARY KEY (gateway_id, span, start, provider, model, status_code, error_code, cached)
) WITHOUT ROWID;

-- How long successful attempts took: histograms, a JSON object of milliseconds and attempts.
CREATE TABLE rollup_speeds (
  gateway_id INTEGER NOT NULL,
  span INTEGER NOT NULL,
  start INTEGER NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('total', 'first_byte')),
  counts TEXT NOT NULL,
  PRIMARY KEY (gateway_id, span, start, provider, model, kind)
) WITHOUT ROWID;

-- The most frequent metadata: a JSON array of [key, value, requests].
CREATE TABLE rollup_metadata (
  gateway_id INTEGER NOT NULL,
  span INTEGER NOT NULL,
  start INTEGER NOT NULL,
  counts TEXT NOT NULL,
  PRIMARY KEY (gateway_id, span, start)
) WITHOUT ROWID;

-- The hours of what is there already. An id may be made some time before its attempt begins.
INSERT INTO log_periods (gateway_id, span, start)
SELECT DISTINCT gateway_id, 3600000, (created_at - value) / 3600000 * 3600000
FROM logs CROSS JOIN json_each('[0, 60000]');
