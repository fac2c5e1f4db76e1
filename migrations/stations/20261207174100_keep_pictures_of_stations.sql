-- Remark and Pictures of a station, in the words of its operator: addresses, which nobody fetches. A process of the former release
-- leaves them as they are.
ALTER TABLE station_guides
    ADD COLUMN remark text NOT NULL DEFAULT '',
    ADD COLUMN pictures text[] NOT NULL DEFAULT '{}';
