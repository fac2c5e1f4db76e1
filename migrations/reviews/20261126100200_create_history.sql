-- The chained history, the signed decisions, and who has decided where. Source: invariants 3, 5, 8; reliability I3, I5, I10.

CREATE TABLE history (
    application_id uuid NOT NULL REFERENCES applications,
    version bigint NOT NULL CHECK (version > 0),
    transition text NOT NULL,
    command text NOT NULL,
    from_stage text NOT NULL,
    to_stage text NOT NULL,
    actor_id uuid NOT NULL,
    actor_role text NOT NULL,
    office text NOT NULL,
    department text NOT NULL,
    opinion text NOT NULL,
    items text[] NOT NULL,
    submission_version integer NOT NULL,
    submission_hash text NOT NULL,
    occurred_at timestamptz NOT NULL,
    prev_hash bytea NOT NULL CHECK (length(prev_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (application_id, version),
    CHECK ((from_stage = '') = (version = 1))
);
CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE ON history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history_never_emptied BEFORE TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Invariant 5: a person stands here once per application, so that a second tier cannot be written.
CREATE TABLE deciders (
    application_id uuid NOT NULL,
    person_id uuid NOT NULL,
    tier text NOT NULL CHECK (tier IN ('county', 'city', 'experts', 'departments')),
    PRIMARY KEY (application_id, person_id),
    UNIQUE (application_id, person_id, tier)
);
CREATE TRIGGER deciders_append_only BEFORE UPDATE OR DELETE ON deciders
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER deciders_never_emptied BEFORE TRUNCATE ON deciders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE decisions (
    application_id uuid NOT NULL,
    version bigint NOT NULL,
    tier text NOT NULL,
    transition text NOT NULL,
    actor_id uuid NOT NULL,
    actor_role text NOT NULL,
    scope text[] NOT NULL CHECK (cardinality(scope) > 0),
    authentication text NOT NULL CHECK (authentication <> ''),
    session_id text NOT NULL CHECK (session_id <> ''),
    judged_version integer NOT NULL CHECK (judged_version > 0),
    judged_hash text NOT NULL CHECK (judged_hash <> ''),
    dossier_hash text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('', 'pass', 'return')),
    target text NOT NULL CHECK (target IN ('', 'operator', 'experts', 'city')),
    open_all boolean NOT NULL,
    decided_at timestamptz NOT NULL,
    -- The canonical encoding, its SHA-256, and the signature over that hash.
    record bytea NOT NULL,
    record_hash bytea NOT NULL CHECK (length(record_hash) = 32),
    algorithm text NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (application_id, version),
    FOREIGN KEY (application_id, version) REFERENCES history,
    FOREIGN KEY (application_id, actor_id, tier) REFERENCES deciders (application_id, person_id, tier),
    FOREIGN KEY (application_id, judged_version) REFERENCES submissions (application_id, version)
);
CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decisions_never_emptied BEFORE TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the county found when the papers were handed in (T06, T07).
CREATE TABLE paper_checks (
    application_id uuid NOT NULL,
    version bigint NOT NULL,
    complete boolean NOT NULL,
    ticked text[] NOT NULL,
    missing text[] NOT NULL,
    checked_on date NOT NULL CHECK (isfinite(checked_on)),
    checker text NOT NULL CHECK (checker <> ''),
    PRIMARY KEY (application_id, version),
    FOREIGN KEY (application_id, version) REFERENCES history,
    CHECK (complete OR cardinality(missing) > 0)
);
CREATE TRIGGER paper_checks_append_only BEFORE UPDATE OR DELETE ON paper_checks
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER paper_checks_never_emptied BEFORE TRUNCATE ON paper_checks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
