-- The registry: station → equipment → connector. Each code is claimed by one operator while it is in force.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TABLE stations (
    station_id uuid PRIMARY KEY,
    operator_id uuid NOT NULL,
    code text COLLATE "C" NOT NULL CHECK (length(code) BETWEEN 1 AND 20),
    name text NOT NULL CHECK (name <> ''),
    address text NOT NULL,
    county text NOT NULL CHECK (county ~ '^[0-9]{6}$'),
    prefecture text NOT NULL CHECK (prefecture ~ '^[0-9]{6}$'),
    longitude_e6 bigint NOT NULL CHECK (longitude_e6 BETWEEN 73000000 AND 136000000),
    latitude_e6 bigint NOT NULL CHECK (latitude_e6 BETWEEN 3000000 AND 54000000),
    total_power_watts bigint NOT NULL CHECK (total_power_watts > 0),
    connector_count integer NOT NULL CHECK (connector_count > 0),
    station_type integer NOT NULL,
    station_status integer NOT NULL,
    construction integer NOT NULL,
    park_nums integer NOT NULL CHECK (park_nums >= 0),
    start_date date CHECK (isfinite(start_date)),
    finish_date date CHECK (isfinite(finish_date)),
    open_date date CHECK (isfinite(open_date)),
    manager text NOT NULL,
    manager_phone text NOT NULL,
    service_phone text NOT NULL,
    active boolean NOT NULL,
    -- Rises with each change of the record.
    version bigint NOT NULL CHECK (version > 0),
    -- Rises with each event of this station: the aggregate version.
    event_version bigint NOT NULL CHECK (event_version >= version),
    -- The standing fact; station_connections holds all of them.
    connection text NOT NULL CHECK (connection IN ('not_connected', 'connected', 'offline')),
    connected_since date,
    source_time timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (operator_id, code),
    CHECK (finish_date >= start_date),
    CHECK ((connection = 'not_connected') = (connected_since IS NULL))
);
CREATE UNIQUE INDEX stations_code ON stations (code) WHERE active;
CREATE INDEX stations_operator ON stations (operator_id, station_id);
CREATE INDEX stations_county ON stations (county, station_id);
CREATE INDEX stations_prefecture ON stations (prefecture, station_id);

CREATE TABLE equipment (
    station_id uuid NOT NULL REFERENCES stations,
    code text COLLATE "C" NOT NULL CHECK (length(code) BETWEEN 1 AND 23),
    position integer NOT NULL,
    equipment_type integer NOT NULL,
    power_watts bigint NOT NULL CHECK (power_watts BETWEEN 1 AND 2000000),
    name text NOT NULL,
    model text NOT NULL,
    manufacturer text NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (station_id, code)
);
CREATE UNIQUE INDEX equipment_code ON equipment (code) WHERE removed_at IS NULL;

CREATE TABLE connectors (
    -- Short and rising: the key of everything that is measured.
    connector_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    equipment_code text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL CHECK (length(code) BETWEEN 1 AND 26),
    position integer NOT NULL,
    connector_type integer NOT NULL CHECK (connector_type BETWEEN 1 AND 6),
    power_watts bigint NOT NULL CHECK (power_watts BETWEEN 1 AND 2000000),
    name text NOT NULL,
    voltage_upper integer NOT NULL,
    voltage_lower integer NOT NULL CHECK (voltage_lower <= voltage_upper),
    current integer NOT NULL,
    national_standard integer NOT NULL,
    park_no text NOT NULL,
    removed_at timestamptz,
    UNIQUE (station_id, code),
    FOREIGN KEY (station_id, equipment_code) REFERENCES equipment (station_id, code)
);
CREATE UNIQUE INDEX connectors_code ON connectors (code) WHERE removed_at IS NULL;

-- Every version of a record as it was sent: the encoded message yuchong.stations.v1.StationRecord.
CREATE TABLE station_revisions (
    station_id uuid NOT NULL REFERENCES stations,
    version bigint NOT NULL,
    active boolean NOT NULL,
    content bytea NOT NULL,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (station_id, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON station_revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
