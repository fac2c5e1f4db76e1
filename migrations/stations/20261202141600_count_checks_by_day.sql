-- Comparisons are counted by day as what is reported is.
ALTER TABLE quality_days
    DROP CONSTRAINT quality_days_kind_check,
    ADD CONSTRAINT quality_days_kind_check
        CHECK (kind IN ('status', 'order', 'telemetry', 'statistics', 'order_check'));
