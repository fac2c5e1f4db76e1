//! Brings the interconnection fact of stations to what their data says.
use chassis::{Failure, Work};
use time::Duration;
use uuid::Uuid;

use crate::{
    domain::{connection, fact::Fact},
    publish,
    store::{self, connections::Next},
};

/// Derives the fact of each station and, where it differs, announces it; keeps all of them at once. Returns how many changed.
///
/// # Errors
/// The database is away or busy.
pub async fn execute(work: &mut Work, stations: &[Uuid], window: Duration) -> Result<usize, Failure> {
    let mut changed = Vec::new();
    for candidate in store::connections::lock(work, stations).await? {
        let standing = connection::derive(candidate.standing, candidate.situation, work.now(), window);
        if standing == candidate.standing {
            continue;
        }
        let event_version = candidate.event_version + 1;
        let fact = Fact::of(candidate.standing, standing).unwrap_or(Fact::RegistryChanged);
        work.announce(publish::to_wire(fact, &candidate.subject, standing, event_version));
        changed.push(Next { station_id: candidate.subject.station_id, event_version, standing });
    }
    store::connections::save(work, &changed).await?;
    Ok(changed.len())
}
