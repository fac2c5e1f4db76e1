//! Reading rendered objects: names, pods, containers, labels.
//!
//! Owns: where things stand inside a Kubernetes object. Not: what they should be.
use std::collections::BTreeMap;

use serde_json::Value;

/// One rendered object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(pub Value);

/// Everything that one overlay deploys.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// `dev`, `staging` or `prod`.
    pub name: String,
    /// In the order of the files.
    pub objects: Vec<Object>,
}

/// Labels of an object, or asked for by a selector.
pub type Labels = BTreeMap<String, String>;

impl Object {
    /// Gives the kind; empty where there is none.
    pub fn kind(&self) -> &str {
        text(&self.0, "/kind")
    }

    /// Gives the name; empty where there is none.
    pub fn name(&self) -> &str {
        text(&self.0, "/metadata/name")
    }

    /// Gives `kind/name`, for messages.
    pub fn address(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }

    /// Gives the pod that it makes, where it makes one: the template of a Deployment or Job.
    pub fn pod(&self) -> Option<&Value> {
        matches!(self.kind(), "Deployment" | "Job").then(|| self.0.pointer("/spec/template")).flatten()
    }

    /// Gives the containers of its pod, those that start first included.
    pub fn containers(&self) -> Vec<&Value> {
        let Some(pod) = self.pod() else { return Vec::new() };
        ["/spec/initContainers", "/spec/containers"].iter().flat_map(|place| items(pod, place)).collect()
    }

    /// Gives the labels of its pod.
    pub fn pod_labels(&self) -> Labels {
        self.pod().map(|pod| labels(pod, "/metadata/labels")).unwrap_or_default()
    }
}

impl Overlay {
    /// Lists the objects of a kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.objects.iter().filter(move |object| object.kind() == kind)
    }

    /// Finds an object by kind and name.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind() == kind && object.name() == name)
    }

    /// Lists the objects that make pods.
    pub fn workloads(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.pod().is_some())
    }

    /// Tells whether real data is meant to live here.
    pub fn real(&self) -> bool {
        self.name != "dev"
    }
}

/// Gives the text at a place; empty where there is none.
pub fn text<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

/// Gives the items of a list; none where there is no list.
pub fn items<'a>(value: &'a Value, place: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(place).and_then(Value::as_array).into_iter().flatten()
}

/// Gives a map of texts, e.g. labels or the data of a ConfigMap.
pub fn labels(value: &Value, place: &str) -> Labels {
    let pairs = value.pointer(place).and_then(Value::as_object).into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// Tells whether all labels asked for are there; a selector that asks for nothing selects everything.
pub fn selects(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}
