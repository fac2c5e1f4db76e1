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
                if open || (anywhere(rule, end) && !webhooks(object, way, rule)) {
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

/// The one way out to everywhere: webhooks of notifications, https alone, and not into private networks. Source: decision
/// record 20.
fn webhooks(object: &Object, way: &str, rule: &Value) -> bool {
    let https = items(rule, "/ports").all(|port| port.get("port") == Some(&443.into()));
    let spares = items(rule, "/to").all(|peer| {
        let except: BTreeSet<_> = items(peer, "/ipBlock/except").filter_map(Value::as_str).collect();
        match text(peer, "/ipBlock/cidr") {
            "0.0.0.0/0" => PRIVATE.iter().all(|network| except.contains(network)),
            cidr => cidr != "::/0",
        }
    });
    way == "egress" && object.name() == Service::Notifications.name() && https && spares
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
                if !there || port != "http" || service(name).is_none_or(Service::has_database) {
                    report(Some(object), format!("{name}:{port} is not the http port of an edge"));
                }
                reached.insert(name.to_owned());
            }
        }
        let marks = labels(&object.0, "/metadata/annotations");
        if !marks.contains_key("nginx.ingress.kubernetes.io/proxy-body-size") {
            report(Some(object), "proxy-body-size is missing".into());
        }
    }
    for edge in Service::ALL.into_iter().filter(|service| !service.has_database()) {
        if !reached.contains(edge.name()) {
            report(None, format!("{edge} cannot be reached from outside"));
        }
    }
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
