-- What was opened: the file itself, or the picture made from it to be looked at.
ALTER TABLE downloads ADD COLUMN form text NOT NULL DEFAULT 'original' CHECK (form IN ('original', 'page', 'thumbnail'));
