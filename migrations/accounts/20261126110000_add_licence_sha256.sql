-- What documents said about the licence when it was submitted: SHA-256 of its content. Imported accounts have none.
ALTER TABLE operator_submissions
    ADD COLUMN licence_sha256 text CHECK (licence_sha256 ~ '^[0-9a-f]{64}$'),
    ADD CHECK (licence_sha256 IS NULL OR licence_file_id IS NOT NULL);
