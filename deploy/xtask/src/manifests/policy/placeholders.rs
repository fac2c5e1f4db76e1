//! Rule of placeholders: what an installation has to fill in is named at its overlay until it is filled in.
//!
//! Owns: what counts as a placeholder. Not: whether a value is right; the service says that at start.
use std::collections::BTreeSet;

use serde_json::Value;

use super::{Known, Report, settings::given};
use crate::{
    manifests::view::{Overlay, items, labels, text},
    services::Service,
};

/// Annotation of an overlay's Namespace: names of the table below, separated by commas.
const MARK: &str = "yuchong/to-fill";

/// What every name of an example has in it. Source: RFC 2606.
const EXAMPLE: &str = ".example";

/// One thing to fill in.
pub struct Placeholder {
    /// As the mark and `deploy/k8s/README.md` name it.
    pub name: &'static str,
    /// What stands there.
    what: &'static str,
    /// Whether an example stands there.
    found: fn(&Overlay, &Known) -> bool,
}

/// Everything that an installation fills in.
pub const PLACEHOLDERS: &[Placeholder] = &[
    Placeholder {
        name: "images",
        what: "an image without a digest, or of an example's registry",
        found: images,
    },
    Placeholder { name: "hosts", what: "a host of an example", found: hosts },
    Placeholder { name: "objects", what: "an object storage of an example", found: objects },
    Placeholder { name: "organisation", what: "an example of an organisation code", found: organisation },
    Placeholder { name: "site", what: "an example in the footer of every page", found: site },
];

/// Marks of the page footer. Source: `services/portal/settings.toml`.
const SITE: &[&str] = &["site.organiser", "site.icp_record", "site.police_record", "site.site_code"];

pub(super) fn filled(overlay: &Overlay, known: &Known, report: &mut Report<'_>) {
    if !overlay.real() {
        return;
    }
    let namespace = overlay.of("Namespace").next();
    let marks = namespace.map(|own| labels(&own.0, "/metadata/annotations")).unwrap_or_default();
    let mark = marks.get(MARK).map(String::as_str).unwrap_or_default();
    let marked: BTreeSet<_> = mark.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    for Placeholder { name, what, found } in PLACEHOLDERS {
        match (found(overlay, known), marked.contains(name)) {
            (true, false) => report(namespace, format!("{what}: fill it in, or name {name:?} in {MARK}")),
            (false, true) => report(namespace, format!("{name:?} is filled in: take it out of {MARK}")),
            (true, true) | (false, false) => {}
        }
    }
    for name in marked.iter().filter(|name| PLACEHOLDERS.iter().all(|one| one.name != **name)) {
        report(namespace, format!("{MARK}: nothing is named {name:?}"));
    }
}

/// The value of a setting as an overlay gives it, or its default.
fn value(overlay: &Overlay, known: &Known, service: Service, key: &str) -> String {
    let set = given(overlay).into_iter().find(|(own, _, name, _)| *own == service && name == key);
    let default = || known.default(service, key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    set.map_or_else(default, |(.., value)| value)
}

fn images(overlay: &Overlay, _: &Known) -> bool {
    overlay.workloads().flat_map(|object| object.containers()).any(|container| {
        let image = text(container, "/image");
        !image.contains("@sha256:") || image.contains(EXAMPLE)
    })
}

fn hosts(overlay: &Overlay, known: &Known) -> bool {
    let told = [(Service::Portal, "server.public_origin"), (Service::Interconnect, "client.door")];
    let led = |host: &Value| text(host, "/host").contains(EXAMPLE);
    overlay.of("Ingress").flat_map(|object| items(&object.0, "/spec/rules")).any(led)
        || told.iter().any(|(service, key)| value(overlay, known, *service, key).contains(EXAMPLE))
}

fn objects(overlay: &Overlay, known: &Known) -> bool {
    value(overlay, known, Service::Documents, "storage.s3.endpoint").contains(EXAMPLE)
}

/// Codes that belong to nobody: one character alone, and the one of the tests. Source: interconnect protocol, section 19.
fn organisation(overlay: &Overlay, known: &Known) -> bool {
    let code = value(overlay, known, Service::Interconnect, "client.operator_id");
    code == "123456789" || code.bytes().collect::<BTreeSet<_>>().len() < 2
}

fn site(overlay: &Overlay, known: &Known) -> bool {
    SITE.iter().any(|key| value(overlay, known, Service::Portal, key).contains("示例"))
}
