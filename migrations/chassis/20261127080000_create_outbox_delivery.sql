-- What the relay changes stands apart from what it sends: an event's row is written once, and marking it published
-- rewrites a row of some sixty bytes instead of the whole event with its payload.
CREATE TABLE outbox_delivery (
    event_id uuid PRIMARY KEY,
    -- The event's own `seq`: the order of publishing.
    seq bigint NOT NULL,
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 15),
    published_at timestamptz,
    stream_seq bigint,
    attempts integer NOT NULL DEFAULT 0
);
INSERT INTO outbox_delivery (event_id, seq, bucket, published_at, stream_seq, attempts)
SELECT event_id, seq, bucket, published_at, stream_seq, attempts FROM outbox;
CREATE INDEX outbox_delivery_unpublished ON outbox_delivery (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_delivery_published ON outbox_delivery (published_at) WHERE published_at IS NOT NULL;

-- No release has run without this table, so nothing has to write the old columns any more.
ALTER TABLE outbox DROP COLUMN bucket, DROP COLUMN published_at, DROP COLUMN stream_seq, DROP COLUMN attempts,
    DROP COLUMN last_error;
