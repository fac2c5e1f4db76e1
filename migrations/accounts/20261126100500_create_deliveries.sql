-- What leaves for people (one-time passwords, codes): the intent, written with the change; a worker performs it.
-- The text is forgotten as soon as it has left.
CREATE TABLE deliveries (
    delivery_id uuid PRIMARY KEY,
    recipient text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('one_time_password', 'one_time_code')),
    text text,
    created_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    -- A worker holds the row until then.
    claimed_until timestamptz,
    performed_at timestamptz,
    last_error text,
    CHECK ((text IS NULL) = (performed_at IS NOT NULL))
);
CREATE INDEX deliveries_open ON deliveries (created_at) WHERE performed_at IS NULL;
