-- Exports that were begun: in which session, of what. The reference that the session had then (its SHA-256) goes on getting tokens
-- for this export alone, also when the session has another one by now. Forgotten after a day. Decision 43.
CREATE TABLE exports (
    export_id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions,
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    list text NOT NULL,
    filter text NOT NULL,
    begun_at timestamptz NOT NULL,
    recorded_at timestamptz CHECK (recorded_at >= begun_at)
);
CREATE INDEX exports_begun ON exports (begun_at);
