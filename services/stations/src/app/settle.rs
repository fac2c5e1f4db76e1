//! Brings the interconnection fact of stations to what their data says.
use chassis::{Failure, Work};
use time::Duration;
use uuid::Uuid;

use crate::{
    domain::{connection, fact::Fact},
    publish, store,
};

/// Derives the fact of each station and, where it differs, keeps and announces it; returns how many changed.
///
/// # Errors
/// The database is away or busy.
pub async fn execute(work: &mut Work, stations: &[Uuid], window: Duration) -> Result<usize, Failure> {
    let mut changed = 0;
    for candidate in store::connections::lock(work, stations).await? {
        let after = connection::derive(candidate.standing, candidate.situation, work.now(), window);
        if after == candidate.standing {
            continue;
        }
        let version = candidate.event_version + 1;
        let fact = Fact::of(candidate.standing, after).unwrap_or(Fact::RegistryChanged);
        store::connections::save(work, candidate.subject.station_id, version, after).await?;
        work.announce(publish::to_wire(fact, &candidate.subject, after, version));
        changed += 1;
    }
    Ok(changed)
}
