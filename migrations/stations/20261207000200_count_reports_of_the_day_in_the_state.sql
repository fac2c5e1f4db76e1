-- Reports of the day of the latest one are counted beside it, so that a report writes one row less; what the state counts of a day goes
-- to connector_days when a later day begins. NULL until a process of this release has written the state: one of the release before
-- counts every report in connector_days, and both counts are added. Source: decision record 50.
ALTER TABLE connector_state
    ADD COLUMN day date,
    ADD COLUMN day_first_at timestamptz,
    ADD COLUMN day_last_at timestamptz,
    ADD COLUMN day_reports bigint,
    ADD CONSTRAINT connector_state_day_check CHECK (num_nulls(day, day_first_at, day_last_at, day_reports) IN (0, 4)) NOT VALID;

-- Reports by connector and day (Asia/Shanghai), wherever they are counted; a day may have two rows.
CREATE VIEW connector_reports AS
    SELECT connector_key, day, first_seen_at, last_seen_at, reports FROM connector_days
    UNION ALL
    SELECT connector_key, day, day_first_at, day_last_at, day_reports FROM connector_state WHERE day IS NOT NULL;
