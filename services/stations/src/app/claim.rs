//! Claims connectors for an application, and lets go of them.
use chassis::{Failure, Work};
use uuid::Uuid;

use crate::{
    domain::{Finding, Refusal},
    store,
};

/// What reviews wants claimed.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// For whom.
    pub application_id: Uuid,
    /// In which round.
    pub round_id: Uuid,
    /// Whose station.
    pub operator_id: Uuid,
    /// Which station.
    pub station_id: Uuid,
    /// The operator's connector codes.
    pub codes: Vec<String>,
}

/// Makes exactly these connectors the application's; idempotent, a new set replaces the old. Returns how many it holds.
///
/// # Errors
/// Not found (foreign, out of force); `unknown_connector`; `connector_claimed` by another live application of the round.
pub async fn execute(work: &mut Work, wanted: &Wanted) -> Result<usize, Failure> {
    store::stations::lock(work, wanted.station_id)
        .await?
        .filter(|row| row.operator_id == wanted.operator_id && row.active)
        .ok_or_else(Failure::not_found)?;
    let keys = store::claims::keys(work, wanted.station_id, &wanted.codes).await?;
    for (index, code) in wanted.codes.iter().enumerate() {
        if !keys.iter().any(|(known, _)| known == code) {
            return Err(Finding::new(format!("connector_ids[{index}]"), Refusal::UnknownConnector).into());
        }
    }
    for claim in store::claims::live(work, wanted.station_id).await? {
        let other = claim.application_id != wanted.application_id && claim.round_id == wanted.round_id;
        if other && wanted.codes.contains(&claim.code) {
            return Err(
                Finding::new("connector_ids", Refusal::ConnectorClaimed { connector: claim.code }).into()
            );
        }
    }
    let keys: Vec<i64> = keys.into_iter().map(|(_, key)| key).collect();
    store::claims::release_others(work, wanted.application_id, wanted.round_id, &keys).await?;
    store::claims::insert(work, wanted.application_id, wanted.round_id, wanted.station_id, &keys).await?;
    Ok(keys.len())
}

/// What is known about the application behind a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// It lives: its claims stand.
    Alive,
    /// It was deleted or terminated, or its creation never committed.
    Gone,
}

/// Settles the claims of an application by what is known about it.
///
/// # Errors
/// The database is away or busy.
pub async fn settle(work: &mut Work, application_id: Uuid, holder: Holder) -> Result<(), Failure> {
    match holder {
        Holder::Alive => store::claims::confirm(work, application_id).await,
        Holder::Gone => {
            let released = store::claims::release(work, application_id).await?;
            tracing::info!(application.id = %application_id, released, "connector claims released");
            Ok(())
        }
    }
}
