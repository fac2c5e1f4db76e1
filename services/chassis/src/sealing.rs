//! Secrets at rest: sealed with AES-256-GCM under a key of the settings, bound to the row that they belong to.
//!
//! Owns: bytes. Not: what a secret means, or who may see it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};

use crate::Failure;

/// Seals and opens bytes under one key.
pub struct Seal(LessSafeKey);

/// The value was sealed with another key, or for another row.
#[derive(Debug, thiserror::Error)]
#[error("a sealed secret cannot be opened with the key in the settings")]
pub struct Unopened;

impl Seal {
    /// From a setting: 32 bytes in base64; `None` where it is anything else.
    #[must_use]
    pub fn new(key: &str) -> Option<Seal> {
        let bytes = STANDARD.decode(key).ok()?;
        Some(Seal(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?)))
    }

    /// Encrypts for the row that `place` names: nonce, then bytes with their tag.
    ///
    /// # Errors
    /// Internal: the machine has no randomness.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Failure> {
        let nonce = random::<NONCE_LEN>()?;
        let mut bytes = plain.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut bytes)
            .map_err(|_| Failure::internal("sealing failed"))?;
        Ok([nonce.as_slice(), &bytes].concat())
    }

    /// Decrypts what was sealed for this row.
    ///
    /// # Errors
    /// [`Unopened`].
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
        let (nonce, bytes) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unopened)?;
        let mut bytes = bytes.to_vec();
        let plain = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut bytes)
            .map_err(|_| Unopened)?;
        Ok(plain.to_vec())
    }
}

/// Bytes from the system's source of randomness.
///
/// # Errors
/// Internal: the machine has none.
pub fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Failure::internal("no randomness"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Seal {
        Seal::new(&STANDARD.encode([byte; 32])).expect("a key")
    }

    #[test]
    fn what_is_sealed_opens_for_its_own_row_and_key_only() {
        let sealed = key(7).seal(b"row 1", b"the secret of a link").expect("sealed");
        assert_eq!(key(7).open(b"row 1", &sealed).expect("opened"), b"the secret of a link");
        assert!(key(7).open(b"row 2", &sealed).is_err());
        assert!(key(8).open(b"row 1", &sealed).is_err());
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, key(7).seal(b"row 1", b"the secret of a link").expect("sealed"));
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert!(Seal::new("").is_none() && Seal::new("c2hvcnQ=").is_none());
    }
}
