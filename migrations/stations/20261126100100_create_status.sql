-- What connectors report. connector_state exists for every registered connector, so that a row can be locked before
-- its first report; its status is NULL until then.
CREATE TABLE connector_state (
    connector_key bigint PRIMARY KEY REFERENCES connectors,
    status smallint CHECK (status IN (0, 1, 2, 3, 4, 255)),
    changed_at timestamptz,
    seen_at timestamptz,
    CHECK (num_nulls(status, changed_at, seen_at) IN (0, 3)),
    CHECK (changed_at <= seen_at)
) WITH (fillfactor = 70);

-- One row per connector and day (Asia/Shanghai) with a report; kept for good, evidence of gate B.
CREATE TABLE connector_days (
    connector_key bigint NOT NULL,
    day date NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    reports bigint NOT NULL CHECK (reports > 0),
    PRIMARY KEY (connector_key, day),
    CHECK (first_seen_at <= last_seen_at)
) WITH (fillfactor = 70);

-- Changes of status, and reports that came late; unchanged reports only move connector_state.seen_at.
CREATE TABLE status_history (
    connector_key bigint NOT NULL,
    source_time timestamptz NOT NULL,
    status smallint NOT NULL CHECK (status IN (0, 1, 2, 3, 4, 255)),
    -- Older than the latest report when it came.
    late boolean NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (connector_key, source_time)
) PARTITION BY RANGE (source_time);

-- Makes one partition for each UTC day of the range that has none; returns how many it made.
CREATE FUNCTION ensure_status_partitions(first_day date, last_day date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    one date;
    part text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('status_history'));
    FOR one IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
        part := 'status_history_' || to_char(one, 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE status_history INCLUDING ALL)', part);
            EXECUTE format(
                'ALTER TABLE status_history ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                part, to_char(one, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(one + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- Drops the partitions of days before the one named; returns how many.
CREATE FUNCTION drop_status_partitions(before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    part text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('status_history'));
    FOR part IN
        SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = 'status_history'::regclass
          AND child.relname < 'status_history_' || to_char(before, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
