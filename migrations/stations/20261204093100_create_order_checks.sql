-- What came of the last check of the orders of a window, so that one that is reported again takes its place in the counts of the day.
CREATE TABLE order_checks (
    operator_id uuid NOT NULL,
    -- Whose list it was.
    listed_by text NOT NULL CHECK (listed_by IN ('operator', 'platform')),
    -- The window, its end excluded.
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL CHECK (end_at > start_at),
    check_no text NOT NULL,
    -- The day of quality_days (Asia/Shanghai).
    counted_on date NOT NULL,
    agreeing bigint NOT NULL CHECK (agreeing >= 0),
    disagreeing bigint NOT NULL CHECK (disagreeing >= 0),
    PRIMARY KEY (operator_id, listed_by, start_at)
);
