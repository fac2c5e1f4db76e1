//! Subscriptions: created, given another secret, disabled, enabled. A secret leaves in the answer that issues it.

use chassis::{Failure, Work, outbound};
use time::Duration;
use uuid::Uuid;

use super::flawed;
use crate::{
    domain::webhook::{
        flaw::Flaw,
        signature,
        subscription::{self, Draft},
    },
    store::subscriptions::{self, Act, SubscriptionRow},
    vault::Vault,
};

/// What the settings say about subscriptions.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Whether an endpoint may do without TLS.
    pub plain_http: bool,
    /// Whether an endpoint may be inside this network.
    pub private_addresses: bool,
    /// Active ones at the same time.
    pub active_max: i64,
    /// How long a secret signs after the next one was issued.
    pub overlap: Duration,
}

/// A secret that has just been issued, as it is shown.
#[derive(Debug)]
pub struct Issued {
    /// For which subscription.
    pub subscription_id: Uuid,
    /// `whsec_…`.
    pub secret: String,
}

/// Creates an active subscription.
///
/// # Errors
/// Everything that is wrong with the draft, at once; `webhooks_closed`; `too_many_subscriptions`; `secret_issued` for a repeated
/// request.
pub async fn create(
    work: &mut Work,
    vault: &Vault,
    terms: Terms,
    request_id: Uuid,
    draft: &Draft,
) -> Result<Issued, Failure> {
    fresh_request(work, request_id).await?;
    let mut flaws = subscription::examine(draft, terms.plain_http);
    if flaws.is_empty() && !terms.private_addresses && !public(&draft.url) {
        flaws.push(Flaw::AddressRefused);
    }
    if let Some(failure) = flaws.into_iter().map(flawed).reduce(Failure::and) {
        return Err(failure);
    }
    room(work, terms).await?;
    let (subscription_id, now) = (work.new_id(), work.now());
    let by = work.caller().subject.clone();
    subscriptions::insert(work.db(), subscription_id, draft, &by, now).await?;
    let issued = issue(work, vault, terms, request_id, subscription_id).await?;
    record(work, subscription_id, "create_subscription", &draft.url).await?;
    Ok(issued)
}

/// Issues another secret; the one before goes on signing for the overlap.
///
/// # Errors
/// `not_found`; `webhooks_closed`; `secret_issued` for a repeated request.
pub async fn rotate(
    work: &mut Work,
    vault: &Vault,
    terms: Terms,
    request_id: Uuid,
    subscription_id: Uuid,
) -> Result<Issued, Failure> {
    fresh_request(work, request_id).await?;
    lock(work, subscription_id).await?;
    let issued = issue(work, vault, terms, request_id, subscription_id).await?;
    record(work, subscription_id, "rotate_secret", "").await?;
    Ok(issued)
}

/// Disables by a person; a repetition changes nothing.
///
/// # Errors
/// `not_found`.
pub async fn disable(work: &mut Work, subscription_id: Uuid) -> Result<SubscriptionRow, Failure> {
    lock(work, subscription_id).await?;
    let now = work.now();
    if subscriptions::disable(work.db(), subscription_id, "person", now).await? {
        record(work, subscription_id, "disable_subscription", "person").await?;
    }
    find(work, subscription_id).await
}

/// Makes it active again; a repetition changes nothing.
///
/// # Errors
/// `not_found`; `too_many_subscriptions`.
pub async fn enable(
    work: &mut Work,
    terms: Terms,
    subscription_id: Uuid,
) -> Result<SubscriptionRow, Failure> {
    lock(work, subscription_id).await?;
    if !find(work, subscription_id).await?.disabled_reason.is_empty() {
        room(work, terms).await?;
        subscriptions::enable(work.db(), subscription_id).await?;
        record(work, subscription_id, "enable_subscription", "").await?;
    }
    find(work, subscription_id).await
}

/// A subscription as it stands.
///
/// # Errors
/// `not_found`.
pub async fn find(work: &mut Work, subscription_id: Uuid) -> Result<SubscriptionRow, Failure> {
    let found = subscriptions::list(work.db(), Some(subscription_id), None, 1).await?;
    found.into_iter().next().ok_or_else(Failure::not_found)
}

pub(super) async fn lock(work: &mut Work, subscription_id: Uuid) -> Result<(), Failure> {
    if subscriptions::lock(work.db(), subscription_id).await? { Ok(()) } else { Err(Failure::not_found()) }
}

pub(super) async fn record(
    work: &mut Work,
    subscription_id: Uuid,
    act: &str,
    detail: &str,
) -> Result<(), Failure> {
    let (act_id, at, actor) = (work.new_id(), work.now(), work.caller().subject.clone());
    let act = Act { act_id, subscription_id, act, detail, actor: &actor, at };
    Ok(subscriptions::record(work.db(), act).await?)
}

/// A number inside this network is refused when it is entered; a name is judged each time it is called.
fn public(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| outbound::allowed(&url))
}

async fn room(work: &mut Work, terms: Terms) -> Result<(), Failure> {
    if subscriptions::count_active(work.db()).await? < terms.active_max {
        Ok(())
    } else {
        Err(flawed(Flaw::TooMany))
    }
}

async fn fresh_request(work: &mut Work, request_id: Uuid) -> Result<(), Failure> {
    match subscriptions::issued_by_request(work.db(), request_id).await? {
        None => Ok(()),
        Some(subscription_id) => Err(flawed(Flaw::SecretIssued).with("subscription_id", subscription_id)),
    }
}

async fn issue(
    work: &mut Work,
    vault: &Vault,
    terms: Terms,
    request_id: Uuid,
    subscription_id: Uuid,
) -> Result<Issued, Failure> {
    let (secret_id, now, by) = (work.new_id(), work.now(), work.caller().subject.clone());
    let (secret, row) = vault.make(secret_id, subscription_id)?.ok_or_else(|| flawed(Flaw::Closed))?;
    if !subscriptions::insert_secret(work.db(), &row, request_id, &by, now, now + terms.overlap).await? {
        return Err(flawed(Flaw::SecretIssued).with("subscription_id", subscription_id));
    }
    Ok(Issued { subscription_id, secret: signature::shown(&secret) })
}
