-- Connectors claimed by applications: one live claim per round and connector.
CREATE TABLE claims (
    claim_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id uuid NOT NULL,
    round_id uuid NOT NULL,
    connector_key bigint NOT NULL REFERENCES connectors,
    station_id uuid NOT NULL REFERENCES stations,
    claimed_at timestamptz NOT NULL,
    -- An event of the application has been seen since: its transaction did commit.
    confirmed_at timestamptz,
    released_at timestamptz
);
CREATE UNIQUE INDEX claims_live ON claims (round_id, connector_key) WHERE released_at IS NULL;
CREATE INDEX claims_application ON claims (application_id) WHERE released_at IS NULL;
CREATE INDEX claims_connector ON claims (connector_key) WHERE released_at IS NULL;
CREATE INDEX claims_station ON claims (station_id) WHERE released_at IS NULL;
CREATE INDEX claims_unconfirmed ON claims (claimed_at) WHERE released_at IS NULL AND confirmed_at IS NULL;
