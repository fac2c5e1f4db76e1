//! The direction of use inside a service: domain ← store, publish ← app ← rpc, events, web ← main.
//!
//! Owns: that order and what `domain/` may import. Not: which crate may depend on which (`manifests`).
//! Source: house style, section 3.
use super::{
    Finding,
    source::{code, mentions, without_tests},
};

/// The parts of a service from the inside out; a part uses only parts before its own row.
const ORDER: &[&[&str]] = &[&["domain"], &["store", "publish"], &["app"], &["rpc", "events", "web"]];

/// What the pure rules may import. Source: house style, section 3; `sha2` for hashes that rules compute, and the pure
/// functions of which codes by time (`sha1`) and the envelope of T/CEC 102 consist (`md5` is the crate `md-5`).
const DOMAIN_CRATES: &[&str] =
    &["std", "core", "time", "uuid", "thiserror", "sha1", "sha2", "aes", "cbc", "hmac", "md_5", "base64"];

/// Checks one file of a service. `inside` is its path below `src/`; `crates` are the service's dependencies.
pub fn check(file: &str, inside: &str, text: &str, crates: &[String]) -> Vec<Finding> {
    let code = without_tests(&code(text));
    let own = part(inside);
    let test_file = inside.ends_with("tests.rs") || inside.contains("/tests/");
    if test_file || own == "main" {
        return vec![];
    }
    let mut findings = Vec::new();
    for (line, used) in parts_used(inside, &code) {
        if let Some(rule) = wrong(own, &used) {
            findings.push(Finding { file: file.to_owned(), line, rule });
        }
    }
    if own == "domain" {
        let foreign = crates.iter().filter(|name| !DOMAIN_CRATES.contains(&name.as_str()));
        for name in foreign {
            for mention in mentions(&code, name) {
                let rule = format!("domain is pure and may not use `{name}`");
                findings.push(Finding { file: file.to_owned(), line: mention.line, rule });
            }
        }
    }
    findings
}

/// Says why one part may not use another; nothing when it may.
fn wrong(own: &str, used: &str) -> Option<String> {
    let rank = |name: &str| ORDER.iter().position(|row| row.contains(&name));
    if own == used {
        return None;
    }
    match (rank(own), rank(used)) {
        (Some(0), None) => Some(format!("domain may not use `{used}`, only itself")),
        (Some(mine), Some(other)) if other >= mine => {
            Some(format!("wrong arrow: `{own}` may not use `{used}`"))
        }
        (Some(_), _) | (None, _) => None,
    }
}

/// The top-level part a file belongs to: `rpc/convert.rs` to `rpc`.
fn part(inside: &str) -> &str {
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// Every top-level part that a file mentions, through `crate::` or enough `super::`.
fn parts_used(inside: &str, code: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    let mut prefixes = vec!["crate".to_owned()];
    if inside != "lib.rs" {
        let depth = inside.trim_end_matches("/mod.rs").split('/').count();
        prefixes.push(vec!["super"; depth].join("::"));
    }
    for prefix in prefixes {
        for mention in mentions(code, &prefix) {
            let names = mention.next.into_iter().filter(|name| name != "super" && name != "self");
            used.extend(names.filter(|name| module_like(name)).map(|name| (mention.line, name)));
        }
    }
    used
}

/// Types and constants of the crate root are no parts.
fn module_like(name: &str) -> bool {
    name.starts_with(|first: char| first.is_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(inside: &str, text: &str) -> Vec<String> {
        let crates = ["chassis", "sqlx", "time", "proto"].map(str::to_owned);
        check("x.rs", inside, text, &crates).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_wrong_arrow_is_found_however_it_is_written() {
        for text in [
            "use crate::rpc::convert;",
            "use crate::{\n  domain, rpc};",
            "fn f() { crate::rpc::convert::view() }",
            "use super::rpc;",
        ] {
            assert_eq!(rules("app.rs", text), ["wrong arrow: `app` may not use `rpc`"], "{text}");
        }
        assert_eq!(
            rules("store/rows.rs", "use super::super::publish;"),
            ["wrong arrow: `store` may not use `publish`"]
        );
        assert_eq!(
            rules("events/on_sealed.rs", "use crate::rpc;"),
            ["wrong arrow: `events` may not use `rpc`"]
        );
    }

    #[test]
    fn right_arrows_are_silent() {
        assert!(rules("app.rs", "use crate::{domain::decide, store, publish, config::Config};").is_empty());
        assert!(rules("rpc/convert.rs", "use super::applications; use crate::{app, domain};").is_empty());
        assert!(rules("main.rs", "use crate::rpc;").is_empty());
        assert!(
            rules("domain/table.rs", "use super::guards; use crate::domain::facts; use time::Date;")
                .is_empty()
        );
    }

    #[test]
    fn the_domain_is_pure() {
        assert_eq!(rules("domain/table.rs", "use sqlx::PgPool;"), ["domain is pure and may not use `sqlx`"]);
        assert_eq!(
            rules("domain.rs", "use crate::labels::text;"),
            ["domain may not use `labels`, only itself"]
        );
        assert!(rules("domain.rs", "#[cfg(test)]\nmod tests { use sqlx::PgPool; }").is_empty());
    }
}
