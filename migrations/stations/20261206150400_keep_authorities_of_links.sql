-- Certificates (PEM) that alone are believed when a link's system is called; empty: the public ones.
ALTER TABLE links ADD COLUMN authority text NOT NULL DEFAULT '';
