-- Gateways: the truth of which the hot path reads a snapshot.
CREATE TABLE gateways (
  internal_id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, so that a new gateway of an old name has no old logs
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  settings TEXT NOT NULL, -- a JSON object, as the management API writes it
  created_at INTEGER NOT NULL, -- milliseconds since the epoch, as all times here
  modified_at INTEGER NOT NULL,
  UNIQUE (account_id, id)
);

-- One row for each attempt at a provider, and for each request that was refused.
-- The ids are UUIDv7: the key is the order of time, and a row costs one row written.
CREATE TABLE logs (
  gateway_id INTEGER NOT NULL, -- gateways.internal_id
  id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  duration INTEGER NOT NULL, -- milliseconds to the end of the answer
  latency INTEGER, -- milliseconds to its first byte
  provider TEXT NOT NULL,
  model TEXT,
  model_type TEXT,
  path TEXT NOT NULL,
  request_type TEXT NOT NULL,
  request_content_type TEXT,
  response_content_type TEXT,
  status_code INTEGER NOT NULL,
  success INTEGER NOT NULL,
  error_code INTEGER, -- of the gateway's own errors
  cached INTEGER NOT NULL,
  step INTEGER NOT NULL,
  tokens_in INTEGER, -- NULL is unknown, which is not 0
  tokens_out INTEGER,
  tokens_cached INTEGER,
  tokens_cache_write INTEGER,
  tokens_reasoning INTEGER,
  metadata TEXT, -- a JSON object
  request_size INTEGER, -- bytes
  response_size INTEGER,
  user_agent TEXT,
  authentication INTEGER NOT NULL,
  colo TEXT,
  region TEXT,
  PRIMARY KEY (gateway_id, id)
) WITHOUT ROWID;

-- The bodies that go with a row, in parts, so that reading rows never reads them.
CREATE TABLE payloads (
  gateway_id INTEGER NOT NULL,
  log_id TEXT NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('request', 'response')),
  part INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (gateway_id, log_id, side, part)
) WITHOUT ROWID;
