-- Who is calling the operator's system now: one process at a time, until leased_until.
ALTER TABLE links
    ADD COLUMN lease_id uuid UNIQUE,
    ADD COLUMN leased_kind text,
    ADD COLUMN leased_at timestamptz,
    ADD COLUMN leased_until timestamptz,
    ADD CONSTRAINT lease_is_whole CHECK (num_nulls(lease_id, leased_kind, leased_at, leased_until) IN (0, 4));

-- What interconnect does for each link, when it is due, and what came of it.
CREATE TABLE link_turns (
    operator_id uuid NOT NULL REFERENCES links,
    kind text NOT NULL CHECK (kind IN ('stations', 'status', 'joint_test')),
    due_at timestamptz NOT NULL,
    -- Starts of the last complete turn and of the last one that asked for everything.
    complete_at timestamptz,
    full_at timestamptz,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    reason text NOT NULL DEFAULT '',
    found text NOT NULL DEFAULT '',
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    taken bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (operator_id, kind)
);
CREATE INDEX link_turns_due ON link_turns (due_at);

INSERT INTO link_turns (operator_id, kind, due_at)
SELECT operator_id, kind, now() FROM links, unnest(ARRAY['stations', 'status']) kind;

-- Joint tests as dated facts.
CREATE TABLE joint_tests (
    test_id uuid PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES links,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    finished_at timestamptz,
    passed boolean,
    steps jsonb,
    CHECK (num_nulls(finished_at, passed, steps) IN (0, 3))
);
CREATE UNIQUE INDEX joint_tests_waiting ON joint_tests (operator_id) WHERE finished_at IS NULL;
CREATE INDEX joint_tests_operator ON joint_tests (operator_id, requested_at DESC);
