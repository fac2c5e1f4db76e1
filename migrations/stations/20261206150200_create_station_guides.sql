-- What drivers are told of a station, in the words of its operator; empty where nothing was said. Belongs to the record: each version
-- of it stands in station_revisions.
CREATE TABLE station_guides (
    station_id uuid PRIMARY KEY REFERENCES stations,
    business_hours text NOT NULL,
    electricity_fee text NOT NULL,
    service_fee text NOT NULL,
    park_fee text NOT NULL,
    payment text NOT NULL,
    park_info text NOT NULL,
    directions text NOT NULL,
    vehicles text NOT NULL,
    station_phone text NOT NULL,
    bookable boolean NOT NULL
);
