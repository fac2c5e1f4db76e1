-- Looks at connectors online are found by place and day, as the sums beside them are.
CREATE INDEX IF NOT EXISTS online_days_county ON online_days (county, day);
CREATE INDEX IF NOT EXISTS online_days_prefecture ON online_days (prefecture, day);
