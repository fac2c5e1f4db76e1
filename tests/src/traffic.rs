//! Traffic for fault tests: people who go on working whatever dies, and a note of every answer that they got.
//!
//! Owns: acting, repeating after faults, and comparing what was acknowledged with the history. Source: reliability R1.
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use proto::reviews::ApplicationView;
use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;
use xtask::driver::{Actor, Answer, review::answers};

use crate::{System, cases::Case};

/// Every answered change: application, version, stage.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged(Arc<Mutex<Vec<(Uuid, i64, String)>>>);

impl Acknowledged {
    /// Notes an answer.
    pub fn note(&self, view: &ApplicationView) {
        let id = Uuid::parse_str(&view.application_id).expect("the service gives ids");
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((id, view.version, view.stage.clone()));
    }

    /// Notes an answer that nobody was given: a comparison must then fail.
    #[must_use]
    pub fn with_a_lie(&self) -> Self {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((application, version, _)) = kept.last().cloned() {
            kept.push((application, version + 1_000, "Approved".to_owned()));
        }
        Self(Arc::new(Mutex::new(kept)))
    }

    /// What is noted up to here, whatever comes after.
    #[must_use]
    pub fn so_far(&self) -> Self {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self(Arc::new(Mutex::new(kept)))
    }

    /// How many answers were noted.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// People at work in the background.
#[derive(Debug)]
pub struct Traffic {
    /// What they were answered.
    pub acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
    people: Vec<JoinHandle<Result<()>>>,
}

impl Traffic {
    /// Sets a county reviewer and the operators of these cases, which stand at 县级审核, to work: return, answer, submit.
    pub fn start(county: &Actor, cases: &[Case]) -> Self {
        let (acknowledged, stop) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
        let people = cases.iter().cloned().map(|case| {
            let worker = Worker {
                county: county.clone(),
                case,
                acknowledged: acknowledged.clone(),
                stop: stop.clone(),
            };
            tokio::spawn(worker.work())
        });
        let people = people.collect();
        Self { acknowledged, stop, people }
    }

    /// Waits until so many more answers have come.
    ///
    /// # Errors
    /// Not within 60 s.
    pub async fn answered(&self, more: usize) -> Result<()> {
        let goal = self.acknowledged.count() + more;
        crate::eventually(Duration::from_secs(60), "people are answered", || async {
            Ok((self.acknowledged.count() >= goal).then_some(()))
        })
        .await
    }

    /// Lets everybody finish the step at hand.
    ///
    /// # Errors
    /// Somebody was refused for a reason that no fault explains.
    pub async fn stop(self) -> Result<Acknowledged> {
        self.stop.store(true, Ordering::Relaxed);
        for person in self.people {
            person.await.context("nobody panics")??;
        }
        Ok(self.acknowledged)
    }
}

struct Worker {
    county: Actor,
    case: Case,
    acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
}

impl Worker {
    async fn work(mut self) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let (view, operator) = (self.case.view.clone(), self.case.operator().clone());
            let said = answers(&[("manager", "已核对")]);
            let answer = match view.stage.as_str() {
                "CountyReview" => self.county.send_back(&view, "请核对", &["manager"]).await,
                _ => operator.submit_acceptance(&view, said).await,
            };
            self.take(answer).await?;
        }
        Ok(())
    }

    /// Goes on from an answer; after a fault, from where the application stands.
    async fn take(&mut self, answer: Answer<ApplicationView>) -> Result<()> {
        match answer {
            Ok(view) => {
                self.acknowledged.note(&view);
                self.case.view = view;
            }
            // A step whose answer was lost may have happened: then the version has moved on.
            Err(refused) if refused.passing() || refused.reason == "stale_version" => {
                sleep(Duration::from_millis(50)).await;
                match self.case.operator().application(self.case.id()).await {
                    Ok(view) => self.case.view = view,
                    Err(refused) => ensure!(refused.passing(), "{refused}"),
                }
            }
            Err(refused) => return Err(refused.into()),
        }
        Ok(())
    }
}

impl System {
    /// Compares every acknowledged answer with the history. Source: reliability R1.
    ///
    /// # Errors
    /// One is missing; the message names it.
    pub async fn nothing_acknowledged_is_missing(&self, acknowledged: &Acknowledged) -> Result<()> {
        let kept = acknowledged.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (application, version, stage) in &kept {
            let history = self.history(*application).await?;
            let row = history.iter().find(|row| row.version == *version);
            let row =
                row.with_context(|| format!("{application} lost its acknowledged version {version}"))?;
            ensure!(
                row.to == *stage,
                "{application} version {version} is {}, acknowledged was {stage}",
                row.to
            );
        }
        println!("{} acknowledged answers are all there", kept.len());
        Ok(())
    }
}
