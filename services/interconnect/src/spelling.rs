//! The members of a message in the spelling that a link is configured for. Source: interconnect protocol, section 15.
use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The body with each member renamed that the link spells in another way.
#[must_use]
pub fn spelled(body: Value, spellings: &BTreeMap<String, String>) -> Value {
    if spellings.is_empty() {
        return body;
    }
    match body {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let name = spellings.get(&name).cloned().unwrap_or(name);
                    (name, spelled(value, spellings))
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| spelled(item, spellings)).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}
