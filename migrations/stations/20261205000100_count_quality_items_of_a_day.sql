-- How many items of a reason an operator has got today: they are kept up to a bound. Where millions of items are held it is made by
-- hand before (deploy/upgrade.md).
CREATE INDEX IF NOT EXISTS quality_items_reason ON quality_items (operator_id, reason, first_at);
