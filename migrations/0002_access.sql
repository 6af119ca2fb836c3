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

ALTER TABLE logs ADD COLUMN cost REAL; -- USD, as the vendor says
ALTER TABLE logs ADD COLUMN units TEXT; -- a JSON object: characters, audio_seconds, images, compute_seconds, searches
ALTER TABLE logs ADD COLUMN provider_error TEXT; -- the vendor's own code
ALTER TABLE logs ADD COLUMN token_id TEXT; -- tokens.id
ALTER TABLE logs ADD COLUMN key_id TEXT; -- provider_keys.id
ALTER TABLE logs ADD COLUMN skipped TEXT; -- a JSON array of the steps that were passed over
ALTER TABLE logs ADD COLUMN close_code INTEGER; -- of a WebSocket
ALTER TABLE logs ADD COLUMN flags TEXT; -- a JSON array: what the gateway did without
