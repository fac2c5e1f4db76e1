-- The orders of a day. They come about in the order of their ends, so that a few words for each run of pages tell where a day's are:
-- nothing that the ingest would feel. Where years of orders are held it is made by hand before (deploy/upgrade.md). Source: decision
-- record 29.
CREATE INDEX IF NOT EXISTS charge_orders_end_at ON charge_orders USING brin (end_at) WITH (pages_per_range = 32, autosummarize = on);
