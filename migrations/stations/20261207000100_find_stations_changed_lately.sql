-- Stations whose record has changed within the last minutes: each process asks every few seconds, to forget what it remembers of their
-- connectors. Source: decision record 50.
CREATE INDEX IF NOT EXISTS stations_updated_at ON stations (updated_at);
