-- What was done to a link last, and by whom, for whoever comes later with an older page; empty: before this was kept. When: updated_at.
-- changed_version: of which version it tells; a process of the release before raises version alone.
ALTER TABLE links
    ADD COLUMN changed_how text NOT NULL DEFAULT '',
    ADD COLUMN changed_by_operator boolean NOT NULL DEFAULT false,
    ADD COLUMN changed_by_office text NOT NULL DEFAULT '',
    ADD COLUMN changed_version bigint NOT NULL DEFAULT 0;
