-- Invoices and the ledger of their use, in fen. Source: workflow, Materials and invariant 6; reliability section 8.
CREATE TABLE invoices (
    id uuid PRIMARY KEY,
    operator_id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('digital_special', 'digital_general', 'vat_special', 'vat_general')),
    code text NOT NULL,
    number text NOT NULL,
    -- Normalised, the same for the same paper whoever enters it.
    identity text NOT NULL,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    used_fen bigint NOT NULL DEFAULT 0,
    issued_on date NOT NULL,
    seller text NOT NULL,
    buyer_uscc text NOT NULL,
    file_id uuid REFERENCES files,
    -- Number of announced events; what a person saw.
    version bigint NOT NULL CHECK (version > 0),
    entered_at timestamptz NOT NULL,
    entered_by text NOT NULL,
    deleted_at timestamptz,
    changed_at timestamptz NOT NULL,
    CONSTRAINT invoice_not_overdrawn CHECK (0 <= used_fen AND used_fen <= amount_fen),
    CHECK (deleted_at IS NULL OR used_fen = 0)
);
CREATE UNIQUE INDEX invoices_one_identity ON invoices (identity) WHERE deleted_at IS NULL;
CREATE INDEX invoices_by_operator ON invoices (operator_id, id);
CREATE INDEX invoices_by_file ON invoices (file_id) WHERE file_id IS NOT NULL;

CREATE TABLE ledger (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES invoices,
    application_id uuid NOT NULL REFERENCES dossiers,
    -- A use is above 0; a release is below 0 and names the use that it reverses, once.
    amount_fen bigint NOT NULL CHECK (amount_fen <> 0),
    reverses uuid UNIQUE REFERENCES ledger,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    CHECK ((reverses IS NULL) = (amount_fen > 0))
);
CREATE INDEX ledger_by_invoice ON ledger (invoice_id);
CREATE INDEX ledger_by_application ON ledger (application_id);
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The uses that stand: one of an invoice per application, and beside it what is held for the sealed revision that may
-- stand again (T19).
CREATE TABLE allocations (
    invoice_id uuid NOT NULL REFERENCES invoices,
    application_id uuid NOT NULL REFERENCES dossiers,
    ledger_id uuid NOT NULL UNIQUE REFERENCES ledger,
    used_fen bigint NOT NULL CHECK (used_fen > 0),
    made_at timestamptz NOT NULL,
    held boolean NOT NULL,
    PRIMARY KEY (invoice_id, application_id, held)
);
CREATE INDEX allocations_by_application ON allocations (application_id, invoice_id);

-- What a sealed revision says about invoices: a copy that later changes do not touch.
CREATE TABLE sealed_invoices (
    application_id uuid NOT NULL,
    revision integer NOT NULL,
    invoice_id uuid NOT NULL REFERENCES invoices,
    allocation_id uuid NOT NULL REFERENCES ledger,
    code text NOT NULL,
    number text NOT NULL,
    identity text NOT NULL,
    amount_fen bigint NOT NULL,
    used_fen bigint NOT NULL,
    file_id uuid REFERENCES files,
    file_sha256 text,
    PRIMARY KEY (application_id, revision, invoice_id),
    FOREIGN KEY (application_id, revision) REFERENCES revisions
);
CREATE INDEX sealed_invoices_by_file ON sealed_invoices (file_id) WHERE file_id IS NOT NULL;
