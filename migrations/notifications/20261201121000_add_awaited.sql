-- Voices at the desk that can still do something (experts by user id, departments by code); NULL: everybody at it. It is part
-- of the indexes, so that counts go on reading an index alone.
ALTER TABLE worklist ADD COLUMN awaited text[];
CREATE INDEX worklist_desk_since_awaited ON worklist (desk, since, subject_id) INCLUDE (awaited) WHERE open;
CREATE INDEX worklist_desk_stage_since_awaited ON worklist (desk, stage, since, subject_id) INCLUDE (awaited) WHERE open;
CREATE INDEX worklist_desk_light_awaited ON worklist (desk, stage, light, deadline_at, subject_id) INCLUDE (awaited)
    WHERE open AND light <> '';
DROP INDEX worklist_desk_since;
DROP INDEX worklist_desk_stage_since;
DROP INDEX worklist_desk_light;
