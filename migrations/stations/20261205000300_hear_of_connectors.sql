-- When a report came again that says nothing new, by the database's clock and at most once in some minutes: a connector that stays
-- as it is counts as online although its system repeats the time of its last change.
ALTER TABLE connector_state ADD COLUMN heard_at timestamptz;
