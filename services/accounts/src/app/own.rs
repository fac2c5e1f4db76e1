//! What somebody sees of its own sign-ins and sessions, and ending the others.

use chassis::Failure;

use super::{Accounts, by_password, record, sessions};
use crate::{
    secrets,
    store::{
        self,
        attempts::Attempt,
        sessions::{End, Open},
        users::User,
    },
};

/// Sign-ins that are shown.
const LATEST: i64 = 20;

/// The own sign-ins and sessions.
pub struct Access {
    /// Whose.
    pub user: User,
    /// The latest tries to sign in with this login, those of others among them; kept for 30 days.
    pub attempts: Vec<Attempt>,
    /// Sessions in use; the one that asks first.
    pub sessions: Vec<Open>,
}

/// Gives the own sign-ins and sessions.
///
/// # Errors
/// `session_ended`.
pub async fn access(accounts: &Accounts, token: &str) -> Result<Access, Failure> {
    let live = sessions::live(accounts, token).await?;
    let idle = accounts.config.sessions.lifetimes().idle_of(&live.roles);
    let mut db = accounts.pool.acquire().await?;
    let login_hash = secrets::login_hash(&live.user.login);
    let attempts = store::attempts::latest(&mut db, &login_hash, LATEST).await?;
    let mut sessions = store::sessions::open(&mut db, live.user.id, live.session.now - idle).await?;
    sessions.sort_by_key(|open| open.id != live.session.id);
    Ok(Access { user: live.user, attempts, sessions })
}

/// Ends every session of the owner but the one that asks; safe to repeat.
///
/// # Errors
/// `session_ended`.
pub async fn end_others(accounts: &Accounts, token: &str) -> Result<(), Failure> {
    let live = sessions::live(accounts, token).await?;
    let user = live.user.id.to_string();
    let mut work = accounts.units.begin(by_password(&user)).await?;
    let now = work.now();
    store::sessions::end_others(work.db(), live.user.id, live.session.id, now, End::Elsewhere).await?;
    record(&mut work, "end_other_sessions", &user, "", "").await?;
    work.commit().await
}
