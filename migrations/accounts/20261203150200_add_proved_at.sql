-- When the second factor was last shown in a session; decisions, exports and role changes ask for one that is fresh.
ALTER TABLE sessions
    ADD COLUMN proved_at timestamptz,
    DROP CONSTRAINT sessions_end_reason_check,
    ADD CONSTRAINT sessions_end_reason_check
        CHECK (end_reason IN ('signed_out', 'timed_out', 'replaced', 'password_changed', 'deactivated', 'suspended', 'reissued',
            'ended_by_administrator', 'ended_by_owner', 'ended_elsewhere', 'second_factor_removed'));
