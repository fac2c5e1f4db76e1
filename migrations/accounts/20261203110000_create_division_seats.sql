-- Where the seat of a division lies, for judging whether a place can be in it. Loaded with the divisions by `accounts load-divisions`.
CREATE TABLE division_seats (
    code text PRIMARY KEY REFERENCES divisions (code),
    -- WGS-84, micro-degrees.
    longitude_e6 bigint NOT NULL CHECK (longitude_e6 BETWEEN -180000000 AND 180000000),
    latitude_e6 bigint NOT NULL CHECK (latitude_e6 BETWEEN -90000000 AND 90000000)
);
