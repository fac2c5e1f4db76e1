-- Wrong codes since the last right one, from wherever they come, and until when none is judged.
ALTER TABLE second_factors
    ADD COLUMN failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    ADD COLUMN locked_until timestamptz;
