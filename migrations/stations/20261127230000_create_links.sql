-- Links to operators' systems by T/CEC 102, one for each operator.
CREATE TABLE links (
    operator_id uuid PRIMARY KEY,
    -- OperatorID on the wire: positions 9 to 17 of the unified social credit code.
    organisation_code text COLLATE "C" NOT NULL UNIQUE CHECK (length(organisation_code) = 9),
    state text NOT NULL CHECK (state IN ('active', 'revoked')),
    -- The access switch.
    open boolean NOT NULL,
    window_secs integer NOT NULL CHECK (window_secs BETWEEN 1 AND 86400),
    hosted text[] NOT NULL,
    base_url text NOT NULL,
    protocol_version text NOT NULL,
    paths jsonb NOT NULL,
    spellings jsonb NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Sets of secrets. sealed: nonce and AES-256-GCM of the four texts under the installation's key; bound to this row.
CREATE TABLE link_secrets (
    secret_id uuid PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES links,
    direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    -- A request that issued secrets cannot be repeated: they are shown once.
    request_id uuid NOT NULL UNIQUE,
    sealed bytea NOT NULL CHECK (length(sealed) > 28),
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    retires_at timestamptz
);
CREATE UNIQUE INDEX link_secrets_current ON link_secrets (operator_id, direction) WHERE retires_at IS NULL;
CREATE INDEX link_secrets_operator ON link_secrets (operator_id);
