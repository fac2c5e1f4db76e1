-- Signed decisions about whole work orders: T14, T20, T24, and the conclusion (T22). Source: reliability I5.
CREATE TABLE order_decisions (
    work_order_id uuid NOT NULL REFERENCES work_orders,
    -- Of the order, after the step.
    version bigint NOT NULL CHECK (version > 0),
    transition text NOT NULL CHECK (transition IN ('T14', 'T20', 'T22', 'T24')),
    command text NOT NULL,
    membership_hash text NOT NULL,
    members bigint NOT NULL CHECK (members >= 0),
    -- Over id, version and history head of each member that took the step.
    members_hash text NOT NULL,
    population_hash text NOT NULL,
    seed text NOT NULL,
    actor_id uuid NOT NULL,
    actor_role text NOT NULL,
    scope text[] NOT NULL,
    office text NOT NULL,
    department text NOT NULL,
    authentication text NOT NULL,
    session_id text NOT NULL,
    decided_at timestamptz NOT NULL,
    record bytea NOT NULL,
    record_hash bytea NOT NULL CHECK (length(record_hash) = 32),
    algorithm text NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (work_order_id, version, transition),
    CHECK ((population_hash = '') = (seed = ''))
);
CREATE TRIGGER order_decisions_append_only BEFORE UPDATE OR DELETE ON order_decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER order_decisions_never_emptied BEFORE TRUNCATE ON order_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
