//! The one path of every change: lock, decide, save, announce.
//!
//! This file holds the path of one application by itself; members of work orders, launches, submissions and reads are in
//! `app/`. It writes no SQL and makes no rule.

pub mod allowed;
pub mod clock;
pub mod create;
pub mod edit;
pub mod launch;
pub mod member;
pub mod order;
pub mod read;
pub mod rounds;
pub mod submit;

use std::sync::Arc;

use chassis::{Failure, Work};

use crate::{
    domain::{
        act::{Act, Command, Moment},
        advance::advance,
        application::Application,
        decide::decide,
        decision::Decision,
        draw::Draw,
        guards::Situation,
        history::Step,
        ids::ApplicationId,
        order::{Desk, Order},
        order_decision::OrderDecision,
        policy::Policy,
        stage::Actor,
        table::Row,
    },
    publish,
    signing::Seal,
    store::{self, rounds::Policies},
};

/// What every command needs besides its unit of work.
#[derive(Clone)]
pub struct Shared {
    /// Policies read so far.
    pub policies: Policies,
    /// Signs decisions.
    pub seal: Arc<Seal>,
}

/// Carries out a command of a tier before the joint review (county, city, withdrawals, deletion); a member of a work
/// order is handed to [`member::execute`], so that no step of a member is taken without its desk.
///
/// # Errors
/// NotFound, or the refusal of the first rule that says no; `busy_elsewhere` (ABORTED) when it changes its order at this
/// moment.
pub async fn execute(
    work: &mut Work,
    shared: &Shared,
    id: ApplicationId,
    act: &Act,
) -> Result<Application, Failure> {
    let Some(application) = store::applications::lock_alone(work.db(), id).await? else {
        return member::execute(work, shared, id, act.clone()).await;
    };
    let mut act = act.clone();
    if let (Command::Withdraw, Some(submitted)) = (act.command, &application.submitted) {
        act.answered = Some(store::submissions::answered(work.db(), id, submitted.version).await?);
    }
    let policy = shared.policies.get(work.db(), application.round_id, application.policy_version).await?;
    let step = decided(work, &application, &act, &policy, None)?;
    save(work, shared, &step, &act).await?;
    Ok(step.after)
}

/// The application changes its order at this moment; the caller may repeat the request.
fn busy_elsewhere() -> Failure {
    Failure::conflict("busy_elsewhere", "该内容正在被他人处理，请稍后重试")
}

/// Asks the table, and closes the step that it allows.
///
/// # Errors
/// The refusal of the first rule that says no.
pub fn decided(
    work: &Work,
    application: &Application,
    act: &Act,
    policy: &Policy,
    desk: Option<&Desk>,
) -> Result<Step, Failure> {
    let situation = Situation { application, act, policy, desk, moment: Moment::at(work.now()) };
    let row = decide(&situation)?;
    Ok(close(&situation, row, row.by))
}

/// Closes the step of a row that was found by other means than a command.
pub fn close(situation: &Situation<'_>, row: &'static Row, actor: Actor) -> Step {
    let after = advance(situation, row, actor);
    Step::close(situation.application, after, row, situation.act, actor, situation.moment.now)
}

/// Saves a step with its signed decision and announces it.
///
/// # Errors
/// The database is away.
pub async fn save(work: &mut Work, shared: &Shared, step: &Step, act: &Act) -> Result<(), Failure> {
    let signed = Decision::of(step, act).map(|decision| shared.seal.sign(decision));
    store::steps::advance(work.db(), step, signed.as_ref(), act.paper.as_ref()).await?;
    work.announce(publish::application(step));
    Ok(())
}

/// Keeps the signed decision about a whole order: which members took which step, drawn how, by whom.
///
/// # Errors
/// The database is away.
pub async fn decide_order(
    work: &mut Work,
    shared: &Shared,
    order: &Order,
    act: &Act,
    steps: &[Step],
    drawn: Option<&Draw>,
) -> Result<(), Failure> {
    let decision = OrderDecision::of(order, act.command, steps, drawn, act, work.now());
    let sealed = shared.seal.seal(decision.encode());
    Ok(store::order_decisions::insert(work.db(), &decision, &sealed).await?)
}

/// Saves many steps of the same row in one statement and announces each.
///
/// # Errors
/// The database is away.
pub async fn save_all(work: &mut Work, steps: &[Step]) -> Result<(), Failure> {
    store::steps::advance_many(work.db(), steps).await?;
    for step in steps {
        work.announce(publish::application(step));
    }
    Ok(())
}
