-- Files: what people uploaded, and whether it counts. The bytes are in the object store under their hash.
-- Source: reliability section 13.
CREATE TABLE files (
    id uuid PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('material', 'invoice', 'business_licence')),
    -- The operator, or the registration before there is one.
    owner_id uuid NOT NULL,
    application_id uuid,
    slot text NOT NULL DEFAULT '',
    -- For display only.
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    size_bytes bigint NOT NULL CHECK (size_bytes BETWEEN 1 AND 20971520),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    state text NOT NULL CHECK (state IN ('pending', 'clean', 'rejected')),
    reason text,
    media_type text,
    pages integer NOT NULL DEFAULT 0,
    width integer NOT NULL DEFAULT 0,
    height integer NOT NULL DEFAULT 0,
    uploaded_by text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    decided_at timestamptz,
    CHECK ((purpose = 'material') = (application_id IS NOT NULL)),
    CHECK ((state = 'pending') = (decided_at IS NULL)),
    CHECK ((state = 'rejected') = (reason IS NOT NULL)),
    CHECK ((state = 'clean') = (media_type IS NOT NULL))
);
CREATE INDEX files_by_application ON files (application_id, id) WHERE application_id IS NOT NULL;
CREATE INDEX files_by_owner ON files (owner_id, purpose);
CREATE INDEX files_by_content ON files (sha256) WHERE state = 'clean';
CREATE INDEX files_pending ON files (uploaded_at) WHERE state = 'pending';
CREATE INDEX files_unclaimed ON files (uploaded_at) WHERE purpose = 'business_licence';

-- Who opened which file. Source: reliability section 12 (every download is recorded or fails).
CREATE TABLE downloads (
    id uuid PRIMARY KEY,
    file_id uuid NOT NULL REFERENCES files,
    caller text NOT NULL,
    roles text NOT NULL,
    session_id text NOT NULL,
    reason text NOT NULL,
    downloaded_at timestamptz NOT NULL
);
CREATE INDEX downloads_by_file ON downloads (file_id, downloaded_at);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$;
CREATE TRIGGER downloads_append_only BEFORE UPDATE OR DELETE ON downloads
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER downloads_no_truncate BEFORE TRUNCATE ON downloads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
