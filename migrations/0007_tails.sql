-- Gateways whose new rows somebody watches. Whoever writes rows to the log looks here.
CREATE TABLE tails (
  gateway_id INTEGER PRIMARY KEY, -- gateways.internal_id
  until INTEGER NOT NULL -- renewed while somebody listens
);
