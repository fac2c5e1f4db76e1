-- Statistics and order checks are asked for once a day, after 08:00 in Asia/Shanghai (00:00 UTC); links of today from the next
-- morning on.
ALTER TABLE link_turns
    DROP CONSTRAINT link_turns_kind_check,
    ADD CONSTRAINT link_turns_kind_check
        CHECK (kind IN ('stations', 'status', 'statistics', 'order_check', 'joint_test'));
INSERT INTO link_turns (operator_id, kind, due_at)
SELECT operator_id, kind, date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 day'
FROM links, unnest(ARRAY['statistics', 'order_check']) kind;
