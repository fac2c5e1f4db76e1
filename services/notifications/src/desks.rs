//! How much waits at each tier, and for how long, told to the metrics.
//!
//! Source: reliability 3.9, performance. Not: whose turn it is; that is the worklist's.

use std::time::Duration;

use sqlx::PgPool;

use crate::{domain::tier::Tier, store::worklist};

/// Between two looks; each reads every open task.
const EVERY: Duration = Duration::from_secs(30);

/// Measures until the process ends.
pub async fn measure(pool: PgPool) {
    loop {
        match worklist::standing(&pool).await {
            Ok(standing) => {
                for tier in Tier::ALL {
                    let at = standing.iter().find(|one| one.tier == tier.code());
                    let (open, oldest) = at.map_or((0.0, 0.0), |one| (one.open, one.oldest_secs));
                    metrics::gauge!("worklist_open_tasks", "tier" => tier.code()).set(open);
                    metrics::gauge!("worklist_oldest_seconds", "tier" => tier.code()).set(oldest);
                }
            }
            Err(error) => tracing::warn!(%error, "the worklists could not be measured"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
