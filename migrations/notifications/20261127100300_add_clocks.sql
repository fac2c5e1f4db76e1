-- Deadlines, 黄/红牌 and reminders of the visit to a node, as the last event told them. Source: T26, T27.
ALTER TABLE worklist
    ADD COLUMN deadline_at timestamptz CHECK (isfinite(deadline_at)),
    ADD COLUMN light text NOT NULL DEFAULT '' CHECK (light IN ('', 'yellow', 'red')),
    ADD COLUMN reminded_count integer NOT NULL DEFAULT 0 CHECK (reminded_count >= 0),
    ADD COLUMN reminded_at timestamptz CHECK (isfinite(reminded_at)),
    ADD CONSTRAINT worklist_light_has_deadline CHECK (light = '' OR deadline_at IS NOT NULL);
-- The least time left first; what has no deadline comes last.
CREATE INDEX worklist_desk_deadline ON worklist (desk, COALESCE(deadline_at, 'infinity'::timestamptz), subject_id) WHERE open;
-- Tiles: how many are 黄 and 红, and the oldest of them.
CREATE INDEX worklist_desk_light ON worklist (desk, stage, light, deadline_at, subject_id) WHERE open AND light <> '';
