//! Secrets of second factors at rest: sealed under the installation's key for the person that they belong to.
//!
//! Owns: bytes. Not: what a code is (`domain/totp.rs`), who may see a secret (`app/second_factor.rs`).

use chassis::{
    Failure,
    sealing::{Seal, Unopened},
};

use crate::domain::{ids::UserId, refusal::Refusal};

/// Seals and opens secrets; without a key it does neither.
pub struct Vault(Option<Seal>);

impl Vault {
    /// From the setting: 32 bytes in base64; the empty text is no key. `None` where it is neither.
    pub fn new(key: &str) -> Option<Vault> {
        if key.is_empty() { Some(Vault(None)) } else { Seal::new(key).map(|seal| Vault(Some(seal))) }
    }

    /// Encrypts a secret for this person.
    ///
    /// # Errors
    /// `second_factor_closed` without a key.
    pub fn seal(&self, user: UserId, secret: &[u8]) -> Result<Vec<u8>, Failure> {
        self.0.as_ref().ok_or(Refusal::FactorClosed)?.seal(user.0.as_bytes(), secret)
    }

    /// Opens what was sealed for this person.
    ///
    /// # Errors
    /// [`Unopened`], also without a key.
    pub fn open(&self, user: UserId, sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
        self.0.as_ref().ok_or(Unopened)?.open(user.0.as_bytes(), sealed)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_person_only_and_nothing_is_sealed_without_a_key() {
        let vault = Vault::new("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap();
        let (own, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let sealed = vault.seal(own, b"secret").unwrap();
        assert_eq!(vault.open(own, &sealed).unwrap(), b"secret");
        assert!(vault.open(other, &sealed).is_err());
        let closed = Vault::new("").unwrap();
        assert_eq!(closed.seal(own, b"secret").unwrap_err().reason(), "second_factor_closed");
        assert!(closed.open(own, &sealed).is_err() && Vault::new("c2hvcnQ=").is_none());
    }
}
