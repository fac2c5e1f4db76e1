-- What an application is found by. Apart from the application, so that a decision does not write it anew; kept by a
-- trigger, because it says nothing that the application does not. Source: performance, rule 11.
CREATE FUNCTION bigrams(given text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT coalesce(array_agg(DISTINCT substr(given, at, 2)), '{}') FROM generate_series(1, length(given) - 1) AS at
$$;

CREATE TABLE application_texts (
    application_id uuid PRIMARY KEY REFERENCES applications,
    -- Upper case.
    application_no text NOT NULL,
    station_code text NOT NULL,
    -- Station and company, a line each, lower case.
    names text NOT NULL,
    -- Kept, because they are dear to make anew for each row that is looked at.
    bigrams text[] NOT NULL GENERATED ALWAYS AS (bigrams(names)) STORED
);

CREATE FUNCTION keep_application_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO application_texts (application_id, application_no, station_code, names)
    VALUES (NEW.id, upper(NEW.application_no), upper(NEW.station_code), lower(NEW.station_name || E'\n' || NEW.operator_name))
    ON CONFLICT (application_id) DO UPDATE SET names = excluded.names;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_texts AFTER INSERT OR UPDATE OF station_name, operator_name ON applications
    FOR EACH ROW EXECUTE FUNCTION keep_application_texts();

INSERT INTO application_texts (application_id, application_no, station_code, names)
SELECT id, upper(application_no), upper(station_code), lower(station_name || E'\n' || operator_name) FROM applications;

CREATE INDEX application_texts_no ON application_texts (application_no text_pattern_ops);
-- The end of a number.
CREATE INDEX application_texts_tail ON application_texts (reverse(application_no) text_pattern_ops);
CREATE INDEX application_texts_code ON application_texts (station_code text_pattern_ops);
CREATE INDEX application_texts_bigrams ON application_texts USING gin (bigrams);
