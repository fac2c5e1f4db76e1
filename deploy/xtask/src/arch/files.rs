//! What every Rust file must look like: an opening that says what it owns, a readable size, no foreign words.
//!
//! Owns: those rules. Not: formatting and lints, which rustfmt and clippy check. Source: house style, section 5.
use super::{Finding, source::code};

/// Source: house style, "Sizes and abstraction".
const LINES_MAX: usize = 500;

/// Places of one machine; split here so that this table does not find itself.
const MACHINE_PLACES: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// A table's star with columns behind it; split for the same reason.
const STAR_FIRST: &str = concat!(".", "*, ");

/// Checks one file by its path in the checkout.
pub fn check(file: &str, text: &str) -> Vec<Finding> {
    let found = |line: usize, rule: String| Finding { file: file.to_owned(), line, rule };
    let mut findings = Vec::new();
    let opening: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    if opening.is_empty() {
        findings.push(found(1, "opens without `//!`: say what the file owns, and what it does not".into()));
    }
    let lines = text.lines().count();
    let in_tests = file.starts_with("tests/") || file.contains("/tests/");
    if lines > LINES_MAX && !in_tests && !opening.iter().any(|line| line.contains("500 lines")) {
        let rule = format!("{lines} lines: split it, or say in `//!` why it has more than 500 lines");
        findings.push(found(0, rule));
    }
    for (number, line) in text.lines().enumerate() {
        for place in MACHINE_PLACES.iter().filter(|place| line.contains(**place)) {
            findings.push(found(number + 1, format!("names a place of one machine: `{place}`")));
        }
    }
    // A prepared statement is read by place: a column added to the table would move what follows the star.
    for (number, line) in text.lines().enumerate().filter(|_| file.starts_with("services/")) {
        if line.contains("SELECT ") && line.contains(STAR_FIRST) {
            findings.push(found(
                number + 1,
                "columns follow a table's star: the star is last (deploy/upgrade.md)".into(),
            ));
        }
    }
    for (number, line) in code(text).lines().enumerate() {
        if line.contains("#[allow(") || line.contains("#![allow(") {
            findings.push(found(number + 1, "`allow`: write `#[expect(…, reason = \"…\")]`".into()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(file: &str, text: &str) -> usize {
        check(file, text).len()
    }

    #[test]
    fn openings_sizes_places_and_exceptions_are_judged() {
        assert_eq!(rules("a.rs", "//! Owns a.\nfn a() {}\n"), 0);
        assert_eq!(rules("a.rs", "fn a() {}\n"), 1);
        let long = format!("//! Owns a.\n{}", "fn a() {}\n".repeat(500));
        assert_eq!(rules("services/x/src/a.rs", &long), 1);
        assert_eq!(rules("services/x/tests/it/a.rs", &long), 0);
        let reasoned = long.replace("Owns a.", "Owns a; more than 500 lines because it is one table.");
        assert_eq!(rules("services/x/src/a.rs", &reasoned), 0);
        assert_eq!(rules("a.rs", &format!("//! Owns a.\nlet a = \"{}x\";\n", MACHINE_PLACES[0])), 1);
        assert_eq!(rules("services/x/src/a.rs", "//! Owns a.\n// SELECT d.tiers, a.* FROM a\n"), 0);
        assert_eq!(
            rules("services/x/src/a.rs", &format!("//! Owns a.\n// SELECT a{STAR_FIRST}d.tiers\n")),
            1
        );
        assert_eq!(rules("a.rs", "//! Owns a.\n#[allow(dead_code)]\nfn a() {}\n"), 1);
    }
}
