//! Migrations expand: the release before runs on the new schema. One that takes something away says so in its first line.
//!
//! Owns: which statements expand, and reading them out of a file. Not: whether a replaced check is a wider one; a reviewer
//! looks. Source: house style, "SQL, migrations, contracts"; `deploy/upgrade.md`.
use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::Finding;

/// Files before this day are older than the first release.
const FIRST_RELEASE: &str = "20261202";
/// How the first line of a file begins that takes something away, with the reason why no running process minds.
const CONTRACT: &str = "-- contract: ";
/// Statements that take nothing away from a process that does not know of them; an index at most its speed.
const EXPAND: &[&str] = &[
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE FUNCTION ",
    "CREATE VIEW ",
    "COMMENT ON ",
    "INSERT INTO ",
    "UPDATE ",
    "DROP INDEX ",
];
/// Parts of `ALTER TABLE` that do so.
const EXPAND_TABLE: &[&str] = &["ADD COLUMN ", "DROP CONSTRAINT ", "ALTER COLUMN "];

/// Finds every migration since the first release that does more than expand. Errors: a file cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in fs::read_dir(root.join("migrations")).context("migrations cannot be read")? {
        for entry in fs::read_dir(folder?.path())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.as_str() >= FIRST_RELEASE && name.ends_with(".sql") {
                let file = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                let text = fs::read_to_string(&path).with_context(|| file.clone())?;
                findings.extend(contractions(&text).into_iter().map(|statement| Finding {
                    file: file.clone(),
                    line: 0,
                    rule: format!(
                        "`{statement}`: the release before may need what this takes away (deploy/upgrade.md)"
                    ),
                }));
            }
        }
    }
    Ok(findings)
}

/// The statements of a migration that do more than expand, shortened.
fn contractions(text: &str) -> Vec<String> {
    if text.starts_with(CONTRACT) {
        return Vec::new();
    }
    let statements = statements(text);
    let made: Vec<&str> = statements
        .iter()
        .filter_map(|one| one.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next())
        .collect();
    let fresh = |table: &str| made.contains(&table);
    let contracts = |statement: &&String| {
        let about = |words: &str| {
            statement.strip_prefix(words).map(|rest| rest.split([' ', '(']).next().unwrap_or(""))
        };
        if let Some(table) = about("ALTER TABLE ") {
            let parts = &statement["ALTER TABLE ".len() + table.len()..];
            return !fresh(table) && !parts_of(parts).into_iter().all(expands);
        }
        // A rule about rows or a program at each change: free on a table that nobody has written to before.
        if ["CREATE UNIQUE INDEX ", "CREATE TRIGGER "].iter().any(|words| statement.starts_with(words)) {
            let table = statement.split(" ON ").nth(1).unwrap_or("").split([' ', '(']).next().unwrap_or("");
            return !fresh(table);
        }
        !EXPAND.iter().any(|words| statement.starts_with(words))
    };
    statements.iter().filter(contracts).map(|one| one.chars().take(60).collect()).collect()
}

fn expands(part: &str) -> bool {
    let part = part.trim();
    let required = part.contains(" NOT NULL") && !part.contains(" DEFAULT ") && !part.contains(" GENERATED ");
    match EXPAND_TABLE.iter().find(|words| part.starts_with(**words)) {
        Some(&"ADD COLUMN ") => !required,
        Some(&"ALTER COLUMN ") => part.ends_with("DROP NOT NULL") || part.contains(" SET DEFAULT "),
        Some(_) => true,
        // In place of one that is dropped, or for new rows only.
        None => part.starts_with("ADD CONSTRAINT ") || part.starts_with("ADD CHECK "),
    }
}

/// Parts between the commas that stand in no brackets.
fn parts_of(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0_i32, 0);
    for (at, letter) in text.char_indices() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if letter == ',' && depth == 0 {
            parts.push(&text[begin..at]);
            begin = at + 1;
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// Statements without comments, each on one line; what stands between `$$` is one piece.
fn statements(text: &str) -> Vec<String> {
    let bare: Vec<&str> = text.lines().map(|line| line.split("--").next().unwrap_or("")).collect();
    let (mut found, mut open) = (vec![String::new()], false);
    for (nth, piece) in bare.join(" ").split("$$").enumerate() {
        if nth > 0 {
            open = !open;
        }
        for (nth, part) in if open { vec![piece] } else { piece.split(';').collect() }.into_iter().enumerate()
        {
            if nth > 0 {
                found.push(String::new());
            }
            found.last_mut().expect("never empty").push_str(part);
        }
    }
    let joined = found.iter().map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
    joined.filter(|one| !one.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_release_may_add_is_told_from_what_it_takes_away() {
        let fine = [
            "-- a; comment\nALTER TABLE a ADD COLUMN b text, ADD COLUMN c int NOT NULL DEFAULT (1, 2);",
            "CREATE TABLE a (b int NOT NULL); CREATE UNIQUE INDEX i ON a (b); ALTER TABLE a ADD COLUMN c int NOT NULL;",
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM a; END $$; CREATE INDEX i ON b (c);",
            "ALTER TABLE a DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (b IN (1, 2));",
            "-- contract: no release has written b\nALTER TABLE a DROP COLUMN b;",
        ];
        for text in fine {
            assert_eq!(contractions(text), Vec::<String>::new(), "{text}");
        }
        let taken = [
            "ALTER TABLE a DROP COLUMN b;",
            "ALTER TABLE a ADD COLUMN b text, DROP COLUMN c;",
            "ALTER TABLE a ADD COLUMN b text NOT NULL;",
            "ALTER TABLE a ALTER COLUMN b SET NOT NULL;",
            "ALTER TABLE a RENAME TO b;",
            "CREATE UNIQUE INDEX i ON a (b);",
            "DROP TABLE a;",
            "DELETE FROM a;",
        ];
        for text in taken {
            assert_eq!(contractions(text).len(), 1, "{text}");
        }
    }
}
