//! Renders a kustomize folder: the four features that our overlays use, and a refusal of every other.
//!
//! Owns: `resources`, `namespace`, `patches` by file as strategic merges, `images`. Not: the rest of kustomize; a key that
//! is not known here is an error, so that nothing is checked differently from how it is deployed. A test compares the
//! result with `kubectl kustomize` where that is installed.
use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::view::{Object, text};

/// The part of a kustomization that is understood here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kustomization {
    #[serde(rename = "apiVersion")]
    _version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(default)]
    namespace: String,
    resources: Vec<String>,
    #[serde(default)]
    patches: Vec<Patch>,
    #[serde(default)]
    images: Vec<Image>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    path: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Image {
    name: String,
    new_name: Option<String>,
    new_tag: Option<String>,
    digest: Option<String>,
}

/// By which key the items of a list are told apart when a patch touches them. Source: the patch merge keys of the API.
const MERGE_KEYS: &[(&str, &str)] = &[
    ("containers", "name"),
    ("initContainers", "name"),
    ("env", "name"),
    ("volumes", "name"),
    ("volumeMounts", "mountPath"),
    ("topologySpreadConstraints", "topologyKey"),
];
/// Lists that a patch replaces as a whole. Source: the API's atomic lists.
const ATOMIC: &[&str] = &["rules", "tls", "ingress", "egress", "args", "metrics", "policyTypes"];
/// Kinds that live in no namespace.
const GLOBAL: &[&str] = &["Namespace"];

/// Renders the kustomization of a folder.
///
/// Errors: a file is missing or is no YAML; a feature that is not understood; a patch of an object that is not there.
pub fn render(folder: &Path) -> Result<Vec<Object>> {
    let path = folder.join("kustomization.yaml");
    let file = documents(&path)?.pop().unwrap_or_default();
    let file: Kustomization = serde_json::from_value(file).with_context(|| format!("{}", path.display()))?;
    let mut objects = Vec::new();
    for resource in &file.resources {
        let path = folder.join(resource);
        if path.is_dir() {
            objects.extend(render(&path)?);
        } else {
            objects.extend(documents(&path)?.into_iter().map(Object));
        }
    }
    for patch in &file.patches {
        for document in documents(&folder.join(&patch.path))? {
            apply(&mut objects, document).with_context(|| patch.path.clone())?;
        }
    }
    for object in &mut objects {
        if !file.namespace.is_empty() {
            place(object, &file.namespace);
        }
        for image in &file.images {
            rename(&mut object.0, image);
        }
    }
    Ok(objects)
}

/// Reads all documents of a YAML file.
fn documents(path: &Path) -> Result<Vec<Value>> {
    let file = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let read = serde_yaml_ng::Deserializer::from_str(&file).map(Value::deserialize);
    read.collect::<Result<_, _>>().with_context(|| format!("{}", path.display()))
}

fn apply(objects: &mut [Object], patch: Value) -> Result<()> {
    let patch = Object(patch);
    let place = objects.iter_mut().find(|object| {
        object.kind() == patch.kind()
            && object.name() == patch.name()
            && text(&object.0, "/apiVersion") == text(&patch.0, "/apiVersion")
    });
    let Some(object) = place else { bail!("{} is not there to be patched", patch.address()) };
    merge(&mut object.0, patch.0)
}

/// Merges as the API does: maps by key, null removes, lists by their key.
fn merge(into: &mut Value, patch: Value) -> Result<()> {
    let (Value::Object(into), Value::Object(patch)) = (into, patch) else { bail!("only objects are merged") };
    for (key, value) in patch {
        ensure!(!key.starts_with('$'), "{key}: directives are not understood here");
        match (into.get_mut(&key), value) {
            (_, Value::Null) => {
                into.remove(&key);
            }
            (Some(old @ Value::Object(_)), new @ Value::Object(_)) => merge(old, new)?,
            (Some(Value::Array(old)), Value::Array(new)) => merge_lists(&key, old, new)?,
            (_, new) => {
                into.insert(key, new);
            }
        }
    }
    Ok(())
}

fn merge_lists(list: &str, into: &mut Vec<Value>, patch: Vec<Value>) -> Result<()> {
    if ATOMIC.contains(&list) {
        *into = patch;
        return Ok(());
    }
    let key = MERGE_KEYS.iter().find(|(name, _)| *name == list);
    let (_, key) = key.with_context(|| format!("lists of {list} are not merged here"))?;
    for item in patch {
        let same = |old: &&mut Value| old.get(key) == item.get(key);
        match into.iter_mut().find(same) {
            Some(old) => merge(old, item)?,
            None => into.push(item),
        }
    }
    Ok(())
}

fn place(object: &mut Object, namespace: &str) {
    if GLOBAL.contains(&object.kind()) {
        return;
    }
    if let Some(Value::Object(metadata)) = object.0.get_mut("metadata") {
        metadata.insert("namespace".into(), namespace.into());
    }
}

/// Replaces the image's name, tag or digest in every container below.
fn rename(value: &mut Value, image: &Image) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields.iter_mut() {
                if key == "containers" || key == "initContainers" {
                    containers(inner, image);
                } else {
                    rename(inner, image);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, image)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn containers(list: &mut Value, image: &Image) {
    for container in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        set_image(container, image);
    }
}

fn set_image(container: &mut Map<String, Value>, image: &Image) {
    let old = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let (name, tag) = old.rsplit_once(':').unwrap_or((old, ""));
    if name != image.name {
        return;
    }
    let name = image.new_name.as_deref().unwrap_or(name);
    let new = match (&image.digest, &image.new_tag) {
        (Some(digest), _) => format!("{name}@{digest}"),
        (None, Some(tag)) => format!("{name}:{tag}"),
        (None, None) if tag.is_empty() => name.to_owned(),
        (None, None) => format!("{name}:{tag}"),
    };
    container.insert("image".into(), new.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_merge_maps_and_named_lists_and_null_removes() {
        let mut into = json!({ "spec": { "replicas": 2, "containers": [{ "name": "a", "image": "x" }, { "name": "b" }],
                                         "rules": [1, 2] } });
        let patch = json!({ "spec": { "replicas": null, "rules": [3],
                                      "containers": [{ "name": "a", "image": "y" }, { "name": "c" }] } });
        merge(&mut into, patch).unwrap();
        assert_eq!(
            into,
            json!({ "spec": { "containers": [{ "name": "a", "image": "y" }, { "name": "b" }, { "name": "c" }], "rules": [3] } })
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let mut into = json!({ "hostAliases": [1] });
        assert!(merge(&mut into, json!({ "$patch": "delete" })).is_err());
        assert!(merge(&mut into, json!({ "hostAliases": [2] })).is_err());
        let unknown = json!({ "apiVersion": "a", "kind": "b", "resources": [], "configMapGenerator": [] });
        assert!(serde_json::from_value::<Kustomization>(unknown).is_err());
    }
}
