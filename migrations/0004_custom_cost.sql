ALTER TABLE logs ADD COLUMN custom_cost INTEGER NOT NULL DEFAULT 0; -- whether `cost` is the caller's own
ALTER TABLE logs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1; -- counted from 1 in its operation; 0 where no provider was tried
ALTER TABLE logs ADD COLUMN final INTEGER NOT NULL DEFAULT 1; -- whether the caller got this one: one row of each operation
