//! Random secrets and the hashes under which they are kept. Passwords are hashed in `hashing.rs`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{Rng as _, RngExt as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Letters and digits that are not mistaken for each other: 32 of them, so 5 bits each.
const CLEAR: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of a one-time password: 16 × 5 = 80 bits. Source: reliability 11 (≥ 12 characters, ≥ 64 bits).
const ONE_TIME_LENGTH: usize = 16;

/// A 256-bit token, base64url: sessions, tickets, client secrets.
pub fn token() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A one-time password of 80 bits, without characters that look alike.
pub fn one_time_password() -> String {
    let mut bytes = [0_u8; ONE_TIME_LENGTH];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| char::from(CLEAR[usize::from(byte % 32)])).collect()
}

/// A code of six digits.
pub fn code() -> String {
    format!("{:06}", rand::rng().random_range(0..1_000_000_u32))
}

/// The hash under which a token is kept: it is random enough that nothing slower is needed.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// The hash under which a code is kept, bound to its own id.
pub fn code_hash(code_id: Uuid, code: &str) -> Vec<u8> {
    Sha256::new().chain_update(code_id.as_bytes()).chain_update(code.as_bytes()).finalize().to_vec()
}

/// The hash under which attempts of a login are counted; upper and lower case count as one.
pub fn login_hash(login: &str) -> Vec<u8> {
    Sha256::digest(login.trim().to_lowercase().as_bytes()).to_vec()
}

/// A phone number with its middle hidden; empty stays empty.
pub fn masked_phone(phone: &str) -> String {
    match (phone.get(..3), phone.get(phone.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) if phone.len() >= 11 => format!("{head}****{tail}"),
        (Some(_) | None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_their_lengths() {
        assert_eq!(token().len(), 43);
        assert_eq!(one_time_password().len(), 16);
        assert_eq!(code().len(), 6);
        assert_eq!(masked_phone("19900000001"), "199****0001");
        assert_eq!(masked_phone(""), "");
    }
}
