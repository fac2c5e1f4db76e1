//! Choosing a password: the first own one with an activation ticket, another one with a session or where it was forgotten.

use chassis::{Caller, Failure, Work};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Accounts, by_password, officials::recipient, proved_by, record, reset, sessions};
use crate::{
    domain::{
        password,
        refusal::{Field, Refusal},
        session::CredentialState,
    },
    hashing::Verdict,
    labels, secrets,
    store::{
        self,
        credentials::Credential,
        deliveries::Kind,
        sessions::End,
        tickets::{Code, Ticket, Why},
        users::User,
    },
};

/// Sends a code to the phone on file; with the ticket of a forgotten password only where that ticket is somebody's.
///
/// # Errors
/// `ticket_ended`, `code_too_soon`, `reset_too_often`. Source: reliability section 11.
pub async fn request_code(accounts: &Accounts, ticket: &str) -> Result<(String, OffsetDateTime), Failure> {
    let settings = &accounts.config.sessions;
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    let now = work.now();
    let ticket = lock_live(&mut work, ticket).await?;
    let user = match ticket.user {
        Some(id) => Some(store::users::find(work.db(), id).await?.ok_or(Refusal::TicketEnded)?),
        None => None,
    };
    if let Some(latest) = store::tickets::latest_code(work.db(), ticket.id).await? {
        let next = latest.sent_at + Duration::seconds(settings.code_interval_secs);
        if next > now {
            return Err(Refusal::CodeTooSoon { seconds: (next - now).whole_seconds() + 1 }.into());
        }
    }
    let (mut work, masked_phone) = match user.as_ref().filter(|_| ticket.why != Why::Reset) {
        None => reset::again(work, accounts, &ticket).await?,
        Some(user) => (work, secrets::masked_phone(&user.phone)),
    };
    let expires_at = send_code(&mut work, accounts, ticket.id, user.as_ref()).await?;
    record(&mut work, "request_code", &subject(&ticket), "", "").await?;
    work.commit().await?;
    Ok((masked_phone, expires_at))
}

/// Gives a ticket its next code and records the delivery; a ticket that is nobody's gets one that nobody can know.
pub(super) async fn send_code(
    work: &mut Work,
    accounts: &Accounts,
    ticket: Uuid,
    user: Option<&User>,
) -> Result<OffsetDateTime, Failure> {
    let minutes = accounts.config.sessions.code_minutes;
    let now = work.now();
    let expires_at = now + Duration::minutes(minutes);
    let (id, text) = (work.new_id(), secrets::code());
    let hash = match user {
        Some(_) => secrets::code_hash(id, &text),
        None => secrets::hash(&secrets::token()),
    };
    let code = Code { id, hash, sent_at: now, expires_at, tries: 0, used_at: None };
    store::tickets::insert_code(work.db(), ticket, &code).await?;
    if let Some(user) = user {
        let delivery = work.new_id();
        let message = labels::one_time_code(&text, minutes);
        store::deliveries::insert(work.db(), delivery, &recipient(user), Kind::OneTimeCode, &message, now)
            .await?;
    }
    Ok(expires_at)
}

/// Sets the first own password, or another one where it was forgotten; every ticket and session ends.
///
/// # Errors
/// `ticket_ended`, `code_wrong`, `password_…`. Source: reliability section 11.
pub async fn activate(
    accounts: &Accounts,
    ticket: &str,
    code: &str,
    new_password: SecretString,
) -> Result<(), Failure> {
    let (found, user) = owner(accounts, ticket).await?;
    let forgotten = found.why == Why::Reset;
    if forgotten {
        // Whoever has not proved a thing learns nothing of the account: neither its login nor its password.
        let policy = accounts.config.passwords.policy();
        password::check(new_password.expose_secret(), "", policy)
            .map_err(|refusal| labels::refused_on(&refusal, Field::NewPassword))?;
        proved(accounts, ticket, code).await?;
    }
    let user = user.ok_or(Refusal::CodeWrong)?;
    allowed(accounts, &new_password, &user)?;
    let current = current_hash(accounts, &user).await?;
    if let Verdict::Right { .. } = accounts.hasher.verify(new_password.clone(), current).await? {
        return Err(Refusal::PasswordSame.into());
    }
    let hash = accounts.hasher.hash(new_password).await?;
    let (mut work, code) = proved(accounts, ticket, code).await?;
    let now = work.now();
    store::tickets::use_code(work.db(), code, now).await?;
    let credential =
        Credential { hash, state: CredentialState::Normal, changed_at: now, expires_at: None, used_at: None };
    store::credentials::put(work.db(), user.id, &credential).await?;
    store::tickets::end_all(work.db(), user.id, now).await?;
    store::sessions::end_all(work.db(), user.id, now, End::PasswordChanged).await?;
    if forgotten {
        // Failed tries with the forgotten password do not keep the new one out.
        store::attempts::clear(work.db(), &secrets::login_hash(&user.login)).await?;
    }
    record(&mut work, act(&found), &user.id.to_string(), "", "").await?;
    work.commit().await
}

/// A unit of work of the ticket's owner, and the code that was typed right; a wrong try counts and is recorded.
async fn proved(accounts: &Accounts, ticket: &str, code: &str) -> Result<(Work, Uuid), Failure> {
    let (found, _) = owner(accounts, ticket).await?;
    let caller = match found.user {
        None => Caller::anonymous(),
        Some(user) if found.why == Why::Reset => proved_by("code", &user.to_string()),
        Some(user) => by_password(&user.to_string()),
    };
    let mut work = accounts.units.begin(caller).await?;
    let now = work.now();
    let ticket = lock_live(&mut work, ticket).await?;
    let sent = store::tickets::latest_code(work.db(), ticket.id).await?;
    let live = sent.filter(|sent| {
        sent.used_at.is_none() && sent.expires_at > now && sent.tries < accounts.config.sessions.code_tries
    });
    let Some(sent) = live else { return Err(Refusal::CodeWrong.into()) };
    let right: bool = sent.hash.ct_eq(&secrets::code_hash(sent.id, code.trim())).into();
    if right {
        return Ok((work, sent.id));
    }
    store::tickets::count_try(work.db(), sent.id).await?;
    record(&mut work, act(&ticket), &subject(&ticket), Refusal::CodeWrong.reason(), "").await?;
    work.commit().await?;
    Err(Refusal::CodeWrong.into())
}

fn act(ticket: &Ticket) -> &'static str {
    if ticket.why == Why::Reset { "reset_password" } else { "activate" }
}

/// What an audit row about a ticket is about: its owner, or the ticket where it is nobody's.
fn subject(ticket: &Ticket) -> String {
    ticket.user.map_or_else(|| format!("ticket:{}", ticket.id), |user| user.to_string())
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

/// A live ticket and its owner; none where it is nobody's.
async fn owner(accounts: &Accounts, ticket: &str) -> Result<(Ticket, Option<User>), Failure> {
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    let ticket = lock_live(&mut work, ticket).await?;
    let Some(id) = ticket.user else { return Ok((ticket, None)) };
    let user = store::users::find(work.db(), id).await?.filter(|user| user.active);
    Ok((ticket, Some(user.ok_or(Refusal::TicketEnded)?)))
}

/// The live ticket of a token, unless it opens something else than a password.
async fn lock_live(work: &mut Work, token: &str) -> Result<Ticket, Failure> {
    let now = work.now();
    let ticket = store::tickets::lock_live(work.db(), &secrets::hash(token), now).await?;
    ticket.filter(|ticket| ticket.why.opens_password()).ok_or_else(|| Refusal::TicketEnded.into())
}

async fn current_hash(accounts: &Accounts, user: &User) -> Result<Option<String>, Failure> {
    let mut db = accounts.pool.acquire().await?;
    Ok(store::credentials::find(&mut db, user.id).await?.map(|credential| credential.hash))
}

fn allowed(accounts: &Accounts, new: &SecretString, user: &User) -> Result<(), Failure> {
    password::check(new.expose_secret(), &user.login, accounts.config.passwords.policy())
        .map_err(|refusal| labels::refused_on(&refusal, Field::NewPassword))
}
