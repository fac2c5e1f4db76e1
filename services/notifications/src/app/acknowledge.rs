//! Receipts: a receiver says what became of an event. Its signature tells who it is; nothing else does. Source: decision record 48.

use chassis::{Failure, Work};
use uuid::Uuid;

use super::flawed;
use crate::{
    domain::webhook::{
        receipt::{self, Place, Receipt},
        signature,
    },
    labels::webhooks::RECEIPT_REFUSED,
    store::{
        deliveries,
        receipts::{self, ReceiptRow},
        subscriptions,
    },
    vault::Vault,
};

/// A message as it came, with its headers.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`.
    pub signature: &'a str,
    /// Byte for byte.
    pub body: &'a [u8],
}

/// Believes that a message is the subscription's own.
///
/// # Errors
/// `receipt_refused`, the same whether there is no such subscription, a person has disabled it, or the signature does not fit.
pub async fn believe(
    work: &mut Work,
    vault: &Vault,
    subscription_id: Uuid,
    signed: Signed<'_>,
) -> Result<(), Failure> {
    let refused = || Failure::unauthenticated("receipt_refused", RECEIPT_REFUSED);
    let timestamp: i64 = signed.timestamp.parse().map_err(|_| refused())?;
    if !receipt::timely(timestamp, work.now()) {
        return Err(refused());
    }
    let rows = subscriptions::believed(work.db(), subscription_id).await?;
    let opened: Result<Vec<_>, _> = rows.iter().map(|row| vault.open(row)).collect();
    let secrets = opened.map_err(Failure::internal)?;
    if signature::fits(&secrets, signed.id, timestamp, signed.body, signed.signature) {
        Ok(())
    } else {
        Err(refused())
    }
}

/// Keeps a receipt of an event that was sent to the subscription; where it stands, and the live one of its kind.
///
/// # Errors
/// What is wrong with the receipt; `not_found`; `receipt_contradicts`; `too_many_receipts`.
pub async fn keep(
    work: &mut Work,
    subscription_id: Uuid,
    event_id: Uuid,
    receipt: Receipt,
) -> Result<(Place, ReceiptRow), Failure> {
    let now = work.now();
    let flaws = receipt::examine(&receipt, now);
    if let Some(failure) = flaws.into_iter().map(flawed).reduce(Failure::and) {
        return Err(failure);
    }
    let sent = deliveries::lock(work.db(), subscription_id, event_id).await?;
    let event_type = sent.ok_or_else(Failure::not_found)?;
    let kept = receipts::list(work.db(), subscription_id, event_id).await?;
    let known: Vec<Receipt> = kept.iter().map(ReceiptRow::receipt).collect();
    let place = receipt::place(&known, &receipt).map_err(flawed)?;
    let latest = kept.into_iter().find(|row| row.kind == receipt.kind);
    let Receipt { kind, status, code, at } = receipt;
    let row = ReceiptRow { event_id, kind, status, code, at, received_at: now };
    if place != Place::Known {
        receipts::insert(work.db(), subscription_id, &event_type, &row).await?;
    }
    // Newest first: the one found is the live one, unless the new one is.
    Ok((place, if place == Place::Live { row } else { latest.unwrap_or(row) }))
}
