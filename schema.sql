-- Gateways: the truth of which the hot path reads a snapshot.
CREATE TABLE gateways (
  internal_id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, so that a new gateway of an old name has no old logs
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  settings TEXT NOT NULL, -- a JSON object, as the management API writes it
  created_at INTEGER NOT NULL, -- milliseconds since the epoch, as all times here
  modified_at INTEGER NOT NULL,
  generations TEXT NOT NULL DEFAULT '{}', -- how often the cache was purged: a JSON object, by provider, '' for all
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
  cost REAL, -- USD; NULL is unknown, which is not 0
  units TEXT, -- a JSON object: characters, audio_seconds, images, searches, audio_in and others
  provider_error TEXT, -- the vendor's own code
  token_id TEXT, -- tokens.id
  key_id TEXT, -- provider_keys.id
  skipped TEXT, -- a JSON array of the steps that were passed over
  close_code INTEGER, -- of a WebSocket
  flags TEXT, -- a JSON array: what the gateway did without, and what it knows of the cost
  saved_tokens_in INTEGER, -- by an answer from the cache
  saved_tokens_out INTEGER,
  saved_cost REAL, -- USD
  custom_cost INTEGER NOT NULL DEFAULT 0, -- whether `cost` is the caller's own
  attempt INTEGER NOT NULL DEFAULT 1, -- counted from 1 in its operation; 0 where no provider was tried
  final INTEGER NOT NULL DEFAULT 1, -- whether the caller got this one: one row of each operation whose answer is logged
  feedback INTEGER, -- -1, 0 or 1, as somebody judged the answer
  score REAL, -- of the answer, as somebody judged it
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

-- The hours and days in which a gateway has rows of the log: what is counted, and what is due.
CREATE TABLE log_periods (
  gateway_id INTEGER NOT NULL, -- gateways.internal_id
  span INTEGER NOT NULL CHECK (span IN (3600000, 86400000)), -- milliseconds
  start INTEGER NOT NULL,
  rows INTEGER NOT NULL DEFAULT 0, -- that the log holds of an hour; 0 for days
  due INTEGER NOT NULL DEFAULT 1, -- 1 where rows have come since it was counted; when that was last tried, where it could not be
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

-- Tokens that callers hold. Only the digest of one is kept.
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE, -- SHA-256, in hexadecimal
  preview TEXT NOT NULL, -- its last four characters
  scopes TEXT NOT NULL, -- a JSON array of 'run', 'read' and 'edit'
  gateways TEXT, -- a JSON array of gateway ids; NULL is all of the account
  expires_at INTEGER, -- NULL is never
  created_at INTEGER NOT NULL
);
CREATE INDEX tokens_account ON tokens (account_id);

-- Keys of providers, encrypted.
CREATE TABLE provider_keys (
  id TEXT PRIMARY KEY,
  gateway_id INTEGER NOT NULL, -- gateways.internal_id
  provider TEXT NOT NULL, -- a slug
  alias TEXT NOT NULL, -- several keys of one alias are used in turn
  is_default INTEGER NOT NULL, -- used where a request names no alias, as those of the alias 'default' are
  sealed TEXT NOT NULL,
  preview TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
);
CREATE INDEX provider_keys_gateway ON provider_keys (gateway_id);

-- Providers that an operator adds, for all gateways of an account.
CREATE TABLE custom_providers (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  base_url TEXT NOT NULL,
  headers TEXT, -- a JSON object, encrypted
  enable INTEGER NOT NULL,
  details TEXT NOT NULL, -- a JSON object: what is shown to people, and nothing more
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (account_id, slug)
);

-- Filters that select rows of a gateway's log.
CREATE TABLE datasets (
  gateway_id INTEGER NOT NULL, -- gateways.internal_id
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  enable INTEGER NOT NULL,
  filters TEXT NOT NULL, -- a JSON array
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  PRIMARY KEY (gateway_id, id)
) WITHOUT ROWID;

-- What was found of the rows that datasets selected, once.
CREATE TABLE evaluations (
  gateway_id INTEGER NOT NULL, -- gateways.internal_id
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  datasets TEXT NOT NULL, -- a JSON array: the datasets as they were then
  results TEXT NOT NULL, -- a JSON array: one for each type
  total_logs INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (gateway_id, id)
) WITHOUT ROWID;

-- Every change through the management API. The ids are UUIDv7: the key is the order of time.
CREATE TABLE audit_logs (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  actor TEXT NOT NULL, -- 'admin', or tokens.id
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  resource_id TEXT,
  gateway TEXT, -- gateways.id, of what belongs to one
  query TEXT, -- of the request
  before TEXT, -- JSON, without secrets
  after TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('begun', 'done')), -- 'begun' stays where nobody knows how it ended
  request_id TEXT NOT NULL,
  PRIMARY KEY (account_id, id)
) WITHOUT ROWID;

-- Gateways whose new rows somebody watches. Whoever writes rows to the log looks here.
CREATE TABLE tails (
  gateway_id INTEGER PRIMARY KEY, -- gateways.internal_id
  until INTEGER NOT NULL -- renewed while somebody listens
);
