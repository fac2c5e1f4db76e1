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
    badges: Option<(Option<Badges>, i64)>,
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
    people: Mutex<People>,
}

#[derive(Default)]
struct People {
    known: HashMap<[u8; 32], Known>,
    /// How often something was forgotten: what was asked for before that is not kept.
    forgotten: u64,
}

impl Sessions {
    /// Asks `accounts`; uses an answer again for `fresh_secs`.
    pub fn new(accounts: Peer, fresh_secs: i64) -> Sessions {
        Sessions { accounts, fresh_secs, people: Mutex::default() }
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
        let (now, key) = (clock::unix_seconds(), hash(session));
        let (known, forgotten) = self.known(&key, now);
        if let Some(known) = known {
            return Ok(known);
        }
        let (mut one, mut other) = (self.client(), self.client());
        let asked = GetSessionRequest { session_token: session.to_owned() };
        let wanted = IssueCallerTokenRequest {
            session_token: session.to_owned(),
            audience: PEERS.map(str::to_owned).to_vec(),
            export_id: String::new(),
        };
        let answers = tokio::try_join!(one.get_session(asked), other.issue_caller_token(wanted));
        let (view, token) = match answers {
            Ok((view, token)) => (view.into_inner(), token.into_inner()),
            Err(status) => {
                self.lock().known.remove(&key);
                return Err(status);
            }
        };
        let known = Known { view: Arc::new(view), token: token.token.into(), read_at: now, badges: None };
        self.keep(key, &known, forgotten);
        Ok(known)
    }

    /// The person of `view` with a token for an export that was begun with this session reference, which opens nothing else any
    /// more where the session has got another one meanwhile.
    ///
    /// # Errors
    /// UNAUTHENTICATED `session_ended`; accounts is away.
    pub async fn exporting(
        &self,
        session: &str,
        export: &str,
        view: &Arc<SessionView>,
    ) -> Result<Known, Status> {
        // No header holds a line break, so no cookie is ever this key.
        let (now, key) = (clock::unix_seconds(), hash(&format!("{session}\n{export}")));
        let (known, forgotten) = self.known(&key, now);
        if let Some(known) = known {
            return Ok(known);
        }
        let wanted = IssueCallerTokenRequest {
            session_token: session.to_owned(),
            audience: PEERS.map(str::to_owned).to_vec(),
            export_id: export.to_owned(),
        };
        let token = self.client().issue_caller_token(wanted).await?.into_inner().token;
        let known = Known { view: view.clone(), token: token.into(), read_at: now, badges: None };
        self.keep(key, &known, forgotten);
        Ok(known)
    }

    /// What is known and fresh, and how often something has been forgotten so far.
    fn known(&self, key: &[u8; 32], now: i64) -> (Option<Known>, u64) {
        let people = self.lock();
        let known = people.known.get(key).filter(|known| now - known.read_at < self.fresh_secs);
        (known.cloned(), people.forgotten)
    }

    /// Keeps an answer, unless something was forgotten while it was on its way: it may be older than that.
    fn keep(&self, key: [u8; 32], known: &Known, forgotten: u64) {
        let mut people = self.lock();
        if people.forgotten != forgotten {
            return;
        }
        if people.known.len() >= PEOPLE_MAX {
            people.known.retain(|_, one| known.read_at - one.read_at < self.fresh_secs);
        }
        people.known.insert(key, known.clone());
    }

    /// Signing out, a changed password: the next page asks anew.
    pub fn forget(&self, session: &str) {
        let mut people = self.lock();
        people.known.remove(&hash(session));
        people.forgotten += 1;
    }

    /// What was counted a moment ago: nothing where notifications did not answer then, so that not every page waits for it.
    pub fn badges(&self, session: &str) -> Option<Option<Badges>> {
        let now = clock::unix_seconds();
        let people = self.lock();
        let (badges, read_at) = people.known.get(&hash(session))?.badges?;
        (now - read_at < BADGES_SECS).then_some(badges)
    }

    /// Keeps badges for the next pages.
    pub fn keep_badges(&self, session: &str, badges: Option<Badges>) {
        if let Some(known) = self.lock().known.get_mut(&hash(session)) {
            known.badges = Some((badges, clock::unix_seconds()));
        }
    }

    /// The next page counts anew: the person has just done something.
    pub fn recount(&self, session: &str) {
        if let Some(known) = self.lock().known.get_mut(&hash(session)) {
            known.badges = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use tonic::transport::Endpoint;

    use super::*;

    #[tokio::test]
    async fn what_was_asked_for_before_a_session_was_forgotten_is_not_kept() {
        let nowhere = Endpoint::from_static("http://127.0.0.1:9").connect_lazy();
        let sessions = Sessions::new(chassis::rpc::speaking_for(nowhere, Arc::default()), 30);
        let answer = Known { view: Arc::default(), token: Arc::default(), read_at: 1_000, badges: None };
        let key = hash("li");
        let (_, before) = sessions.known(&key, 1_000);
        sessions.forget("li");
        sessions.keep(key, &answer, before);
        let (known, after) = sessions.known(&key, 1_000);
        assert!(known.is_none());
        sessions.keep(key, &answer, after);
        assert!(sessions.known(&key, 1_000).0.is_some());
    }
}
