-- What happened and who does what next, for one desk. UNIQUE (event_id, desk): a redelivery cannot double a message.
-- message_id is derived from the two, so a rebuild keeps it and with it what people have read.
CREATE TABLE messages (
    message_id uuid PRIMARY KEY,
    event_id uuid NOT NULL,
    desk text NOT NULL,
    kind text NOT NULL,
    subject_type text NOT NULL CHECK (subject_type IN ('application', 'operator', 'work_order')),
    subject_id uuid NOT NULL,
    text text NOT NULL CHECK (text <> ''),
    at timestamptz NOT NULL CHECK (isfinite(at)),
    UNIQUE (event_id, desk)
);
CREATE INDEX messages_desk_at ON messages (desk, at DESC, message_id DESC);
-- As for worklist: every desk counts as long, so that pages walk the index in order.
ALTER TABLE messages ALTER COLUMN desk SET (n_distinct = 4);

-- No foreign key: a rebuild empties messages and brings the same ones back.
CREATE TABLE message_reads (
    user_id uuid NOT NULL,
    message_id uuid NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, message_id)
);
