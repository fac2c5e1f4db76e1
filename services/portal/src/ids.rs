//! Ids that the portal makes: of requests, and of registrations before there is an account.

use uuid::Uuid;

/// A fresh one.
#[expect(
    clippy::disallowed_methods,
    reason = "an id that no service stores as its own; portal has no unit of work"
)]
pub fn fresh() -> String {
    Uuid::now_v7().to_string()
}

/// Whether a text is an id at all.
pub fn is_id(text: &str) -> bool {
    Uuid::parse_str(text).is_ok()
}
