//! Secrets of links at rest: made at random, sealed with AES-256-GCM under the installation's key, opened on demand.
//!
//! Owns: bytes. Not: who may see a secret (`app::link`), where it lies (`store::links`).
use chassis::{Failure, sealing::Seal};
use rand::RngExt as _;
use uuid::Uuid;

use crate::domain::{
    Finding, Refusal,
    link::{Direction, KEY_BYTES, Secrets},
};

/// Letters and digits: a set that every operator's system can store and type.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Characters of OperatorSecret and SigSecret: 32 × log2(62) = 190 bits.
const LONG: usize = 32;

/// Seals and opens secrets; without a key it refuses both.
pub struct Vault(Option<Seal>);

/// Which row a sealed value belongs to: it does not open under another one.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The row.
    pub secret_id: Uuid,
    /// Whose.
    pub operator_id: Uuid,
    /// Which way.
    pub direction: Direction,
}

impl Place {
    fn name(self) -> Vec<u8> {
        let mut bytes = self.secret_id.as_bytes().to_vec();
        bytes.extend_from_slice(self.operator_id.as_bytes());
        bytes.extend_from_slice(self.direction.name().as_bytes());
        bytes
    }
}

/// A secret was sealed with another key, or for another row.
#[derive(Debug, thiserror::Error)]
#[error("link secret {0} cannot be opened with the key in the settings")]
pub struct Unopened(Uuid);

impl Vault {
    /// From the setting: 32 bytes in base64; the empty text is no key. `None` where it is neither.
    #[must_use]
    pub fn new(key: &str) -> Option<Self> {
        if key.is_empty() {
            return Some(Self(None));
        }
        Some(Self(Some(Seal::new(key)?)))
    }

    fn key(&self) -> Result<&Seal, Failure> {
        self.0.as_ref().ok_or_else(|| Finding::new("", Refusal::LinksClosed).into())
    }

    /// Encrypts secrets for a row.
    ///
    /// # Errors
    /// `links_closed` without a key.
    pub fn seal(&self, place: Place, secrets: &Secrets) -> Result<Vec<u8>, Failure> {
        let texts = [&secrets.operator, &secrets.data, &secrets.data_iv, &secrets.sig];
        let bytes = serde_json::to_vec(&texts).map_err(Failure::internal)?;
        self.key()?.seal(&place.name(), &bytes)
    }

    /// Decrypts what was sealed for this row; inside, that it was sealed with another key or for another row.
    ///
    /// # Errors
    /// `links_closed` without a key.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<Result<Secrets, Unopened>, Failure> {
        let plain = self.key()?.open(&place.name(), sealed).ok();
        let texts = plain.and_then(|plain| serde_json::from_slice::<[String; 4]>(&plain).ok());
        let secrets = texts.map(|[operator, data, data_iv, sig]| Secrets { operator, data, data_iv, sig });
        Ok(secrets.ok_or(Unopened(place.secret_id)))
    }
}

/// Four fresh secrets.
#[must_use]
pub fn fresh() -> Secrets {
    let text = |length: usize| -> String {
        let mut source = rand::rng();
        (0..length).map(|_| char::from(LETTERS[source.random_range(0..LETTERS.len())])).collect()
    };
    Secrets { operator: text(LONG), data: text(KEY_BYTES), data_iv: text(KEY_BYTES), sig: text(LONG) }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_own_row_and_key_only() {
        let vault = Vault::new(&STANDARD.encode([7; 32])).expect("a key");
        let place = |row: u128| Place {
            secret_id: Uuid::from_u128(row),
            operator_id: Uuid::from_u128(9),
            direction: Direction::Inbound,
        };
        let secrets = fresh();
        let sealed = vault.seal(place(1), &secrets).expect("sealed");
        assert_eq!(vault.open(place(1), &sealed).expect("a key").expect("opened"), secrets);
        assert!(vault.open(place(2), &sealed).expect("a key").is_err());
        let other = Vault::new(&STANDARD.encode([8; 32])).expect("a key");
        assert!(other.open(place(1), &sealed).expect("a key").is_err());
        assert!(!sealed.windows(16).any(|part| part == secrets.data.as_bytes()));
        assert_ne!(sealed, vault.seal(place(1), &secrets).expect("sealed"));
    }

    #[test]
    fn without_a_key_nothing_is_issued() {
        let vault = Vault::new("").expect("no key");
        let place =
            Place { secret_id: Uuid::nil(), operator_id: Uuid::nil(), direction: Direction::Outbound };
        assert_eq!(vault.seal(place, &fresh()).expect_err("refused").reason(), "links_closed");
        assert!(Vault::new("c2hvcnQ=").is_none());
    }
}
