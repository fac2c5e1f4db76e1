//! One open live stream: first what is there, then an item whenever it differs from what was shown last.

use std::{collections::VecDeque, time::Duration};

use chassis::Failure;
use futures::Stream;
use proto::notifications::Change;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use super::{Hub, Signal};
use crate::{
    config::Live,
    domain::desk::Viewer,
    labels,
    store::{
        self,
        messages::{self, Unread, Window},
        worklist::{self, Present},
    },
};

/// Changes that come this close together are shown as one.
const GATHER: Duration = Duration::from_millis(20);

/// State of one stream.
pub struct Watcher {
    pool: PgPool,
    viewer: Viewer,
    unread_days: u16,
    look: Duration,
    ends_at: Instant,
    shutdown: CancellationToken,
    signals: broadcast::Receiver<Signal>,
    shown: Option<(Present, Unread)>,
    queue: VecDeque<Change>,
    _place: OwnedSemaphorePermit,
}

/// Opens a stream for a viewer.
///
/// # Errors
/// `too_many_watchers` (RESOURCE_EXHAUSTED).
pub fn watch(
    hub: &Hub,
    pool: PgPool,
    viewer: Viewer,
    settings: &Live,
    unread_days: u16,
    shutdown: CancellationToken,
) -> Result<impl Stream<Item = Result<Change, Status>> + Send + 'static, Failure> {
    let place = hub.place().ok_or_else(|| {
        Failure::busy("too_many_watchers", labels::TOO_MANY_WATCHERS).after(Duration::from_secs(10))
    })?;
    let watcher = Watcher {
        pool,
        viewer,
        unread_days,
        look: Duration::from_secs(settings.look_secs),
        ends_at: Instant::now() + Duration::from_secs(settings.stream_secs_max),
        shutdown,
        signals: hub.subscribe(),
        shown: None,
        queue: VecDeque::new(),
        _place: place,
    };
    Ok(futures::stream::unfold(Some(watcher), |watcher| async move {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(Some(change)) => Some((Ok(change), Some(watcher))),
            Ok(None) => None,
            Err(failure) => Some((Err(failure.into()), None)),
        }
    }))
}

impl Watcher {
    /// The next item; `None` at the end of the stream's time or of the process.
    async fn next(&mut self) -> Result<Option<Change>, Failure> {
        loop {
            if let Some(change) = self.queue.pop_front() {
                return Ok(Some(change));
            }
            if self.shown.is_none() {
                self.look(None).await?;
                continue;
            }
            let Some(subject) = self.wait().await else { return Ok(None) };
            self.look(subject).await?;
        }
    }

    /// Waits until there is a reason to look: a signal for this viewer (with its subject), or the regular time.
    async fn wait(&mut self) -> Option<Option<Uuid>> {
        let regular = Instant::now() + self.look;
        let mut subjects: Vec<Option<Uuid>> = Vec::new();
        let mut until = regular;
        loop {
            let received = tokio::select! {
                received = timeout_at(until, self.signals.recv()) => received,
                () = self.shutdown.cancelled() => return None,
                () = sleep_until(self.ends_at) => return None,
            };
            match received {
                Ok(Ok(signal)) => subjects.extend(self.concerns(&signal)),
                // Fell behind: something was missed, so look, without a subject.
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => subjects.push(None),
                // The hub ended: only the regular look is left.
                Ok(Err(broadcast::error::RecvError::Closed)) => sleep(GATHER).await,
                Err(_) => break,
            }
            if !subjects.is_empty() {
                until = until.min(Instant::now() + GATHER);
            }
        }
        let first = subjects.first().copied().flatten();
        Some(first.filter(|_| subjects.iter().all(|subject| *subject == first)))
    }

    /// `Some` when the signal may change what this viewer sees; inside, what it is about.
    fn concerns(&self, signal: &Signal) -> Option<Option<Uuid>> {
        match signal {
            Signal::Reader(user_id) => (*user_id == self.viewer.user_id).then_some(None),
            Signal::Desks { desks, subject_id } => desks
                .iter()
                .any(|desk| {
                    self.viewer.desks.contains(desk)
                        || (self.viewer.expert_id.is_some() && desk.starts_with("experts:"))
                })
                .then_some(Some(*subject_id)),
        }
    }

    /// Compares what is there with what was shown, and queues an item for each kind that differs.
    async fn look(&mut self, subject: Option<Uuid>) -> Result<(), Failure> {
        let mut db = self.pool.acquire().await?;
        let now: OffsetDateTime = store::now(&mut db).await?;
        let present = worklist::present(&mut db, &self.viewer).await?;
        let unread = messages::unread(&mut db, &self.viewer, Window::before(now, self.unread_days)).await?;
        drop(db);
        let kinds: &[&str] = match &self.shown {
            None => &["present"],
            Some((tasks, texts)) => match (*tasks != present, *texts != unread) {
                (true, true) => &["tasks", "messages"],
                (true, false) => &["tasks"],
                (false, true) => &["messages"],
                (false, false) => &[],
            },
        };
        for kind in kinds {
            self.queue.push_back(Change {
                kind: (*kind).to_owned(),
                open_tasks: i32::try_from(present.open_tasks).unwrap_or(i32::MAX),
                unread_messages: i32::try_from(unread.count).unwrap_or(i32::MAX),
                subject_id: subject.map(|id| id.to_string()).unwrap_or_default(),
            });
        }
        self.shown = Some((present, unread));
        Ok(())
    }
}
