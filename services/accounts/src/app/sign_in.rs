//! Signing in. The attempt is written before the password is looked at, and settled afterwards; unknown names and wrong
//! passwords take the same way and get the same answer.

use chassis::{Caller, Failure, Work};
use secrecy::{ExposeSecret as _, SecretString};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Accounts, by_password, record, second_factor};
use crate::{
    domain::{
        ids::SessionId,
        lockout::{self, Failures},
        operator,
        refusal::Refusal,
        roles::Role,
        second_factor::Needed,
        session::{CredentialState, PASSWORD, PASSWORD_AND_TOTP},
    },
    hashing::Verdict,
    secrets,
    store::{
        self,
        credentials::Credential,
        sessions::{End, Session},
        tickets::{Ticket, Why},
        users::User,
    },
};

/// Passwords longer than this are wrong without being hashed, bytes; a chosen one is shorter.
const PASSWORD_BYTES_MAX: usize = 4_096;

/// What signing in gave.
pub enum SignedIn {
    /// A session.
    Session {
        /// Whose.
        user: User,
        /// Opens it.
        token: String,
        /// Ends then, unless it is used.
        ends_at: OffsetDateTime,
    },
    /// A ticket to choose a password, or for the second factor.
    Ticket {
        /// Whose.
        user: User,
        /// Opens nothing else.
        token: String,
        /// Valid until.
        expires_at: OffsetDateTime,
        /// Why there is no session.
        why: Why,
    },
}

/// An attempt that has been counted.
struct Attempt {
    id: Uuid,
    login_hash: Vec<u8>,
    address: String,
    /// This one among them.
    failures: Failures,
    found: Option<(User, Credential)>,
}

/// Signs in.
///
/// # Errors
/// `sign_in_failed`, `sign_in_locked`, `account_suspended`, `one_time_password_spent`. Source: reliability section 11.
pub async fn sign_in(
    accounts: &Accounts,
    login: &str,
    password: SecretString,
    address: &str,
) -> Result<SignedIn, Failure> {
    let attempt = reserve(accounts, login, address).await?;
    let usable = attempt.found.as_ref().filter(|(_, credential)| credential.state != CredentialState::Locked);
    let hash = usable.map(|(_, credential)| credential.hash.clone());
    let verdict = if password.expose_secret().len() > PASSWORD_BYTES_MAX {
        accounts.hasher.verify(SecretString::from(String::new()), None).await?
    } else {
        accounts.hasher.verify(password.clone(), hash).await?
    };
    let (rehash, (user, credential)) = match (verdict, attempt.found.clone()) {
        (Verdict::Right { rehash }, Some(found)) => (rehash, found),
        (Verdict::Right { .. } | Verdict::Wrong, _) => return Err(failed(accounts, &attempt).await?),
    };
    let fresh = if rehash && credential.state == CredentialState::Normal {
        Some(accounts.hasher.hash(password).await?)
    } else {
        None
    };
    let mut work = accounts.units.begin(by_password(&user.id.to_string())).await?;
    match open(&mut work, accounts, &attempt, &user, &credential, fresh).await? {
        Ok(opened) => {
            work.commit().await?;
            Ok(opened)
        }
        Err(refusal) => {
            record(&mut work, "sign_in", &user.id.to_string(), refusal.reason(), "").await?;
            work.commit().await?;
            Err(refusal.into())
        }
    }
}

/// Verifies a signed-in user's own password, counted like a sign-in; gives the hash that it was verified against.
///
/// # Errors
/// `sign_in_failed`, `sign_in_locked`.
pub(super) async fn verify_own(
    accounts: &Accounts,
    user: &User,
    password: SecretString,
    address: &str,
) -> Result<String, Failure> {
    let attempt = reserve(accounts, &user.login, address).await?;
    let hash = attempt.found.as_ref().map(|(_, credential)| credential.hash.clone());
    match (accounts.hasher.verify(password, hash.clone()).await?, hash) {
        (Verdict::Right { .. }, Some(hash)) => {
            let mut work = accounts.units.begin(by_password(&user.id.to_string())).await?;
            store::attempts::succeed(work.db(), attempt.id).await?;
            work.commit().await?;
            Ok(hash)
        }
        (Verdict::Right { .. } | Verdict::Wrong, _) => Err(failed(accounts, &attempt).await?),
    }
}

/// Counts the attempt before anything is known about the password.
async fn reserve(accounts: &Accounts, login: &str, address: &str) -> Result<Attempt, Failure> {
    let limits = accounts.config.lockout.limits();
    let login_hash = secrets::login_hash(login);
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    store::attempts::serialise(work.db(), &login_hash).await?;
    let now = work.now();
    let mut failures = store::attempts::failures(work.db(), &login_hash, address, now - limits.lock).await?;
    if let Err(refusal) = lockout::admit(failures, limits, now) {
        record(&mut work, "sign_in", &subject(&login_hash), refusal.reason(), "").await?;
        work.commit().await?;
        return Err(refusal.into());
    }
    let id = work.new_id();
    store::attempts::insert(work.db(), id, &login_hash, address, now).await?;
    failures.pair += 1;
    let found = match store::users::find_by_login(work.db(), login.trim()).await? {
        Some(user) => {
            store::credentials::find(work.db(), user.id).await?.map(|credential| (user, credential))
        }
        None => None,
    };
    work.commit().await?;
    Ok(Attempt { id, login_hash, address: address.to_owned(), failures, found })
}

/// The answer to an unknown name or a wrong password; the attempt stands as failed already.
async fn failed(accounts: &Accounts, attempt: &Attempt) -> Result<Failure, Failure> {
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    record(&mut work, "sign_in", &subject(&attempt.login_hash), Refusal::SignInFailed.reason(), "").await?;
    work.commit().await?;
    let left = lockout::left_before_lock(attempt.failures, accounts.config.lockout.limits());
    Ok(Failure::from(Refusal::SignInFailed).with("attempts_left", left))
}

/// Opens what the credential opens, or says why not although the password is right.
async fn open(
    work: &mut Work,
    accounts: &Accounts,
    attempt: &Attempt,
    user: &User,
    seen: &Credential,
    fresh: Option<String>,
) -> Result<Result<SignedIn, Refusal>, Failure> {
    // Whoever changes a password or signs in at the same time waits here.
    let credential = store::credentials::lock(work.db(), user.id).await?;
    let user = store::users::find(work.db(), user.id).await?;
    let (Some(credential), Some(user)) = (credential, user) else { return Ok(Err(Refusal::SignInFailed)) };
    if credential.hash != seen.hash {
        return Ok(Err(Refusal::SignInFailed));
    }
    let days = accounts.config.passwords.official_days_max;
    let overdue = user.official() && days > 0 && work.now() - credential.changed_at > Duration::days(days);
    let needed = if credential.state == CredentialState::Normal && !overdue {
        second_factor::needed(work, accounts, &user).await?
    } else {
        Needed::Nothing
    };
    // Where a code is asked for, the attempt succeeds with it: the address of a stranger who knows the password stays unknown.
    if needed != Needed::Code {
        store::attempts::succeed(work.db(), attempt.id).await?;
    }
    if !user.active || role_of(work, &user).await?.is_none() {
        return Ok(Err(Refusal::AccountSuspended));
    }
    if let Some(hash) = fresh {
        store::credentials::rehash(work.db(), user.id, &hash).await?;
    }
    let id = work.new_id();
    match credential.state {
        CredentialState::Locked => Ok(Err(Refusal::SignInFailed)),
        CredentialState::OneTime => {
            let now = work.now();
            if credential.used_at.is_some() || credential.expires_at.is_some_and(|until| until <= now) {
                return Ok(Err(Refusal::OneTimeSpent));
            }
            store::credentials::spend(work.db(), user.id, now).await?;
            ticket(work, accounts, user, Why::OneTimePassword, id).await.map(Ok)
        }
        CredentialState::Normal if overdue => {
            ticket(work, accounts, user, Why::PasswordExpired, id).await.map(Ok)
        }
        CredentialState::Normal => match needed {
            Needed::Nothing => session(work, accounts, user, &attempt.address, None).await.map(Ok),
            Needed::Code => ticket(work, accounts, user, Why::SecondFactor, attempt.id).await.map(Ok),
            Needed::Enrolment => ticket(work, accounts, user, Why::Enrolment, id).await.map(Ok),
        },
    }
}

/// What a user may be just now; none where the operator is suspended.
async fn role_of(work: &mut Work, user: &User) -> Result<Option<Vec<Role>>, Failure> {
    let Some(operator) = user.operator_id else { return Ok(Some(user.roles.clone())) };
    let operator = store::operators::find(work.db(), operator).await?;
    Ok(operator.and_then(|found| operator::role_of_users(found.standing.state)).map(|role| vec![role]))
}

/// Opens a session; `proved_at` is when a second factor was shown, where one was.
pub(super) async fn session(
    work: &mut Work,
    accounts: &Accounts,
    user: User,
    address: &str,
    proved_at: Option<OffsetDateTime>,
) -> Result<SignedIn, Failure> {
    let now = work.now();
    let token = secrets::token();
    if user.official() {
        store::sessions::end_all(work.db(), user.id, now, End::Replaced).await?;
    }
    let session = Session {
        id: SessionId(work.new_id()),
        user: user.id,
        authentication: proved_at.map_or(PASSWORD, |_| PASSWORD_AND_TOTP).to_owned(),
        started_at: now,
        seen_at: now,
        proved_at,
        now,
    };
    store::sessions::insert(work.db(), &session, user.official(), &secrets::hash(&token), address).await?;
    record(work, "sign_in", &user.id.to_string(), "", &session.id.to_string()).await?;
    let ends_at = accounts.config.sessions.lifetimes().ends_at(&user.roles, now, now);
    Ok(SignedIn::Session { user, token, ends_at })
}

async fn ticket(
    work: &mut Work,
    accounts: &Accounts,
    user: User,
    why: Why,
    id: Uuid,
) -> Result<SignedIn, Failure> {
    let now = work.now();
    let token = secrets::token();
    let settings = &accounts.config.sessions;
    let minutes = if why == Why::SecondFactor { settings.code_minutes } else { settings.ticket_minutes };
    let expires_at = now + Duration::minutes(minutes);
    let ticket = Ticket { id, user: Some(user.id), why, expires_at };
    store::tickets::insert(work.db(), &ticket, &secrets::hash(&token), now).await?;
    record(work, "issue_ticket", &user.id.to_string(), "", why.name()).await?;
    Ok(SignedIn::Ticket { user, token, expires_at, why })
}

/// A login name that may be nobody's, as the subject of an audit row: never as typed.
pub(crate) fn subject(login_hash: &[u8]) -> String {
    format!("login:{}", hex::encode(&login_hash[..8]))
}
