//! Sessions in use: what they stand for just now, caller tokens, signing out.

use std::collections::BTreeSet;

use chassis::{Caller, Failure, clock};
use proto::common::{CallerClaims, caller_claims};
use sqlx::{Postgres, pool::PoolConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Accounts, by_password, exports, record};
use crate::{
    domain::{
        ids::ExportId,
        lifecycle::State,
        operator,
        refusal::{Field, Refusal},
        roles::Role,
        second_factor::Required,
    },
    secrets,
    store::{
        self,
        sessions::{End, Session},
        users::User,
    },
};

/// Services that a caller token may name.
const AUDIENCES: [&str; 7] =
    ["accounts", "stations", "documents", "reviews", "notifications", "portal", "interconnect"];
/// A session's last use is written this often at most.
const TOUCH_EVERY: Duration = Duration::minutes(1);

/// A session in use and what its owner is at this moment.
pub struct Live {
    /// The session.
    pub session: Session,
    /// Its owner.
    pub user: User,
    /// What the owner is now: an operator's user by the operator's state.
    pub roles: Vec<Role>,
    /// State of the owner's operator.
    pub operator_state: Option<State>,
    /// When the session ends unless it is used.
    pub ends_at: OffsetDateTime,
}

/// The live session of a token; being asked for counts as use.
///
/// # Errors
/// `session_ended` for an unknown, ended or timed-out session, a deactivated user, a suspended operator.
/// Source: reliability section 11.
pub async fn live(accounts: &Accounts, token: &str) -> Result<Live, Failure> {
    let mut db = accounts.pool.acquire().await?;
    let session =
        store::sessions::find_live(&mut db, &secrets::hash(token)).await?.ok_or(Refusal::SessionEnded)?;
    used(accounts, db, session).await
}

/// The live session of an export under way, by the token with which it was begun; being asked for counts as use.
async fn exporting(accounts: &Accounts, token: &str, export: &str) -> Result<Live, Failure> {
    let export = Uuid::parse_str(export).map(ExportId).map_err(|_| Refusal::SessionEnded)?;
    let mut db = accounts.pool.acquire().await?;
    let session =
        store::sessions::find_exporting(&mut db, &secrets::hash(token), export, exports::LASTS).await?;
    used(accounts, db, session.ok_or(Refusal::SessionEnded)?).await
}

/// What a session stands for, if it has not timed out.
async fn used(
    accounts: &Accounts,
    mut db: PoolConnection<Postgres>,
    session: Session,
) -> Result<Live, Failure> {
    let user = store::users::find(&mut db, session.user)
        .await?
        .filter(|user| user.active)
        .ok_or(Refusal::SessionEnded)?;
    let (roles, operator_state) = match user.operator_id {
        None => (user.roles.clone(), None),
        Some(id) => {
            let operator = store::operators::find(&mut db, id).await?.ok_or(Refusal::SessionEnded)?;
            let state = operator.standing.state;
            (vec![operator::role_of_users(state).ok_or(Refusal::SessionEnded)?], Some(state))
        }
    };
    drop(db);
    let required = accounts.config.second_factor.required();
    if session.proved_at.is_none() && required == Required::Officials && user.official() {
        // It began before second factors were demanded: signing in again enrols one.
        return Err(Refusal::SessionEnded.into());
    }
    let lifetimes = accounts.config.sessions.lifetimes();
    let now = session.now;
    if lifetimes.ends_at(&roles, session.started_at, session.seen_at) <= now {
        end(accounts, &session, End::TimedOut).await?;
        return Err(Refusal::SessionEnded.into());
    }
    if now - session.seen_at >= TOUCH_EVERY {
        let mut work = accounts.units.begin(by_password(&user.id.to_string())).await?;
        store::sessions::touch(work.db(), session.id, now).await?;
        work.commit().await?;
    }
    let ends_at = lifetimes.ends_at(&roles, session.started_at, now);
    Ok(Live { session, user, roles, operator_state, ends_at })
}

/// A signed caller token for the services named, at most 60 seconds long; for an export under way where one is named.
///
/// # Errors
/// `session_ended`, `field_missing` and `unknown_value` for the audience. Source: architecture, rule 5.
pub async fn caller_token(
    accounts: &Accounts,
    token: &str,
    export: &str,
    audience: &[String],
) -> Result<(String, OffsetDateTime), Failure> {
    let audience = audiences(audience)?;
    let live = if export.is_empty() {
        live(accounts, token).await?
    } else {
        exporting(accounts, token, export).await?
    };
    let mut db = accounts.pool.acquire().await?;
    let scope = if live.user.scope.is_empty() {
        Vec::new()
    } else {
        store::divisions::with_predecessors(&mut db, &live.user.scope).await?
    };
    drop(db);
    let claims = CallerClaims {
        kind: caller_claims::Kind::Person.into(),
        subject: live.user.id.to_string(),
        roles: live.roles.iter().map(|role| role.name().to_owned()).collect(),
        scope,
        operator_id: live.user.operator_id.map(|id| id.to_string()).unwrap_or_default(),
        department: live.user.department,
        office: live.user.office,
        lead: live.user.lead,
        session_id: live.session.id.to_string(),
        authentication: live.session.authentication,
        second_factor_at: live.session.proved_at.map_or(0, OffsetDateTime::unix_timestamp),
        audience,
        ..CallerClaims::default()
    };
    Ok(sign(accounts, claims))
}

/// Signs claims with the life that the settings give them.
pub(super) fn sign(accounts: &Accounts, claims: CallerClaims) -> (String, OffsetDateTime) {
    let issued_at = clock::unix_seconds();
    let expires_at = issued_at + accounts.config.sessions.token_secs;
    let token = accounts.identity.sign(CallerClaims { issued_at, expires_at, ..claims });
    (token, OffsetDateTime::from_unix_timestamp(expires_at).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// The services that a token is for, in order and each once, so that no token names more than there are.
pub(super) fn audiences(asked: &[String]) -> Result<Vec<String>, Refusal> {
    if asked.is_empty() {
        return Err(Refusal::Missing(Field::Audience));
    }
    if !asked.iter().all(|name| AUDIENCES.contains(&name.as_str())) {
        return Err(Refusal::UnknownValue(Field::Audience));
    }
    let named: BTreeSet<&String> = asked.iter().collect();
    Ok(named.into_iter().cloned().collect())
}

/// Ends the session of a token; does nothing where it has ended.
///
/// # Errors
/// The database.
pub async fn sign_out(accounts: &Accounts, token: &str) -> Result<(), Failure> {
    let mut db = accounts.pool.acquire().await?;
    let session = store::sessions::find_live(&mut db, &secrets::hash(token)).await?;
    drop(db);
    match session {
        Some(session) => end(accounts, &session, End::SignedOut).await,
        None => Ok(()),
    }
}

async fn end(accounts: &Accounts, session: &Session, why: End) -> Result<(), Failure> {
    let user = session.user.to_string();
    let mut work = accounts.units.begin(by_password(&user)).await?;
    let now = work.now();
    store::sessions::end(work.db(), session.id, now, why).await?;
    record(&mut work, "end_session", &user, "", why.name()).await?;
    work.commit().await
}

/// Keeps house: overdue sessions end, attempts too old to count go.
pub async fn keep_house(accounts: Accounts) {
    const EVERY: std::time::Duration = std::time::Duration::from_secs(300);
    loop {
        if let Err(error) = tidy(&accounts).await {
            tracing::warn!(error = %chassis::error::chain(&error), "housekeeping failed");
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn tidy(accounts: &Accounts) -> Result<(), Failure> {
    let mut work = accounts.units.begin(Caller::system("housekeeping")).await?;
    let now = work.now();
    let longest = accounts.config.sessions.lifetimes().max;
    store::sessions::end_overdue(work.db(), now - longest, now).await?;
    store::attempts::prune(work.db(), now).await?;
    store::resets::prune(work.db(), now).await?;
    store::exports::prune(work.db(), now).await?;
    work.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_each_service_once_however_often_it_was_asked_for() {
        let of = |names: &[&str]| audiences(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["stations", "accounts", "stations"]), Ok(vec!["accounts".into(), "stations".into()]));
        let all = AUDIENCES.repeat(1_000);
        assert_eq!(of(&all).map(|named| named.len()), Ok(AUDIENCES.len()));
        assert_eq!(of(&[]), Err(Refusal::Missing(Field::Audience)));
        assert_eq!(of(&["stations", "elsewhere"]), Err(Refusal::UnknownValue(Field::Audience)));
    }
}
