-- What became of an operator's data, by the day (Asia/Shanghai) on which it came. Counted in the transaction that takes the data.
CREATE TABLE quality_days (
    operator_id uuid NOT NULL,
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('status', 'order', 'telemetry')),
    accepted bigint NOT NULL CHECK (accepted >= 0),
    duplicate bigint NOT NULL CHECK (duplicate >= 0),
    -- Older than what is held.
    late bigint NOT NULL CHECK (late >= 0),
    rejected bigint NOT NULL CHECK (rejected >= 0),
    -- Orders that replaced one with other content.
    corrected bigint NOT NULL CHECK (corrected >= 0),
    -- Of those accepted, how many came within the time that the protocol gives them.
    prompt bigint NOT NULL CHECK (prompt BETWEEN 0 AND accepted),
    PRIMARY KEY (operator_id, day, kind)
) WITH (fillfactor = 70);

-- Every hour one process looks how many connectors are online; the first to write the hour is the one.
CREATE TABLE online_hours (
    hour timestamptz PRIMARY KEY
);

-- Sums of these looks, by day: connectors in force, and those whose latest report was young enough.
CREATE TABLE online_days (
    operator_id uuid NOT NULL,
    day date NOT NULL,
    looks integer NOT NULL CHECK (looks > 0),
    connectors bigint NOT NULL CHECK (connectors > 0),
    online bigint NOT NULL CHECK (online BETWEEN 0 AND connectors),
    PRIMARY KEY (operator_id, day)
) WITH (fillfactor = 70);
