//! The one path for every change: lock, decide, save, announce, record. One file per family of verbs.

pub mod activate;
pub mod exports;
pub mod import;
pub mod machines;
pub mod members;
pub mod officials;
pub mod own;
pub mod profile;
pub mod register;
pub mod reset;
pub mod review;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;

use std::sync::Arc;

use chassis::{Caller, Failure, Identity, Units, Work, identity::Kind};
use sqlx::PgPool;

use crate::{
    config::Config,
    domain::{lifecycle::Fact, operator::Operator, session::PASSWORD},
    hashing::Hasher,
    neighbours::Neighbours,
    publish,
    store::{self, audit},
    vault::Vault,
};

/// What every inlet needs.
#[derive(Clone)]
pub struct Accounts {
    /// For reads.
    pub pool: PgPool,
    /// For changes.
    pub units: Units,
    /// Signs caller tokens.
    pub identity: Arc<Identity>,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Seals secrets of second factors.
    pub vault: Arc<Vault>,
    /// Asks documents.
    pub neighbours: Neighbours,
    /// Settings.
    pub config: Arc<Config>,
}

/// Saves an operator's next version and announces what has happened.
async fn save(work: &mut Work, operator: &Operator, fact: Fact) -> Result<(), Failure> {
    store::operators::save(work.db(), operator).await??;
    work.announce(publish::to_wire(operator, fact));
    Ok(())
}

/// Writes the audit row of what this unit does; `refusal` is a reason id, empty where it was done.
async fn record(
    work: &mut Work,
    act: &str,
    subject: &str,
    refusal: &str,
    detail: &str,
) -> Result<(), Failure> {
    let caller = work.caller().clone();
    let at = work.now();
    let entry = audit::Entry {
        at,
        actor: &caller.principal(),
        actor_roles: &caller.roles,
        session_id: &caller.session_id,
        authentication: &caller.authentication,
        act,
        subject,
        refusal,
        detail,
    };
    audit::append(work.db(), entry).await?;
    Ok(())
}

/// A person as the caller of its own sign-in: proved by the password, not yet by a token.
fn by_password(user_id: &str) -> Caller {
    proved_by(PASSWORD, user_id)
}

/// A person as the caller, proved by a password or a code.
fn proved_by(authentication: &str, user_id: &str) -> Caller {
    Caller {
        kind: Kind::Person,
        subject: user_id.to_owned(),
        authentication: authentication.to_owned(),
        ..Caller::anonymous()
    }
}
