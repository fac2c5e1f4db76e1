-- Applications, their submissions, and what the county found on paper. Source: workflow, Nodes and Transitions.

CREATE SEQUENCE application_numbers;
CREATE SEQUENCE receipt_numbers;

CREATE TABLE applications (
    id uuid PRIMARY KEY,
    application_no text NOT NULL UNIQUE,
    receipt_no text UNIQUE,
    round_id uuid NOT NULL,
    policy_version integer NOT NULL,
    operator_id uuid NOT NULL,
    operator_name text NOT NULL,
    station_id uuid NOT NULL,
    station_code text NOT NULL,
    station_name text NOT NULL,
    -- The station's divisions route the review (invariant 10).
    county text NOT NULL CHECK (county ~ '^[0-9]{6}$'),
    prefecture text NOT NULL CHECK (prefecture ~ '^[0-9]{6}$'),
    stage text NOT NULL CHECK (stage IN ('Draft', 'CountyReview', 'CountyReturned', 'PaperCheck', 'MaterialsDue',
        'CityReview', 'CityReturned', 'AwaitingJointReview', 'ExpertReview', 'SupplementDue', 'AwaitingProvince',
        'ProvincialReview', 'Approved', 'Deleted', 'Terminated')),
    version bigint NOT NULL CHECK (version > 0),
    -- The version with which it came to its node.
    stage_version bigint NOT NULL CHECK (stage_version BETWEEN 1 AND version),
    entered_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    submission_version integer NOT NULL DEFAULT 0 CHECK (submission_version >= 0),
    submission_kind text NOT NULL DEFAULT '' CHECK (submission_kind IN ('', 'acceptance', 'materials', 'supplement')),
    submission_hash text NOT NULL DEFAULT '',
    dossier_hash text NOT NULL DEFAULT '',
    return_items text[] NOT NULL DEFAULT '{}',
    return_open_all boolean NOT NULL DEFAULT false,
    -- The submission that was returned: an answer differs from this one.
    return_submission integer NOT NULL DEFAULT 0,
    work_order_id uuid,
    in_sample boolean NOT NULL DEFAULT false,
    forced_sample boolean NOT NULL DEFAULT false,
    last_transition text NOT NULL,
    last_actor_id uuid NOT NULL,
    last_role text NOT NULL,
    last_office text NOT NULL,
    last_at timestamptz NOT NULL,
    head_hash bytea NOT NULL CHECK (length(head_hash) = 32),
    FOREIGN KEY (round_id, policy_version) REFERENCES round_policies (round_id, version),
    CHECK ((submission_version = 0) = (submission_hash = '') AND (submission_version = 0) = (submission_kind = '')),
    CHECK (submission_version > 0 OR stage IN ('Draft', 'Deleted', 'Terminated')),
    CHECK ((submission_kind IN ('materials', 'supplement')) = (dossier_hash <> '')),
    -- A member of an order stands where only members stand.
    CHECK ((stage IN ('ExpertReview', 'SupplementDue', 'AwaitingProvince', 'ProvincialReview', 'Approved')) <= (work_order_id IS NOT NULL)),
    CHECK (work_order_id IS NULL OR stage IN ('ExpertReview', 'SupplementDue', 'AwaitingProvince', 'ProvincialReview', 'Approved', 'Terminated')),
    CHECK (NOT in_sample OR stage IN ('ProvincialReview', 'Approved'))
);
-- Invariant 7: one live application per station per round.
CREATE UNIQUE INDEX applications_one_live ON applications (round_id, station_id) WHERE stage NOT IN ('Deleted', 'Terminated');
-- Keyset lists: by scope, newest first.
CREATE INDEX applications_of_operator ON applications (operator_id, id);
CREATE INDEX applications_of_county ON applications (county, id) WHERE submission_version > 0;
CREATE INDEX applications_of_prefecture ON applications (prefecture, id) WHERE submission_version > 0;
CREATE INDEX applications_of_order ON applications (work_order_id, id) WHERE work_order_id IS NOT NULL;
-- Worklists: what waits, by node.
CREATE INDEX applications_at_county ON applications (county, stage, id) WHERE stage IN ('CountyReview', 'PaperCheck');
CREATE INDEX applications_at_city ON applications (prefecture, stage, id) WHERE stage = 'CityReview';
CREATE INDEX applications_to_launch ON applications (round_id, prefecture, id) WHERE stage = 'AwaitingJointReview';
CREATE INDEX applications_by_stage ON applications (stage, id);

-- What the operator is filling in, and the registry record that it was prefilled from. Apart from the application, so
-- that a decision does not rewrite it.
CREATE TABLE forms (
    application_id uuid PRIMARY KEY REFERENCES applications,
    edit_version bigint NOT NULL CHECK (edit_version > 0),
    form jsonb NOT NULL,
    station jsonb NOT NULL,
    edited_at timestamptz NOT NULL
);

-- What was handed in, word for word; a decision names version and hash (invariant 3).
CREATE TABLE submissions (
    application_id uuid NOT NULL REFERENCES applications,
    version integer NOT NULL CHECK (version > 0),
    kind text NOT NULL CHECK (kind IN ('acceptance', 'materials', 'supplement')),
    content bytea NOT NULL,
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    form jsonb NOT NULL,
    dossier_revision integer,
    dossier_hash text NOT NULL DEFAULT '',
    gate_evidence bytea,
    gate_hash text NOT NULL DEFAULT '',
    -- The return that it answers; stands again where the submission is withdrawn (T03, T10).
    return_items text[] NOT NULL DEFAULT '{}',
    return_open_all boolean NOT NULL DEFAULT false,
    return_submission integer NOT NULL DEFAULT 0,
    answers jsonb NOT NULL DEFAULT '{}',
    submitted_at timestamptz NOT NULL,
    submitted_by uuid NOT NULL,
    PRIMARY KEY (application_id, version),
    CHECK ((kind = 'acceptance') = (dossier_hash = ''))
);
CREATE TRIGGER submissions_append_only BEFORE UPDATE OR DELETE ON submissions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER submissions_never_emptied BEFORE TRUNCATE ON submissions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
