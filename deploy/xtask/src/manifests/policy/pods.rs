//! Rules of pods: images, users, privileges, limits, probes, end.
//!
//! Owns: what a pod may and must. Not: who speaks to it (`network`).
use serde_json::Value;

use super::{Known, Report, service};
use crate::manifests::view::{Object, Overlay, items, text};

/// Seconds that a service may take to end: 5 until nobody calls, 25 for running calls, 5 for background work.
const END_SECS: u64 = 35;
/// Users from here on are nobody of the node's.
const USER_MIN: u64 = 10_000;

pub(super) fn image(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    each_container(overlay, |object, container| {
        let image = text(container, "/image");
        let name = image.rsplit('/').next().unwrap_or_default();
        let tag = name.split_once(':').map_or("", |(_, tag)| tag);
        let pinned = image.contains("@sha256:") || tag.starts_with(|first: char| first.is_ascii_digit());
        if !pinned {
            report(Some(object), format!("image {image:?}: give a version or a digest"));
        }
    });
}

pub(super) fn program(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    each_container(overlay, |object, container| {
        let image = text(container, "/image");
        let name =
            image.rsplit('/').next().and_then(|last| last.split([':', '@']).next()).unwrap_or_default();
        let arguments: Vec<_> = items(container, "/args").filter_map(Value::as_str).collect();
        let wanted: &[&str] = match (name, object.kind(), service(name)) {
            ("provision", "Job", None) => &[],
            (_, "Deployment", Some(_)) => &["serve"],
            (_, "Job", Some(service)) if service.has_database() => &["migrate"],
            _ => {
                return report(
                    Some(object),
                    format!("image {image:?} has no program for a {}", object.kind()),
                );
            }
        };
        if arguments != wanted || container.get("command").is_some() {
            report(Some(object), format!("runs {arguments:?}, and its program is {wanted:?}"));
        }
    });
}

pub(super) fn user(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.workloads() {
        let Some(pod) = object.pod() else { continue };
        let says = |key: &str| pod.pointer(&format!("/spec/securityContext/{key}"));
        if says("runAsNonRoot") != Some(&Value::Bool(true)) {
            report(Some(object), "securityContext.runAsNonRoot is not true".into());
        }
        let high = |key: &str| says(key).and_then(Value::as_u64).is_some_and(|id| id >= USER_MIN);
        if !high("runAsUser") || !high("runAsGroup") {
            report(
                Some(object),
                format!("securityContext.runAsUser and runAsGroup must be {USER_MIN} or more"),
            );
        }
        if text(pod, "/spec/securityContext/seccompProfile/type") != "RuntimeDefault" {
            report(Some(object), "securityContext.seccompProfile is not RuntimeDefault".into());
        }
    }
}

pub(super) fn container(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    each_container(overlay, |object, container| {
        let context = container.get("securityContext").unwrap_or(&Value::Null);
        for (key, wanted) in [("allowPrivilegeEscalation", false), ("readOnlyRootFilesystem", true)] {
            if context.get(key) != Some(&Value::Bool(wanted)) {
                report(Some(object), format!("securityContext.{key} is not {wanted}"));
            }
        }
        let dropped: Vec<_> = items(context, "/capabilities/drop").filter_map(Value::as_str).collect();
        if dropped != ["ALL"] || items(context, "/capabilities/add").next().is_some() {
            report(Some(object), "securityContext.capabilities must drop ALL and add none".into());
        }
        for key in ["privileged", "runAsUser", "runAsNonRoot", "seccompProfile", "procMount"] {
            if context.get(key).is_some() {
                report(Some(object), format!("securityContext.{key} is the pod's affair, not a container's"));
            }
        }
    });
}

pub(super) fn host(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.workloads() {
        let Some(pod) = object.pod() else { continue };
        for key in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
            if pod.pointer(&format!("/spec/{key}")).is_some() {
                report(Some(object), format!("{key} is set"));
            }
        }
        for volume in items(pod, "/spec/volumes") {
            let known = ["secret", "configMap", "emptyDir"].iter().any(|kind| volume.get(kind).is_some());
            if !known {
                report(
                    Some(object),
                    format!("volume {:?}: only secrets, settings and scratch space", text(volume, "/name")),
                );
            }
            if volume.get("emptyDir").is_some_and(|folder| folder.get("sizeLimit").is_none()) {
                report(Some(object), format!("volume {:?} has no sizeLimit", text(volume, "/name")));
            }
        }
        for port in object.containers().into_iter().flat_map(|container| items(container, "/ports")) {
            if port.get("hostPort").is_some() {
                report(Some(object), "hostPort is set".into());
            }
        }
    }
}

pub(super) fn token(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    let off = Some(&Value::Bool(false));
    for object in overlay.workloads() {
        if object.pod().and_then(|pod| pod.pointer("/spec/automountServiceAccountToken")) != off {
            report(Some(object), "automountServiceAccountToken is not false".into());
        }
    }
    for object in overlay.of("ServiceAccount") {
        if object.0.get("automountServiceAccountToken") != off {
            report(Some(object), "automountServiceAccountToken is not false".into());
        }
    }
}

pub(super) fn limits(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    each_container(overlay, |object, container| {
        for kind in ["requests", "limits"] {
            for what in ["cpu", "memory"] {
                if container.pointer(&format!("/resources/{kind}/{what}")).is_none() {
                    report(Some(object), format!("resources.{kind}.{what} is missing"));
                }
            }
        }
    });
}

pub(super) fn probes(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.of("Deployment") {
        for container in object.containers() {
            for (probe, path) in
                [("startupProbe", "/live"), ("livenessProbe", "/live"), ("readinessProbe", "/ready")]
            {
                let asked = text(container, &format!("/{probe}/httpGet/path"));
                let port = text(container, &format!("/{probe}/httpGet/port"));
                if asked != path || port != "admin" {
                    report(Some(object), format!("{probe} must ask {path} on the port admin"));
                }
            }
        }
    }
}

pub(super) fn drain(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.of("Deployment") {
        let grace =
            object.0.pointer("/spec/template/spec/terminationGracePeriodSeconds").and_then(Value::as_u64);
        if grace.is_none_or(|seconds| seconds < END_SECS) {
            report(Some(object), format!("terminationGracePeriodSeconds must be {END_SECS} or more"));
        }
        for container in object.containers() {
            if container.pointer("/lifecycle/preStop/sleep/seconds").and_then(Value::as_u64).is_none() {
                report(Some(object), "lifecycle.preStop must sleep until no new call arrives".into());
            }
        }
        if object.0.pointer("/spec/strategy/rollingUpdate/maxUnavailable") != Some(&Value::from(0)) {
            report(Some(object), "strategy.rollingUpdate.maxUnavailable is not 0".into());
        }
    }
}

fn each_container(overlay: &Overlay, mut look: impl FnMut(&Object, &Value)) {
    for object in overlay.workloads() {
        for container in object.containers() {
            look(object, container);
        }
    }
}
