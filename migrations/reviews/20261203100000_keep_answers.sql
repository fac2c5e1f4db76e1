-- What the operator means to say to a return, by item, kept with the form until it is handed in; and which returned
-- submission it is about: said to another return, it no longer counts. Source: T02, T09, T18; ui, section 6.
ALTER TABLE forms
    ADD COLUMN answers jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN answers_to integer NOT NULL DEFAULT 0;
