-- The dated facts of interconnection, append-only; the row of the highest version is the standing one.
CREATE TABLE station_connections (
    station_id uuid NOT NULL REFERENCES stations,
    event_version bigint NOT NULL,
    connection text NOT NULL CHECK (connection IN ('not_connected', 'connected', 'offline')),
    connected_since date,
    -- Asia/Shanghai.
    day date NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (station_id, event_version),
    CHECK ((connection = 'not_connected') = (connected_since IS NULL))
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON station_connections
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
