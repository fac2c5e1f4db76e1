-- The tables of services/chassis; they stand in every service's database, and only the chassis touches them.

-- Source: reliability section 3. `seq` is drawn under the aggregate's lock, so within an aggregate it rises with the version.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid PRIMARY KEY,
    aggregate_type text NOT NULL,
    aggregate_id uuid NOT NULL,
    aggregate_version bigint NOT NULL CHECK (aggregate_version > 0),
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 15),
    subject text NOT NULL,
    kind text NOT NULL,
    schema_version integer NOT NULL,
    payload bytea NOT NULL,
    actor text NOT NULL,
    causation text NOT NULL,
    round_id uuid,
    policy_version integer NOT NULL DEFAULT 0,
    trace text NOT NULL DEFAULT '',
    occurred_at timestamptz NOT NULL,
    published_at timestamptz,
    stream_seq bigint,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    UNIQUE (aggregate_type, aggregate_id, aggregate_version)
);
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- A relay holds a bucket by a lease; the epoch is checked again when rows are marked.
CREATE TABLE outbox_lease (
    bucket smallint PRIMARY KEY CHECK (bucket BETWEEN 0 AND 15),
    holder uuid,
    epoch bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL DEFAULT '1970-01-01Z'
);
INSERT INTO outbox_lease (bucket) SELECT generate_series(0, 15);

-- What the broker is known to have kept, to notice when it lost something (reliability 3.7).
CREATE TABLE outbox_stream (
    stream text PRIMARY KEY,
    created_at text NOT NULL,
    highest_seq bigint NOT NULL
);

-- Changes after a restore from backup; part of every envelope.
CREATE TABLE lineage (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    lineage_id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO lineage DEFAULT VALUES;

-- Idempotency of requests (reliability section 6). Written in the transaction of the effect; kept 7 days.
CREATE TABLE requests (
    principal text NOT NULL,
    method text NOT NULL,
    request_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    -- Hash of the roles and scope that the first request had: a stored answer is given to nobody who has lost them.
    authority bytea NOT NULL,
    response bytea NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (principal, method, request_id)
);
CREATE INDEX requests_made_at ON requests (made_at);

-- Every refusal is on record; no personal data, no text that a caller sent.
CREATE TABLE refusals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    refused_at timestamptz NOT NULL DEFAULT now(),
    principal text NOT NULL,
    method text NOT NULL,
    reason text NOT NULL,
    field text NOT NULL,
    request_id uuid
);

-- Consumers (reliability section 5).
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    aggregate_id uuid NOT NULL,
    aggregate_version bigint NOT NULL,
    applied_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_applied_at ON inbox (applied_at);
CREATE TABLE consumer_versions (
    consumer text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id uuid NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (consumer, aggregate_type, aggregate_id)
);
CREATE TABLE delivery_attempts (
    consumer text NOT NULL,
    event_id text NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    stream text NOT NULL,
    stream_seq bigint NOT NULL,
    subject text NOT NULL,
    event_id text NOT NULL,
    aggregate_type text NOT NULL DEFAULT '',
    aggregate_id uuid,
    aggregate_version bigint,
    reason text NOT NULL,
    error text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    died_at timestamptz NOT NULL,
    settled_at timestamptz,
    settled_by text,
    settlement text,
    UNIQUE (consumer, event_id)
);
CREATE INDEX dead_letters_open ON dead_letters (consumer, aggregate_type, aggregate_id) WHERE settled_at IS NULL;
