-- The clock of the visit to a node, reminders, and who of the office does the work. Source: T26, T27.
-- What stood at a node before this has no deadline until somebody extends it or it moves on.
ALTER TABLE applications
    ADD COLUMN deadline_at timestamptz CHECK (isfinite(deadline_at)),
    -- How far the clock has struck for this deadline.
    ADD COLUMN struck text NOT NULL DEFAULT '' CHECK (struck IN ('', 'near', 'overdue', 'escalated')),
    -- When it strikes next.
    ADD COLUMN strikes_at timestamptz,
    ADD COLUMN assignee_id uuid,
    ADD COLUMN reminded_count integer NOT NULL DEFAULT 0 CHECK (reminded_count >= 0),
    ADD COLUMN reminded_at timestamptz,
    -- The version that the last step made that was no T26 and no T27; 0: the newest.
    ADD COLUMN last_version bigint NOT NULL DEFAULT 0 CHECK (last_version BETWEEN 0 AND version),
    ADD CHECK (deadline_at IS NULL OR stage IN ('CountyReview', 'PaperCheck', 'CityReview', 'AwaitingJointReview',
        'ExpertReview', 'AwaitingProvince', 'ProvincialReview')),
    ADD CHECK (deadline_at IS NOT NULL OR (struck = '' AND strikes_at IS NULL)),
    ADD CHECK ((struck = 'escalated') <= (strikes_at IS NULL)),
    ADD CHECK ((reminded_count = 0) = (reminded_at IS NULL));
UPDATE applications SET last_version = version;

-- What the timer looks for.
CREATE INDEX applications_to_strike ON applications (strikes_at, id) WHERE strikes_at IS NOT NULL;
-- Lists by the time that is left.
CREATE INDEX applications_due_at_county ON applications (county, deadline_at, id) WHERE deadline_at IS NOT NULL;
CREATE INDEX applications_due_at_prefecture ON applications (prefecture, deadline_at, id) WHERE deadline_at IS NOT NULL;
CREATE INDEX applications_due ON applications (deadline_at, id) WHERE deadline_at IS NOT NULL;
