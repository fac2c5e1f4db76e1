-- Where an order counts: county and prefecture of its station when it came. A station that moves later takes no past along. NULL
-- only where a process of the former release wrote the order; such orders count nowhere until they are corrected.
ALTER TABLE charge_orders
    ADD COLUMN county integer CHECK (county BETWEEN 100000 AND 999999),
    ADD COLUMN prefecture integer CHECK (prefecture BETWEEN 100000 AND 999999);
UPDATE charge_orders SET county = stations.county::integer, prefecture = stations.prefecture::integer
FROM connectors JOIN stations USING (station_id) WHERE connectors.connector_key = charge_orders.connector_key;

-- Sums of charge orders by the day of their end (Asia/Shanghai), operator and place, kept in the transaction that takes the orders.
-- The number of the writing connection spreads what is written at the same time over several rows: a correction may make the sums
-- of one of them negative, never those of all.
CREATE TABLE charge_days (
    day date NOT NULL,
    operator_id uuid NOT NULL,
    county integer NOT NULL,
    prefecture integer NOT NULL,
    shard smallint NOT NULL,
    orders bigint NOT NULL,
    energy_wh bigint NOT NULL,
    electricity_fen bigint NOT NULL,
    service_fen bigint NOT NULL,
    total_fen bigint NOT NULL,
    charged_secs bigint NOT NULL,
    PRIMARY KEY (day, operator_id, county, prefecture, shard)
) WITH (fillfactor = 70);
CREATE INDEX charge_days_operator ON charge_days (operator_id, day);
CREATE INDEX charge_days_county ON charge_days (county, day);
CREATE INDEX charge_days_prefecture ON charge_days (prefecture, day);

INSERT INTO charge_days
SELECT (end_at AT TIME ZONE 'Asia/Shanghai')::date, operator_id, county, prefecture, 0, count(*), sum(energy_wh),
       sum(electricity_fen), sum(service_fen), sum(total_fen), sum(extract(epoch FROM date_trunc('second', end_at - start_at))::bigint)
FROM charge_orders WHERE county IS NOT NULL GROUP BY 1, 2, 3, 4;

-- Looks at connectors online are kept by place too; former ones stay without.
ALTER TABLE online_days
    ADD COLUMN county integer NOT NULL DEFAULT 0,
    ADD COLUMN prefecture integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT online_days_pkey,
    ADD PRIMARY KEY (operator_id, day, county, prefecture);
CREATE INDEX online_days_day ON online_days (day);
