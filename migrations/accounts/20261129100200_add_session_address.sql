-- Where a session was opened from: shown to its owner, beside the latest sign-ins.
ALTER TABLE sessions ADD COLUMN address text NOT NULL DEFAULT '';
CREATE INDEX sessions_user ON sessions (user_id, started_at);
ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_check CHECK (end_reason IN ('signed_out', 'timed_out', 'replaced',
    'password_changed', 'deactivated', 'suspended', 'reissued', 'ended_by_administrator', 'ended_by_owner', 'ended_elsewhere'));
