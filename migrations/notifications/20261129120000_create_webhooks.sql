-- Webhooks: who wants which events where, and what became of each. Source: decision record 20.
CREATE TABLE webhook_subscriptions (
    subscription_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    url text NOT NULL CHECK (url ~ '^https?://'),
    event_types text[] NOT NULL CHECK (cardinality(event_types) > 0),
    -- Empty: every prefecture.
    prefecture text NOT NULL CHECK (prefecture IN ('') OR prefecture ~ '^[0-9]{6}$'),
    -- '' while it is active.
    disabled_reason text NOT NULL DEFAULT '' CHECK (disabled_reason IN ('', 'person', 'failing', 'gone')),
    disabled_at timestamptz,
    -- Since when no attempt has succeeded.
    failing_since timestamptz,
    -- The receiver asked for a pause until then.
    held_until timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT webhook_subscriptions_disabled CHECK ((disabled_reason = '') = (disabled_at IS NULL))
);
CREATE INDEX webhook_subscriptions_created ON webhook_subscriptions (created_at DESC, subscription_id DESC);

-- Sealed: nonce and AES-256-GCM over the 32 bytes, bound to secret_id and subscription_id.
CREATE TABLE webhook_secrets (
    secret_id uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES webhook_subscriptions (subscription_id),
    sealed bytea NOT NULL,
    request_id uuid NOT NULL UNIQUE,
    issued_at timestamptz NOT NULL,
    issued_by text NOT NULL,
    -- Signs until then; NULL: the present one.
    until timestamptz
);
CREATE UNIQUE INDEX webhook_secrets_present ON webhook_secrets (subscription_id) WHERE until IS NULL;
CREATE INDEX webhook_secrets_subscription ON webhook_secrets (subscription_id, until);

-- UNIQUE (subscription_id, event_id): a redelivery from the broker makes no second one.
CREATE TABLE webhook_deliveries (
    delivery_id uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES webhook_subscriptions (subscription_id),
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    occurred_at timestamptz NOT NULL CHECK (isfinite(occurred_at)),
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    -- Since it was made or resent: the place in the schedule.
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- Over all resends.
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- While it waits: when it is tried next. While it is leased: when the lease ends.
    due_at timestamptz NOT NULL,
    -- Whose attempt is under way; a settled or outlived lease writes nothing.
    lease_id uuid,
    last_status integer NOT NULL DEFAULT 0,
    last_error text NOT NULL DEFAULT '',
    settled_at timestamptz,
    created_at timestamptz NOT NULL,
    UNIQUE (subscription_id, event_id),
    CONSTRAINT webhook_deliveries_settled CHECK ((state = 'waiting') = (settled_at IS NULL)),
    CONSTRAINT webhook_deliveries_leased CHECK (lease_id IS NULL OR state = 'waiting')
);
-- What is due of one endpoint; the queue of one never stands before that of another.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (subscription_id, due_at) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_log ON webhook_deliveries (subscription_id, occurred_at DESC, delivery_id DESC);
CREATE INDEX webhook_deliveries_log_state ON webhook_deliveries (subscription_id, state, occurred_at DESC, delivery_id DESC);
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (settled_at) WHERE state <> 'waiting';

CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL REFERENCES webhook_deliveries (delivery_id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    at timestamptz NOT NULL,
    -- 0: no answer came.
    status integer NOT NULL,
    latency_millis integer NOT NULL CHECK (latency_millis >= 0),
    answer text NOT NULL,
    error text NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

-- Who did what to a subscription; append only, in the transaction of what it records.
CREATE TABLE webhook_acts (
    act_id uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES webhook_subscriptions (subscription_id),
    act text NOT NULL,
    detail text NOT NULL DEFAULT '',
    actor text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX webhook_acts_subscription ON webhook_acts (subscription_id, at);
