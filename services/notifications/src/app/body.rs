//! The body of every webhook. Source: Standard Webhooks, "Payload structure".

use serde::Serialize;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Value,
}

/// JSON, as it is signed and posted; `at` is when the event occurred.
pub fn text(event_type: &str, at: OffsetDateTime, data: Value) -> String {
    let timestamp = at.format(&Rfc3339).unwrap_or_default();
    serde_json::to_string(&Body { r#type: event_type, timestamp, data }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_its_type_the_time_of_the_event_and_its_data() {
        let text = text("yuchong.test", OffsetDateTime::UNIX_EPOCH, serde_json::json!({ "event_id": "7" }));
        let expected =
            r#"{"type":"yuchong.test","timestamp":"1970-01-01T00:00:00Z","data":{"event_id":"7"}}"#;
        assert_eq!(text, expected);
    }
}
