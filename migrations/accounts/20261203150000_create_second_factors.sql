-- Second factors (动态口令) of officials: the secret, sealed under a key of the settings for its own row, and the last step of
-- 30 seconds whose code was taken, so that no code is taken twice.
CREATE TABLE second_factors (
    user_id uuid PRIMARY KEY REFERENCES users,
    secret bytea NOT NULL,
    enrolled_at timestamptz NOT NULL,
    last_step bigint NOT NULL
);
