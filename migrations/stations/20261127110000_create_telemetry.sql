-- Samples of charging sessions (power, energy, state of charge): one row of a connector and sample time, by UTC day.
-- Source: interconnect section 8 (newer sample of the same time wins); retention is a setting.
CREATE TABLE telemetry (
    connector_key bigint NOT NULL,
    sampled_at timestamptz NOT NULL,
    -- The session's order number; empty while none is known.
    order_no text COLLATE "C" NOT NULL CHECK (length(order_no) <= 64),
    energy_wh bigint NOT NULL CHECK (energy_wh >= 0),
    power_watts integer NOT NULL CHECK (power_watts >= 0),
    voltage_decivolts integer NOT NULL CHECK (voltage_decivolts >= 0),
    current_deciamperes integer NOT NULL CHECK (current_deciamperes >= 0),
    -- NULL where the vehicle does not say (AC).
    soc_percent smallint CHECK (soc_percent BETWEEN 0 AND 100),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (connector_key, sampled_at)
) PARTITION BY RANGE (sampled_at);

-- One pair of functions for every table that is partitioned by UTC day.
DROP FUNCTION ensure_status_partitions(date, date);
DROP FUNCTION drop_status_partitions(date);

-- Makes one partition for each UTC day of the range that has none; returns how many it made.
CREATE FUNCTION ensure_day_partitions(parent regclass, first_day date, last_day date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    one date;
    part text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(parent::text));
    FOR one IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
        part := parent::text || '_' || to_char(one, 'YYYYMMDD');
        IF to_regclass(part) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING ALL)', part, parent);
            EXECUTE format(
                'ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent,
                part, to_char(one, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(one + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- Drops the partitions of days before the one named; returns how many.
CREATE FUNCTION drop_day_partitions(parent regclass, before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    part text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(parent::text));
    FOR part IN
        SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent = parent AND child.relname < parent::text || '_' || to_char(before, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

ALTER TABLE quality_items DROP CONSTRAINT quality_items_kind_check;
ALTER TABLE quality_items ADD CHECK (kind IN ('status', 'order', 'telemetry'));
