-- The periods of a content go with it when another takes its place. What is there has none, and is not read for it.
ALTER TABLE superseded_orders
    ADD COLUMN details jsonb,
    ADD CONSTRAINT superseded_orders_details_check CHECK (jsonb_typeof(details) = 'array') NOT VALID;
