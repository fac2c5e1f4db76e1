//! Values of a message as a tree: counted, found by number, written again.
use interconnect::domain::json::{self, Value};

pub fn number_or_text(text: String) -> Value {
    match json::parse(&text) {
        Ok(number @ Value::Number(_)) => number,
        _ => Value::Number("7".into()),
    }
}

fn children(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Vec::new(),
        Value::List(items) => items.iter_mut().collect(),
        Value::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
    }
}

pub fn count(value: &mut Value) -> usize {
    1 + children(value).into_iter().map(count).sum::<usize>()
}

pub fn nth<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    children(value).into_iter().find_map(|child| nth(child, left))
}

/// The JSON text of a value; the member of that number is written twice.
pub fn written(value: &Value, twice: Option<usize>) -> String {
    fn write(value: &Value, text: &mut String, left: &mut usize) {
        match value {
            Value::Null => text.push_str("null"),
            Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => text.push_str(number),
            Value::Text(plain) => text.push_str(&serde_json::Value::from(plain.as_str()).to_string()),
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    text.push(if at == 0 { '[' } else { ',' });
                    write(item, text, left);
                }
                text.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            Value::Object(members) => {
                text.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    *left = left.wrapping_sub(1);
                    for again in 0..=usize::from(*left == 0) {
                        text.push_str(if at + again == 0 { "" } else { "," });
                        text.push_str(&serde_json::Value::from(name.as_str()).to_string());
                        text.push(':');
                        write(value, text, &mut { usize::MAX });
                    }
                }
                text.push('}');
            }
        }
    }
    let mut text = String::new();
    write(value, &mut text, &mut twice.map_or(usize::MAX, |at| at + 1));
    text
}
