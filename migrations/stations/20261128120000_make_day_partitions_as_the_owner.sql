-- Partitions by day are made and dropped by the service, whose role owns no table in production (deploy/postgres/roles.sql): both
-- functions run as their owner, on the tables that are partitioned by day and no others.
ALTER FUNCTION ensure_day_partitions(regclass, date, date) RENAME TO ensure_day_partitions_of;
ALTER FUNCTION drop_day_partitions(regclass, date) RENAME TO drop_day_partitions_of;
REVOKE EXECUTE ON FUNCTION ensure_day_partitions_of(regclass, date, date), drop_day_partitions_of(regclass, date) FROM PUBLIC;

CREATE FUNCTION is_partitioned_by_day(parent regclass) RETURNS boolean LANGUAGE sql STABLE
RETURN parent IN ('status_history'::regclass, 'telemetry'::regclass);

CREATE FUNCTION ensure_day_partitions(parent regclass, first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT is_partitioned_by_day(parent) THEN RAISE 'table % is not partitioned by day', parent; END IF;
    RETURN ensure_day_partitions_of(parent, first_day, last_day);
END $$;

CREATE FUNCTION drop_day_partitions(parent regclass, before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT is_partitioned_by_day(parent) THEN RAISE 'table % is not partitioned by day', parent; END IF;
    RETURN drop_day_partitions_of(parent, before);
END $$;
