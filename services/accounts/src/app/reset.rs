//! A forgotten password: whoever names a login and a phone gets a ticket. Only where both fit an active person does a code
//! go to the phone on file; the asker cannot tell. The password itself is set by `activate`.

use chassis::{Caller, Failure, Work};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Accounts, activate::send_code, record, sign_in};
use crate::{
    domain::{
        ids::{OperatorId, UserId},
        operator,
        refusal::{Field, Refusal},
        reset::{self, Found, Unfit},
        texts,
    },
    secrets,
    store::{
        self,
        resets::Keys,
        tickets::{Ticket, Why},
        users::User,
    },
};

/// What everybody gets who asks.
pub struct Given {
    /// Opens nothing but RequestCode and Activate.
    pub token: String,
    /// The phone as typed, masked.
    pub masked_phone: String,
    /// Valid until.
    pub expires_at: OffsetDateTime,
}

/// Gives a ticket and, where login and phone fit, sends a code.
///
/// # Errors
/// `field_missing`, `phone_form`, `reset_too_often`. Source: ui, section 6; reliability section 11.
pub async fn request(accounts: &Accounts, login: &str, phone: &str, address: &str) -> Result<Given, Failure> {
    if login.trim().is_empty() {
        return Err(Refusal::Missing(Field::Login).into());
    }
    let phone = texts::phone(phone)?;
    let keys = Keys {
        login_hash: secrets::login_hash(login),
        phone_hash: secrets::hash(&phone),
        masked_phone: secrets::masked_phone(&phone),
        address: address.to_owned(),
    };
    let mut work = accounts.units.begin(Caller::anonymous()).await?;
    if let Err(refusal) = admitted(&mut work, accounts, &keys).await? {
        return Err(kept(work, &keys, refusal).await?);
    }
    let now = work.now();
    let found = whose(&mut work, login, &phone).await?;
    let user = found.as_ref().ok();
    let expires_at = now + Duration::minutes(accounts.config.sessions.ticket_minutes);
    let ticket = Ticket { id: work.new_id(), user: user.map(|user| user.id), why: Why::Reset, expires_at };
    let token = secrets::token();
    store::tickets::insert(work.db(), &ticket, &secrets::hash(&token), now).await?;
    let id = work.new_id();
    store::resets::insert(work.db(), id, ticket.id, &keys, now).await?;
    send_code(&mut work, accounts, ticket.id, user).await?;
    let subject = user.map_or_else(|| sign_in::subject(&keys.login_hash), |user| user.id.to_string());
    record(&mut work, "request_reset", &subject, found.err().map_or("", Unfit::name), "").await?;
    work.commit().await?;
    Ok(Given { token, masked_phone: keys.masked_phone, expires_at })
}

/// Counts another code of the same ticket; gives the phone that the asker is shown.
///
/// # Errors
/// `reset_too_often`.
pub(super) async fn again(
    mut work: Work,
    accounts: &Accounts,
    ticket: &Ticket,
) -> Result<(Work, String), Failure> {
    let keys = store::resets::of_ticket(work.db(), ticket.id).await?.ok_or(Refusal::TicketEnded)?;
    if let Err(refusal) = admitted(&mut work, accounts, &keys).await? {
        return Err(kept(work, &keys, refusal).await?);
    }
    let (id, now) = (work.new_id(), work.now());
    store::resets::insert(work.db(), id, ticket.id, &keys, now).await?;
    Ok((work, keys.masked_phone))
}

/// Whether these may ask now; requests of the same login, phone or address wait for each other.
async fn admitted(work: &mut Work, accounts: &Accounts, keys: &Keys) -> Result<Result<(), Refusal>, Failure> {
    let mut locks = [keys.login_hash.clone(), keys.phone_hash.clone(), secrets::hash(&keys.address)];
    locks.sort();
    for lock in &locks {
        store::attempts::serialise(work.db(), lock).await?;
    }
    let (limits, now) = (accounts.config.resets.limits(), work.now());
    let asked = store::resets::asked(work.db(), keys, now - limits.window).await?;
    Ok(reset::admit(asked, limits, now))
}

async fn kept(mut work: Work, keys: &Keys, refusal: Refusal) -> Result<Failure, Failure> {
    let subject = sign_in::subject(&keys.login_hash);
    record(&mut work, "request_reset", &subject, refusal.reason(), "").await?;
    work.commit().await?;
    Ok(refusal.into())
}

/// The person whom login and phone fit. What is asked of the database does not depend on what is found.
async fn whose(work: &mut Work, login: &str, phone: &str) -> Result<Result<User, Unfit>, Failure> {
    let user = store::users::find_by_login(work.db(), login.trim()).await?;
    let id = user.as_ref().map_or(UserId(Uuid::nil()), |user| user.id);
    let operator = user.as_ref().and_then(|user| user.operator_id).unwrap_or(OperatorId(Uuid::nil()));
    let credential = store::credentials::find(work.db(), id).await?;
    let operator = store::operators::find(work.db(), operator).await?;
    let open = operator.is_some_and(|found| operator::role_of_users(found.standing.state).is_some());
    let found = user.as_ref().map(|user| Found {
        phone: &user.phone,
        active: user.active && (user.official() || open),
        credential: credential.map(|credential| credential.state),
    });
    let fits = reset::fits(found, phone);
    Ok(fits.and(user.ok_or(Unfit::UnknownLogin)))
}
