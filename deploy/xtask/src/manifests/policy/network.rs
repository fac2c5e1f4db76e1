//! Rules of the network: denied unless an arrow of the architecture allows it, at both of its ends.
//!
//! Owns: network policies, the way in from outside, the namespace. Not: ports of settings (`settings`).
use std::collections::BTreeSet;

use serde_json::Value;

use super::{Known, Report, service};
use crate::{
    manifests::view::{Labels, Object, Overlay, items, labels, selects, text},
    services::Service,
};

/// Label by which pods are told apart.
const NAME: &str = "app.kubernetes.io/name";

/// Networks that no rule for everywhere reaches into. Source: RFC 1918, RFC 6598, RFC 3927.
const PRIVATE: &[&str] =
    &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"];

/// What is open to callers outside: service and path. Source: each service's `rpc/access.rs`, `OUTSIDE`.
const OPEN: &[(&str, &str)] = &[
    ("stations", "/yuchong.stations.v1.Ingest"),
    ("accounts", "/yuchong.accounts.v1.Machines/IssueMachineToken"),
];
/// Where an Ingress says how it speaks to the service behind.
const MARKS: &str = "/metadata/annotations";
const PROTOCOL: &str = "nginx.ingress.kubernetes.io/backend-protocol";
const BODY: &str = "nginx.ingress.kubernetes.io/proxy-body-size";
/// What an Ingress for callers outside bounds of one address. Source: decision record 41.
const LIMITS: &[&str] =
    &["nginx.ingress.kubernetes.io/limit-connections", "nginx.ingress.kubernetes.io/limit-rps"];
/// Where strangers ask, who send no stream of batches.
const STRANGERS: &[&str] = &["accounts"];

pub(super) fn deny(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    let closed = overlay.of("NetworkPolicy").any(|object| {
        object.0.pointer("/spec/podSelector") == Some(&Value::Object(serde_json::Map::new()))
            && both_ways(object)
            && object.0.pointer("/spec/ingress").is_none()
            && object.0.pointer("/spec/egress").is_none()
    });
    if !closed {
        report(None, "no policy denies everything to every pod, both ways".into());
    }
    for object in overlay.of("NetworkPolicy") {
        for (way, end) in [("ingress", "from"), ("egress", "to")] {
            for rule in items(&object.0, &format!("/spec/{way}")) {
                let open = items(rule, &format!("/{end}")).next().is_none()
                    || items(rule, "/ports").next().is_none();
                if open || (anywhere(rule, end) && !(way == "egress" && outward(object, rule))) {
                    report(Some(object), format!("{way}: a rule must name both whom and which port"));
                }
            }
        }
    }
}

/// Whether a rule holds for every address.
fn anywhere(rule: &Value, end: &str) -> bool {
    items(rule, &format!("/{end}")).any(|peer| ["0.0.0.0/0", "::/0"].contains(&text(peer, "/ipBlock/cidr")))
}

/// Services that call systems of others, wherever those are: webhooks, and pulls from operators' systems.
const OUTWARD: &[Service] = &[Service::Notifications, Service::Interconnect];

/// Whether a rule is the way out of such a service: https alone, and not into private networks. Source: decision records
/// 20 and 40.
fn outward(object: &Object, rule: &Value) -> bool {
    let https = items(rule, "/ports").all(|port| port.get("port") == Some(&443.into()));
    let spares = items(rule, "/to").all(|peer| {
        let except: BTreeSet<_> = items(peer, "/ipBlock/except").filter_map(Value::as_str).collect();
        match text(peer, "/ipBlock/cidr") {
            "0.0.0.0/0" => PRIVATE.iter().all(|network| except.contains(network)),
            cidr => cidr != "::/0",
        }
    });
    OUTWARD.iter().any(|service| object.name() == service.name()) && https && spares
}

pub(super) fn way_out(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for service in OUTWARD {
        let object = overlay.find("NetworkPolicy", service.name());
        let leaves = object.is_some_and(|object| {
            items(&object.0, "/spec/egress").any(|rule| anywhere(rule, "to") && outward(object, rule))
        });
        if !leaves {
            report(object, format!("{service} cannot reach systems of others over https"));
        }
    }
}

fn both_ways(object: &Object) -> bool {
    let types: BTreeSet<_> = items(&object.0, "/spec/policyTypes").filter_map(Value::as_str).collect();
    types.contains("Ingress") && types.contains("Egress")
}

/// Lists the calls between services that the policies allow at one end: caller, called.
fn allowed(overlay: &Overlay, way: &str, end: &str) -> BTreeSet<(Service, Service)> {
    let mut arrows = BTreeSet::new();
    for object in overlay.of("NetworkPolicy") {
        let selector = labels(&object.0, "/spec/podSelector/matchLabels");
        for rule in items(&object.0, &format!("/spec/{way}")) {
            for peer in items(rule, &format!("/{end}")).filter(|peer| peer.get("namespaceSelector").is_none())
            {
                let other = labels(peer, "/podSelector/matchLabels");
                for own in Service::ALL.into_iter().filter(|own| selects(&selector, &pod(overlay, *own))) {
                    for other in Service::ALL.into_iter().filter(|one| selects(&other, &pod(overlay, *one))) {
                        let (from, to) = if way == "ingress" { (other, own) } else { (own, other) };
                        if peer.get("podSelector").is_some() && opens(rule, to.inlet_port()) {
                            arrows.insert((from, to));
                        }
                    }
                }
            }
        }
    }
    arrows
}

fn pod(overlay: &Overlay, service: Service) -> Labels {
    overlay.find("Deployment", service.name()).map(Object::pod_labels).unwrap_or_default()
}

fn opens(rule: &Value, port: u16) -> bool {
    items(rule, "/ports").any(|open| open.get("port") == Some(&u64::from(port).into()))
}

pub(super) fn arrows(overlay: &Overlay, known: &Known, report: &mut Report<'_>) {
    let wanted: BTreeSet<_> = Service::ALL
        .into_iter()
        .flat_map(|caller| known.peers(caller).into_iter().map(move |called| (caller, called)))
        .collect();
    for (way, end) in [("ingress", "from"), ("egress", "to")] {
        let allowed = allowed(overlay, way, end);
        for (caller, called) in wanted.difference(&allowed) {
            report(None, format!("{way}: {caller} cannot call {called}, which its settings name"));
        }
        for (caller, called) in allowed.difference(&wanted) {
            report(None, format!("{way}: {caller} may call {called}, which its settings do not name"));
        }
    }
}

pub(super) fn servers(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.workloads() {
        let own = service(object.name());
        let serves = own.is_some_and(Service::has_database);
        let migrates = object.name().strip_suffix("-migrate").is_some();
        let wanted = [
            (5432, serves || migrates, "PostgreSQL"),
            (4222, serves || object.name() == "provision", "NATS"),
        ];
        for (port, wanted, server) in wanted {
            let reaches = overlay.of("NetworkPolicy").any(|policy| {
                let selector = labels(&policy.0, "/spec/podSelector/matchLabels");
                selects(&selector, &object.pod_labels())
                    && items(&policy.0, "/spec/egress").any(|rule| opens(rule, port))
            });
            if reaches != wanted {
                let why = if wanted { "cannot reach" } else { "may reach" };
                report(Some(object), format!("{why} {server}"));
            }
        }
    }
}

pub(super) fn covered(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.workloads() {
        let pod = object.pod_labels();
        let own = overlay.of("NetworkPolicy").any(|policy| {
            let selector = labels(&policy.0, "/spec/podSelector/matchLabels");
            selector.contains_key(NAME) && selects(&selector, &pod) && both_ways(policy)
        });
        if !own {
            report(Some(object), "no network policy for both ways selects its pods by name".into());
        }
    }
}

pub(super) fn ingress(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    let mut reached = BTreeSet::new();
    let sealed = "GRPCS".to_owned();
    for object in overlay.of("Ingress") {
        let secured: BTreeSet<_> = items(&object.0, "/spec/tls")
            .filter(|tls| !text(tls, "/secretName").is_empty())
            .flat_map(|tls| items(tls, "/hosts").filter_map(Value::as_str))
            .collect();
        for rule in items(&object.0, "/spec/rules") {
            if !secured.contains(text(rule, "/host")) {
                report(Some(object), format!("host {:?} has no TLS", text(rule, "/host")));
            }
            for path in items(rule, "/http/paths") {
                let (name, port) =
                    (text(path, "/backend/service/name"), text(path, "/backend/service/port/name"));
                let there = overlay.find("Service", name).is_some_and(|service| {
                    items(&service.0, "/spec/ports").any(|opened| text(opened, "/name") == port)
                });
                let edge = port == "http" && service(name).is_some_and(|service| !service.has_database());
                let opened = port == "outside" && OPEN.contains(&(name, text(path, "/path")));
                if !there || !(edge || opened) {
                    report(
                        Some(object),
                        format!("{name}:{port} is not the http port of an edge, nor open to callers outside"),
                    );
                }
                if opened && overlay.real() && labels(&object.0, MARKS).get(PROTOCOL) != Some(&sealed) {
                    report(Some(object), format!("{PROTOCOL} must be {sealed}: {name} speaks TLS"));
                }
                if opened {
                    bounded(object, name, report);
                }
                reached.insert(name.to_owned());
            }
        }
        if !labels(&object.0, MARKS).contains_key(BODY) {
            report(Some(object), "proxy-body-size is missing".into());
        }
    }
    for edge in Service::ALL.into_iter().filter(|service| !service.has_database()) {
        if !reached.contains(edge.name()) {
            report(None, format!("{edge} cannot be reached from outside"));
        }
    }
}

/// Tells what callers from outside are not bounded in.
fn bounded(object: &Object, name: &str, report: &mut Report<'_>) {
    let marks = labels(&object.0, MARKS);
    for limit in LIMITS.iter().filter(|limit| !marks.contains_key(**limit)) {
        report(Some(object), format!("{limit} is missing: {name} is open to callers outside"));
    }
    if STRANGERS.contains(&name) && marks.get(BODY).is_some_and(|size| size == "0") {
        report(Some(object), format!("{BODY} is off: anyone may ask {name}"));
    }
}

pub(super) fn outside(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for (name, path) in OPEN {
        let led = overlay.of("Ingress").any(|object| {
            items(&object.0, "/spec/rules")
                .flat_map(|rule| items(rule, "/http/paths"))
                .any(|led| text(led, "/path") == *path && text(led, "/backend/service/name") == *name)
        });
        if !led {
            report(None, format!("no Ingress leads to {path}"));
        }
    }
    for service in Service::ALL {
        let wanted: BTreeSet<_> = match service.has_database() {
            true => service.outside_port().into_iter().collect(),
            false => [service.inlet_port()].into(),
        };
        let object = overlay.find("NetworkPolicy", service.name());
        let rules = object.into_iter().flat_map(|object| items(&object.0, "/spec/ingress"));
        let allowed: BTreeSet<_> = rules
            .filter(|rule| items(rule, "/from").any(from_the_ingress))
            .flat_map(|rule| items(rule, "/ports"))
            .filter_map(|port| u16::try_from(port.get("port")?.as_u64()?).ok())
            .collect();
        if allowed != wanted {
            report(object, format!("the ingress may reach {allowed:?} of {service}, and should {wanted:?}"));
        }
    }
}

fn from_the_ingress(peer: &Value) -> bool {
    labels(peer, "/namespaceSelector/matchLabels").values().any(|name| name == "ingress-nginx")
}

pub(super) fn namespace(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    let Some(own) = overlay.of("Namespace").next() else {
        return report(None, "the overlay has no Namespace".into());
    };
    let marks = labels(&own.0, "/metadata/labels");
    if marks.get("pod-security.kubernetes.io/enforce").map(String::as_str) != Some("restricted") {
        report(Some(own), "pod-security.kubernetes.io/enforce is not restricted".into());
    }
    for object in overlay.objects.iter().filter(|object| object.kind() != "Namespace") {
        if text(&object.0, "/metadata/namespace") != own.name() {
            report(Some(object), format!("is not in the namespace {}", own.name()));
        }
    }
}
