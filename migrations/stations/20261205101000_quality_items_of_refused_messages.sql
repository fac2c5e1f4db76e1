-- A message that was refused before its data was looked at is told to its operator; one that is about no kind of data (a token, a
-- method that is not served) is of the link. What is there keeps to the narrower rule of before.
ALTER TABLE quality_items
    DROP CONSTRAINT quality_items_kind_check,
    ADD CONSTRAINT quality_items_kind_check
        CHECK (kind IN ('station', 'status', 'order', 'telemetry', 'statistics', 'order_check', 'link')) NOT VALID;
