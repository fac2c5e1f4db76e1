//! County → prefecture, as accounts knows it; kept in memory and asked for again every ten minutes.
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chassis::{Failure, rpc::Peer};
use proto::accounts::{ListDivisionsRequest, directory_client::DirectoryClient};
use tokio::sync::Mutex;

/// The division table; asked before a unit of work begins, never inside of it.
#[derive(Clone)]
pub struct Divisions {
    source: Option<DirectoryClient<Peer>>,
    refresh: Duration,
    held: Arc<Mutex<Option<Held>>>,
}

struct Held {
    prefectures: Arc<HashMap<String, String>>,
    at: Instant,
}

impl Divisions {
    /// From accounts, through its channel.
    #[must_use]
    pub fn from_accounts(peer: Peer, refresh: Duration) -> Self {
        Self { source: Some(DirectoryClient::new(peer)), refresh, held: Arc::default() }
    }

    /// A table that never changes: county code to prefecture code.
    #[must_use]
    pub fn fixed(prefectures: HashMap<String, String>) -> Self {
        let held = Held { prefectures: Arc::new(prefectures), at: Instant::now() };
        Self { source: None, refresh: Duration::MAX, held: Arc::new(Mutex::new(Some(held))) }
    }

    /// The prefecture of a county; `None` where it is no county in force.
    ///
    /// # Errors
    /// `service_unavailable` when accounts is away and nothing has been learnt from it yet.
    pub async fn prefecture(&self, county: &str) -> Result<Option<String>, Failure> {
        Ok(self.table().await?.get(county).cloned())
    }

    async fn table(&self) -> Result<Arc<HashMap<String, String>>, Failure> {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.at.elapsed() < self.refresh) {
            return Ok(held.prefectures.clone());
        }
        let fresh = match &self.source {
            Some(client) => ask(client.clone()).await,
            None => Ok(HashMap::new()),
        };
        match (fresh, held.as_ref()) {
            (Ok(fresh), _) => {
                let prefectures = Arc::new(fresh);
                *held = Some(Held { prefectures: prefectures.clone(), at: Instant::now() });
                Ok(prefectures)
            }
            (Err(failure), Some(known)) => {
                tracing::warn!(error = %failure, "divisions could not be refreshed, the known ones stay");
                Ok(known.prefectures.clone())
            }
            (Err(failure), None) => Err(failure),
        }
    }
}

/// Stations lie in real counties or functional zones; 其他 is for companies only (workflow, Accounts).
async fn ask(mut client: DirectoryClient<Peer>) -> Result<HashMap<String, String>, Failure> {
    let answer = client.list_divisions(ListDivisionsRequest {}).await?.into_inner();
    Ok(answer
        .divisions
        .into_iter()
        .filter(|division| division.level == "county" && division.kind != "other")
        .map(|division| (division.code, division.city_code))
        .collect())
}
