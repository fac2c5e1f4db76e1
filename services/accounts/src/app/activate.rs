//! Choosing a password: the first own one with an activation ticket, another one with a session.

use chassis::{Caller, Failure};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use super::{Accounts, by_password, officials::recipient, record, sessions};
use crate::{
    domain::{
        password,
        refusal::{Field, Refusal},
        session::CredentialState,
    },
    hashing::Verdict,
    labels, secrets,
    store::{self, credentials::Credential, deliveries::Kind, sessions::End, tickets::Code, users::User},
};

/// Sends a code to the phone on file.
///
/// # Errors
/// `ticket_ended`, `code_too_soon`. Source: reliability section 11.
pub async fn request_code(accounts: &Accounts, ticket: &str) -> Result<(String, OffsetDateTime), Failure> {
    let settings = &accounts.config.sessions;
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    let now = work.now();
    let ticket = store::tickets::lock_live(work.db(), &secrets::hash(ticket), now)
        .await?
        .ok_or(Refusal::TicketEnded)?;
    let user = store::users::find(work.db(), ticket.user).await?.ok_or(Refusal::TicketEnded)?;
    if let Some(latest) = store::tickets::latest_code(work.db(), ticket.id).await? {
        let next = latest.sent_at + Duration::seconds(settings.code_interval_secs);
        if next > now {
            return Err(Refusal::CodeTooSoon { seconds: (next - now).whole_seconds() + 1 }.into());
        }
    }
    let text = secrets::code();
    let id = work.new_id();
    let expires_at = now + Duration::minutes(settings.code_minutes);
    let hash = secrets::code_hash(id, &text);
    let code = Code { id, hash, sent_at: now, expires_at, tries: 0, used_at: None };
    store::tickets::insert_code(work.db(), ticket.id, &code).await?;
    let message = labels::one_time_code(&text, settings.code_minutes);
    let delivery = work.new_id();
    store::deliveries::insert(work.db(), delivery, &recipient(&user), Kind::OneTimeCode, &message, now)
        .await?;
    record(&mut work, "request_code", &user.id.to_string(), "", "").await?;
    work.commit().await?;
    Ok((secrets::masked_phone(&user.phone), expires_at))
}

/// Sets the first own password; every ticket and session ends.
///
/// # Errors
/// `ticket_ended`, `code_wrong`, `password_…`. Source: reliability section 11.
pub async fn activate(
    accounts: &Accounts,
    ticket: &str,
    code: &str,
    new_password: SecretString,
) -> Result<(), Failure> {
    let user = owner(accounts, ticket).await?;
    allowed(accounts, &new_password, &user)?;
    let current = current_hash(accounts, &user).await?;
    if let Verdict::Right { .. } = accounts.hasher.verify(new_password.clone(), current).await? {
        return Err(Refusal::PasswordSame.into());
    }
    let hash = accounts.hasher.hash(new_password).await?;
    let mut work = accounts.units.begin(by_password(&user.id.to_string())).await?;
    let now = work.now();
    let ticket = store::tickets::lock_live(work.db(), &secrets::hash(ticket), now)
        .await?
        .ok_or(Refusal::TicketEnded)?;
    let sent = store::tickets::latest_code(work.db(), ticket.id).await?;
    let live = sent.filter(|sent| {
        sent.used_at.is_none() && sent.expires_at > now && sent.tries < accounts.config.sessions.code_tries
    });
    let Some(sent) = live else { return Err(Refusal::CodeWrong.into()) };
    let right: bool = sent.hash.ct_eq(&secrets::code_hash(sent.id, code.trim())).into();
    if !right {
        store::tickets::count_try(work.db(), sent.id).await?;
        record(&mut work, "activate", &user.id.to_string(), Refusal::CodeWrong.reason(), "").await?;
        work.commit().await?;
        return Err(Refusal::CodeWrong.into());
    }
    store::tickets::use_code(work.db(), sent.id, now).await?;
    let credential =
        Credential { hash, state: CredentialState::Normal, changed_at: now, expires_at: None, used_at: None };
    store::credentials::put(work.db(), user.id, &credential).await?;
    store::tickets::end_all(work.db(), user.id, now).await?;
    store::sessions::end_all(work.db(), user.id, now, End::PasswordChanged).await?;
    record(&mut work, "activate", &user.id.to_string(), "", "").await?;
    work.commit().await
}

/// Changes a password; every session ends.
///
/// # Errors
/// `session_ended`, `sign_in_failed` for a wrong old password (counted like a sign-in), `password_…`.
pub async fn change_password(
    accounts: &Accounts,
    session_token: &str,
    old: SecretString,
    new: SecretString,
    address: &str,
) -> Result<(), Failure> {
    let live = sessions::live(accounts, session_token).await?;
    let user = live.user;
    allowed(accounts, &new, &user)?;
    if old.expose_secret() == new.expose_secret() {
        return Err(Refusal::PasswordSame.into());
    }
    let seen = super::sign_in::verify_own(accounts, &user, old, address).await?;
    let hash = accounts.hasher.hash(new).await?;
    let mut work = accounts.units.begin(by_password(&user.id.to_string())).await?;
    let now = work.now();
    let current = store::credentials::lock(work.db(), user.id).await?;
    if current.is_none_or(|current| current.hash != seen) {
        return Err(Refusal::SessionEnded.into());
    }
    let credential =
        Credential { hash, state: CredentialState::Normal, changed_at: now, expires_at: None, used_at: None };
    store::credentials::put(work.db(), user.id, &credential).await?;
    store::tickets::end_all(work.db(), user.id, now).await?;
    store::sessions::end_all(work.db(), user.id, now, End::PasswordChanged).await?;
    record(&mut work, "change_password", &user.id.to_string(), "", "").await?;
    work.commit().await
}

async fn owner(accounts: &Accounts, ticket: &str) -> Result<User, Failure> {
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    let now = work.now();
    let ticket = store::tickets::lock_live(work.db(), &secrets::hash(ticket), now)
        .await?
        .ok_or(Refusal::TicketEnded)?;
    let user = store::users::find(work.db(), ticket.user).await?.filter(|user| user.active);
    Ok(user.ok_or(Refusal::TicketEnded)?)
}

async fn current_hash(accounts: &Accounts, user: &User) -> Result<Option<String>, Failure> {
    let mut db = accounts.pool.acquire().await?;
    Ok(store::credentials::find(&mut db, user.id).await?.map(|credential| credential.hash))
}

fn allowed(accounts: &Accounts, new: &SecretString, user: &User) -> Result<(), Failure> {
    password::check(new.expose_secret(), &user.login, accounts.config.passwords.policy())
        .map_err(|refusal| labels::refused_on(&refusal, Field::NewPassword))
}
