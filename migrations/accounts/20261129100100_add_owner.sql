-- 主账号: the user of an operator who manages its other users. Where it was handed to nobody, the first user is it.
ALTER TABLE users ADD COLUMN owner boolean NOT NULL DEFAULT false;
ALTER TABLE users ADD CONSTRAINT users_owner_of_operator CHECK (NOT owner OR operator_id IS NOT NULL);
CREATE UNIQUE INDEX users_one_owner ON users (operator_id) WHERE owner;
