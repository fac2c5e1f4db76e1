-- Sessions: only the SHA-256 of the 256-bit token is kept.
CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    official boolean NOT NULL,
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    authentication text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN ('signed_out', 'timed_out', 'replaced', 'password_changed', 'deactivated', 'suspended',
        'reissued', 'ended_by_administrator')),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_live ON sessions (user_id) WHERE ended_at IS NULL;
-- One live session per official (reliability section 11).
CREATE UNIQUE INDEX sessions_one_per_official ON sessions (user_id) WHERE official AND ended_at IS NULL;

-- What a one-time (or expired) password buys: ten minutes to choose a new one.
CREATE TABLE activation_tickets (
    ticket_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    reason text NOT NULL CHECK (reason IN ('one_time_password', 'password_expired')),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX activation_tickets_live ON activation_tickets (user_id) WHERE ended_at IS NULL;

-- Codes sent to the registered phone; the latest of a ticket counts.
CREATE TABLE one_time_codes (
    code_id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES activation_tickets,
    code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    used_at timestamptz
);
CREATE INDEX one_time_codes_ticket ON one_time_codes (ticket_id, sent_at);

-- Every attempt to sign in, written before the password is looked at, so that parallel guesses are counted too.
-- The login is kept as SHA-256 of its folded form: people type passwords into the wrong field.
CREATE TABLE sign_in_attempts (
    attempt_id uuid PRIMARY KEY,
    login_hash bytea NOT NULL CHECK (length(login_hash) = 32),
    address text NOT NULL,
    attempted_at timestamptz NOT NULL,
    -- failed until shown otherwise; cleared by an administrator's unlock.
    outcome text NOT NULL CHECK (outcome IN ('failed', 'succeeded', 'cleared'))
);
CREATE INDEX sign_in_attempts_login ON sign_in_attempts (login_hash, attempted_at);
CREATE INDEX sign_in_attempts_at ON sign_in_attempts (attempted_at);
