//! Ids that the portal makes: of requests, and of registrations before there is an account.

use sha2::{Digest as _, Sha256};
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

/// The id of a further request that belongs to the same form: a repetition of the form repeats it too.
pub fn derived(request_id: &str, step: &str) -> String {
    let digest = Sha256::new().chain_update(request_id).chain_update([0]).chain_update(step).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
