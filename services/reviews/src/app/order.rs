//! Whole work orders: freezing with the draw (T20), concluding (T22), a wider sample (T24), declarations.

use std::collections::BTreeSet;

use chassis::{Failure, Work};

use super::{Shared, close, decide_order, decided, save_all};
use crate::{
    domain::{
        act::{Act, Command, Moment, PROVINCE, Person},
        application::Application,
        awaited::awaited,
        canonical::hex,
        draw::{Candidate, Draw, draw},
        facts::OrderFact,
        guards::{self, Situation},
        ids::{ApplicationId, OrderId},
        order::{self, Desk, Member, Order, Tally},
        policy::Policy,
        refusal::Refusal,
        stage::{Actor, Stage},
        table,
    },
    labels,
    publish::{self, OrderNews},
    store::{self, orders::Signatory},
};

/// Members that one declaration names at most; a conflict with more of them is one with the order.
const CONFLICTS_MAX: usize = 1_000;

/// A member as the whole order sees it.
pub fn member(application: &Application) -> Member {
    Member {
        id: application.id,
        stage: application.stage,
        sampled: application.in_sample || application.forced_sample,
    }
}

fn candidate(application: &Application) -> Candidate {
    Candidate {
        id: application.id,
        submission_hash: application
            .submitted
            .as_ref()
            .map(|submitted| submitted.hash.clone())
            .unwrap_or_default(),
        forced: application.forced_sample,
    }
}

async fn locked(work: &mut Work, id: OrderId, act: &Act) -> Result<Order, Failure> {
    let order = store::orders::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    if !act.person.covers_province() {
        return Err(Failure::not_found());
    }
    match act.seen {
        Some(seen) if seen != order.version => {
            let last = store::order_decisions::last(work.db(), id).await?;
            Err(Refusal::OrderStale { version: order.version, last }.into())
        }
        Some(_) | None => Ok(order),
    }
}

/// Freezes an order: publishes the population, draws the sample, moves every member to provincial review. Source: T20.
///
/// # Errors
/// NotFound, `stale_version`, `already_frozen`, `members_unready`.
pub async fn freeze(work: &mut Work, shared: &Shared, id: OrderId, act: &Act) -> Result<Order, Failure> {
    let mut order = locked(work, id, act).await?;
    let applications = store::applications::lock_members(work.db(), id).await?;
    let members: Vec<_> = applications.iter().map(member).collect();
    order::may_freeze(&order, Tally::of(&members))?;
    let policy = shared.policies.get(work.db(), order.round_id, order.policy_version).await?;
    let waiting: Vec<_> =
        applications.iter().filter(|application| application.stage == Stage::AwaitingProvince).collect();
    order.frozen_at = Some(work.now());
    order.version += 1;
    let drawn = sample(work, &order, &policy, &waiting, act).await?;
    let chosen = drawn.chosen();
    let mut steps = Vec::with_capacity(waiting.len());
    for application in waiting {
        let act = Act { drawn: chosen.binary_search(&application.id).is_ok(), seen: None, ..act.clone() };
        steps.push(decided(work, application, &act, &policy, None)?);
    }
    store::orders::save(work.db(), &order).await?;
    save_all(work, &steps).await?;
    decide_order(work, shared, &order, act, &steps, Some(&drawn)).await?;
    announce(work, &order, OrderFact::OrderFrozen, &drawn);
    if steps.is_empty() {
        return conclude(work, shared, order).await;
    }
    Ok(order)
}

/// Draws a wider sample among those not drawn yet. Source: T24.
///
/// # Errors
/// NotFound, `stale_version`, `not_frozen`, `threshold_not_exceeded`, `nothing_to_draw`, `department_not_required`.
pub async fn widen(work: &mut Work, shared: &Shared, id: OrderId, act: &Act) -> Result<Order, Failure> {
    let mut order = locked(work, id, act).await?;
    let applications = store::applications::lock_members(work.db(), id).await?;
    let members: Vec<_> = applications.iter().map(member).collect();
    let policy = shared.policies.get(work.db(), order.round_id, order.policy_version).await?;
    order::may_widen(&order, Tally::of(&members), &policy)?;
    let open = order::outside_sample(&members);
    let waiting: Vec<_> =
        applications.iter().filter(|application| open.binary_search(&application.id).is_ok()).collect();
    order.findings = 0;
    order.version += 1;
    let drawn = sample(work, &order, &policy, &waiting, act).await?;
    let chosen = drawn.chosen();
    let mut steps = Vec::with_capacity(chosen.len());
    for application in waiting.into_iter().filter(|application| chosen.binary_search(&application.id).is_ok())
    {
        let act = Act { seen: None, ..act.clone() };
        steps.push(decided(work, application, &act, &policy, None)?);
    }
    store::orders::save(work.db(), &order).await?;
    save_all(work, &steps).await?;
    decide_order(work, shared, &order, act, &steps, Some(&drawn)).await?;
    announce(work, &order, OrderFact::SampleWidened, &drawn);
    Ok(order)
}

/// Approves the members outside the sample when no sampled member is open any more. Source: T22, second part.
///
/// The order is locked by the caller. Does nothing where the order is not concluded yet. The approvals are the
/// departments': they stand in the name of who signed last, or froze the order, whoever closed its last open member.
///
/// # Errors
/// The database is away.
pub async fn conclude(work: &mut Work, shared: &Shared, mut order: Order) -> Result<Order, Failure> {
    let policy = shared.policies.get(work.db(), order.round_id, order.policy_version).await?;
    let applications = store::applications::lock_members(work.db(), order.id).await?;
    let members: Vec<_> = applications.iter().map(member).collect();
    if order.concluded_at.is_some() || !order::concluded(&order, &members, &policy) {
        return Ok(order);
    }
    let open = order::outside_sample(&members);
    let row = table::conclusion();
    let signatory = store::orders::last_signatory(work.db(), order.id).await?;
    // Only a frozen order is concluded, and each member that waits was frozen by somebody.
    let act = signatory.map(|signatory| Act::new(departments(signatory), Command::ConcludeOrder));
    let desk = Desk { order: order.clone(), panel: Vec::new(), opinions: Vec::new() };
    let mut steps = Vec::with_capacity(open.len());
    for application in applications.iter().filter(|application| open.binary_search(&application.id).is_ok()) {
        let act = act.as_ref().ok_or(Refusal::NotFrozen)?;
        let moment = Moment::at(work.now());
        let situation = Situation { application, act, policy: &policy, desk: Some(&desk), moment };
        row.guards.iter().try_for_each(|guard| (guard.rule)(&situation))?;
        steps.push(close(&situation, row, row.by));
    }
    save_all(work, &steps).await?;
    order.concluded_at = Some(work.now());
    store::orders::save(work.db(), &order).await?;
    if let Some(act) = &act {
        decide_order(work, shared, &order, act, &steps, None).await?;
    }
    Ok(order)
}

/// The departments, as their last signatory stands for them.
fn departments(signatory: Signatory) -> Person {
    Person {
        id: signatory.person,
        roles: vec![Actor::Province],
        scope: vec![PROVINCE.to_owned()],
        operator_id: None,
        department: signatory.department,
        office: signatory.office,
        session_id: String::new(),
        authentication: String::new(),
        lead: false,
        orders: Vec::new(),
    }
}

/// Draws with a fresh random seed and keeps seed, population and ranks.
async fn sample(
    work: &mut Work,
    order: &Order,
    policy: &Policy,
    population: &[&Application],
    act: &Act,
) -> Result<Draw, Failure> {
    let candidates: Vec<_> = population.iter().map(|application| candidate(application)).collect();
    // The one place of chance; the rule itself gets the seed as an argument.
    let drawn = draw(&candidates, policy.sample_permille, rand::random());
    let now = work.now();
    store::samples::insert(
        work.db(),
        (order.id, order.version),
        &drawn,
        &candidates,
        policy.sample_permille,
        act.person.id,
        now,
    )
    .await?;
    Ok(drawn)
}

fn announce(work: &mut Work, order: &Order, fact: OrderFact, drawn: &Draw) {
    let mut population: Vec<_> = drawn.ranking.iter().map(|ranked| ranked.id.0).collect();
    population.sort_unstable();
    let news = OrderNews {
        applications: population,
        experts: Vec::new(),
        sample: drawn.chosen().into_iter().map(|id| id.0).collect(),
        seed: hex(&drawn.seed),
    };
    work.announce(publish::order(order, fact, &news));
}

/// Keeps an expert's declaration of interest. Source: T15.
///
/// # Errors
/// NotFound for anybody who does not sit on the panel; `unknown_value` for a conflict that names no member, or for more
/// than [`CONFLICTS_MAX`]; `order_concluded`; `statement_too_long`, `statement_unreadable`.
pub async fn declare(
    work: &mut Work,
    shared: &Shared,
    id: OrderId,
    person: &Person,
    conflicted: bool,
    conflicts: &[ApplicationId],
    statement: &str,
) -> Result<Order, Failure> {
    let order = store::orders::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    let panel = store::opinions::panel(work.db(), id).await?;
    if !panel.iter().any(|seat| seat.panelist.person == person.id) {
        return Err(Failure::not_found());
    }
    if order.concluded_at.is_some() {
        return Err(Refusal::OrderConcluded.into());
    }
    if !guards::readable(statement) {
        return Err(Failure::invalid("statement_unreadable", "statement", "说明含有不可见字符，请重新输入"));
    }
    if statement.chars().count() > guards::OPINION_CHARACTERS_MAX {
        return Err(Failure::invalid("statement_too_long", "statement", "说明不能超过 2000 个字，请精简"));
    }
    let conflicts: BTreeSet<_> = conflicts.iter().map(|id| id.0).collect();
    let conflicts: Vec<_> = conflicts.into_iter().collect();
    let members = if conflicts.len() > CONFLICTS_MAX {
        0
    } else {
        store::orders::members_among(work.db(), id, &conflicts).await?
    };
    if members != conflicts.len() {
        return Err(labels::unknown("conflict_application_ids"));
    }
    let now = work.now();
    store::opinions::declare(work.db(), id, person.id, conflicted, &conflicts, statement, now).await?;
    heed(work, shared, &order).await?;
    Ok(order)
}

/// Moves the task of every member where the panel's declarations, as they stand now, change whose it is.
async fn heed(work: &mut Work, shared: &Shared, order: &Order) -> Result<(), Failure> {
    let seats = store::opinions::panel(work.db(), order.id).await?;
    let panel: Vec<_> = seats.into_iter().map(|seat| seat.panelist).collect();
    let everybody: Vec<_> = panel.iter().map(|panelist| panelist.person.to_string()).collect();
    let policy = shared.policies.get(work.db(), order.round_id, order.policy_version).await?;
    let members = store::applications::lock_reviewed(work.db(), order.id).await?;
    let mut said = store::opinions::of_order(work.db(), order.id).await?;
    let act = Act::new(Person::timer(), Command::HeedInterest);
    let mut steps = Vec::new();
    for member in &members {
        let opinions = said.remove(&member.id).unwrap_or_default();
        let desk = Desk { order: order.clone(), panel: panel.clone(), opinions };
        let awaited = awaited(member, &policy, Some(&desk));
        let stands = member.awaited.as_ref().unwrap_or(&everybody);
        if awaited.as_ref().unwrap_or(&everybody) != stands {
            steps.push(decided(work, member, &act, &policy, Some(&desk))?);
        }
    }
    save_all(work, &steps).await
}
