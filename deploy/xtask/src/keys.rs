//! The Ed25519 keys by which the services know one another, made once for each data folder.
//!
//! Owns: making and keeping them for a developer's or a test's fleet. Not: production keys; those come from the
//! platform's secret store and are never made here.
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use crate::services::Service;

/// One signing seed for each service.
#[derive(Clone)]
pub struct Keys {
    seeds: BTreeMap<Service, [u8; 32]>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Keys(redacted)")
    }
}

impl Keys {
    /// Reads `<folder>/keys.json`, or makes new keys and writes it, readable by this user only.
    ///
    /// Errors: the file is not ours or cannot be written.
    pub fn load_or_make(folder: &Path) -> Result<Self> {
        let path = folder.join("keys.json");
        let mut kept: BTreeMap<String, String> = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?,
            Err(_) => BTreeMap::new(),
        };
        let mut seeds = BTreeMap::new();
        for service in Service::ALL {
            let fresh = || STANDARD.encode(rand::random::<[u8; 32]>());
            let text = kept.entry(service.name().to_owned()).or_insert_with(fresh);
            let seed = STANDARD.decode(text.as_str()).ok().and_then(|seed| seed.try_into().ok());
            let seed =
                seed.with_context(|| format!("{}: the key of {service} is not a seed", path.display()))?;
            seeds.insert(service, seed);
        }
        fs::write(&path, serde_json::to_string_pretty(&kept)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { seeds })
    }

    /// Gives a service's 32-byte seed.
    pub fn seed(&self, service: Service) -> &[u8; 32] {
        // Both ways of making `Keys` fill in every service.
        &self.seeds[&service]
    }

    /// Gives a service's seed in base64, as its setting `identity.signing_key`.
    pub fn signing_key(&self, service: Service) -> String {
        STANDARD.encode(self.seed(service))
    }

    /// Gives the key of a service's setting that seals secrets at rest; it follows from the service's seed.
    pub fn secrets_key(&self, service: Service, setting: &str) -> String {
        STANDARD.encode(Sha256::new().chain_update(setting).chain_update(self.seed(service)).finalize())
    }

    /// Gives everybody's public key, as the setting `identity.verifying_keys` of every service.
    pub fn verifying_keys(&self) -> String {
        let keys = Service::ALL.map(|service| {
            let public = SigningKey::from_bytes(self.seed(service)).verifying_key();
            format!("{service}:{}", STANDARD.encode(public.to_bytes()))
        });
        keys.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept() {
        let folder = std::env::temp_dir().join(format!("yuchong-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let first = Keys::load_or_make(&folder).unwrap();
        let again = Keys::load_or_make(&folder).unwrap();
        assert_eq!(first.verifying_keys(), again.verifying_keys());
        assert_ne!(first.signing_key(Service::Accounts), first.signing_key(Service::Reviews));
        assert!(first.verifying_keys().starts_with("accounts:"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
