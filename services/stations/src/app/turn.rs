//! Turns: lease, renew, finish; the days of those that are about whole days; and joint tests that people ask for.
use chassis::{Failure, Work};
use serde_json::json;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    domain::{
        Finding, Refusal,
        pages::Pages,
        turn::{self, Kind, LEASE},
    },
    labels,
    store::{
        self,
        link_days::GivenUp,
        quality::Item,
        turns::{Leased, Outcome, Step, Test},
    },
};

/// Asks for a joint test; while one waits, it is that one. After one has ended there is a `rest`.
///
/// # Errors
/// Not found; `link_revoked`; `joint_test_too_soon`.
pub async fn start_test(work: &mut Work, operator_id: Uuid, rest: Duration) -> Result<Test, Failure> {
    let row = store::links::lock(work, operator_id).await?.ok_or_else(Failure::not_found)?;
    if row.state != "active" {
        return Err(Finding::new("operator_id", Refusal::LinkRevoked).into());
    }
    let now = work.now();
    let before = store::turns::tests(work.db(), operator_id).await?;
    let opens_at = before.iter().filter_map(|test| test.finished_at).max().map(|ended| ended + rest);
    let waits = before.iter().any(|test| test.finished_at.is_none());
    if let Some(opens_at) = opens_at.filter(|opens_at| !waits && *opens_at > now) {
        return Err(Finding::new("", Refusal::TestTooSoon { opens_at }).into());
    }
    let test_id = work.new_id();
    if store::turns::insert_test(work, test_id, operator_id).await? {
        store::turns::make_due(work, operator_id, Kind::JointTest).await?;
    }
    let tests = store::turns::tests(work.db(), operator_id).await?;
    tests.into_iter().find(|test| test.finished_at.is_none()).ok_or_else(Failure::not_found)
}

/// A turn to be done.
#[derive(Debug, Clone)]
pub struct Due {
    /// Of the lease.
    pub lease_id: Uuid,
    /// Link and kind.
    pub leased: Leased,
    /// The days that it is about, where it is about days.
    pub days: Vec<Date>,
    /// What a pull of stations asks for: changes after this, or everything.
    pub since: Option<OffsetDateTime>,
    /// Where a pull of stations goes on.
    pub pages: Option<Pages>,
}

/// Leases the next link with a turn that is due, of these kinds or (none) of any.
///
/// # Errors
/// Not found: nothing is due.
pub async fn lease(work: &mut Work, kinds: &[String]) -> Result<Due, Failure> {
    let lease_id = work.new_id();
    let leased = store::turns::lease(work, lease_id, kinds, LEASE).await?.ok_or_else(Failure::not_found)?;
    let kind = Kind::from_name(&leased.kind);
    let days = match kind.filter(|kind| kind.daily()) {
        Some(kind) => owed(work, kind, &leased).await?,
        None => Vec::new(),
    };
    let since = turn::since(leased.complete_at, leased.full_at, work.now());
    let pages =
        if kind == Some(Kind::Stations) { gone_on(work, leased.operator_id, since).await? } else { None };
    Ok(Due { lease_id, leased, days, since, pages })
}

/// The pages of the pull that a turn goes on with; none where it begins one.
async fn gone_on(
    work: &mut Work,
    operator_id: Uuid,
    since: Option<OffsetDateTime>,
) -> Result<Option<Pages>, Failure> {
    let now = work.now();
    let held = store::pulls::find(work, operator_id).await?.filter(|pull| pull.goes_on(since, now));
    if held.is_none() {
        store::pulls::begin(work, operator_id, since).await?;
    }
    Ok(held.map(|pull| pull.pages))
}

/// The days that a link's turn of the kind is owed for. Those that are too old are given up, and the operator is told.
async fn owed(work: &mut Work, kind: Kind, leased: &Leased) -> Result<Vec<Date>, Failure> {
    let (now, operator_id) = (work.now(), leased.operator_id);
    let latest = store::link_days::latest(work, operator_id, kind).await?;
    let days = turn::new_days(latest, leased.complete_at, leased.due_at, now);
    store::link_days::insert(work, operator_id, kind, &days).await?;
    let missed = store::link_days::give_up(work, operator_id, kind, turn::window(now)).await?;
    let items = missed.into_iter().map(|one| not_compared(operator_id, kind, one)).collect();
    store::quality::record(work, items).await?;
    store::link_days::owed(work, operator_id, kind).await
}

fn not_compared(operator_id: Uuid, kind: Kind, missed: GivenUp) -> Item {
    let day = missed.day.to_string();
    Item {
        operator_id,
        kind: kind.name(),
        connector_code: String::new(),
        order_no: String::new(),
        reason: "day_not_compared",
        field: String::new(),
        batch_id: format!("{}-{day}", kind.name()),
        content: json!({ "day": day, "tries": missed.tries, "reason": missed.reason, "found": missed.found }),
    }
}

/// What has been done of a turn that goes on.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// This day has been compared to its end.
    pub compared: Option<Date>,
    /// These pages have been taken.
    pub pages: Option<Pages>,
}

/// Keeps a lease; a day that has been compared is not owed any more, a page that has been taken is not asked for again.
///
/// # Errors
/// `lease_lost`.
pub async fn renew(work: &mut Work, lease_id: Uuid, progress: &Progress) -> Result<(), Failure> {
    let (operator_id, kind) = store::turns::renew(work, lease_id, LEASE).await?.ok_or_else(lost)?;
    if let Some(day) = progress.compared {
        store::link_days::compared(work, operator_id, &kind, day).await?;
    }
    if let Some(pages) = progress.pages.as_ref().filter(|_| kind == Kind::Stations.name()) {
        store::pulls::save(work, operator_id, pages).await?;
    }
    Ok(())
}

/// Records what came of a turn, and gives the lease back.
///
/// # Errors
/// `lease_lost`.
pub async fn finish(
    work: &mut Work,
    lease_id: Uuid,
    outcome: Outcome,
    steps: &[Step],
) -> Result<(), Failure> {
    let mut turn = store::turns::release(work, lease_id).await?.ok_or_else(lost)?;
    let kind = Kind::from_name(&turn.kind).ok_or_else(lost)?;
    let now = work.now();
    if !outcome.reason.is_empty() {
        let next = now + turn::back_off(turn.failures + 1, lease_id.as_u128());
        if kind.daily() {
            store::link_days::tried(work, turn.operator_id, kind, &outcome.reason, &outcome.found).await?;
        }
        return store::turns::fail(work, &turn, &outcome, next).await;
    }
    if kind == Kind::JointTest {
        let passed =
            steps.iter().any(Step::passed) && steps.iter().all(|step| step.passed() || step.left_out());
        store::turns::finish_test(work, turn.operator_id, passed, steps).await?;
    }
    if kind.daily() {
        store::link_days::all_compared(work, turn.operator_id, kind).await?;
    }
    let mut full = turn::since(turn.complete_at, turn.full_at, turn.leased_at).is_none();
    if kind == Kind::Stations {
        // The address was set meanwhile: what came is another system's, and a pull of the new one is due already.
        let Some(pull) = store::pulls::find(work, turn.operator_id).await? else { return Ok(()) };
        // What changed while it was interrupted may stand on a page that had been taken.
        (turn.leased_at, full) = (pull.began_at, pull.since.is_none());
        store::pulls::forget(work, turn.operator_id).await?;
    }
    let next = kind.next(now, lease_id.as_u128());
    store::turns::complete(work, &turn, &outcome, full, next).await
}

/// Records that the secrets of a leased link cannot be opened, and gives the lease back.
///
/// # Errors
/// The database is away or busy.
pub async fn unopened(work: &mut Work, lease_id: Uuid) -> Result<(), Failure> {
    let outcome = Outcome {
        reason: "secrets".to_owned(),
        found: labels::SECRETS_UNOPENED.to_owned(),
        taken: 0,
        rejected: 0,
    };
    finish(work, lease_id, outcome, &[]).await
}

fn lost() -> Failure {
    Finding::new("lease_id", Refusal::LeaseLost).into()
}
