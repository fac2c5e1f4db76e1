//! The addresses that the portal answers, as its source names them.
//!
//! Owns: finding them all, so that a new page cannot be left out of a walk. Not: what is behind them.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// Patterns of everything that shows something by GET, e.g. `/stations/{id}`. Addresses that only lead back to the page of their
/// form (`back_to`) show nothing; a test of the portal asks each of them.
///
/// # Errors
/// The source cannot be read, or a route is written in a way that is not understood.
pub fn asked_by_get() -> Result<BTreeSet<String>> {
    answered("get(")
}

/// Patterns of everything that takes a form by POST. Errors: as [`asked_by_get`].
pub fn sent_by_post() -> Result<BTreeSet<String>> {
    answered("post(")
}

fn answered(method: &str) -> Result<BTreeSet<String>> {
    let source = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../services/portal/src"));
    let mut routes = of_file(&source.join("web.rs"), method)?;
    for entry in fs::read_dir(source.join("web"))? {
        routes.extend(of_file(&entry?.path(), method)?);
    }
    Ok(routes)
}

fn of_file(path: &Path, method: &str) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(path)?;
    let calls = text.split(".route(").skip(1).map(call).filter(|call| call.contains(method));
    let mut routes = BTreeSet::new();
    for call in calls {
        let name = call.split(',').next().unwrap_or_default().trim();
        routes.extend(named(&text, name).with_context(|| format!("{}: route {name}", path.display()))?);
    }
    Ok(routes)
}

/// What stands between the brackets of a call.
fn call(rest: &str) -> &str {
    let mut depth = 1;
    let end = rest.find(|letter| {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    &rest[..end.unwrap_or(rest.len())]
}

/// The address that is written, or that a constant of the file holds; endings share one, made of their last parts.
fn named(text: &str, name: &str) -> Result<Vec<String>> {
    let literal = |rest: &str| rest.split('"').next().map(str::to_owned);
    if let Some(rest) = name.strip_prefix('"') {
        return Ok(literal(rest).into_iter().collect());
    }
    if name.starts_with("&format!(\"{LIST}/{{id}}/{}\"") {
        let parts = text.split(" part: \"").skip(1).filter_map(literal);
        return Ok(parts.map(|part| format!("/subsidy/applications/{{id}}/{part}")).collect());
    }
    let constant = text.split(&format!("const {name}: &str = \"")).nth(1).and_then(literal);
    Ok(vec![constant.context("it is no text, and no constant of its file")?])
}
