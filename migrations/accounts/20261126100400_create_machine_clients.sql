-- Outside systems. A secret is 256 random bits, so its SHA-256 is enough; it is shown once.
CREATE TABLE machine_clients (
    client_id text PRIMARY KEY,
    name text NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    roles text[] NOT NULL CHECK (cardinality(roles) > 0 AND roles <@ ARRAY['ingest']),
    operator_id uuid NOT NULL REFERENCES operators,
    -- The request that issued it: a repeated request issues nothing.
    request_id uuid NOT NULL UNIQUE,
    issued_at timestamptz NOT NULL,
    issued_by text NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX machine_clients_operator ON machine_clients (operator_id);
