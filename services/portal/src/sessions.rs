//! Signed-in people: what accounts says of a session, and the caller token, both for at most 30 seconds.
//!
//! Holds hashes of session references only. Source: reliability 11: authorization data is at most 30 s old.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chassis::{clock, rpc::Peer};
use proto::accounts::{
    GetSessionRequest, IssueCallerTokenRequest, SessionView, sessions_client::SessionsClient,
};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::config::PEERS;

/// People remembered before the stale ones are dropped.
const PEOPLE_MAX: usize = 20_000;
/// accounts may count from up to so many seconds before the last use.
const TOUCHED_SECS: i64 = 60;
/// Seconds for which the badges in the header are used again.
const BADGES_SECS: i64 = 5;

/// What was known of a session a moment ago.
#[derive(Clone)]
pub struct Known {
    /// Person, roles, office.
    pub view: Arc<SessionView>,
    /// Caller token for every service.
    pub token: Arc<str>,
    read_at: i64,
    badges: Option<(Badges, i64)>,
}

/// Counts in the header and the menu; 1,001 stands for 1,000+.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Badges {
    /// 待办事项.
    pub tasks: i32,
    /// Unread messages.
    pub messages: i32,
}

/// See the module.
pub struct Sessions {
    accounts: Peer,
    fresh_secs: i64,
    known: Mutex<HashMap<[u8; 32], Known>>,
}

impl Sessions {
    /// Asks `accounts`; uses an answer again for `fresh_secs`.
    pub fn new(accounts: Peer, fresh_secs: i64) -> Sessions {
        Sessions { accounts, fresh_secs, known: Mutex::default() }
    }

    /// Calls of accounts that take the session reference itself.
    pub fn client(&self) -> SessionsClient<Peer> {
        SessionsClient::new(self.accounts.clone())
    }

    /// The person behind a session reference.
    ///
    /// # Errors
    /// UNAUTHENTICATED `session_ended`; accounts is away.
    pub async fn find(&self, session: &str) -> Result<Known, Status> {
        let now = clock::unix_seconds();
        let key = hash(session);
        if let Some(known) = self.lock().get(&key).filter(|known| now - known.read_at < self.fresh_secs) {
            return Ok(known.clone());
        }
        let (mut one, mut other) = (self.client(), self.client());
        let asked = GetSessionRequest { session_token: session.to_owned() };
        let wanted = IssueCallerTokenRequest {
            session_token: session.to_owned(),
            audience: PEERS.map(str::to_owned).to_vec(),
        };
        let answers = tokio::try_join!(one.get_session(asked), other.issue_caller_token(wanted));
        let (view, token) = match answers {
            Ok((view, token)) => (view.into_inner(), token.into_inner()),
            Err(status) => {
                self.forget(session);
                return Err(status);
            }
        };
        let known = Known { view: Arc::new(view), token: token.token.into(), read_at: now, badges: None };
        let mut all = self.lock();
        if all.len() >= PEOPLE_MAX {
            all.retain(|_, known| now - known.read_at < self.fresh_secs);
        }
        all.insert(key, known.clone());
        Ok(known)
    }

    /// Signing out, a changed password: the next page asks anew.
    pub fn forget(&self, session: &str) {
        self.lock().remove(&hash(session));
    }

    /// Badges of a moment ago.
    pub fn badges(&self, session: &str) -> Option<Badges> {
        let now = clock::unix_seconds();
        let all = self.lock();
        let (badges, read_at) = all.get(&hash(session))?.badges?;
        (now - read_at < BADGES_SECS).then_some(badges)
    }

    /// Keeps badges for the next pages.
    pub fn keep_badges(&self, session: &str, badges: Badges) {
        if let Some(known) = self.lock().get_mut(&hash(session)) {
            known.badges = Some((badges, clock::unix_seconds()));
        }
    }

    /// The next page counts anew: the person has just done something.
    pub fn recount(&self, session: &str) {
        if let Some(known) = self.lock().get_mut(&hash(session)) {
            known.badges = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds for which a session surely lasts if it is not used again: accounts writes its last use once a minute only.
pub fn lasts_secs(view: &SessionView) -> i64 {
    let ends = view.ends_at.as_ref().map_or(0, |ends| ends.seconds);
    (ends - TOUCHED_SECS - clock::unix_seconds()).max(0)
}

fn hash(session: &str) -> [u8; 32] {
    Sha256::digest(session.as_bytes()).into()
}
