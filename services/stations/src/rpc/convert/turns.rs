//! Messages of turns to values and back.
use proto::stations::{FinishTurnRequest, JointTest, Lease, ResolvedLink, TestStep, Turn};
use time::OffsetDateTime;
use uuid::Uuid;

use super::timestamp;
use crate::{
    domain::turn::LEASE,
    store::turns::{Outcome, Row, Step, Test},
};

/// Characters of words that are kept.
const WORDS_MAX: usize = 500;

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

/// A turn of the schedule.
#[must_use]
pub fn turn(row: Row) -> Turn {
    Turn {
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

/// A turn to be done.
#[must_use]
pub fn lease(
    lease_id: Uuid,
    kind: String,
    link: ResolvedLink,
    since: Option<OffsetDateTime>,
    received: (Option<OffsetDateTime>, Option<OffsetDateTime>),
) -> Lease {
    Lease {
        lease_id: lease_id.to_string(),
        kind,
        link: Some(link),
        lease_secs: i32::try_from(LEASE.whole_seconds()).unwrap_or(i32::MAX),
        since: since.map(timestamp),
        last_status_at: received.0.map(timestamp),
        last_order_at: received.1.map(timestamp),
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
