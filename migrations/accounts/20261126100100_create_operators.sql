-- An operator: a company. The columns uscc, company_name, registered_division and city are those of the valid profile,
-- or of the latest submission while none is valid yet.
CREATE TABLE operators (
    operator_id uuid PRIMARY KEY,
    uscc text NOT NULL CHECK (uscc ~ '^[0-9A-Z]{18}$'),
    company_name text NOT NULL,
    registered_division text NOT NULL REFERENCES divisions (code),
    city text NOT NULL REFERENCES divisions (code),
    state text NOT NULL CHECK (state IN ('Pending', 'Active', 'Returned', 'Suspended')),
    review_pending boolean NOT NULL,
    -- Events announced so far: the aggregate version.
    version bigint NOT NULL CHECK (version > 0),
    -- Latest submission, and the one whose profile is valid.
    submission_version integer NOT NULL CHECK (submission_version > 0),
    valid_version integer CHECK (valid_version <= submission_version),
    registered_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    CONSTRAINT operators_uscc UNIQUE (uscc),
    CHECK (state <> 'Pending' OR review_pending),
    CHECK (state <> 'Returned' OR NOT review_pending),
    CHECK (state NOT IN ('Active', 'Suspended') OR valid_version IS NOT NULL)
);
CREATE INDEX operators_by_state ON operators (state, registered_at, operator_id);
CREATE INDEX operators_waiting ON operators (registered_at, operator_id) WHERE review_pending;

-- Every version that an operator submitted, with what the administrator said about it.
CREATE TABLE operator_submissions (
    operator_id uuid NOT NULL REFERENCES operators DEFERRABLE INITIALLY DEFERRED,
    version integer NOT NULL CHECK (version > 0),
    entry text NOT NULL CHECK (entry IN ('registration_form', 'workbench', 'company_profile', 'legacy_import')),
    company_name text NOT NULL,
    uscc text NOT NULL CHECK (uscc ~ '^[0-9A-Z]{18}$'),
    operator_type text NOT NULL CHECK (operator_type IN ('private', 'state_owned', 'mixed', 'foreign', 'other')),
    contact_name text NOT NULL,
    contact_phone text NOT NULL,
    contact_email text NOT NULL,
    registered_division text NOT NULL REFERENCES divisions (code),
    city text NOT NULL REFERENCES divisions (code),
    licence_county text NOT NULL,
    -- Full name of the own province of a company from outside.
    home_province text NOT NULL,
    -- A file of the documents service; imported accounts have none until they are first edited.
    licence_file_id uuid,
    -- The declaration as it was ticked, word for word.
    declaration text NOT NULL,
    submitted_at timestamptz NOT NULL,
    submitted_by text NOT NULL,
    -- waiting, approved, returned, superseded (sent again before a decision), unreviewed (nothing in it needs one).
    outcome text NOT NULL CHECK (outcome IN ('waiting', 'approved', 'returned', 'superseded', 'unreviewed')),
    opinion text NOT NULL DEFAULT '',
    decided_at timestamptz,
    decided_by text,
    PRIMARY KEY (operator_id, version),
    CHECK ((outcome IN ('approved', 'returned')) = (decided_at IS NOT NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    CHECK (outcome <> 'returned' OR opinion <> ''),
    CHECK (entry = 'legacy_import' OR (licence_file_id IS NOT NULL AND declaration <> ''))
);
CREATE UNIQUE INDEX operator_submissions_waiting ON operator_submissions (operator_id) WHERE outcome = 'waiting';
CREATE UNIQUE INDEX operator_submissions_waiting_uscc ON operator_submissions (uscc) WHERE outcome = 'waiting';
