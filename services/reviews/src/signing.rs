//! Signs decision records and checks signatures. Algorithm and key id are kept with each, so that keys can change.
//!
//! The encoding that is signed is the domain's; keys come from the settings. Source: reliability section 12, I5.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};

use crate::domain::{
    canonical::{Canonical, Hash},
    decision::Decision,
};

/// The one algorithm in use.
pub const ALGORITHM: &str = "SHA-256/Ed25519";

/// A decision about one application, and its seal.
#[derive(Debug, Clone)]
pub struct Signed {
    /// What was decided.
    pub decision: Decision,
    /// Its proof.
    pub sealed: Sealed,
}

/// A record with its hash and signature.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The canonical encoding.
    pub record: Vec<u8>,
    /// SHA-256 of the record: what is signed.
    pub hash: Hash,
    /// How.
    pub algorithm: &'static str,
    /// With which key.
    pub key_id: String,
    /// 64 bytes.
    pub signature: Vec<u8>,
}

/// The signing key with its id, and every key that may have signed before.
pub struct Seal {
    key_id: String,
    signing: SigningKey,
    verifying: HashMap<String, VerifyingKey>,
}

impl Seal {
    /// Reads the keys: a seed and `key id:public key` pairs separated by commas, each 32 bytes in base64.
    ///
    /// # Errors
    /// Names the setting that does not hold a usable key.
    pub fn new(key_id: &str, seed: &str, older: &str) -> Result<Seal, SealError> {
        let bytes = decode(seed).ok_or(SealError { key: "decisions.signing_key" })?;
        let signing = SigningKey::from_bytes(&bytes);
        let mut verifying = HashMap::new();
        for pair in older.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let wrong = || SealError { key: "decisions.verifying_keys" };
            let (id, key) = pair.split_once(':').ok_or_else(wrong)?;
            let key = decode(key).and_then(|key| VerifyingKey::from_bytes(&key).ok()).ok_or_else(wrong)?;
            verifying.insert(id.to_owned(), key);
        }
        verifying.insert(key_id.to_owned(), signing.verifying_key());
        Ok(Seal { key_id: key_id.to_owned(), signing, verifying })
    }

    /// Signs a decision about one application.
    pub fn sign(&self, decision: Decision) -> Signed {
        Signed { sealed: self.seal(decision.encode()), decision }
    }

    /// Signs a record.
    pub fn seal(&self, record: Canonical) -> Sealed {
        let hash = record.hash();
        Sealed {
            signature: self.signing.sign(&hash).to_bytes().to_vec(),
            record: record.into_bytes(),
            hash,
            algorithm: ALGORITHM,
            key_id: self.key_id.clone(),
        }
    }

    /// Whether the signature over this hash holds; no where the key or the algorithm is unknown.
    pub fn verifies(&self, algorithm: &str, key_id: &str, hash: &[u8], signature: &[u8]) -> bool {
        let (Some(key), Ok(signature)) = (self.verifying.get(key_id), Signature::from_slice(signature))
        else {
            return false;
        };
        algorithm == ALGORITHM && key.verify(hash, &signature).is_ok()
    }
}

/// A key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("setting {key}: must hold 32 bytes in base64")]
pub struct SealError {
    /// The setting.
    pub key: &'static str,
}

fn decode(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_hash_and_key_only() {
        let seed = STANDARD.encode([3; 32]);
        let seal = Seal::new("k1", &seed, "").expect("a good seed");
        let signature = seal.signing.sign(&[1; 32]).to_bytes();
        assert!(seal.verifies(ALGORITHM, "k1", &[1; 32], &signature));
        assert!(!seal.verifies(ALGORITHM, "k1", &[2; 32], &signature));
        assert!(!seal.verifies(ALGORITHM, "k2", &[1; 32], &signature));
        assert!(!seal.verifies("other", "k1", &[1; 32], &signature));
    }

    #[test]
    fn a_bad_key_names_its_setting() {
        assert_eq!(Seal::new("k", "short", "").err().map(|error| error.key), Some("decisions.signing_key"));
        let seed = STANDARD.encode([3; 32]);
        let older = Seal::new("k", &seed, "k0=x").err().map(|error| error.key);
        assert_eq!(older, Some("decisions.verifying_keys"));
    }
}
