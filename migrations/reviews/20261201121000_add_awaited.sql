-- Voices that can still act at the node: experts by user id, departments by code. NULL: everybody of the party that is
-- waited for; so it stands for every application that has not moved since.
ALTER TABLE applications ADD COLUMN awaited text[];
-- What a person has decided: the list 已办, and how much of it today.
CREATE INDEX deciders_of_person ON deciders (person_id, application_id);
CREATE INDEX decisions_of_actor ON decisions (actor_id, decided_at);
CREATE INDEX opinions_of_voice ON opinions (voice, application_id) WHERE signed;
