//! Alerts and dashboards name only what the services export, and every alert has its section in the runbook.
//!
//! Owns: reading metric names and labels out of the sources and out of queries. Not: what is worth an alert.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    manifests::view::{items, text},
    services::Service,
};

/// Metrics by name, each with its own labels.
pub type Exported = BTreeMap<String, BTreeSet<String>>;

/// Labels that the scrape adds, and that histograms have.
const GIVEN: &[&str] = &["job", "pod", "namespace", "instance", "le"];
/// Words of the query language that are no metrics.
const WORDS: &[&str] = &["by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset"];

/// Finds what is wrong in `deploy/observability`. Errors: a file cannot be read.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("deploy/observability");
    let read = |name: &str| {
        fs::read_to_string(folder.join(name)).with_context(|| format!("deploy/observability/{name}"))
    };
    let exported = exported(root)?;
    let alerts: Value = serde_yaml_ng::from_str(&read("alerts.yaml")?).context("alerts.yaml")?;
    let mut wrong = alert_faults(&alerts, &read("runbook.md")?, &exported);
    for entry in fs::read_dir(&folder).context("deploy/observability")? {
        let file = entry?.file_name();
        let Some(name) = file.to_str().filter(|name| name.ends_with(".json")) else { continue };
        let dashboard: Value = serde_json::from_str(&read(name)?).with_context(|| name.to_owned())?;
        wrong.extend(dashboard_faults(&dashboard, &exported).into_iter().map(|why| format!("{name}, {why}")));
    }
    Ok(wrong)
}

/// Tells what is wrong with the queries of a dashboard, each with its panel.
pub fn dashboard_faults(dashboard: &Value, exported: &Exported) -> Vec<String> {
    let mut wrong = Vec::new();
    for panel in items(dashboard, "/panels") {
        for target in items(panel, "/targets") {
            let faults = query_faults(text(target, "/expr"), exported);
            wrong.extend(faults.into_iter().map(|why| format!("{:?}: {why}", text(panel, "/title"))));
        }
    }
    if wrong.is_empty() && items(dashboard, "/panels").next().is_none() {
        wrong.push("has no panel".to_owned());
    }
    wrong
}

/// Tells what is wrong with alert rules: queries, severities, sections of the runbook.
pub fn alert_faults(alerts: &Value, runbook: &str, exported: &Exported) -> Vec<String> {
    let sections: BTreeSet<_> =
        runbook.lines().filter_map(|line| line.strip_prefix("## ")).map(str::trim).collect();
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for rule in items(alerts, "/groups").flat_map(|group| items(group, "/rules")) {
        let name = text(rule, "/alert");
        named.insert(name);
        let mut say = |why: String| wrong.push(format!("alert {name}: {why}"));
        query_faults(text(rule, "/expr"), exported).into_iter().for_each(&mut say);
        if !["page", "ticket"].contains(&text(rule, "/labels/severity")) {
            say("severity must be page or ticket".into());
        }
        if text(rule, "/annotations/runbook") != format!("runbook.md#{}", name.to_lowercase()) {
            say("annotations.runbook must name its section".into());
        }
        if !sections.contains(name) {
            say("the runbook has no section of its name".into());
        }
    }
    wrong.extend(sections.difference(&named).map(|section| format!("runbook: no alert is called {section}")));
    wrong
}

/// Reads every metric that the services' sources name. Errors: a file cannot be read.
pub fn exported(root: &Path) -> Result<Exported> {
    let mut found = Exported::new();
    let names = Service::ALL.iter().map(|service| service.name()).chain(["chassis"]);
    let mut folders: Vec<_> = names.map(|name| root.join(format!("services/{name}/src"))).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                metrics(&fs::read_to_string(&path)?, &mut found);
            }
        }
    }
    Ok(found)
}

/// Reads `counter!("name", "label" => …)` and its two sisters.
fn metrics(source: &str, found: &mut Exported) {
    for kind in ["counter!(", "gauge!(", "histogram!("] {
        for (at, _) in source.match_indices(kind) {
            let call = &source[at + kind.len()..];
            // Labels stand before the method that records, e.g. `).increment(1)`.
            let end = [").", ")\n"].iter().filter_map(|end| call.find(end)).min().unwrap_or(call.len());
            let mut words = call[..end].split('"').skip(1).step_by(2);
            let behind: Vec<_> = call[..end].split('"').skip(2).step_by(2).collect();
            let Some(name) = words.next() else { continue };
            let labels = found.entry(name.to_owned()).or_default();
            for (word, behind) in words.zip(behind.iter().skip(1)) {
                if behind.trim_start().starts_with("=>") {
                    labels.insert(word.to_owned());
                }
            }
        }
    }
}

/// Tells which metrics and labels of a query are not exported.
pub fn query_faults(query: &str, exported: &Exported) -> Vec<String> {
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let bare = without_texts(query);
    let mut rest = bare.as_str();
    let mut last = "";
    while let Some(letter) = rest.chars().next() {
        let word_end =
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let word = &rest[..word_end];
        if letter == '{' || (letter == '(' && ["by", "without", "on", "ignoring"].contains(&last)) {
            let end = rest.find(['}', ')']).unwrap_or(rest.len() - 1);
            labels.extend(rest[1..end].split(',').map(label).filter(|label| !label.is_empty()));
            rest = &rest[end + 1..];
            last = "";
        } else if letter == '[' {
            rest = &rest[rest.find(']').map_or(rest.len(), |end| end + 1)..];
        } else if letter.is_alphabetic() {
            // A function, or an aggregation that says first by what.
            let behind = rest[word_end..].trim_start();
            let called = ["(", "by ", "by(", "without "].iter().any(|start| behind.starts_with(start));
            if !called && !WORDS.contains(&word) {
                metrics.insert(word.to_owned());
            }
            last = word;
            rest = &rest[word_end..];
        } else {
            let width = if word.is_empty() { letter.len_utf8() } else { word_end };
            rest = &rest[width..];
        }
    }
    faults(&metrics, &labels, exported)
}

fn faults(metrics: &BTreeSet<String>, labels: &BTreeSet<String>, exported: &Exported) -> Vec<String> {
    let mut known: BTreeSet<&str> = GIVEN.iter().copied().collect();
    let mut wrong = Vec::new();
    if metrics.is_empty() {
        wrong.push("names no metric".to_owned());
    }
    for metric in metrics.iter().filter(|metric| *metric != "up") {
        let base =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric);
        match exported.get(base) {
            Some(labels) => known.extend(labels.iter().map(String::as_str)),
            None => wrong.push(format!("no service exports {metric}")),
        }
    }
    let unknown = labels.iter().filter(|label| !known.contains(label.as_str()));
    wrong.extend(unknown.map(|label| format!("its metrics have no label {label}")));
    wrong
}

/// The name before `=`, `!=`, `=~` or `!~`.
fn label(text: &str) -> String {
    text.trim().split(['=', '!', '~']).next().unwrap_or_default().trim().to_owned()
}

/// A query without what stands in quotes.
fn without_texts(query: &str) -> String {
    query.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}
