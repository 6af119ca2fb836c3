-- The number that makes what was kept unreadable, for a gateway and for each provider of it.
ALTER TABLE gateways ADD COLUMN generations TEXT NOT NULL DEFAULT '{}';

-- What an answer from the cache saved.
ALTER TABLE logs ADD COLUMN saved_tokens_in INTEGER;
ALTER TABLE logs ADD COLUMN saved_tokens_out INTEGER;
ALTER TABLE logs ADD COLUMN saved_cost REAL;
