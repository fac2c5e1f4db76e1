//! The second factor (动态口令): enrolling it, showing it after the password and again before what needs a fresh proof,
//! removing and resetting it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chassis::{Caller, Failure, Work, error::Kind, sealing};
use secrecy::SecretString;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Accounts, by_password, proved_by, record,
    sessions::{self, Live},
    sign_in::{self, SignedIn},
};
use crate::{
    domain::{
        ids::UserId,
        refusal::Refusal,
        second_factor::{Enrolment, Needed},
        session::{PASSWORD, PASSWORD_AND_TOTP},
        totp,
    },
    secrets,
    store::{
        self,
        sessions::End,
        tickets::{Ticket, Why},
        users::User,
    },
};

/// By what somebody comes to enrol.
pub enum Door<'a> {
    /// The token of a session.
    Session(&'a str),
    /// The ticket that a right password bought.
    Ticket(&'a str),
}

/// A secret to enrol with.
pub struct Offer {
    /// The secret, sealed; nothing is stored before it comes back with its first code.
    pub enrolment: String,
    /// The secret as it is typed into an app.
    pub secret: String,
    /// The same as a link.
    pub uri: String,
}

/// What is needed of somebody after the password.
pub(super) async fn needed(work: &mut Work, accounts: &Accounts, user: &User) -> Result<Needed, Failure> {
    let enrolled = store::second_factors::enrolled(work.db(), user.id).await?;
    Ok(accounts.config.second_factor.required().of(user.official(), enrolled))
}

/// Offers a secret: the one of an enrolment that was offered before, or a fresh one.
///
/// # Errors
/// `session_ended`, `ticket_ended`, `second_factor_of_officials`, `second_factor_enrolled`, `second_factor_closed`.
pub async fn offer(accounts: &Accounts, door: &Door<'_>, enrolment: &str) -> Result<Offer, Failure> {
    let (user, _) = at(accounts, door).await?;
    let now = not_enrolled(accounts, user.id).await?;
    let (enrolment, secret) = match opened(accounts, &user, enrolment, now) {
        Ok(secret) => (enrolment.to_owned(), secret),
        Err(_) => {
            let secret = sealing::random::<{ totp::SECRET_BYTES }>()?.to_vec();
            let offered = Enrolment { secret, offered_at: now.unix_timestamp() };
            let sealed = accounts.vault.seal(user.id, &offered.to_bytes())?;
            (URL_SAFE_NO_PAD.encode(sealed), offered.secret)
        }
    };
    Ok(Offer {
        enrolment,
        uri: totp::uri(&accounts.config.second_factor.issuer, &user.login, &secret),
        secret: totp::base32(&secret),
    })
}

/// Enrols with the first code of an offered secret; the session gets another reference, a ticket becomes a session.
///
/// # Errors
/// As [`offer`]; `enrolment_unreadable`, `enrolment_expired`, `second_factor_wrong`; with a session `sign_in_failed`,
/// `sign_in_locked`.
pub async fn enrol(
    accounts: &Accounts,
    door: Door<'_>,
    enrolment: &str,
    code: &str,
    password: SecretString,
    address: &str,
) -> Result<SignedIn, Failure> {
    let (user, live) = at(accounts, &door).await?;
    // Before the password: a right one forgives the wrong ones before it, so it must have something to open.
    let looked_at = not_enrolled(accounts, user.id).await?;
    let secret = opened(accounts, &user, enrolment, looked_at)?;
    let seen = match live {
        Some(_) => Some(sign_in::verify_own(accounts, &user, password, address).await?),
        None => None,
    };
    let caller = match &live {
        Some(live) => in_session(live, PASSWORD),
        None => by_password(&user.id.to_string()),
    };
    let mut work = accounts.units.begin(caller).await?;
    let (id, now) = (user.id.to_string(), work.now());
    let Some(last_step) = totp::matching_step(&secret, code, now.unix_timestamp(), totp::NO_STEP) else {
        record(&mut work, "enrol_second_factor", &id, Refusal::FactorWrong.reason(), "").await?;
        work.commit().await?;
        return Err(Refusal::FactorWrong.into());
    };
    // Whoever changes the password at the same time waits here.
    let current = store::credentials::lock(work.db(), user.id).await?;
    if seen.is_some_and(|seen| current.is_none_or(|current| current.hash != seen)) {
        return Err(Refusal::SessionEnded.into());
    }
    let sealed = accounts.vault.seal(user.id, &secret)?;
    if !store::second_factors::insert(work.db(), user.id, &sealed, last_step, now).await? {
        return Err(Refusal::FactorEnrolled.into());
    }
    record(&mut work, "enrol_second_factor", &id, "", "").await?;
    let signed_in = match (door, live) {
        (Door::Session(_), Some(live)) => renew(&mut work, accounts, live).await?,
        (Door::Session(token) | Door::Ticket(token), _) => {
            let (_, user) = ticket(&mut work, token, Why::Enrolment).await?;
            store::tickets::end_all(work.db(), user.id, now).await?;
            sign_in::session(&mut work, accounts, user, address, Some(now)).await?
        }
    };
    work.commit().await?;
    Ok(signed_in)
}

/// Signs in with the code after the password.
///
/// # Errors
/// `ticket_ended`, `second_factor_wrong`; `second_factor_locked`, after which the password is asked again.
/// Source: reliability section 11, decision record 42.
pub async fn complete(
    accounts: &Accounts,
    token: &str,
    code: &str,
    address: &str,
) -> Result<SignedIn, Failure> {
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    let (bought, user) = ticket(&mut work, token, Why::SecondFactor).await?;
    drop(work);
    if let Err(failure) = show(accounts, &user, code, address, by_password(&user.id.to_string())).await {
        if ours(&failure) {
            excuse(accounts, bought.id).await?;
        }
        return Err(failure);
    }
    let mut work = accounts.units.begin(by_both(user.id)).await?;
    let now = work.now();
    store::credentials::lock(work.db(), user.id).await?;
    let (ticket, user) = ticket(&mut work, token, Why::SecondFactor).await?;
    // Password and code were one attempt to sign in.
    store::attempts::succeed(work.db(), ticket.id).await?;
    store::tickets::end_all(work.db(), user.id, now).await?;
    let signed_in = sign_in::session(&mut work, accounts, user, address, Some(now)).await?;
    work.commit().await?;
    Ok(signed_in)
}

/// Shows the code again in a session, which gets another reference.
///
/// # Errors
/// `session_ended`, `second_factor_missing`, `second_factor_wrong`, `second_factor_locked`.
/// Source: reliability section 11, decision record 42.
pub async fn step_up(
    accounts: &Accounts,
    token: &str,
    code: &str,
    address: &str,
) -> Result<SignedIn, Failure> {
    let live = sessions::live(accounts, token).await?;
    show(accounts, &live.user, code, address, in_session(&live, &live.session.authentication)).await?;
    let user = live.user.id;
    let mut work = accounts.units.begin(in_session(&live, PASSWORD_AND_TOTP)).await?;
    let signed_in = renew(&mut work, accounts, live).await?;
    record(&mut work, "step_up", &user.to_string(), "", "").await?;
    work.commit().await?;
    Ok(signed_in)
}

/// Removes the own second factor by a code; every session ends.
///
/// # Errors
/// As [`step_up`].
pub async fn remove(accounts: &Accounts, token: &str, code: &str, address: &str) -> Result<(), Failure> {
    let live = sessions::live(accounts, token).await?;
    show(accounts, &live.user, code, address, in_session(&live, &live.session.authentication)).await?;
    let mut work = accounts.units.begin(in_session(&live, PASSWORD_AND_TOTP)).await?;
    end(&mut work, live.user.id, "remove_second_factor").await?;
    work.commit().await
}

/// Removes somebody's second factor; every session ends.
///
/// # Errors
/// `not_found`, `second_factor_missing`.
pub async fn reset(work: &mut Work, id: UserId) -> Result<User, Failure> {
    let user = store::users::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    end(work, id, "reset_second_factor").await?;
    Ok(user)
}

async fn end(work: &mut Work, user: UserId, act: &str) -> Result<(), Failure> {
    let now = work.now();
    if !store::second_factors::remove(work.db(), user).await? {
        return Err(Refusal::FactorMissing.into());
    }
    store::sessions::end_all(work.db(), user, now, End::FactorRemoved).await?;
    store::tickets::end_all(work.db(), user, now).await?;
    record(work, act, &user.to_string(), "", "").await
}

/// Takes a code, each once. A wrong one is counted where the second factor is, under its lock: from wherever it comes, and
/// whatever becomes of the passwords that are tried behind the same address.
async fn show(
    accounts: &Accounts,
    user: &User,
    code: &str,
    address: &str,
    caller: Caller,
) -> Result<(), Failure> {
    let id = user.id.to_string();
    let mut work = accounts.units.begin(caller).await?;
    let now = work.now();
    let factor = store::second_factors::lock(work.db(), user.id).await?.ok_or(Refusal::FactorMissing)?;
    let secret = accounts.vault.open(user.id, &factor.secret).map_err(Failure::internal)?;
    if let Err(locked) = factor.wrong.admit(now) {
        record(&mut work, "show_second_factor", &id, locked.reason(), address).await?;
        work.commit().await?;
        return Err(locked.into());
    }
    let Some(step) = totp::matching_step(&secret, code, now.unix_timestamp(), factor.last_step) else {
        let wrong = factor.wrong.another(now);
        store::second_factors::count(work.db(), user.id, wrong).await?;
        let locked = wrong.admit(now).err();
        if locked.is_some() {
            // Whoever was signing in proves the password anew before there are codes again. Before the audit log, as a sign-in.
            store::tickets::end_all(work.db(), user.id, now).await?;
        }
        record(&mut work, "show_second_factor", &id, Refusal::FactorWrong.reason(), address).await?;
        let failure = locked.map_or_else(
            || Failure::from(Refusal::FactorWrong).with("attempts_left", wrong.left()),
            Failure::from,
        );
        work.commit().await?;
        return Err(failure);
    };
    store::second_factors::advance(work.db(), user.id, step).await?;
    record(&mut work, "show_second_factor", &id, "", "").await?;
    work.commit().await
}

/// Whether no code could be judged for a fault of ours: the second factor is gone, its seal does not open, or the database
/// could not be had.
fn ours(failure: &Failure) -> bool {
    matches!(failure.kind(), Kind::Internal | Kind::Conflict | Kind::Unavailable)
        || [Refusal::FactorMissing.reason(), "database_busy"].contains(&failure.reason())
}

/// The right password of an attempt that could not be completed does not count as a failure.
async fn excuse(accounts: &Accounts, attempt: Uuid) -> Result<(), Failure> {
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    store::attempts::withdraw(work.db(), attempt).await?;
    work.commit().await
}

/// Gives a session another reference and marks it as proved just now; the reference before opens nothing any more.
async fn renew(work: &mut Work, accounts: &Accounts, live: Live) -> Result<SignedIn, Failure> {
    let (now, token) = (work.now(), secrets::token());
    let hash = secrets::hash(&token);
    if !store::sessions::prove(work.db(), live.session.id, &hash, PASSWORD_AND_TOTP, now).await? {
        return Err(Refusal::SessionEnded.into());
    }
    let ends_at = accounts.config.sessions.lifetimes().ends_at(&live.roles, live.session.started_at, now);
    Ok(SignedIn::Session { user: live.user, token, ends_at })
}

/// Who comes to enrol, and the session where there is one.
async fn at(accounts: &Accounts, door: &Door<'_>) -> Result<(User, Option<Live>), Failure> {
    let (user, live) = match door {
        Door::Session(token) => {
            let live = sessions::live(accounts, token).await?;
            (live.user.clone(), Some(live))
        }
        Door::Ticket(token) => {
            let mut work = accounts.units.begin(Caller::anonymous()).await?;
            (ticket(&mut work, token, Why::Enrolment).await?.1, None)
        }
    };
    if user.official() { Ok((user, live)) } else { Err(Refusal::FactorOfOfficials.into()) }
}

/// The live ticket of a token, given for this reason, and its owner.
async fn ticket(work: &mut Work, token: &str, why: Why) -> Result<(Ticket, User), Failure> {
    let now = work.now();
    let ticket = store::tickets::lock_live(work.db(), &secrets::hash(token), now).await?;
    let ticket = ticket.filter(|ticket| ticket.why == why).ok_or(Refusal::TicketEnded)?;
    let owner = ticket.user.ok_or(Refusal::TicketEnded)?;
    let user = store::users::find(work.db(), owner).await?.filter(|user| user.active);
    Ok((ticket, user.ok_or(Refusal::TicketEnded)?))
}

/// That somebody has no second factor yet; gives the time of this look.
async fn not_enrolled(accounts: &Accounts, user: UserId) -> Result<OffsetDateTime, Failure> {
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    let enrolled = store::second_factors::enrolled(work.db(), user).await?;
    if enrolled { Err(Refusal::FactorEnrolled.into()) } else { Ok(work.now()) }
}

/// An offered secret that may still be enrolled.
fn opened(
    accounts: &Accounts,
    user: &User,
    enrolment: &str,
    now: OffsetDateTime,
) -> Result<Vec<u8>, Refusal> {
    let sealed = URL_SAFE_NO_PAD.decode(enrolment).map_err(|_| Refusal::EnrolmentUnreadable)?;
    let bytes = accounts.vault.open(user.id, &sealed).map_err(|_| Refusal::EnrolmentUnreadable)?;
    let offered = Enrolment::from_bytes(&bytes)?;
    offered.admit(now)?;
    Ok(offered.secret)
}

/// The owner of a session as the caller of what concerns it.
fn in_session(live: &Live, authentication: &str) -> Caller {
    let session_id = live.session.id.to_string();
    Caller { session_id, ..proved_by(authentication, &live.user.id.to_string()) }
}

/// A person as the caller, proved by password and code.
fn by_both(user: UserId) -> Caller {
    proved_by(PASSWORD_AND_TOTP, &user.to_string())
}
