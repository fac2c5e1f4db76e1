-- What the orders of an operator's day cost to find among 10 million, and what the index for it costs the ingest, without an index, with
-- two kinds of BRIN and with a B-tree: psql -f services/stations/tests/ends.sql of an empty, migrated database. 5 minutes, 4 GB.
-- Sixty days of 200 operators in the order of their arrival, twenty orders of a transaction (what the ingest is measured by: 8,000);
-- one order in a hundred up to 5 days late, one in 500 up to 30. The WAL is that of the whole server.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset tuples_only on
SET synchronous_commit = off;
SET max_parallel_workers_per_gather = 0;
DROP INDEX charge_orders_end_at;
CREATE FUNCTION arrive(first bigint, last bigint, since timestamptz, every interval, flush bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen,
        total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex((random() * random() * 200)::integer % 200), 12, '0'))::uuid,
        lpad(number::text, 24, '0'), number % 500000, at - late - interval '1 hour', at - late, 60000, 4700, 100, 4800, 0, at,
        '\x00000000000000000000000000000000', at, 410105, 410100
    FROM generate_series(first, last) AS number,
        LATERAL (SELECT since + (number - first) * every AS at, CASE WHEN number % 500 = 0 THEN random() * interval '30 days'
            WHEN number % 100 = 1 THEN random() * interval '5 days' ELSE random() * interval '10 minutes' END AS late) AS moment
    ORDER BY number / flush, 1, 2
$$;
CREATE PROCEDURE measure(kind text) LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz;
    wal pg_lsn;
    line text;
    first bigint := (SELECT coalesce(max(order_no)::bigint, 0) + 1 FROM charge_orders);
BEGIN
    ANALYZE charge_orders;
    FOR days IN 1..30 BY 29 LOOP
        FOR line IN EXECUTE format('EXPLAIN (ANALYZE, BUFFERS) SELECT order_no, end_at, energy_wh, total_fen FROM charge_orders
            WHERE operator_id = ''01900000-0000-7000-8000-000000000011'' AND end_at >= now() - %s * interval ''1 day''
              AND end_at < now() - %s * interval ''1 day'' ORDER BY end_at, order_no LIMIT 5001', days + 1, days)
        LOOP
            IF line ~ 'Limit|Heap Blocks|Removed|Execution' OR line ~ '^  Buffers' THEN RAISE NOTICE '%, % days ago: %', kind, days, line; END IF;
        END LOOP;
    END LOOP;
    CHECKPOINT;
    FOR turn IN 1..3 LOOP
        begun := clock_timestamp();
        wal := pg_current_wal_insert_lsn();
        PERFORM arrive(first, first + 159999, now(), interval '1 ms', 8000);
        first := first + 160000;
        RAISE NOTICE '%: 160000 orders in %, % B of WAL each', kind, clock_timestamp() - begun,
            round(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), wal) / 160000);
    END LOOP;
END $$;
SELECT arrive(1, 10000000, now() - interval '60 days', interval '60 days' / 10000000, 20);
VACUUM charge_orders;
CALL measure('none');
CREATE INDEX ends ON charge_orders USING brin (end_at) WITH (pages_per_range = 32, autosummarize = on);
CALL measure('BRIN');
DROP INDEX ends;
CREATE INDEX ends ON charge_orders USING brin (end_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CALL measure('BRIN of several ranges');
DROP INDEX ends;
CREATE INDEX ends ON charge_orders (operator_id, end_at);
CALL measure('B-tree');
