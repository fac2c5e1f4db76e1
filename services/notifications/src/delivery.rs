//! The outlet of webhooks: claims what is due, posts it, settles it. Slow receivers cost places of their own endpoint only.
//!
//! Owns: how many at once, and the pace. Not: what is due (`store::queue`), what follows from an outcome (`app::deliver`).

pub mod post;

use std::{sync::Arc, time::Duration};

use chassis::{Caller, Failure, Units};
use rand::RngExt as _;
use sqlx::PgPool;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use crate::{
    app::deliver::{self, Patience},
    config::Webhooks,
    domain::webhook::outcome::{Outcome, Trouble},
    store::{
        queue::{self, Claimed, Next},
        subscriptions,
    },
    vault::Vault,
};
use post::Post;

/// Attempts that settle at the same time: consumers and people need the rest of the pool.
const SETTLING_MAX: usize = 4;
/// Between two measurements of the queue.
const MEASURE: Duration = Duration::from_secs(15);
/// Between two removals of old deliveries.
const FORGET: Duration = Duration::from_secs(3_600);

/// Delivers until the process ends.
pub struct Worker {
    pool: PgPool,
    units: Units,
    vault: Arc<Vault>,
    post: Post,
    patience: Patience,
    settings: Webhooks,
    places: Arc<Semaphore>,
    settling: Semaphore,
    freed: Notify,
}

impl Worker {
    /// Prepares the connections.
    ///
    /// # Errors
    /// The machine has no usable TLS.
    pub fn new(
        pool: PgPool,
        units: Units,
        vault: Arc<Vault>,
        patience: Patience,
        settings: Webhooks,
    ) -> Result<Worker, reqwest::Error> {
        Ok(Worker {
            pool,
            units,
            vault,
            post: Post::new(settings.private_addresses)?,
            patience,
            places: Arc::new(Semaphore::new(settings.at_once)),
            settling: Semaphore::new(SETTLING_MAX),
            freed: Notify::new(),
            settings,
        })
    }

    /// Claims and posts. It may be dropped at any moment: what is under way then is posted again when its lease has run out.
    pub async fn run(self: Arc<Worker>) {
        let look = Duration::from_millis(self.settings.look_millis);
        let mut running = JoinSet::new();
        loop {
            match self.claim().await {
                Ok(claimed) => {
                    for (one, place) in claimed {
                        let worker = self.clone();
                        running.spawn(async move {
                            worker.deliver(&one).await;
                            drop(place);
                            worker.freed.notify_one();
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "due webhooks could not be claimed, the next look tries again")
                }
            }
            while running.try_join_next().is_some() {}
            tokio::select! {
                () = tokio::time::sleep(look) => {}
                () = self.freed.notified() => {}
            }
        }
    }

    /// What is due, as far as there are places, each with its place.
    async fn claim(&self) -> Result<Vec<(Claimed, OwnedSemaphorePermit)>, Failure> {
        let mut places = Vec::new();
        while let Ok(place) = self.places.clone().try_acquire_owned() {
            places.push(place);
        }
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let mut work = self.units.begin(Caller::system("notifications-webhooks")).await?;
        let lease_id = work.new_id();
        let limit = i64::try_from(places.len()).unwrap_or(i64::MAX);
        let claimed = queue::claim(work.db(), lease_id, self.settings.at_once_per_endpoint, limit).await?;
        work.commit().await?;
        Ok(claimed.into_iter().zip(places).collect())
    }

    async fn deliver(&self, claimed: &Claimed) {
        let outcome = self.attempt(claimed).await;
        let word = outcome.trouble.map_or("delivered", Trouble::word);
        metrics::counter!("webhook_attempts_total", "outcome" => word).increment(1);
        match self.settle(claimed, &outcome).await {
            Ok(Some(next)) => count(next),
            Ok(None) => {
                tracing::info!(delivery.id = %claimed.delivery_id, "the lease was outlived: it is tried again")
            }
            Err(error) => {
                tracing::warn!(%error, delivery.id = %claimed.delivery_id, "an attempt could not be settled: it is tried again");
            }
        }
    }

    async fn attempt(&self, claimed: &Claimed) -> Outcome {
        match self.secrets(claimed).await {
            Some(secrets) => self.post.send(claimed, &secrets).await,
            None => Outcome::without_answer(Trouble::SecretUnopened, 0),
        }
    }

    async fn secrets(&self, claimed: &Claimed) -> Option<Vec<Vec<u8>>> {
        let read = async {
            let mut db = self.pool.acquire().await?;
            subscriptions::secrets(&mut db, claimed.subscription_id).await
        };
        let rows =
            read.await.inspect_err(|error| tracing::warn!(%error, "secrets could not be read")).ok()?;
        let opened: Result<Vec<_>, _> = rows.iter().map(|row| self.vault.open(row)).collect();
        opened
            .inspect_err(|error| {
                tracing::error!(%error, subscription.id = %claimed.subscription_id, "setting webhooks.secrets_key is another one: nothing is delivered");
            })
            .ok()
    }

    async fn settle(&self, claimed: &Claimed, outcome: &Outcome) -> Result<Option<Next>, Failure> {
        let _turn = self.settling.acquire().await.map_err(Failure::internal)?;
        let jitter = rand::rng().random_range(0.0..1.0);
        let mut work = self.units.begin(Caller::system("notifications-webhooks")).await?;
        let settled = deliver::settle(&mut work, claimed, outcome, &self.patience, jitter).await?;
        work.commit().await?;
        Ok(settled)
    }
}

fn count(next: Next) {
    let outcome = match next {
        Next::Delivered => Some("delivered"),
        Next::Dead => Some("dead"),
        Next::At(_) => None,
    };
    if let Some(outcome) = outcome {
        metrics::counter!("webhook_deliveries_total", "outcome" => outcome).increment(1);
    }
}

/// Tells the metrics how long the queue is and how late, and how many subscriptions nothing is delivered to.
pub async fn measure(pool: PgPool) {
    // An increase is seen only of what was there before.
    for outcome in ["delivered", "dead"] {
        metrics::counter!("webhook_deliveries_total", "outcome" => outcome).increment(0);
    }
    loop {
        match queue::standing(&pool).await {
            #[expect(clippy::cast_precision_loss, reason = "a queue that long is long enough")]
            Ok(standing) => {
                metrics::gauge!("webhook_queue_deliveries").set(standing.waiting as f64);
                metrics::gauge!("webhook_retrying_deliveries").set(standing.retrying as f64);
                metrics::gauge!("webhook_oldest_waiting_seconds").set(standing.oldest_secs);
                metrics::gauge!("webhook_late_seconds").set(standing.late_secs);
            }
            Err(error) => tracing::warn!(%error, "the queue of webhooks could not be measured"),
        }
        match subscriptions::disabled(&pool).await {
            Ok(disabled) => {
                for reason in subscriptions::REASONS {
                    let count =
                        disabled.iter().find(|(why, _)| why == reason).map_or(0.0, |(_, count)| *count);
                    metrics::gauge!("webhook_subscriptions_disabled", "reason" => reason).set(count);
                }
            }
            Err(error) => tracing::warn!(%error, "disabled subscriptions could not be counted"),
        }
        tokio::time::sleep(MEASURE).await;
    }
}

/// Removes what is older than so many days.
pub async fn forget(pool: PgPool, days: u16) {
    loop {
        if let Err(error) = queue::forget(&pool, days).await {
            tracing::warn!(%error, "old webhook deliveries could not be removed");
        }
        tokio::time::sleep(FORGET).await;
    }
}
