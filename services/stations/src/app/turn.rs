//! Turns: lease, renew, finish; and joint tests that people ask for.
use chassis::{Failure, Work};
use uuid::Uuid;

use crate::{
    domain::{
        Finding, Refusal,
        turn::{self, Kind, LEASE},
    },
    store::{
        self,
        turns::{Leased, Outcome, Step, Test},
    },
};

/// Asks for a joint test; while one waits, it is that one.
///
/// # Errors
/// Not found; `link_revoked`.
pub async fn start_test(work: &mut Work, operator_id: Uuid) -> Result<Test, Failure> {
    let row = store::links::lock(work, operator_id).await?.ok_or_else(Failure::not_found)?;
    if row.state != "active" {
        return Err(Finding::new("operator_id", Refusal::LinkRevoked).into());
    }
    let test_id = work.new_id();
    if store::turns::insert_test(work, test_id, operator_id).await? {
        store::turns::make_due(work, operator_id, Kind::JointTest).await?;
    }
    let tests = store::turns::tests(work.db(), operator_id).await?;
    tests.into_iter().find(|test| test.finished_at.is_none()).ok_or_else(Failure::not_found)
}

/// Leases the next link with a turn that is due.
///
/// # Errors
/// Not found: nothing is due.
pub async fn lease(work: &mut Work) -> Result<(Uuid, Leased), Failure> {
    let lease_id = work.new_id();
    let leased = store::turns::lease(work, lease_id, LEASE).await?.ok_or_else(Failure::not_found)?;
    Ok((lease_id, leased))
}

/// Keeps a lease.
///
/// # Errors
/// `lease_lost`.
pub async fn renew(work: &mut Work, lease_id: Uuid) -> Result<(), Failure> {
    if store::turns::renew(work, lease_id, LEASE).await? { Ok(()) } else { Err(lost()) }
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
    let turn = store::turns::release(work, lease_id).await?.ok_or_else(lost)?;
    let kind = Kind::from_name(&turn.kind).ok_or_else(lost)?;
    let now = work.now();
    if !outcome.reason.is_empty() {
        let next = now + turn::back_off(turn.failures + 1, lease_id.as_u128());
        return store::turns::fail(work, &turn, &outcome, next).await;
    }
    if kind == Kind::JointTest {
        let passed = !steps.is_empty() && steps.iter().all(|step| step.outcome == "passed");
        store::turns::finish_test(work, turn.operator_id, passed, steps).await?;
    }
    let full = turn::since(turn.complete_at, turn.full_at, turn.leased_at).is_none();
    let next = kind.period().map(|period| now + period);
    store::turns::complete(work, &turn, &outcome, full, next).await
}

fn lost() -> Failure {
    Finding::new("lease_id", Refusal::LeaseLost).into()
}
