//! `cargo xtask manifests`: what is deployed to Kubernetes, checked without a cluster.
//!
//! Owns: rendering each overlay of `deploy/k8s` and collecting what is wrong. Not: the rules – kustomize's own language is
//! in `manifests/render.rs`, the API's shape in `manifests/schema.rs`, ours in `manifests/policy.rs`.
pub mod policy;
pub mod render;
pub mod schema;
pub mod view;

use std::{fmt, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::{checkout::Checkout, observability};
pub use view::{Object, Overlay};

/// Places that the platform is deployed to.
pub const OVERLAYS: [&str; 3] = ["dev", "staging", "prod"];

/// One broken rule in one overlay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The overlay.
    pub overlay: String,
    /// The object, `kind/name`; empty where one is missing.
    pub object: String,
    /// Id of the rule: `schema`, or a row of [`policy::RULES`].
    pub rule: &'static str,
    /// What is wrong, and where inside the object.
    pub why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: [{}] {}", self.overlay, self.object, self.rule, self.why)
    }
}

/// Checks every overlay of the checkout and prints what is wrong. Errors: a rule is broken, or a file cannot be rendered.
pub fn run() -> Result<()> {
    let checkout = Checkout::find()?;
    let root = checkout.root().join("deploy/k8s/overlays");
    let known = policy::Known::read(checkout.root())?;
    let mut findings = Vec::new();
    for name in OVERLAYS {
        findings.extend(check(&overlay(&root, name)?, &known)?);
    }
    let mut said: Vec<_> = findings.iter().map(Finding::to_string).collect();
    said.extend(observability::check(checkout.root())?);
    for one in &said {
        eprintln!("{one}");
    }
    match said.len() {
        0 => Ok(()),
        count => bail!("{count} rules of the manifests are broken"),
    }
}

/// Renders one overlay. Errors: see [`render::render`].
pub fn overlay(root: &Path, name: &str) -> Result<Overlay> {
    let objects = render::render(&root.join(name)).with_context(|| format!("overlay {name}"))?;
    Ok(Overlay { name: name.to_owned(), objects })
}

/// Finds every broken rule of a rendered overlay. Errors: the committed schema cannot be read.
pub fn check(overlay: &Overlay, known: &policy::Known) -> Result<Vec<Finding>> {
    let schema = schema::Schema::load()?;
    let mut findings = Vec::new();
    for object in &overlay.objects {
        findings
            .extend(schema.check(&object.0).into_iter().map(|why| finding(overlay, object, "schema", why)));
    }
    for rule in policy::RULES {
        (rule.check)(overlay, known, &mut |object, why| {
            let object = object.map(Object::address).unwrap_or_default();
            findings.push(Finding { overlay: overlay.name.clone(), object, rule: rule.id, why });
        });
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

fn finding(overlay: &Overlay, object: &Object, rule: &'static str, why: String) -> Finding {
    Finding { overlay: overlay.name.clone(), object: object.address(), rule, why }
}
