//! Argon2id: bounded in number, off the async threads. Which passwords may be chosen is in `domain/password.rs`.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::Error as HashError,
};
use chassis::Failure;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::Semaphore, task};

use crate::config::Passwords;

/// How long a request waits for its turn before it is shed.
const WAIT: Duration = Duration::from_secs(5);
/// Costs beyond these are not accepted from outside: one imported hash must not take the machine down.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;

/// Hashes and verifies passwords; clones share the limit.
#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    params: Params,
    decoy: Arc<str>,
}

/// What verifying found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Right {
        /// The hash was made with other costs than those set: hash anew.
        rehash: bool,
    },
    /// It is wrong, or there was no hash to compare with.
    Wrong,
}

impl Hasher {
    /// A hasher with the costs and the limit of the settings; computes one hash for names that do not exist.
    ///
    /// # Errors
    /// Costs that Argon2 does not take.
    pub fn new(settings: &Passwords) -> Result<Self, argon2::Error> {
        let params = Params::new(settings.argon2_memory_kib, settings.argon2_passes, 1, None)?;
        let decoy = hash(&params, b"no such account")?;
        Ok(Self { permits: Arc::new(Semaphore::new(settings.hashes_at_once)), params, decoy: decoy.into() })
    }

    /// Hashes a password to a PHC string.
    ///
    /// # Errors
    /// `hashing_busy` when the turn does not come within 5 s.
    pub async fn hash(&self, password: SecretString) -> Result<String, Failure> {
        let params = self.params.clone();
        self.blocking(move || hash(&params, password.expose_secret().as_bytes()))
            .await?
            .map_err(Failure::internal)
    }

    /// Compares a password with a PHC string; without one it works as long and answers [`Verdict::Wrong`].
    ///
    /// # Errors
    /// `hashing_busy` when the turn does not come within 5 s.
    pub async fn verify(&self, password: SecretString, phc: Option<String>) -> Result<Verdict, Failure> {
        let params = self.params.clone();
        let decoy = self.decoy.clone();
        self.blocking(move || {
            let known = phc.is_some();
            let phc = phc.unwrap_or_else(|| decoy.to_string());
            let Ok(parsed) = PasswordHash::new(&phc) else { return Ok(Verdict::Wrong) };
            match Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed) {
                Ok(()) if known => Ok(Verdict::Right { rehash: !made_with(&parsed, &params) }),
                Ok(()) | Err(HashError::PasswordInvalid) => Ok(Verdict::Wrong),
                Err(error) => Err(error),
            }
        })
        .await?
        .map_err(Failure::internal)
    }

    /// Runs `work` on a blocking thread, at most the set number at a time; the thread owns its permit, so a caller who
    /// leaves does not raise the number.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = tokio::time::timeout(WAIT, self.permits.clone().acquire_owned())
            .await
            .map_err(|_| Failure::busy("hashing_busy", "登录人数较多，请稍后重试"))?
            .map_err(Failure::internal)?;
        task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(Failure::internal)
    }
}

/// Whether this is a PHC string that sign-in can verify, at costs that it is willing to pay.
pub fn readable(phc: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(phc) else { return false };
    let family = Algorithm::new(parsed.algorithm.as_str()).is_ok();
    family
        && parsed.salt.is_some()
        && parsed.hash.is_some()
        && Params::try_from(&parsed).is_ok_and(|params| {
            params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= PASSES_MAX && params.p_cost() <= LANES_MAX
        })
}

fn hash(params: &Params, password: &[u8]) -> Result<String, argon2::Error> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    // Fails only where the system has no randomness, which Argon2's own error cannot say.
    argon2.hash_password(password).map(|phc| phc.to_string()).map_err(|_| argon2::Error::SaltTooShort)
}

fn made_with(parsed: &PasswordHash, params: &Params) -> bool {
    Algorithm::new(parsed.algorithm.as_str()) == Ok(Algorithm::Argon2id)
        && Params::try_from(parsed).is_ok_and(|found| {
            (found.m_cost(), found.t_cost(), found.p_cost())
                == (params.m_cost(), params.t_cost(), params.p_cost())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Passwords {
        Passwords {
            length_min: 10,
            length_max: 128,
            classes_min: 3,
            official_days_max: 90,
            one_time_hours: 72,
            argon2_memory_kib: 64,
            argon2_passes: 1,
            hashes_at_once: 2,
        }
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_hash_only() {
        let hasher = Hasher::new(&settings()).unwrap();
        let phc = hasher.hash(secret("Cedar-Lantern-42")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let verdict = hasher.verify(secret("Cedar-Lantern-42"), Some(phc.clone())).await.unwrap();
        assert_eq!(verdict, Verdict::Right { rehash: false });
        assert_eq!(hasher.verify(secret("cedar-lantern-42"), Some(phc)).await.unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify(secret("no such account"), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_other_costs_is_to_be_made_anew() {
        let old = Hasher::new(&Passwords { argon2_memory_kib: 32, ..settings() }).unwrap();
        let phc = old.hash(secret("Cedar-Lantern-42")).await.unwrap();
        let hasher = Hasher::new(&settings()).unwrap();
        let verdict = hasher.verify(secret("Cedar-Lantern-42"), Some(phc)).await.unwrap();
        assert_eq!(verdict, Verdict::Right { rehash: true });
    }

    #[test]
    fn only_argon2_at_bearable_costs_is_readable() {
        let tail = "$c2FsdHNhbHRzYWx0$8zE4ZAzVqnFS4YVmDBRW0fJCXJ1FUbYJ6w3dHhCkJ0M";
        assert!(readable(&format!("$argon2id$v=19$m=19456,t=2,p=1{tail}")));
        assert!(readable(&format!("$argon2i$v=19$m=4096,t=3,p=1{tail}")));
        assert!(!readable(&format!("$argon2id$v=19$m=4194304,t=2,p=1{tail}")));
        assert!(!readable(&format!("$pbkdf2-sha256$i=1000{tail}")));
        assert!(!readable("5f4dcc3b5aa765d61d8327deb882cf99"));
    }
}
