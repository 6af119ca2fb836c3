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
