-- Rounds (批次) and their policies. A policy is never changed: a round gets a new version, applications stay pinned.

CREATE TABLE rounds (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL
);

CREATE TABLE round_policies (
    round_id uuid NOT NULL REFERENCES rounds,
    version integer NOT NULL CHECK (version > 0),
    opens_on date NOT NULL CHECK (isfinite(opens_on)),
    closes_on date CHECK (isfinite(closes_on) AND closes_on >= opens_on),
    required_slots text[] NOT NULL,
    gate_a text NOT NULL CHECK (gate_a IN ('off', 'warn', 'block')),
    gate_b text NOT NULL CHECK (gate_b IN ('off', 'warn', 'block')),
    expert_rule text NOT NULL CHECK (expert_rule IN ('lead', 'n_of_m', 'all')),
    experts_needed integer NOT NULL CHECK (experts_needed >= 0 AND (expert_rule <> 'n_of_m' OR experts_needed > 0)),
    departments text[] NOT NULL CHECK (cardinality(departments) > 0),
    sample_permille integer NOT NULL CHECK (sample_permille BETWEEN 1 AND 1000),
    finding_threshold integer NOT NULL CHECK (finding_threshold >= 0),
    freeze_after_days integer NOT NULL CHECK (freeze_after_days BETWEEN 0 AND 3650),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (round_id, version)
);

-- Shared by every table that only grows.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER round_policies_append_only BEFORE UPDATE OR DELETE ON round_policies
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER round_policies_never_emptied BEFORE TRUNCATE ON round_policies
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
