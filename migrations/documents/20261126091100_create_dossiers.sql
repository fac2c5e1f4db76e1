-- Dossiers: one per application, a chain of revisions, each with its placed files. Source: workflow, Materials.
CREATE TABLE dossiers (
    application_id uuid PRIMARY KEY,
    operator_id uuid NOT NULL,
    round_id uuid,
    -- The station's divisions (workflow, invariant 10).
    county text NOT NULL,
    prefecture text NOT NULL,
    state text NOT NULL CHECK (state IN ('closed', 'open', 'sealed', 'released')),
    -- The revision that is open or sealed now; 0 while closed.
    revision integer NOT NULL DEFAULT 0,
    -- What the last event of reviews said: a seal that is released meanwhile must not leave it open under review.
    under_review boolean NOT NULL DEFAULT false,
    -- Goes up with every change of content or state: what a person saw.
    edits bigint NOT NULL DEFAULT 0,
    -- Number of announced events.
    version bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (state NOT IN ('open', 'sealed') OR revision > 0)
);
CREATE INDEX dossiers_by_operator ON dossiers (operator_id, application_id);

CREATE TABLE revisions (
    application_id uuid NOT NULL REFERENCES dossiers,
    revision integer NOT NULL CHECK (revision > 0),
    state text NOT NULL CHECK (state IN ('open', 'sealed', 'discarded')),
    -- Items that may change while it is open; empty means all.
    items text[] NOT NULL,
    -- The sealed revision that the return judged; changes are counted against it.
    base integer,
    opened_at timestamptz NOT NULL,
    sealed_at timestamptz,
    submission_version integer,
    kind text,
    dossier_hash text,
    -- Requests that submit on this seal, and when the last one took hold.
    holders text[] NOT NULL DEFAULT '{}',
    held_at timestamptz,
    -- When reviews announced the submission that carries it.
    confirmed_at timestamptz,
    -- A seal that was released because no such submission stood; it can be taken again if one does after all.
    released_submission integer,
    released_hash text,
    PRIMARY KEY (application_id, revision),
    FOREIGN KEY (application_id, base) REFERENCES revisions,
    CHECK ((state = 'sealed') = (sealed_at IS NOT NULL)),
    CHECK ((state = 'sealed') = (submission_version IS NOT NULL)),
    CHECK ((state = 'sealed') = (dossier_hash IS NOT NULL)),
    CHECK ((state = 'sealed') = (kind IS NOT NULL)),
    CHECK ((state = 'sealed') = (held_at IS NOT NULL)),
    CHECK (confirmed_at IS NULL OR state = 'sealed')
);
CREATE UNIQUE INDEX revisions_one_open ON revisions (application_id) WHERE state = 'open';
-- Sealing is idempotent by (application, submission). Source: architecture, rule 3.
CREATE UNIQUE INDEX revisions_one_seal ON revisions (application_id, submission_version) WHERE state = 'sealed';
CREATE INDEX revisions_unconfirmed ON revisions (held_at) WHERE state = 'sealed' AND confirmed_at IS NULL;

CREATE TABLE placements (
    application_id uuid NOT NULL,
    revision integer NOT NULL,
    slot text NOT NULL CHECK (slot IN ('M1', 'M2', 'M3a', 'M3b', 'M4a', 'M4b', 'M5', 'M6', 'M7', 'M8a', 'M8b')),
    file_id uuid NOT NULL REFERENCES files,
    sha256 text NOT NULL,
    PRIMARY KEY (application_id, revision, file_id),
    FOREIGN KEY (application_id, revision) REFERENCES revisions,
    -- The same content twice in one dossier is a mistake.
    UNIQUE (application_id, revision, sha256)
);
CREATE INDEX placements_by_file ON placements (file_id);

CREATE TABLE explanations (
    application_id uuid NOT NULL,
    revision integer NOT NULL,
    item text NOT NULL,
    text text NOT NULL CHECK (length(text) BETWEEN 1 AND 500),
    PRIMARY KEY (application_id, revision, item),
    FOREIGN KEY (application_id, revision) REFERENCES revisions
);
