-- How far the pull of a link's stations has come: a row from its beginning to its end, so that a turn that is interrupted is gone on
-- with. A process of the former release neither reads nor moves it.
CREATE TABLE link_pulls (
    operator_id uuid PRIMARY KEY REFERENCES links,
    -- Start of the turn that began it, and what it asks for: changes after this, NULL: everything.
    began_at timestamptz NOT NULL,
    since timestamptz,
    moved_at timestamptz NOT NULL,
    next_page bigint NOT NULL DEFAULT 1 CHECK (next_page >= 1),
    page_size bigint NOT NULL DEFAULT 0 CHECK (page_size >= 0),
    items bigint NOT NULL DEFAULT 0,
    moving boolean NOT NULL DEFAULT false,
    came bigint NOT NULL DEFAULT 0 CHECK (came >= 0),
    last_codes text[] NOT NULL DEFAULT '{}',
    taken bigint NOT NULL DEFAULT 0 CHECK (taken >= 0),
    rejected bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    found text NOT NULL DEFAULT ''
);
