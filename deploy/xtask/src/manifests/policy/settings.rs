//! Rules of settings: keys that exist, ports that agree, secrets in files.
//!
//! Owns: the comparison with each service's `settings.toml`. Not: whether a value is wise; the service says that at start.
use super::{Known, Report, service};
use crate::{
    manifests::view::{Object, Overlay, items, labels, text},
    services::Service,
};

/// Settings that are secrets, or hold one: never in a ConfigMap. Source: each service's `settings.toml`.
const SECRETS: &[&str] = &[
    "database.url",
    "identity.signing_key",
    "decisions.signing_key",
    "links.secrets_key",
    "storage.s3.access_key",
    "storage.s3.secret_key",
    "rebuild.broker_url",
    "second_factor.secrets_key",
    "webhooks.secrets_key",
];

/// Lists the settings of every service as the ConfigMap of its name gives them: key with dots, value.
pub(super) fn given(overlay: &Overlay) -> Vec<(Service, &Object, String, String)> {
    let mut all = Vec::new();
    for object in overlay.of("ConfigMap") {
        let Some(service) = service(object.name()) else { continue };
        let prefix = service.variable("");
        for (variable, value) in labels(&object.0, "/data") {
            let key = variable.strip_prefix(&prefix).unwrap_or(&variable).to_lowercase().replace("__", ".");
            all.push((service, object, key, value));
        }
    }
    all
}

pub(super) fn secrets(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for (_, object, key, _) in given(overlay) {
        if SECRETS.contains(&key.as_str()) {
            report(Some(object), format!("{key} is a secret: it belongs into the mounted file"));
        }
    }
    for object in overlay.workloads() {
        for container in object.containers() {
            let named = items(container, "/env")
                .any(|variable| variable.pointer("/valueFrom/secretKeyRef").is_some());
            if named || items(container, "/envFrom").any(|source| source.get("secretRef").is_some()) {
                report(Some(object), "a secret is given as a variable: mount it".into());
            }
        }
    }
    for object in overlay.of("Secret") {
        report(Some(object), "a secret stands in the repository".into());
    }
}

pub(super) fn keys(overlay: &Overlay, known: &Known, report: &mut Report<'_>) {
    for object in overlay.of("ConfigMap").filter(|object| service(object.name()).is_none()) {
        report(Some(object), "no service has this name".into());
    }
    for (service, object, key, value) in given(overlay) {
        match known.default(service, &key) {
            None => report(Some(object), format!("{service} has no setting {key}")),
            Some(default) if !fits(default, &value) => {
                report(
                    Some(object),
                    format!("{key} = {value:?} is of another type than its default {default}"),
                );
            }
            Some(_) => {}
        }
    }
    for object in overlay.of("Deployment") {
        let from: Vec<_> = object
            .containers()
            .into_iter()
            .flat_map(|container| items(container, "/envFrom"))
            .map(|source| text(source, "/configMapRef/name"))
            .collect();
        if from != [object.name()] {
            report(Some(object), "envFrom must be the ConfigMap of the same name".into());
        }
    }
}

fn fits(default: &toml::Value, value: &str) -> bool {
    match default {
        toml::Value::String(_) => true,
        toml::Value::Integer(_) => value.parse::<i64>().is_ok(),
        toml::Value::Float(_) => value.parse::<f64>().is_ok(),
        toml::Value::Boolean(_) => value.parse::<bool>().is_ok(),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => false,
    }
}

pub(super) fn ports(overlay: &Overlay, known: &Known, report: &mut Report<'_>) {
    let given = given(overlay);
    let value = |service: Service, key: &str| {
        let of = |(own, _, name, _): &&(Service, &Object, String, String)| *own == service && name == key;
        given.iter().find(of).map(|(.., value)| value.clone()).unwrap_or_default()
    };
    for service in Service::ALL {
        let inlet = if service.has_database() { "grpc" } else { "http" };
        let Some(object) = overlay.find("Deployment", service.name()) else { continue };
        let named = [(inlet, service.inlet_port()), ("admin", service.admin_port())];
        let outside = service.outside_port().map(|port| ("outside", port));
        for (name, port) in named.into_iter().chain(outside) {
            let key = format!("server.{name}_addr");
            if value(service, &key) != format!("0.0.0.0:{port}") {
                report(Some(object), format!("{key} must be 0.0.0.0:{port}"));
            }
            let opened =
                object.containers().into_iter().flat_map(|container| items(container, "/ports")).any(
                    |opened| {
                        text(opened, "/name") == name
                            && opened.get("containerPort") == Some(&u64::from(port).into())
                    },
                );
            if !opened {
                report(Some(object), format!("port {name} must be {port}"));
            }
        }
        for peer in known.peers(service) {
            let url = value(service, &format!("peers.{peer}"));
            let address = url.split_once("://").map_or("", |(_, address)| address);
            if address != format!("{peer}:{}", peer.inlet_port()) {
                report(Some(object), format!("peers.{peer} = {url:?} is not where {peer} listens"));
            }
        }
    }
}

pub(super) fn profile(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    let wanted = if overlay.real() { "production" } else { "development" };
    for service in Service::ALL {
        let object = overlay.find("ConfigMap", service.name());
        let set = object.map(|object| labels(&object.0, "/data")).unwrap_or_default();
        if set.get(&service.variable("PROFILE")).map(String::as_str) != Some(wanted) {
            report(object, format!("the profile of {service} is not {wanted}"));
        }
    }
}

pub(super) fn plain(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for (_, object, key, value) in given(overlay) {
        let called = key.starts_with("peers.")
            || ["broker.url", "storage.s3.endpoint", "telemetry.otlp_endpoint"].contains(&key.as_str());
        if overlay.real() && called && !value.starts_with("https://") && !value.starts_with("tls://") {
            report(Some(object), format!("{key} = {value:?} is plain text"));
        }
    }
}

pub(super) fn door(overlay: &Overlay, known: &Known, report: &mut Report<'_>) {
    let own = Service::Interconnect;
    let prefix =
        known.default(own, "server.prefix").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let doors: Vec<_> = overlay
        .find("Ingress", own.name())
        .into_iter()
        .flat_map(|object| items(&object.0, "/spec/rules"))
        .map(|rule| format!("https://{}/{prefix}", text(rule, "/host")))
        .collect();
    let object = overlay.find("ConfigMap", own.name());
    let set = object.map(|object| labels(&object.0, "/data")).unwrap_or_default();
    let door = set.get(&own.variable("CLIENT__DOOR")).cloned().unwrap_or_default();
    if overlay.real() && !doors.contains(&door) {
        report(object, format!("client.door = {door:?} is not where the Ingress leads: {doors:?}"));
    }
}

pub(super) fn objects(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    let object = overlay.find("ConfigMap", Service::Documents.name());
    let set = object.map(|object| labels(&object.0, "/data")).unwrap_or_default();
    let kind = set.get(&Service::Documents.variable("STORAGE__KIND")).map_or("folder", String::as_str);
    if overlay.real() && kind != "s3" {
        report(object, "documents must keep its objects in s3: a folder belongs to one pod".into());
    }
}
