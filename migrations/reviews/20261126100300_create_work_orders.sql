-- Joint review: work orders, members, panels, declarations, opinions, samples. Source: T14–T24.

CREATE TABLE work_orders (
    id uuid PRIMARY KEY,
    round_id uuid NOT NULL,
    policy_version integer NOT NULL,
    batch integer NOT NULL CHECK (batch > 0),
    prefecture text NOT NULL CHECK (prefecture ~ '^[0-9]{6}$'),
    version bigint NOT NULL CHECK (version > 0),
    membership_hash text NOT NULL,
    launched_at timestamptz NOT NULL,
    launched_by uuid NOT NULL,
    freeze_due_at timestamptz NOT NULL,
    frozen_at timestamptz,
    concluded_at timestamptz,
    -- Provincial returns since the last draw (T24).
    findings integer NOT NULL DEFAULT 0 CHECK (findings >= 0),
    FOREIGN KEY (round_id, policy_version) REFERENCES round_policies (round_id, version),
    -- Invariant 7: one work order per city per launch; there are no void orders, so the rule needs no exception.
    UNIQUE (round_id, batch, prefecture),
    CHECK (concluded_at IS NULL OR frozen_at IS NOT NULL)
);
CREATE INDEX work_orders_of_prefecture ON work_orders (prefecture, id);

ALTER TABLE applications ADD FOREIGN KEY (work_order_id) REFERENCES work_orders;

CREATE TABLE work_order_members (
    work_order_id uuid NOT NULL REFERENCES work_orders,
    application_id uuid NOT NULL REFERENCES applications,
    -- The submission that stood at the launch: part of the membership hash.
    submission_hash text NOT NULL,
    joined_at timestamptz NOT NULL,
    left_at timestamptz,
    -- T19 or T23.
    left_by text CHECK (left_by IN ('T19', 'T23')),
    PRIMARY KEY (work_order_id, application_id),
    CHECK ((left_at IS NULL) = (left_by IS NULL))
);
-- Reliability I4: an application is in one order at most.
CREATE UNIQUE INDEX work_order_members_one_live ON work_order_members (application_id) WHERE left_at IS NULL;

CREATE TABLE panel (
    work_order_id uuid NOT NULL REFERENCES work_orders,
    expert_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    lead boolean NOT NULL,
    name text NOT NULL,
    employer text NOT NULL,
    PRIMARY KEY (work_order_id, expert_id),
    UNIQUE (work_order_id, position)
);
CREATE UNIQUE INDEX panel_one_lead ON panel (work_order_id) WHERE lead;
CREATE INDEX panel_of_expert ON panel (expert_id, work_order_id);

-- Only grows: the newest version holds, those before stay readable.
CREATE TABLE declarations (
    work_order_id uuid NOT NULL,
    expert_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    -- A conflict with every member; else only with those listed.
    conflicted boolean NOT NULL,
    conflicts uuid[] NOT NULL,
    statement text NOT NULL,
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (work_order_id, expert_id, version),
    FOREIGN KEY (work_order_id, expert_id) REFERENCES panel
);
CREATE TRIGGER declarations_append_only BEFORE UPDATE OR DELETE ON declarations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER declarations_never_emptied BEFORE TRUNCATE ON declarations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One voice each: an expert, or a department; a visit is the version with which the member came to its node.
CREATE TABLE opinions (
    application_id uuid NOT NULL REFERENCES applications,
    visit bigint NOT NULL,
    voice text NOT NULL,
    work_order_id uuid NOT NULL REFERENCES work_orders,
    person_id uuid NOT NULL,
    department text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('pass', 'return')),
    -- The signature of a department: a Pass or a Return, not a mere opinion.
    signed boolean NOT NULL,
    opinion text NOT NULL,
    version bigint NOT NULL,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, visit, voice)
);

-- A draw that anyone can repeat: seed and population are kept with every rank.
CREATE TABLE samples (
    work_order_id uuid NOT NULL REFERENCES work_orders,
    number integer NOT NULL CHECK (number > 0),
    order_version bigint NOT NULL,
    seed bytea NOT NULL CHECK (length(seed) = 32),
    population_hash bytea NOT NULL CHECK (length(population_hash) = 32),
    permille integer NOT NULL,
    size integer NOT NULL,
    drawn_at timestamptz NOT NULL,
    drawn_by uuid NOT NULL,
    PRIMARY KEY (work_order_id, number)
);
CREATE TABLE sample_members (
    work_order_id uuid NOT NULL,
    number integer NOT NULL,
    place integer NOT NULL,
    application_id uuid NOT NULL REFERENCES applications,
    submission_hash text NOT NULL,
    rank bytea NOT NULL CHECK (length(rank) = 32),
    forced boolean NOT NULL,
    chosen boolean NOT NULL,
    PRIMARY KEY (work_order_id, number, place),
    UNIQUE (work_order_id, number, application_id),
    FOREIGN KEY (work_order_id, number) REFERENCES samples,
    CHECK (chosen OR NOT forced)
);
CREATE TRIGGER samples_append_only BEFORE UPDATE OR DELETE ON samples
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sample_members_append_only BEFORE UPDATE OR DELETE ON sample_members
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER samples_never_emptied BEFORE TRUNCATE ON samples
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sample_members_never_emptied BEFORE TRUNCATE ON sample_members
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
