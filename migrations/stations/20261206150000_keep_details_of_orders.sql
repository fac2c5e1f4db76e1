-- What an order says of its periods: prices by time of use, energy, money; as said, NULL where nothing was. It stands with the
-- content that says it. A process of the former release writes none, and leaves those of a content that it corrects.
-- What is there has none, and is not read for it.
ALTER TABLE charge_orders
    ADD COLUMN details jsonb,
    ADD CONSTRAINT charge_orders_details_check CHECK (jsonb_typeof(details) = 'array') NOT VALID;
