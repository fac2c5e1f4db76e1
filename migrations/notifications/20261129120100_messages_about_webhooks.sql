-- A subscription that was disabled by itself is told to the administrators. Such a message follows from no event: a rebuild
-- leaves it where it is.
ALTER TABLE messages
    DROP CONSTRAINT messages_subject_type_check,
    ADD CONSTRAINT messages_subject_type_check CHECK (subject_type IN ('application', 'operator', 'work_order', 'webhook'));
