-- Charge orders. The natural key is (operator, order number); numbers rise in time per operator.
CREATE TABLE charge_orders (
    operator_id uuid NOT NULL,
    order_no text COLLATE "C" NOT NULL CHECK (length(order_no) BETWEEN 1 AND 64),
    connector_key bigint NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL CHECK (start_at < end_at),
    energy_wh bigint NOT NULL CHECK (energy_wh >= 0),
    electricity_fen bigint NOT NULL CHECK (electricity_fen >= 0),
    service_fen bigint NOT NULL CHECK (service_fen >= 0),
    total_fen bigint NOT NULL CHECK (total_fen >= 0),
    stop_reason smallint NOT NULL,
    source_time timestamptz NOT NULL,
    -- The first 16 bytes of the SHA-256 of the content, without the source time.
    content_hash bytea NOT NULL CHECK (length(content_hash) = 16),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (operator_id, order_no)
) PARTITION BY HASH (operator_id);
CREATE TABLE charge_orders_0 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE charge_orders_1 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE charge_orders_2 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE charge_orders_3 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE charge_orders_4 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE charge_orders_5 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE charge_orders_6 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE charge_orders_7 PARTITION OF charge_orders FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- Versions that a later source time has replaced.
CREATE TABLE superseded_orders (
    operator_id uuid NOT NULL,
    order_no text COLLATE "C" NOT NULL,
    source_time timestamptz NOT NULL,
    connector_key bigint NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    energy_wh bigint NOT NULL,
    electricity_fen bigint NOT NULL,
    service_fen bigint NOT NULL,
    total_fen bigint NOT NULL,
    stop_reason smallint NOT NULL,
    content_hash bytea NOT NULL,
    received_at timestamptz NOT NULL,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (operator_id, order_no, source_time)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON superseded_orders
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
