-- contract: as of the status history; a sample that comes again is found by both columns, in whatever order they stand.
-- Source: decision record 56.
ALTER TABLE telemetry DROP CONSTRAINT telemetry_pkey, ADD PRIMARY KEY (sampled_at, connector_key);
