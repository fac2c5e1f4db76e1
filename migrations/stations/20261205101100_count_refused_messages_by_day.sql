-- Refused messages are counted by day as what is reported is: also those about stations, and those of the link itself.
-- What is there keeps to the narrower rule of before.
ALTER TABLE quality_days
    DROP CONSTRAINT quality_days_kind_check,
    ADD CONSTRAINT quality_days_kind_check
        CHECK (kind IN ('station', 'status', 'order', 'telemetry', 'statistics', 'order_check', 'link')) NOT VALID;
