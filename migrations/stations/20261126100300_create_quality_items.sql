-- What was rejected, contradicts or corrects. The same item again only counts.
CREATE TABLE quality_items (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('status', 'order')),
    connector_code text NOT NULL,
    order_no text NOT NULL,
    reason text NOT NULL,
    field text NOT NULL,
    content jsonb NOT NULL,
    batch_id text NOT NULL,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 16),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    times bigint NOT NULL CHECK (times > 0),
    UNIQUE (operator_id, fingerprint)
);
CREATE INDEX quality_items_operator ON quality_items (operator_id, id);
CREATE INDEX quality_items_last_at ON quality_items (last_at);
