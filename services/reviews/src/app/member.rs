//! Commands on a member of a work order: experts, departments, carrying over, terminating a member.
//!
//! The order's row is locked before the member's, so that freezing and concluding meet no deadlock.

use chassis::{Failure, Work};
use sqlx::PgConnection;

use super::{Shared, busy_elsewhere, decided, order::conclude, save};
use crate::{
    domain::{
        act::{Act, Command, Verdict},
        application::Application,
        facts::Fact,
        history::Step,
        ids::{ApplicationId, OrderId},
        order::{Desk, Order},
        stage::{Actor, Stage},
    },
    store::{self, opinions::Said},
};

/// Carries out a command on a member.
///
/// # Errors
/// NotFound, or the refusal of the first rule that says no; `busy_elsewhere` (ABORTED) when the member changes its
/// order at this moment.
pub async fn execute(
    work: &mut Work,
    shared: &Shared,
    id: ApplicationId,
    mut act: Act,
) -> Result<Application, Failure> {
    let (order_id, stage) =
        store::applications::order_of(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    let order = match order_id {
        Some(order_id) => lock_order(work, order_id, stage, act.command).await?,
        None => None,
    };
    let application = store::applications::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    // The node decided how the order was locked.
    if (application.order_id, application.stage) != (order_id, stage) {
        return Err(busy_elsewhere());
    }
    let desk = match order {
        Some(order) => Some(desk(work.db(), order, &application).await?),
        None => None,
    };
    act.person.orders = seats(desk.as_ref(), &act);
    let policy = shared.policies.get(work.db(), application.round_id, application.policy_version).await?;
    let step = decided(work, &application, &act, &policy, desk.as_ref())?;
    save(work, shared, &step, &act).await?;
    if let Some(desk) = desk {
        after(work, shared, &step, &act, desk.order).await?;
    }
    Ok(step.after)
}

/// Opinions go side by side, and so does the panel; whatever may change the order takes it alone.
///
/// The node tells, not the person: somebody may sit on the panel and sign for a department.
async fn lock_order(
    work: &mut Work,
    id: OrderId,
    stage: Stage,
    command: Command,
) -> Result<Option<Order>, Failure> {
    let order = if side_by_side(stage, command) {
        store::orders::hold(work.db(), id).await?
    } else {
        store::orders::lock(work.db(), id).await?
    };
    Ok(order)
}

fn side_by_side(stage: Stage, command: Command) -> bool {
    let panel = stage == Stage::ExpertReview && matches!(command, Command::Pass | Command::Return);
    panel || command == Command::RecordOpinion
}

/// The order as this member sees it.
///
/// # Errors
/// The database is away.
pub async fn desk(db: &mut PgConnection, order: Order, application: &Application) -> Result<Desk, Failure> {
    let seats = store::opinions::panel(db, order.id).await?;
    let opinions = store::opinions::list(db, application.id, application.stage_version).await?;
    Ok(Desk { order, panel: seats.into_iter().map(|seat| seat.panelist).collect(), opinions })
}

/// The same of an application that may be no member of any order.
///
/// # Errors
/// The database is away.
pub async fn desk_of(db: &mut PgConnection, application: &Application) -> Result<Option<Desk>, Failure> {
    let Some(id) = application.order_id else { return Ok(None) };
    let Some(order) = store::orders::find(db, id).await? else { return Ok(None) };
    Ok(Some(desk(db, order, application).await?))
}

fn seats(desk: Option<&Desk>, act: &Act) -> Vec<OrderId> {
    desk.filter(|desk| desk.panelist(act.person.id).is_some()).map(|desk| desk.order.id).into_iter().collect()
}

/// What a member's step does to its order.
async fn after(
    work: &mut Work,
    shared: &Shared,
    step: &Step,
    act: &Act,
    mut order: Order,
) -> Result<(), Failure> {
    if let Some(verdict) = verdict(step, act) {
        speak(work, step, act, order.id, verdict).await?;
    }
    let now = work.now();
    if step.after.order_id.is_none() {
        store::orders::leave(work.db(), order.id, step.after.id, step.row.id, now).await?;
    }
    if step.row.fact == Fact::ProvinceReturned {
        order.findings = order.findings.saturating_add(1);
        store::orders::save(work.db(), &order).await?;
    }
    let may_conclude = match step.row.fact {
        Fact::Approved | Fact::Terminated | Fact::CarriedOver => true,
        Fact::ProvinceReturned => step.after.stage == Stage::CityReview,
        Fact::Drafted
        | Fact::AcceptanceSubmitted
        | Fact::AcceptanceWithdrawn
        | Fact::CountyPassed
        | Fact::CountyReturned
        | Fact::PaperCheckPassed
        | Fact::PaperCheckIncomplete
        | Fact::CountyRevoked
        | Fact::MaterialsSubmitted
        | Fact::MaterialsWithdrawn
        | Fact::CityPassed
        | Fact::CityReturned
        | Fact::CityPassRetracted
        | Fact::EnteredJointReview
        | Fact::ExpertOpined
        | Fact::InterestHeeded
        | Fact::ExpertsPassed
        | Fact::SupplementRequested
        | Fact::SupplementSubmitted
        | Fact::EnteredProvincialReview
        | Fact::DepartmentOpined
        | Fact::EnteredSample
        | Fact::Deleted
        | Fact::DeadlineExtended
        | Fact::Reminded
        | Fact::Reassigned
        | Fact::DeadlineNear
        | Fact::DeadlineOverdue
        | Fact::DeadlineEscalated => false,
    };
    if may_conclude && order.frozen_at.is_some() {
        conclude(work, shared, order).await?;
    }
    Ok(())
}

/// The verdict that goes on record for the voice; none where the command is no opinion.
fn verdict(step: &Step, act: &Act) -> Option<Verdict> {
    match act.command {
        Command::RecordOpinion => act.verdict,
        Command::Pass => Some(Verdict::Pass),
        Command::Return => Some(Verdict::Return),
        Command::CreateApplication
        | Command::SubmitAcceptance
        | Command::Withdraw
        | Command::RecordPaperCheck
        | Command::RevokePass
        | Command::SubmitMaterials
        | Command::TakeBack
        | Command::LaunchJointReview
        | Command::HeedInterest
        | Command::SubmitSupplement
        | Command::CarryOver
        | Command::FreezeOrder
        | Command::ConcludeOrder
        | Command::WidenSample
        | Command::Delete
        | Command::Terminate
        | Command::ExtendDeadline
        | Command::Remind
        | Command::Reassign
        | Command::StrikeClock => None,
    }
    .filter(|_| matches!(step.row.by, Actor::Expert | Actor::Province))
}

async fn speak(
    work: &mut Work,
    step: &Step,
    act: &Act,
    order: OrderId,
    verdict: Verdict,
) -> Result<(), Failure> {
    let said = Said {
        application: &step.after,
        visit: step.before.stage_version,
        order,
        person: act.actor_id(),
        department: if step.row.by == Actor::Province { &act.person.department } else { "" },
        verdict,
        signed: step.row.by == Actor::Province && act.command != Command::RecordOpinion,
        opinion: &act.opinion,
        at: work.now(),
    };
    Ok(store::opinions::save(work.db(), &said).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_change_the_order_goes_side_by_side() {
        assert!(side_by_side(Stage::ExpertReview, Command::Pass));
        assert!(side_by_side(Stage::ProvincialReview, Command::RecordOpinion));
        assert!(!side_by_side(Stage::ProvincialReview, Command::Pass));
        assert!(!side_by_side(Stage::ProvincialReview, Command::Return));
        assert!(!side_by_side(Stage::ExpertReview, Command::CarryOver));
    }
}
