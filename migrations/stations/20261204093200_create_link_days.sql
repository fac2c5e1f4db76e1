-- The days that a link's statistics and order checks are owed for, and what came of each.
CREATE TABLE link_days (
    operator_id uuid NOT NULL REFERENCES links,
    kind text NOT NULL CHECK (kind IN ('statistics', 'order_check')),
    -- Asia/Shanghai.
    day date NOT NULL,
    -- When it had been compared to its end.
    compared_at timestamptz,
    -- When it was too old to be asked for; the operator has a quality item of it.
    given_up_at timestamptz,
    -- Turns that ended at it, and why the last of them did.
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    reason text NOT NULL DEFAULT '',
    found text NOT NULL DEFAULT '',
    PRIMARY KEY (operator_id, kind, day),
    CHECK (num_nulls(compared_at, given_up_at) >= 1)
);
CREATE INDEX link_days_owed ON link_days (operator_id, kind) WHERE compared_at IS NULL AND given_up_at IS NULL;
