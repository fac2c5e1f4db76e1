-- Lists in the order of the last change, by scope and node. Source: performance, rule 10.
DROP INDEX applications_of_operator;
DROP INDEX applications_of_county;
DROP INDEX applications_of_prefecture;
DROP INDEX applications_of_order;
DROP INDEX applications_at_county;
DROP INDEX applications_at_city;
DROP INDEX applications_by_stage;
CREATE INDEX applications_of_operator ON applications (operator_id, stage, last_at, id);
CREATE INDEX applications_of_county ON applications (county, stage, last_at, id) WHERE submission_version > 0;
CREATE INDEX applications_of_prefecture ON applications (prefecture, stage, last_at, id) WHERE submission_version > 0;
CREATE INDEX applications_of_order ON applications (work_order_id, stage, last_at, id) WHERE work_order_id IS NOT NULL;
CREATE INDEX applications_by_stage ON applications (stage, last_at, id) WHERE submission_version > 0;
-- What a search finds among very many, whatever its node.
CREATE INDEX applications_by_last_change ON applications (last_at, id) WHERE submission_version > 0;
CREATE INDEX submissions_by_time ON submissions (submitted_at);
