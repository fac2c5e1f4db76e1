-- How many working days each node may take, when it is warned of, and when it goes one tier up. Source: T27.
-- Nodes that are not named take the usual time; the two lists belong together.
ALTER TABLE round_policies
    ADD COLUMN limit_stages text[] NOT NULL DEFAULT '{}',
    ADD COLUMN limit_working_days integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN near_working_days integer NOT NULL DEFAULT 3 CHECK (near_working_days BETWEEN 0 AND 250),
    ADD COLUMN escalate_after_working_days integer NOT NULL DEFAULT 2
        CHECK (escalate_after_working_days BETWEEN 0 AND 250),
    ADD CHECK (cardinality(limit_stages) = cardinality(limit_working_days)),
    ADD CHECK (0 <= ALL (limit_working_days) AND 250 >= ALL (limit_working_days));
