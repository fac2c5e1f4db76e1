-- What the platform asked for itself came when it was asked for: it is no part of how promptly an operator's system sends.
ALTER TABLE quality_days ADD COLUMN pulled bigint NOT NULL DEFAULT 0 CHECK (pulled BETWEEN 0 AND accepted);
