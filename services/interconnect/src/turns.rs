//! The turns of links: takes what is due from stations, does it, says what came of it.
//!
//! Owns: how many at once (joint tests and those about whole days beside the others), how long each may take, and keeping the lease.
//! Not: when something is due, and how
//! long to keep away after a failure; that is kept by stations, so that any number of these processes share the work.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chassis::{Failure, error::Kind, rpc::Peer};
use proto::stations::{
    FinishTurnRequest, LeaseTurnRequest, RenewLeaseRequest, ResolvedLink, StationPages,
    turns_client::TurnsClient,
};
use time::{Date, OffsetDateTime};
use tokio::{sync::Semaphore, time::sleep};

use crate::{
    app::{
        compare,
        joint::{self, Received},
        pull::{Pull, Tally, pull_stations, pull_statuses},
    },
    client::{Client, Target},
    config::Deadlines,
    domain::{answer::Trouble, fields, link::Link},
    labels,
    neighbours::{self, Neighbours},
    tokens::Tokens,
};

/// A lease is renewed before a call when it was last kept so long ago; a call takes 90 s at most (a token, the call, and both
/// once more when the token had ended), a lease lasts 150 s.
const KEEP: Duration = Duration::from_secs(20);

/// The right to call one operator's system.
pub struct Lease {
    id: String,
    turns: TurnsClient<Peer>,
    kept: Mutex<Instant>,
    until: Instant,
}

impl Lease {
    /// Makes sure that it holds for one more call, and that the turn may make one.
    ///
    /// # Errors
    /// [`Trouble::LeaseLost`]; [`Trouble::Overdue`]; [`Trouble::Platform`] when stations cannot be asked.
    pub async fn keep(&self) -> Result<(), Trouble> {
        if Instant::now() >= self.until {
            return Err(Trouble::Overdue);
        }
        let kept = *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.elapsed() < KEEP {
            return Ok(());
        }
        self.renew(RenewLeaseRequest::default()).await
    }

    /// Says that a day has been compared to its end, and that nobody has to ask for it again.
    ///
    /// # Errors
    /// Those of [`Lease::keep`].
    pub async fn compared(&self, day: Date) -> Result<(), Trouble> {
        self.renew(RenewLeaseRequest { day_compared: day.to_string(), ..RenewLeaseRequest::default() }).await
    }

    /// Says how far a pull of stations has come: a turn that is interrupted is gone on with from there.
    ///
    /// # Errors
    /// Those of [`Lease::keep`].
    pub async fn come(&self, pages: StationPages) -> Result<(), Trouble> {
        self.renew(RenewLeaseRequest { pages: Some(pages), ..RenewLeaseRequest::default() }).await
    }

    async fn renew(&self, said: RenewLeaseRequest) -> Result<(), Trouble> {
        let asked = Instant::now();
        let body = RenewLeaseRequest { lease_id: self.id.clone(), ..said };
        let renewed = self.turns.clone().renew_lease(body).await.map_err(Failure::from);
        renewed.map_err(|failure| match failure.reason() {
            "lease_lost" => Trouble::LeaseLost,
            _ => Trouble::Platform,
        })?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        Ok(())
    }
}

/// Does turns.
pub struct Worker {
    /// Says what is due.
    pub turns: TurnsClient<Peer>,
    /// Gives the operators' voices.
    pub neighbours: Arc<Neighbours>,
    /// Calls operators' systems.
    pub client: Arc<Client>,
    /// Marks what joint tests send to this platform's own door.
    pub tokens: Tokens,
    /// OperatorID by which this platform calls.
    pub organisation: String,
    /// The address of this platform's own door, up to and without the version.
    pub door: String,
    /// How long to wait when nothing is due.
    pub idle: Duration,
    /// Pulls at one time.
    pub at_once: usize,
    /// Joint tests at one time.
    pub joint_at_once: usize,
    /// Turns about whole days at one time.
    pub daily_at_once: usize,
    /// How long each may take.
    pub deadlines: Deadlines,
}

/// What is pulled all day.
const PULLS: [&str; 2] = ["stations", "status"];
/// What people ask for.
const JOINT: [&str; 1] = ["joint_test"];
/// Turns about whole days: all links have them on the same morning, and each may take minutes.
const DAILY: [&str; 2] = ["statistics", "order_check"];

impl Worker {
    /// Does turns for as long as the process lives.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(
            self.work_off(&PULLS, self.at_once),
            self.work_off(&JOINT, self.joint_at_once),
            self.work_off(&DAILY, self.daily_at_once)
        );
    }

    /// Does turns of some kinds, so many at one time.
    async fn work_off(self: &Arc<Self>, kinds: &[&str], at_once: usize) {
        let places = Arc::new(Semaphore::new(at_once));
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let asked = Instant::now();
            match self.turns.clone().lease_turn(LeaseTurnRequest { kinds: kinds.clone() }).await {
                Ok(leased) => {
                    let worker = self.clone();
                    tokio::spawn(async move {
                        worker.turn(leased.into_inner(), asked).await;
                        drop(place);
                    });
                }
                Err(status) => {
                    drop(place);
                    let failure = Failure::from(status);
                    if failure.kind() != Kind::NotFound {
                        tracing::warn!(error = %failure, "no turn could be leased, the next look tries again");
                    }
                    sleep(self.idle).await;
                }
            }
        }
    }

    async fn turn(&self, leased: proto::stations::Lease, asked: Instant) {
        let kind = leased.kind.clone();
        let lease = Lease {
            id: leased.lease_id.clone(),
            turns: self.turns.clone(),
            kept: Mutex::new(asked),
            until: Instant::now() + self.deadlines.of(&kind),
        };
        let body = match self.done(leased, &lease).await {
            Ok(body) => body,
            Err(trouble) => FinishTurnRequest {
                reason: trouble.reason().to_owned(),
                found: labels::trouble(&trouble),
                ..FinishTurnRequest::default()
            },
        };
        let outcome = if body.reason.is_empty() { "complete".to_owned() } else { body.reason.clone() };
        metrics::counter!("tcec_turns_total", "kind" => kind.clone(), "outcome" => outcome).increment(1);
        if !body.reason.is_empty() {
            tracing::warn!(kind, "a turn failed: {}", body.found);
        }
        let body = FinishTurnRequest { lease_id: lease.id, ..body };
        if let Err(status) = self.turns.clone().finish_turn(body).await {
            // The lease ends by itself, and the turn is done again.
            tracing::warn!(error = %Failure::from(status), kind, "what came of a turn could not be recorded");
        }
    }

    async fn done(
        &self,
        leased: proto::stations::Lease,
        lease: &Lease,
    ) -> Result<FinishTurnRequest, Trouble> {
        let instant = |at: Option<prost_types::Timestamp>| {
            at.and_then(|at| OffsetDateTime::from_unix_timestamp(at.seconds).ok())
        };
        let (since, kind) = (instant(leased.since), leased.kind);
        let received =
            Received { status_at: instant(leased.last_status_at), order_at: instant(leased.last_order_at) };
        let days: Option<Vec<Date>> = leased.days.iter().map(|day| fields::date(day)).collect();
        let days = days.ok_or(Trouble::Platform)?;
        let resolved = leased.link.ok_or(Trouble::Platform)?;
        let target = self.target(&resolved);
        let link = neighbours::link(resolved).map_err(|_| Trouble::Platform)?;
        if kind == "joint_test" {
            let door = self.door(&link);
            let sides =
                joint::Sides { door: door.as_ref(), operator: target.as_ref(), neighbours: &self.neighbours };
            let steps = joint::run(&self.client, lease, &link, &sides, received).await?;
            return Ok(FinishTurnRequest { steps, ..FinishTurnRequest::default() });
        }
        let target = target.ok_or(Trouble::Address)?;
        let pull =
            Pull { client: &self.client, target: &target, link: &link, neighbours: &self.neighbours, lease };
        let Tally { taken, rejected, example } = match kind.as_str() {
            "stations" => pull_stations(&pull, since, leased.pages).await?,
            "status" => pull_statuses(&pull).await?,
            "statistics" => compare::statistics(&pull, &days).await?,
            "order_check" => compare::orders(&pull, &days).await?,
            _ => return Err(Trouble::Platform),
        };
        Ok(FinishTurnRequest { taken, rejected, found: example, ..FinishTurnRequest::default() })
    }

    /// The operator's system, where it can be called.
    fn target(&self, resolved: &ResolvedLink) -> Option<Target> {
        let (link, secrets) = (resolved.link.as_ref()?, resolved.outbound.clone()?);
        if link.base_url.is_empty() {
            return None;
        }
        Some(Target {
            operator_id: link.operator_id.parse().ok()?,
            base_url: link.base_url.clone(),
            version: link.protocol_version.clone(),
            organisation: self.organisation.clone(),
            secrets: neighbours::secrets(secrets),
            paths: link.paths.clone(),
            spellings: link.spellings.clone(),
            authority: link.authority.clone(),
            own: None,
        })
    }

    /// This platform's door, as the operator's system calls it.
    fn door(&self, link: &Link) -> Option<Target> {
        Some(Target {
            operator_id: link.operator_id,
            base_url: self.door.clone(),
            version: "20160701".into(),
            organisation: link.organisation.clone(),
            secrets: link.inbound.first()?.secrets.clone(),
            paths: Default::default(),
            spellings: Default::default(),
            authority: String::new(),
            own: Some(self.tokens.clone()),
        })
    }
}
