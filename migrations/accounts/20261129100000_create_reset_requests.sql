-- 忘记密码: whoever asks gets a ticket. Where login and phone do not fit, it is nobody's, and nobody knows its code.
ALTER TABLE activation_tickets ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE activation_tickets DROP CONSTRAINT activation_tickets_reason_check;
ALTER TABLE activation_tickets ADD CONSTRAINT activation_tickets_reason_check
    CHECK (reason IN ('one_time_password', 'password_expired', 'reset'));
ALTER TABLE activation_tickets ADD CONSTRAINT activation_tickets_owned CHECK (user_id IS NOT NULL OR reason = 'reset');

-- Each code asked for so, as it was typed: hashes only, forgotten after a day. They limit what may be asked.
CREATE TABLE reset_requests (
    request_id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES activation_tickets,
    login_hash bytea NOT NULL CHECK (length(login_hash) = 32),
    phone_hash bytea NOT NULL CHECK (length(phone_hash) = 32),
    masked_phone text NOT NULL,
    address text NOT NULL,
    requested_at timestamptz NOT NULL
);
CREATE INDEX reset_requests_ticket ON reset_requests (ticket_id);
CREATE INDEX reset_requests_login ON reset_requests (login_hash, requested_at);
CREATE INDEX reset_requests_phone ON reset_requests (phone_hash, requested_at);
CREATE INDEX reset_requests_address ON reset_requests (address, requested_at);
