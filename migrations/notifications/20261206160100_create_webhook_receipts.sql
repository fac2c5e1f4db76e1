-- What receivers of webhooks say became of an event. Append only, and kept beyond the delivery: it is for proof. Source: decision
-- record 48.
CREATE TABLE webhook_receipts (
    subscription_id uuid NOT NULL REFERENCES webhook_subscriptions (subscription_id),
    event_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z0-9_]{1,40}$'),
    -- By the receiver's clock; of a kind the latest one is live.
    at timestamptz NOT NULL CHECK (isfinite(at)),
    event_type text NOT NULL,
    status text NOT NULL CHECK (status IN ('delivered', 'failed', 'unknown')),
    code text NOT NULL CHECK (char_length(code) <= 64),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (subscription_id, event_id, kind, at)
);
CREATE FUNCTION refuse_receipt_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a receipt is not changed';
END
$$;
CREATE TRIGGER webhook_receipts_append_only BEFORE UPDATE OR DELETE ON webhook_receipts FOR EACH ROW EXECUTE FUNCTION refuse_receipt_change();
CREATE TRIGGER webhook_receipts_never_emptied BEFORE TRUNCATE ON webhook_receipts FOR EACH STATEMENT EXECUTE FUNCTION refuse_receipt_change();
