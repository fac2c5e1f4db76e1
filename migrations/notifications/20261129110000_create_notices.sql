-- 通知公告: one row per revision. What was published stays as it was published; a correction is a further revision.
CREATE TABLE notices (
    revision_id uuid PRIMARY KEY,
    notice_id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    version bigint NOT NULL CHECK (version > 0),
    state text NOT NULL CHECK (state IN ('Draft', 'Published', 'Replaced', 'Withdrawn')),
    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 60),
    body text NOT NULL CHECK (char_length(body) BETWEEN 1 AND 10000),
    audiences text[] NOT NULL CHECK (cardinality(audiences) > 0
        AND audiences <@ ARRAY['public', 'operators', 'authorities', 'panels']),
    pinned_until date CHECK (isfinite(pinned_until)),
    changed_at timestamptz NOT NULL CHECK (isfinite(changed_at)),
    published_at timestamptz CHECK (isfinite(published_at)),
    -- Of whoever changed it last; of a published one: who publishes it.
    office text NOT NULL,
    UNIQUE (notice_id, revision),
    CHECK ((state = 'Draft') = (published_at IS NULL))
);
CREATE UNIQUE INDEX notices_one_draft ON notices (notice_id) WHERE state = 'Draft';
CREATE UNIQUE INDEX notices_one_published ON notices (notice_id) WHERE state = 'Published';
CREATE INDEX notices_state ON notices (state, revision_id DESC);
CREATE INDEX notices_published ON notices (published_at DESC, revision_id DESC) WHERE state = 'Published';

-- Who did what, when: one row per version.
CREATE TABLE notice_acts (
    revision_id uuid NOT NULL REFERENCES notices,
    version bigint NOT NULL CHECK (version > 0),
    act text NOT NULL CHECK (act IN ('drafted', 'changed', 'published', 'replaced', 'withdrawn')),
    at timestamptz NOT NULL CHECK (isfinite(at)),
    by_user_id uuid NOT NULL,
    office text NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) <= 500),
    PRIMARY KEY (revision_id, version),
    CHECK ((act = 'withdrawn') = (reason <> ''))
);

CREATE FUNCTION refuse_notice_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was published or recorded of a notice is not changed';
END
$$;
CREATE TRIGGER notices_kept BEFORE DELETE ON notices FOR EACH ROW EXECUTE FUNCTION refuse_notice_change();
CREATE TRIGGER notices_never_emptied BEFORE TRUNCATE ON notices FOR EACH STATEMENT EXECUTE FUNCTION refuse_notice_change();
CREATE TRIGGER notices_published_text BEFORE UPDATE ON notices FOR EACH ROW
    WHEN (OLD.state <> 'Draft' AND (OLD.notice_id, OLD.revision, OLD.title, OLD.body, OLD.audiences, OLD.pinned_until, OLD.published_at)
        IS DISTINCT FROM (NEW.notice_id, NEW.revision, NEW.title, NEW.body, NEW.audiences, NEW.pinned_until, NEW.published_at))
    EXECUTE FUNCTION refuse_notice_change();
CREATE TRIGGER notice_acts_append_only BEFORE UPDATE OR DELETE ON notice_acts FOR EACH ROW EXECUTE FUNCTION refuse_notice_change();
CREATE TRIGGER notice_acts_never_emptied BEFORE TRUNCATE ON notice_acts FOR EACH STATEMENT EXECUTE FUNCTION refuse_notice_change();
