-- In which life of its producer's database a place was reached (decision record 26); null in rows of before this column.
ALTER TABLE consumer_versions ADD COLUMN lineage_id uuid;
