//! The shape of Kubernetes objects: the schemas of one API version, committed, and a small validator for them.
//!
//! Owns: unknown fields, types, required fields, closed lists of values. Not: meaning. The file holds the kinds that we
//! deploy, cut from the strict JSON schemas of Kubernetes 1.34 (Apache-2.0); another kind is an error until it is added.
use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use super::view::text;

const FILE: &str = include_str!("kubernetes-1.34.json");

/// The committed schemas.
#[derive(Debug, Deserialize)]
pub struct Schema {
    /// The version of Kubernetes that they describe.
    pub version: String,
    kinds: BTreeMap<String, String>,
    definitions: BTreeMap<String, Node>,
}

/// The keywords that those schemas use; another one stops the reading.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Node {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    r#type: Option<Types>,
    r#enum: Option<Vec<Value>>,
    /// Widths of numbers and encodings of texts; kinds of ours depend on none.
    #[serde(rename = "format")]
    _format: Option<String>,
    properties: BTreeMap<String, Node>,
    additional_properties: Option<Box<Additional>>,
    required: Vec<String>,
    items: Option<Box<Node>>,
    one_of: Vec<Node>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Types {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Additional {
    Allowed(bool),
    Each(Node),
}

impl Schema {
    /// Reads the committed schemas. Errors: they use a keyword that is not understood.
    pub fn load() -> Result<Self> {
        serde_json::from_str(FILE).context("the schemas of Kubernetes cannot be read")
    }

    /// Tells what is wrong with the shape of an object.
    pub fn check(&self, object: &Value) -> Vec<String> {
        let kind = format!("{}/{}", text(object, "/apiVersion"), text(object, "/kind"));
        let mut wrong = Vec::new();
        match self.kinds.get(&kind).and_then(|name| self.definitions.get(name)) {
            Some(node) => self.walk(node, object, "", &mut wrong),
            None => wrong
                .push(format!("{kind} is not among the kinds of Kubernetes {} that we deploy", self.version)),
        }
        wrong
    }

    fn walk(&self, node: &Node, value: &Value, place: &str, wrong: &mut Vec<String>) {
        if let Some(reference) = &node.reference {
            let name = reference.rsplit('/').next().unwrap_or_default();
            match self.definitions.get(name) {
                Some(node) => self.walk(node, value, place, wrong),
                None => wrong.push(format!("{place}: the schema {name} is not committed")),
            }
            return;
        }
        if !node.one_of.is_empty() {
            let fits = |one: &Node| {
                let mut inner = Vec::new();
                self.walk(one, value, place, &mut inner);
                inner.is_empty()
            };
            if !node.one_of.iter().any(fits) {
                wrong.push(format!("{place}: {value} fits none of the possible types"));
            }
            return;
        }
        if !node.r#type.as_ref().is_none_or(|types| types.allow(value)) {
            wrong.push(format!("{place}: {value} is of another type"));
            return;
        }
        if node.r#enum.as_ref().is_some_and(|values| !values.contains(value)) {
            wrong.push(format!("{place}: {value} is not one of the possible values"));
        }
        match value {
            Value::Object(fields) => self.fields(node, fields, place, wrong),
            Value::Array(list) => {
                for (at, item) in list.iter().enumerate() {
                    if let Some(node) = &node.items {
                        self.walk(node, item, &format!("{place}[{at}]"), wrong);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn fields(
        &self,
        node: &Node,
        fields: &serde_json::Map<String, Value>,
        place: &str,
        wrong: &mut Vec<String>,
    ) {
        for key in node.required.iter().filter(|key| !fields.contains_key(*key)) {
            wrong.push(format!("{place}.{key} is missing"));
        }
        for (key, value) in fields {
            let place = format!("{place}.{key}");
            match (node.properties.get(key), node.additional_properties.as_deref()) {
                (Some(inner), _) | (None, Some(Additional::Each(inner))) => {
                    self.walk(inner, value, &place, wrong)
                }
                (None, Some(Additional::Allowed(false))) => {
                    wrong.push(format!("{place} is not a known field"))
                }
                (None, Some(Additional::Allowed(true)) | None) => {}
            }
        }
    }
}

impl Types {
    fn allow(&self, value: &Value) -> bool {
        let one = |name: &str| match value {
            Value::Null => name == "null",
            Value::Bool(_) => name == "boolean",
            Value::Number(number) => name == "number" || (name == "integer" && !number.is_f64()),
            Value::String(_) => name == "string",
            Value::Array(_) => name == "array",
            Value::Object(_) => name == "object",
        };
        match self {
            Types::One(name) => one(name),
            Types::Several(names) => names.iter().any(|name| one(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(object: &Value) -> Vec<String> {
        Schema::load().unwrap().check(object)
    }

    #[test]
    fn unknown_fields_wrong_types_missing_fields_and_foreign_kinds_are_named() {
        let mut budget = json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "a" },
                                 "spec": { "maxUnavailable": "50%", "selector": { "matchLabels": { "a": "b" } } } });
        assert!(wrong(&budget).is_empty());
        budget["spec"]["maxUnavailble"] = json!(1);
        assert_eq!(wrong(&budget), [".spec.maxUnavailble is not a known field"]);
        let port = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a" }, "spec": { "ports": [{ "port": "80" }] } });
        assert_eq!(wrong(&port), [".spec.ports[0].port: \"80\" is of another type"]);
        let port = json!({ "apiVersion": "v1", "kind": "Service", "spec": { "ports": [{ "name": "80" }] } });
        assert_eq!(wrong(&port), [".spec.ports[0].port is missing"]);
        assert!(wrong(&json!({ "apiVersion": "v1", "kind": "Pod" }))[0].contains("not among the kinds"));
    }
}
