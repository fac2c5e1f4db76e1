//! Which crate may depend on which: proto ← chassis ← services; a service never depends on a service. A service has no features.
//!
//! Owns: that table. Not: arrows inside a service (`arrows`). Source: house style, section 3.
use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use toml::Table;

use super::Finding;
use crate::services::Service;

/// The crates of the workspace that each folder's crate may name; services are added below.
const ALLOWED: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("services/chassis", &["proto"]),
    ("deploy/xtask", &["proto"]),
    ("tests", &["proto", "xtask"]),
];
const SERVICE_ALLOWED: &[&str] = &["proto", "chassis"];

/// Checks every manifest of the workspace. Errors: one cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (folder, allowed) in ALLOWED {
        findings.extend(judge(folder, &read(root, folder)?, allowed));
    }
    for service in Service::ALL {
        let folder = format!("services/{service}");
        let manifest = read(root, &folder)?;
        findings.extend(judge(&folder, &manifest, SERVICE_ALLOWED));
        findings.extend(features(&folder, &manifest));
    }
    Ok(findings)
}

/// An image that is built with other features than the tests is another program than the one that was tested.
fn features(folder: &str, manifest: &Table) -> Option<Finding> {
    manifest.contains_key("features").then(|| Finding {
        file: format!("{folder}/Cargo.toml"),
        line: 0,
        rule: "has features: what is tested must be what is deployed; make it a setting".to_owned(),
    })
}

/// Names a service's dependencies as its code does. Errors: its manifest cannot be read.
pub fn dependencies(root: &Path, service: Service) -> Result<Vec<String>> {
    let manifest = read(root, &format!("services/{service}"))?;
    Ok(names(&manifest).into_iter().map(|(_, name)| name.replace('-', "_")).collect())
}

fn read(root: &Path, folder: &str) -> Result<Table> {
    let path = root.join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not a manifest", path.display()))
}

/// Every dependency with the section that names it.
fn names(manifest: &Table) -> Vec<(String, String)> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|section| Some((section, manifest.get(section)?.as_table()?)))
        .flat_map(|(section, entries)| entries.keys().map(move |name| (section.to_owned(), name.clone())))
        .collect()
}

fn judge(folder: &str, manifest: &Table, allowed: &[&str]) -> Vec<Finding> {
    let own: Vec<&str> = Service::ALL.iter().map(|service| service.name()).collect();
    let of_workspace =
        |name: &str| own.contains(&name) || ["proto", "chassis", "xtask", "system-tests"].contains(&name);
    names(manifest)
        .into_iter()
        .filter(|(_, name)| of_workspace(name) && !allowed.contains(&name.as_str()))
        .map(|(section, name)| Finding {
            file: format!("{folder}/Cargo.toml"),
            line: 0,
            rule: format!("wrong arrow: may not depend on `{name}` ({section})"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_depends_on_a_service_is_found() {
        let manifest =
            "[dependencies]\nchassis.workspace = true\n[dev-dependencies]\nreviews.workspace = true";
        let manifest: Table = toml::from_str(manifest).unwrap();
        let found = judge("services/documents", &manifest, SERVICE_ALLOWED);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rule, "wrong arrow: may not depend on `reviews` (dev-dependencies)");
    }

    #[test]
    fn a_service_that_is_built_in_two_ways_is_found() {
        let manifest = |text: &str| toml::from_str::<Table>(text).unwrap();
        assert!(features("services/documents", &manifest("[features]\ns3 = []")).is_some());
        assert!(features("services/documents", &manifest("[dependencies]")).is_none());
    }

    #[test]
    fn the_chassis_may_use_the_contracts_only() {
        let manifest: Table =
            toml::from_str("[dependencies]\nproto = {}\naccounts = {}\ntokio = \"1\"").unwrap();
        assert_eq!(judge("services/chassis", &manifest, &["proto"]).len(), 1);
    }
}
