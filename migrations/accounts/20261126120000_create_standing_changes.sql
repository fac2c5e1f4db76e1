-- Why an operator was suspended or reinstated. The reason is text of people, so it stands here and not in the audit log,
-- which keeps codes and ids only.
CREATE TABLE standing_changes (
    id uuid PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES operators (operator_id),
    fact text NOT NULL CHECK (fact IN ('suspended', 'reinstated')),
    reason text NOT NULL CHECK (reason <> ''),
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);
CREATE INDEX standing_changes_of_operator ON standing_changes (operator_id, changed_at);
