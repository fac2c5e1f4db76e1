-- People who sign in: users of operators (no roles of their own: they follow the operator's state) and officials.
CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    login text NOT NULL CHECK (login ~ '^[0-9A-Za-z_]{4,20}$'),
    display_name text NOT NULL,
    phone text NOT NULL,
    operator_id uuid REFERENCES operators,
    roles text[] NOT NULL,
    scope text[] NOT NULL,
    office text NOT NULL DEFAULT '',
    department text NOT NULL DEFAULT '',
    employer text NOT NULL DEFAULT '',
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    deactivated_at timestamptz,
    deactivated_by text,
    CHECK ((operator_id IS NULL) = (cardinality(roles) > 0)),
    CHECK ((operator_id IS NULL) = (cardinality(scope) > 0)),
    CHECK (roles <@ ARRAY['county', 'city', 'administrator', 'expert', 'province', 'system_administrator',
        'security_administrator', 'audit_administrator']),
    -- The three administrators exclude each other and every business role (reliability section 10).
    CHECK (cardinality(roles) < 2
        OR NOT roles && ARRAY['system_administrator', 'security_administrator', 'audit_administrator']),
    CHECK (active = (deactivated_at IS NULL))
);
-- Upper and lower case count as one.
CREATE UNIQUE INDEX users_login ON users (lower(login));
CREATE INDEX users_operator ON users (operator_id) WHERE operator_id IS NOT NULL;

-- Passwords, as Argon2id PHC strings only.
CREATE TABLE credentials (
    user_id uuid PRIMARY KEY REFERENCES users,
    hash text NOT NULL,
    state text NOT NULL CHECK (state IN ('normal', 'one_time', 'locked')),
    changed_at timestamptz NOT NULL,
    -- One-time passwords only: valid until, and when it bought its ticket (once).
    expires_at timestamptz,
    used_at timestamptz,
    CHECK ((state = 'one_time') = (expires_at IS NOT NULL)),
    CHECK (used_at IS NULL OR state = 'one_time')
);
