-- Who did what: append only, each row carrying the hash of its shard's row before it (reliability section 12).
CREATE TABLE audit_heads (
    shard smallint PRIMARY KEY CHECK (shard BETWEEN 0 AND 63),
    position bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(hash) = 32)
);
INSERT INTO audit_heads (shard) SELECT generate_series(0, 63);

CREATE TABLE audit_log (
    shard smallint NOT NULL REFERENCES audit_heads,
    position bigint NOT NULL CHECK (position > 0),
    happened_at timestamptz NOT NULL,
    actor text NOT NULL,
    actor_roles text[] NOT NULL,
    session_id text NOT NULL,
    authentication text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    -- Stable reason id of a refusal; empty where the act was done.
    refusal text NOT NULL,
    -- Codes and ids only: no names, numbers or texts of people.
    detail text NOT NULL,
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (shard, position)
);
CREATE INDEX audit_log_subject ON audit_log (subject, happened_at);
CREATE INDEX audit_log_at ON audit_log (happened_at);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append only';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
