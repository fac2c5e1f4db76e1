-- What a right password buys where a second factor is asked for: five minutes to show it, or ten to enrol one.
ALTER TABLE activation_tickets
    DROP CONSTRAINT activation_tickets_reason_check,
    ADD CONSTRAINT activation_tickets_reason_check
        CHECK (reason IN ('one_time_password', 'password_expired', 'reset', 'second_factor', 'enrolment'));
