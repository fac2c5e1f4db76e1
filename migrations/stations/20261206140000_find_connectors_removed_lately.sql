-- Connectors that were taken out of force within the last minutes: each process asks every few seconds, to forget what it remembers
-- of them. Source: decision record 46.
CREATE INDEX connectors_removed_at ON connectors (removed_at) WHERE removed_at IS NOT NULL;
