//! Messages of turns to values and back.
use chassis::Failure;
use proto::stations::{
    FinishTurnRequest, JointTest, Lease, OwedDay, RenewLeaseRequest, ResolvedLink, StationPages, TestStep,
    Turn,
};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{day, id, timestamp};
use crate::{
    app::turn::{Due, Progress},
    domain::{pages::Pages, turn::LEASE},
    store::{
        link_days::Uncompared,
        turns::{Outcome, Row, Step, Test},
    },
};

/// Characters of words that are kept.
const WORDS_MAX: usize = 500;
/// Stations of a page. Source: interconnect section 9.
const CODES_MAX: usize = 1_000;

/// A joint test.
#[must_use]
pub fn test(test: Test) -> JointTest {
    JointTest {
        test_id: test.test_id.to_string(),
        operator_id: test.operator_id.to_string(),
        requested_at: Some(timestamp(test.requested_at)),
        finished_at: test.finished_at.map(timestamp),
        passed: test.passed.unwrap_or_default(),
        steps: test.steps.map_or_else(Vec::new, |steps| steps.0.into_iter().map(step).collect()),
    }
}

fn step(step: Step) -> TestStep {
    TestStep {
        side: step.side,
        step: step.step,
        outcome: step.outcome,
        ret: step.ret,
        title: step.title,
        found: step.found,
        way_out: step.way_out,
    }
}

/// A turn of the schedule, with those of the days that it owes.
#[must_use]
pub fn turn(row: Row, owed: &[Uncompared]) -> Turn {
    let of_kind = owed.iter().filter(|day| day.kind == row.kind);
    Turn {
        owed: of_kind.map(owed_day).collect(),
        kind: row.kind,
        due_at: Some(timestamp(row.due_at)),
        last_success_at: row.last_success_at.map(timestamp),
        last_failure_at: row.last_failure_at.map(timestamp),
        reason: row.reason,
        found: row.found,
        failures: row.failures,
        taken: row.taken,
        rejected: row.rejected,
    }
}

fn owed_day(one: &Uncompared) -> OwedDay {
    OwedDay {
        day: one.day.to_string(),
        tries: one.tries,
        reason: one.reason.clone(),
        found: one.found.clone(),
        given_up: one.given_up,
    }
}

/// A turn to be done.
#[must_use]
pub fn lease(
    due: Due,
    link: ResolvedLink,
    received: (Option<OffsetDateTime>, Option<OffsetDateTime>),
) -> Lease {
    Lease {
        lease_id: due.lease_id.to_string(),
        kind: due.leased.kind,
        link: Some(link),
        lease_secs: i32::try_from(LEASE.whole_seconds()).unwrap_or(i32::MAX),
        since: due.since.map(timestamp),
        last_status_at: received.0.map(timestamp),
        last_order_at: received.1.map(timestamp),
        days: due.days.iter().map(Date::to_string).collect(),
        pages: due.pages.map(|pages| StationPages {
            next_page: pages.next_page,
            page_size: pages.page_size,
            items: pages.items,
            moving: pages.moving,
            came: pages.came,
            last_codes: pages.last_codes,
            taken: pages.taken,
            rejected: pages.rejected,
            found: pages.found,
        }),
    }
}

/// Which lease is kept, and what has been done of its turn.
///
/// # Errors
/// `not_found`; `unknown_value` for a day that is none.
pub fn renewal(body: RenewLeaseRequest) -> Result<(Uuid, Progress), Failure> {
    let compared = match body.day_compared.as_str() {
        "" => None,
        name => Some(day("day_compared", name)?),
    };
    Ok((id(&body.lease_id)?, Progress { compared, pages: body.pages.map(pages) }))
}

fn pages(said: StationPages) -> Pages {
    Pages {
        next_page: said.next_page.max(1),
        page_size: said.page_size.max(0),
        items: said.items,
        moving: said.moving,
        came: said.came.max(0),
        last_codes: said.last_codes.iter().take(CODES_MAX).map(|code| words(code)).collect(),
        taken: said.taken.max(0),
        rejected: said.rejected.max(0),
        found: words(&said.found),
    }
}

/// What came of a turn.
#[must_use]
pub fn outcome(body: FinishTurnRequest) -> (Outcome, Vec<Step>) {
    let steps = body.steps.into_iter().map(|step| Step {
        side: words(&step.side),
        step: words(&step.step),
        outcome: words(&step.outcome),
        ret: step.ret,
        title: words(&step.title),
        found: words(&step.found),
        way_out: words(&step.way_out),
    });
    let steps = steps.collect();
    let outcome = Outcome {
        reason: words(&body.reason),
        found: words(&body.found),
        taken: body.taken.max(0),
        rejected: body.rejected.max(0),
    };
    (outcome, steps)
}

/// Words as they may stand in a table, whatever an operator's server answered.
fn words(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).take(WORDS_MAX).collect()
}
