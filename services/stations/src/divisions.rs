//! The counties, as accounts knows them; kept in memory and asked for again every ten minutes.
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chassis::{Failure, rpc::Peer};
use proto::accounts::{Division, ListDivisionsRequest, directory_client::DirectoryClient};
use tokio::sync::Mutex;

use crate::domain::bounds::County;

/// The division table; asked before a unit of work begins, never inside of it.
#[derive(Clone)]
pub struct Divisions {
    source: DirectoryClient<Peer>,
    refresh: Duration,
    held: Arc<Mutex<Option<Held>>>,
}

struct Held {
    counties: Arc<HashMap<String, County>>,
    at: Instant,
}

impl Divisions {
    /// From accounts, through its channel.
    #[must_use]
    pub fn from_accounts(peer: Peer, refresh: Duration) -> Self {
        Self { source: DirectoryClient::new(peer), refresh, held: Arc::default() }
    }

    /// A county by its code; `None` where it is no county in force.
    ///
    /// # Errors
    /// `service_unavailable` when accounts is away and nothing has been learnt from it yet.
    pub async fn county(&self, code: &str) -> Result<Option<County>, Failure> {
        Ok(self.table().await?.get(code).cloned())
    }

    async fn table(&self) -> Result<Arc<HashMap<String, County>>, Failure> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.at.elapsed() < self.refresh) {
            return Ok(held.counties.clone());
        }
        match (ask(self.source.clone()).await, held.as_ref()) {
            (Ok(fresh), _) => {
                let counties = Arc::new(fresh);
                *held = Some(Held { counties: counties.clone(), at: Instant::now() });
                Ok(counties)
            }
            (Err(failure), Some(known)) => {
                tracing::warn!(error = %failure, "divisions could not be refreshed, the known ones stay");
                Ok(known.counties.clone())
            }
            (Err(failure), None) => Err(failure),
        }
    }
}

/// Stations lie in real counties or functional zones; 其他 is for companies only (workflow, Accounts).
async fn ask(mut client: DirectoryClient<Peer>) -> Result<HashMap<String, County>, Failure> {
    let seat =
        |one: &Division| Some((one.seat_longitude_e6, one.seat_latitude_e6)).filter(|seat| *seat != (0, 0));
    let answer = client.list_divisions(ListDivisionsRequest {}).await?.into_inner();
    Ok(answer
        .divisions
        .into_iter()
        .filter(|division| division.level == "county" && division.kind != "other")
        .map(|division| {
            let seat = seat(&division);
            (division.code, County { prefecture: division.city_code, seat })
        })
        .collect())
}
