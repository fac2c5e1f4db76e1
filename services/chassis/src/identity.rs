//! Who calls: signed caller tokens (Ed25519), made by accounts for people and machines and by each service for itself.
//!
//! A token is `base64url(CallerClaims) "." base64url(signature)` and lives at most 60 seconds. The key that signed it
//! decides what it may say: only `accounts` speaks for people and machines; a service speaks for itself only.

use std::{collections::HashMap, sync::Mutex};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use prost::Message as _;
use proto::common::{CallerClaims, caller_claims};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{clock, config};

/// Longest life of a caller token, seconds. Source: architecture, rule 5.
pub const TOKEN_SECS_MAX: i64 = 60;
/// How long a second factor that was shown counts as fresh, seconds. Source: reliability, section 11.
const STEP_UP_SECS: i64 = 300;
/// Clocks of two machines may differ by this much, seconds.
const SKEW_SECS: i64 = 5;
/// Believed tokens that are remembered; each is up to some hundred bytes, so a few MiB at most.
const REMEMBERED_MAX: usize = 4_096;
/// The only issuer that may speak for people and machines.
const ISSUER_OF_PEOPLE: &str = "accounts";

/// What kind of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A signed-in person.
    Person,
    /// An outside system with client credentials.
    Machine,
    /// A service of the platform.
    Service,
    /// The process itself: timers, consumers, commands at the console.
    System,
    /// Nobody has been proved.
    Anonymous,
}

/// The verified caller of a request. Comes from the token, never from a field that the client fills.
#[derive(Debug, Clone)]
pub struct Caller {
    /// See [`Kind`].
    pub kind: Kind,
    /// User id, client id or service name.
    pub subject: String,
    /// Role codes.
    pub roles: Vec<String>,
    /// Division codes that the caller acts for.
    pub scope: Vec<String>,
    /// The company that it belongs to.
    pub operator_id: Option<Uuid>,
    /// Code of the provincial department.
    pub department: String,
    /// The office as people know it.
    pub office: String,
    /// The session behind the token.
    pub session_id: String,
    /// How the caller proved itself.
    pub authentication: String,
    /// Whether a person leads the own office.
    pub lead: bool,
    /// When a person last showed the second factor in this session, unix seconds; 0 where none was asked for.
    pub second_factor_at: i64,
}

impl Caller {
    /// The process itself, acting without a person: `name` says which timer, consumer or command.
    pub fn system(name: &str) -> Caller {
        Caller::of(Kind::System, name)
    }

    /// Nobody: for the few methods that are open before signing in.
    pub fn anonymous() -> Caller {
        Caller::of(Kind::Anonymous, "anonymous")
    }

    fn of(kind: Kind, subject: &str) -> Caller {
        Caller {
            kind,
            subject: subject.to_owned(),
            roles: Vec::new(),
            scope: Vec::new(),
            operator_id: None,
            department: String::new(),
            office: String::new(),
            session_id: String::new(),
            authentication: String::new(),
            lead: false,
            second_factor_at: 0,
        }
    }

    /// Whether a person with a second factor has to show it again before what needs a fresh proof; `now` in unix seconds.
    pub(crate) fn must_step_up(&self, now: i64) -> bool {
        self.second_factor_at > 0 && now - self.second_factor_at > STEP_UP_SECS
    }

    /// Whether the caller holds a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }

    /// The subject as an id, where it is one.
    pub fn id(&self) -> Option<Uuid> {
        Uuid::parse_str(&self.subject).ok()
    }

    /// Whether an object at this county and prefecture lies in the caller's scope; the province covers all, no code nothing.
    pub fn covers(&self, county: &str, prefecture: &str) -> bool {
        let mut codes = self.scope.iter().filter(|code| !code.is_empty());
        codes.any(|code| code == county || code == prefecture || code == "410000")
    }

    /// The name under which its requests are remembered: kind and subject.
    pub fn principal(&self) -> String {
        let kind = match self.kind {
            Kind::Person => "person",
            Kind::Machine => "machine",
            Kind::Service => "service",
            Kind::System => "system",
            Kind::Anonymous => "anonymous",
        };
        format!("{kind}:{}", self.subject)
    }
}

/// The keys in the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("setting {key}: {why}")]
pub struct KeyError {
    key: &'static str,
    why: String,
}

/// A token that cannot be believed; the text is for logs, the caller learns only that it is invalid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TokenError {
    /// Not of our form.
    #[error("malformed token")]
    Malformed,
    /// Signed by a key that we do not know.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not fit the claims.
    #[error("wrong signature")]
    WrongSignature,
    /// Too old, too young or too long-lived.
    #[error("outside its lifetime")]
    Expired,
    /// Made for another service.
    #[error("wrong audience")]
    WrongAudience,
    /// The issuer may not speak for this subject.
    #[error("issuer may not say this")]
    IssuerOversteps,
}

/// This process's signing key and the keys of everybody whose word it believes.
pub struct Identity {
    service: &'static str,
    signing: SigningKey,
    verifying: HashMap<String, VerifyingKey>,
    /// Own service token and its expiry, by audience.
    tokens: Mutex<HashMap<String, (String, i64)>>,
    /// Tokens that were believed, with the claims' lifetime: a signature is checked once, not for each call.
    believed: Mutex<HashMap<String, Believed>>,
}

struct Believed {
    caller: Caller,
    issued_at: i64,
    expires_at: i64,
}

impl Believed {
    fn lives_at(&self, now: i64) -> bool {
        now <= self.expires_at + SKEW_SECS && now >= self.issued_at - SKEW_SECS
    }
}

impl Identity {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`KeyError`] names the setting that does not hold a usable key.
    pub fn new(service: &'static str, settings: &config::Identity) -> Result<Identity, KeyError> {
        let seed = seed(settings.signing_key.expose_secret()).ok_or_else(|| KeyError {
            key: "identity.signing_key",
            why: "must be 32 bytes in base64".into(),
        })?;
        let mut verifying = HashMap::new();
        for pair in settings.verifying_keys.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let wrong =
                |why: &str| KeyError { key: "identity.verifying_keys", why: format!("{pair}: {why}") };
            let (issuer, key) = pair.split_once(':').ok_or_else(|| wrong("must be issuer:base64"))?;
            let bytes = seed_bytes(key).ok_or_else(|| wrong("must hold 32 bytes in base64"))?;
            let key = VerifyingKey::from_bytes(&bytes).map_err(|_| wrong("is not an Ed25519 key"))?;
            verifying.insert(issuer.to_owned(), key);
        }
        Ok(Identity {
            service,
            signing: seed,
            verifying,
            tokens: Mutex::default(),
            believed: Mutex::default(),
        })
    }

    /// Signs claims with this process's key; sets key id and clamps the lifetime to [`TOKEN_SECS_MAX`].
    pub fn sign(&self, mut claims: CallerClaims) -> String {
        claims.key_id = self.service.to_owned();
        claims.expires_at = claims.expires_at.min(claims.issued_at + TOKEN_SECS_MAX);
        let bytes = claims.encode_to_vec();
        let signature = self.signing.sign(&bytes);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// A token by which this service calls `audience` in its own name.
    pub fn service_token(&self, audience: &str) -> String {
        let now = clock::unix_seconds();
        let mut tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((token, expires_at)) = tokens.get(audience)
            && *expires_at > now + 20
        {
            return token.clone();
        }
        let token = self.sign(CallerClaims {
            kind: caller_claims::Kind::Service.into(),
            subject: self.service.to_owned(),
            authentication: "service_key".to_owned(),
            audience: vec![audience.to_owned()],
            issued_at: now,
            expires_at: now + TOKEN_SECS_MAX,
            ..CallerClaims::default()
        });
        tokens.insert(audience.to_owned(), (token.clone(), now + TOKEN_SECS_MAX));
        token
    }

    /// Believes a token or says why not.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        self.verify_at(token, clock::unix_seconds())
    }

    fn verify_at(&self, token: &str, now: i64) -> Result<Caller, TokenError> {
        let remembered = || self.believed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = remembered().get(token) {
            return if known.lives_at(now) { Ok(known.caller.clone()) } else { Err(TokenError::Expired) };
        }
        let believed = self.check(token, now)?;
        let caller = believed.caller.clone();
        let mut remembered = remembered();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.retain(|_, known| known.lives_at(now));
        }
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(token.to_owned(), believed);
        }
        Ok(caller)
    }

    fn check(&self, token: &str, now: i64) -> Result<Believed, TokenError> {
        let (claims, signature) = token.split_once('.').ok_or(TokenError::Malformed)?;
        let bytes = URL_SAFE_NO_PAD.decode(claims).map_err(|_| TokenError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        let signature = Signature::from_slice(&signature).map_err(|_| TokenError::Malformed)?;
        let claims = CallerClaims::decode(bytes.as_slice()).map_err(|_| TokenError::Malformed)?;
        let key = self.verifying.get(&claims.key_id).ok_or(TokenError::UnknownKey)?;
        key.verify_strict(&bytes, &signature).map_err(|_| TokenError::WrongSignature)?;
        let lifetime = claims.expires_at - claims.issued_at;
        if now > claims.expires_at + SKEW_SECS
            || now < claims.issued_at - SKEW_SECS
            || lifetime > TOKEN_SECS_MAX
        {
            return Err(TokenError::Expired);
        }
        if !claims.audience.iter().any(|audience| audience == self.service) {
            return Err(TokenError::WrongAudience);
        }
        let issuer = claims.key_id.split('#').next().unwrap_or_default();
        let kind = match claims.kind() {
            caller_claims::Kind::Person if issuer == ISSUER_OF_PEOPLE => Kind::Person,
            caller_claims::Kind::Machine if issuer == ISSUER_OF_PEOPLE => Kind::Machine,
            caller_claims::Kind::Service if issuer == claims.subject => Kind::Service,
            caller_claims::Kind::Person
            | caller_claims::Kind::Machine
            | caller_claims::Kind::Service
            | caller_claims::Kind::Unspecified => return Err(TokenError::IssuerOversteps),
        };
        let caller = Caller {
            kind,
            operator_id: Uuid::parse_str(&claims.operator_id).ok(),
            subject: claims.subject,
            roles: claims.roles,
            scope: claims.scope,
            department: claims.department,
            office: claims.office,
            session_id: claims.session_id,
            authentication: claims.authentication,
            lead: claims.lead,
            second_factor_at: claims.second_factor_at,
        };
        Ok(Believed { caller, issued_at: claims.issued_at, expires_at: claims.expires_at })
    }
}

fn seed_bytes(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

fn seed(text: &str) -> Option<SigningKey> {
    seed_bytes(text).map(|bytes| SigningKey::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn identity(service: &'static str) -> Identity {
        let key = |byte: u8| SigningKey::from_bytes(&[byte; 32]);
        let public = |byte: u8| STANDARD.encode(key(byte).verifying_key().to_bytes());
        let own = if service == "accounts" { 1 } else { 2 };
        Identity::new(
            service,
            &config::Identity {
                signing_key: SecretString::from(STANDARD.encode([own; 32])),
                verifying_keys: format!("accounts:{},reviews:{}", public(1), public(2)),
                tls: config::Tls::default(),
            },
        )
        .expect("keys are well formed")
    }

    fn person(audience: &str) -> CallerClaims {
        CallerClaims {
            kind: caller_claims::Kind::Person.into(),
            subject: "someone".into(),
            audience: vec![audience.into()],
            issued_at: 1_000,
            expires_at: 1_060,
            ..CallerClaims::default()
        }
    }

    #[test]
    fn accounts_speaks_for_people() {
        let token = identity("accounts").sign(person("reviews"));
        assert_eq!(identity("reviews").verify_at(&token, 1_030).expect("valid").kind, Kind::Person);
    }

    #[test]
    fn a_service_cannot_speak_for_people() {
        let token = identity("reviews").sign(person("reviews"));
        assert_eq!(identity("reviews").verify_at(&token, 1_030).unwrap_err(), TokenError::IssuerOversteps);
    }

    #[test]
    fn a_token_ends_after_a_minute_and_serves_one_audience() {
        let token = identity("accounts").sign(person("reviews"));
        assert_eq!(identity("reviews").verify_at(&token, 1_070).unwrap_err(), TokenError::Expired);
        assert_eq!(identity("accounts").verify_at(&token, 1_030).unwrap_err(), TokenError::WrongAudience);
    }

    #[test]
    fn a_token_that_was_believed_still_ends_after_its_minute() {
        let token = identity("accounts").sign(person("reviews"));
        let reviews = identity("reviews");
        reviews.verify_at(&token, 1_030).expect("valid");
        reviews.verify_at(&token, 1_031).expect("remembered");
        assert_eq!(reviews.verify_at(&token, 1_070).unwrap_err(), TokenError::Expired);
    }

    #[test]
    fn a_changed_claim_breaks_the_signature() {
        let token = identity("accounts").sign(person("reviews"));
        let (_, signature) = token.split_once('.').expect("two parts");
        let mut claims = person("reviews");
        claims.key_id = "accounts".into();
        claims.roles = vec!["administrator".into()];
        let forged = format!("{}.{signature}", URL_SAFE_NO_PAD.encode(claims.encode_to_vec()));
        assert_eq!(identity("reviews").verify_at(&forged, 1_030).unwrap_err(), TokenError::WrongSignature);
    }
}
