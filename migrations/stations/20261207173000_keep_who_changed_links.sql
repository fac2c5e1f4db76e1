-- What was done to a link last, and by whom, for whoever comes later with an older page; empty: before this was kept. When: updated_at.
ALTER TABLE links
    ADD COLUMN changed_how text NOT NULL DEFAULT '',
    ADD COLUMN changed_by_operator boolean NOT NULL DEFAULT false,
    ADD COLUMN changed_by_office text NOT NULL DEFAULT '';
