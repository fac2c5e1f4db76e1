-- Divisions of the province. Loaded from a file by `accounts load-divisions`; rows that leave the file are closed, not removed.
CREATE TABLE divisions (
    code text PRIMARY KEY CHECK (code ~ '^[0-9]{6}$'),
    name text NOT NULL,
    level text NOT NULL CHECK (level IN ('province', 'prefecture', 'county')),
    parent_code text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('real', 'other', 'zone', 'former')),
    city_code text NOT NULL,
    full_name text NOT NULL,
    -- Former divisions only: what followed, and what happened.
    successor_code text REFERENCES divisions (code),
    change text NOT NULL DEFAULT '',
    valid_from date NOT NULL,
    valid_to date,
    CHECK (isfinite(valid_from) AND (valid_to IS NULL OR isfinite(valid_to))),
    CHECK ((kind = 'former') = (successor_code IS NOT NULL)),
    CHECK (kind <> 'former' OR valid_to IS NOT NULL)
);

-- Which division lies in which, with time: scope is decided here, never by code prefixes (reliability section 10).
-- A successor covers its predecessors from the change on.
CREATE TABLE division_closure (
    ancestor text NOT NULL REFERENCES divisions (code),
    descendant text NOT NULL REFERENCES divisions (code),
    valid_from date NOT NULL,
    valid_to date,
    PRIMARY KEY (ancestor, descendant, valid_from),
    CHECK (isfinite(valid_from) AND (valid_to IS NULL OR isfinite(valid_to)))
);
CREATE INDEX division_closure_descendant ON division_closure (descendant);
CREATE UNIQUE INDEX division_closure_open ON division_closure (ancestor, descendant) WHERE valid_to IS NULL;
