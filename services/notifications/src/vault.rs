//! Secrets of webhook subscriptions at rest: made at random, sealed under the installation's key, opened to sign.
//!
//! Owns: bytes. Not: who may see a secret (`app::subscribe`), where it lies (`store::subscriptions`).

use chassis::{
    Failure,
    sealing::{self, Seal, Unopened},
};
use uuid::Uuid;

use crate::{domain::webhook::signature::SECRET_BYTES, store::subscriptions::SecretRow};

/// Seals and opens secrets; without a key it does neither.
pub struct Vault(Option<Seal>);

impl Vault {
    /// From the setting: 32 bytes in base64; the empty text is no key. `None` where it is neither.
    #[must_use]
    pub fn new(key: &str) -> Option<Vault> {
        if key.is_empty() { Some(Vault(None)) } else { Seal::new(key).map(|seal| Vault(Some(seal))) }
    }

    /// A fresh secret and its row; none without a key.
    ///
    /// # Errors
    /// Internal: the machine has no randomness.
    pub fn make(
        &self,
        secret_id: Uuid,
        subscription_id: Uuid,
    ) -> Result<Option<(Vec<u8>, SecretRow)>, Failure> {
        let Some(seal) = &self.0 else { return Ok(None) };
        let secret = sealing::random::<SECRET_BYTES>()?.to_vec();
        let sealed = seal.seal(&place(secret_id, subscription_id), &secret)?;
        Ok(Some((secret, SecretRow { secret_id, subscription_id, sealed })))
    }

    /// Opens what was sealed for this row.
    ///
    /// # Errors
    /// [`Unopened`], also without a key.
    pub fn open(&self, row: &SecretRow) -> Result<Vec<u8>, Unopened> {
        let seal = self.0.as_ref().ok_or(Unopened)?;
        seal.open(&place(row.secret_id, row.subscription_id), &row.sealed)
    }
}

fn place(secret_id: Uuid, subscription_id: Uuid) -> Vec<u8> {
    [secret_id.as_bytes().as_slice(), subscription_id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_subscription_only() {
        let vault = Vault::new("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").expect("a key");
        let made = vault.make(Uuid::from_u128(1), Uuid::from_u128(2)).expect("randomness");
        let (secret, row) = made.expect("sealed");
        assert_eq!(vault.open(&row).expect("opened"), secret);
        assert!(vault.open(&SecretRow { subscription_id: Uuid::from_u128(3), ..row.clone() }).is_err());
        assert!(Vault::new("").expect("no key").open(&row).is_err());
    }

    #[test]
    fn without_a_key_nothing_is_made_and_a_short_key_is_none() {
        let vault = Vault::new("").expect("no key");
        assert!(vault.make(Uuid::nil(), Uuid::nil()).expect("no randomness is needed").is_none());
        assert!(Vault::new("c2hvcnQ=").is_none());
    }
}
