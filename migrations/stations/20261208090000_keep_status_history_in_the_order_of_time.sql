-- contract: no process names the order of the key; rows are found by both of its columns, or all of them are read.
-- What comes, comes in the order of time: with the time first a new row's place in the key is at its end, beside those of the same second,
-- and not on a page for each connector. Makes the key of each day anew; see deploy/upgrade.md. Source: decision record 56.
ALTER TABLE status_history DROP CONSTRAINT status_history_pkey, ADD PRIMARY KEY (source_time, connector_key);
