//! Rules of availability: everything is there, found, counted, spread.
//!
//! Owns: Deployments, Services, budgets and scaling as a whole. Not: what is inside of a pod (`pods`).
use serde_json::Value;

use super::{Known, Report};
use crate::{
    manifests::view::{Object, Overlay, items, labels, selects, text},
    services::Service,
};

pub(super) fn complete(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    let mut wanted = vec![("Job", "provision".to_owned())];
    for service in Service::ALL {
        for kind in ["Deployment", "Service", "ServiceAccount", "ConfigMap"] {
            wanted.push((kind, service.name().to_owned()));
        }
        if service.has_database() {
            wanted.push(("Job", format!("{service}-migrate")));
        }
    }
    for (kind, name) in wanted {
        if overlay.find(kind, &name).is_none() {
            report(None, format!("{kind}/{name} is missing"));
        }
    }
    for (at, object) in overlay.objects.iter().enumerate() {
        let twice = |other: &Object| other.kind() == object.kind() && other.name() == object.name();
        if overlay.objects[..at].iter().any(twice) {
            report(Some(object), "is there twice".into());
        }
    }
}

pub(super) fn selectors(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.of("Deployment") {
        if !selects(&labels(&object.0, "/spec/selector/matchLabels"), &object.pod_labels()) {
            report(Some(object), "its selector does not find its own pods".into());
        }
    }
    for object in overlay.of("Service") {
        let selector = labels(&object.0, "/spec/selector");
        let found: Vec<_> =
            overlay.of("Deployment").filter(|made| selects(&selector, &made.pod_labels())).collect();
        let [made] = found.as_slice() else {
            report(Some(object), format!("finds the pods of {} Deployments, not of one", found.len()));
            continue;
        };
        for port in items(&object.0, "/spec/ports") {
            let target = port.get("targetPort").or(port.get("port")).unwrap_or(&Value::Null);
            let opened = made.containers().into_iter().flat_map(|container| items(container, "/ports")).any(
                |opened| opened.get("name") == Some(target) || opened.get("containerPort") == Some(target),
            );
            if !opened {
                report(Some(object), format!("its pods have no port {target}"));
            }
        }
    }
}

pub(super) fn replicas(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    if !overlay.real() {
        return;
    }
    for object in overlay.of("Deployment") {
        let fixed = object.0.pointer("/spec/replicas").and_then(Value::as_u64);
        let scaled = scaler(overlay, object.name())
            .and_then(|scaler| scaler.0.pointer("/spec/minReplicas").and_then(Value::as_u64));
        if fixed.or(scaled).is_none_or(|count| count < 2) {
            report(Some(object), "has fewer than two replicas".into());
        }
    }
}

pub(super) fn disruption(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.of("Deployment") {
        let kept = overlay.of("PodDisruptionBudget").any(|budget| {
            let selector = labels(&budget.0, "/spec/selector/matchLabels");
            !selector.is_empty()
                && selects(&selector, &object.pod_labels())
                && budget.0.pointer("/spec/maxUnavailable") == Some(&Value::from(1))
        });
        if !kept {
            report(Some(object), "no disruption budget of one pod covers it".into());
        }
    }
}

pub(super) fn spread(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for object in overlay.of("Deployment") {
        let spread = items(&object.0, "/spec/template/spec/topologySpreadConstraints").any(|constraint| {
            text(constraint, "/topologyKey") == "kubernetes.io/hostname"
                && text(constraint, "/whenUnsatisfiable") == "DoNotSchedule"
                && selects(&labels(constraint, "/labelSelector/matchLabels"), &object.pod_labels())
        });
        if !spread {
            report(Some(object), "its pods are not spread over the nodes".into());
        }
    }
}

pub(super) fn scaling(overlay: &Overlay, _: &Known, report: &mut Report<'_>) {
    for scaler in overlay.of("HorizontalPodAutoscaler") {
        let target = text(&scaler.0, "/spec/scaleTargetRef/name");
        match overlay.find("Deployment", target) {
            None => report(Some(scaler), format!("Deployment/{target} is not there")),
            Some(made) if made.0.pointer("/spec/replicas").is_some() => {
                report(Some(made), "replicas is set, and a scaler counts them too".into());
            }
            Some(_) => {}
        }
    }
}

fn scaler<'a>(overlay: &'a Overlay, deployment: &str) -> Option<&'a Object> {
    overlay
        .of("HorizontalPodAutoscaler")
        .find(|scaler| text(&scaler.0, "/spec/scaleTargetRef/name") == deployment)
}
