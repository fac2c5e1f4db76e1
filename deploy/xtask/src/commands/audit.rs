//! `cargo xtask audit`: the invariants of every service, summed.
//!
//! Owns: asking all and adding up. Not: the checks; each service proves its share (reliability, section 9).
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::try_join_all;
use serde_json::{Map, Value};

use crate::{
    cargo::{self, Build},
    checkout::Checkout,
    deployment::Deployment,
    platform::Platform,
    report::step,
    services::Service,
};

/// How to answer.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object: `{"violations": n, "I1": n, …}`.
    #[arg(long)]
    json: bool,
}

/// What every service found, by invariant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    found: BTreeMap<Service, BTreeMap<String, u64>>,
}

impl Findings {
    /// Asks the services of a deployment; its servers run, the services need not.
    ///
    /// Errors: a check could not be made – that is not a violation but no answer at all.
    pub async fn gather(deployment: &Deployment, services: &[Service]) -> Result<Self> {
        let asked = services.iter().map(|&service| async move {
            let answer = deployment.run(service, &["audit", "--json"]).await?;
            let found = read(&answer.output)
                .with_context(|| format!("{service} audit gave no figures\n{}", answer.errors))?;
            let sound = found.values().all(|count| *count == 0);
            ensure!(answer.success == sound, "{service} audit: figures and exit code disagree");
            Ok((service, found))
        });
        Ok(Self { found: try_join_all(asked).await?.into_iter().collect() })
    }

    /// Sums all violations.
    pub fn violations(&self) -> u64 {
        self.found.values().flat_map(BTreeMap::values).sum()
    }

    /// Gives `{"violations": n, "I1": n, …}`, each invariant summed over the services.
    pub fn json(&self) -> Value {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (invariant, count) in self.found.values().flatten() {
            *sums.entry(invariant).or_default() += count;
        }
        let mut object = Map::new();
        object.insert("violations".to_owned(), self.violations().into());
        object.extend(sums.into_iter().map(|(invariant, count)| (invariant.to_owned(), count.into())));
        Value::Object(object)
    }

    /// Writes one line for each service and invariant that is violated, or says that none is.
    pub fn table(&self) -> String {
        let mut lines = Vec::new();
        for (service, found) in &self.found {
            let checked: Vec<_> = found.keys().map(String::as_str).collect();
            lines.push(format!("{service:<14} {}", checked.join(" ")));
            for (invariant, count) in found.iter().filter(|(_, count)| **count > 0) {
                lines.push(format!("{:<14} {invariant}: {count} violations", ""));
            }
        }
        lines.push(format!("violations: {}", self.violations()));
        lines.join("\n")
    }
}

/// Reads `{"I1": 0, …}` from the last line of a service's output.
fn read(output: &str) -> Result<BTreeMap<String, u64>> {
    let line = output.lines().rev().find(|line| !line.trim().is_empty()).context("no output")?;
    Ok(serde_json::from_str(line)?)
}

/// Starts what is needed, asks all, prints. Errors: an invariant is violated, or a check could not be made.
pub async fn run(arguments: Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    let binaries = step("building", cargo::build(&checkout, Build::Debug)).await?;
    let platform = step("PostgreSQL and NATS", Platform::find_or_start(&checkout, binaries)).await?;
    let findings = async {
        if platform.servers.is_some() {
            platform.migrate().await?;
        }
        Findings::gather(&platform.deployment, &Service::WITH_DATABASE).await
    };
    let findings = step("invariants", findings).await;
    platform.stop().await?;
    let findings = findings?;
    if arguments.json {
        println!("{}", findings.json());
    } else {
        println!("{}", findings.table());
    }
    match findings.violations() {
        0 => Ok(()),
        count => bail!("{count} violations"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_summed_over_the_services() {
        let reviews = read("checking\n{\"I3\": 2, \"I8\": 0}\n").unwrap();
        let documents = read("{\"I1\": 0, \"I8\": 1}").unwrap();
        let found = [(Service::Reviews, reviews), (Service::Documents, documents)].into();
        let findings = Findings { found };
        assert_eq!(findings.json().to_string(), r#"{"I1":0,"I3":2,"I8":1,"violations":3}"#);
        assert!(findings.table().contains("I3: 2 violations"));
        assert!(read("").is_err());
        assert!(read("{\"I1\": -1}").is_err());
    }
}
