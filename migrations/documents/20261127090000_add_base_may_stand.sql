-- Whether the sealed revision that an open one is based on may stand again (T19): only while a supplement is worked on.
-- Only then is held what the open revision gives back. Rows from before hold as they did. Source: workflow, Materials.
ALTER TABLE revisions ADD COLUMN base_may_stand boolean NOT NULL DEFAULT true;
