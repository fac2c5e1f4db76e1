-- Who leads an office (负责人): extends its deadlines and hands its work on. Source: workflow, T26.
ALTER TABLE users ADD COLUMN lead boolean NOT NULL DEFAULT false;
