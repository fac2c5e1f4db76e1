//! T14: launches joint review in one transaction, set-based, for every city of the command.

use std::collections::HashSet;

use chassis::{Failure, Work};
use uuid::Uuid;

use super::{Shared, decide_order, decided, save_all};
use crate::{
    domain::{
        act::Act,
        application::Application,
        canonical::hex,
        draw::{Candidate, population_hash},
        facts::OrderFact,
        ids::{OrderId, RoundId},
        order::Order,
        policy::Policy,
        refusal::Refusal,
    },
    publish::{self, OrderNews},
    store::{self, opinions::NewSeat},
};

/// An expert as `accounts` knows the person.
#[derive(Debug, Clone)]
pub struct Expert {
    /// Who.
    pub id: Uuid,
    /// Shown name.
    pub name: String,
    /// Employer; compared with the operators' names.
    pub employer: String,
    /// Whether the account is active and holds the role.
    pub usable: bool,
}

/// A city of the launch with its panel.
#[derive(Debug, Clone)]
pub struct City {
    /// Division code.
    pub prefecture: String,
    /// The panel, in the order in which it stands in for the lead.
    pub experts: Vec<Expert>,
    /// 组长
    pub lead: Uuid,
    /// How many applications the administrator saw waiting there; none: any number will do.
    pub seen: Option<usize>,
}

/// The launch.
#[derive(Debug, Clone)]
pub struct Launch {
    /// In which round.
    pub round: RoundId,
    /// The number that the command gives it, ≥ 1.
    pub batch: i32,
    /// Each city once.
    pub cities: Vec<City>,
}

/// Launches; either every city gets its order or nothing changes.
///
/// # Errors
/// NotFound (round), `panel_invalid`, `not_an_expert`, `already_launched`, `no_members`, `members_changed`,
/// `expert_employed`.
pub async fn launch(
    work: &mut Work,
    shared: &Shared,
    mut launch: Launch,
    act: &Act,
) -> Result<Vec<Order>, Failure> {
    if !act.person.covers_province() {
        return Err(Failure::not_found());
    }
    let round = store::rounds::find(work.db(), &shared.policies, launch.round)
        .await?
        .ok_or_else(Failure::not_found)?;
    check_panels(&launch)?;
    // Two launches of the same cities meet in the same order.
    launch.cities.sort_unstable_by(|one, other| one.prefecture.cmp(&other.prefecture));
    let mut orders = Vec::with_capacity(launch.cities.len());
    for city in &launch.cities {
        orders.push(launch_city(work, shared, &launch, city, &round.policy, act).await?);
    }
    Ok(orders)
}

/// Each panel has members, none twice, exactly one lead, all of them usable experts; each city stands once.
fn check_panels(launch: &Launch) -> Result<(), Refusal> {
    let mut cities = HashSet::new();
    if launch.cities.is_empty() {
        return Err(Refusal::PanelInvalid { prefecture: String::new() });
    }
    for city in &launch.cities {
        let ids: HashSet<_> = city.experts.iter().map(|expert| expert.id).collect();
        let sound = cities.insert(&city.prefecture)
            && !ids.is_empty()
            && ids.len() == city.experts.len()
            && ids.contains(&city.lead);
        if !sound {
            return Err(Refusal::PanelInvalid { prefecture: city.prefecture.clone() });
        }
        if let Some(stranger) = city.experts.iter().find(|expert| !expert.usable) {
            return Err(Refusal::NotAnExpert { person: stranger.id });
        }
    }
    Ok(())
}

async fn launch_city(
    work: &mut Work,
    shared: &Shared,
    launch: &Launch,
    city: &City,
    policy: &Policy,
    act: &Act,
) -> Result<Order, Failure> {
    let now = work.now();
    let mut order = Order {
        id: OrderId(work.new_id()),
        round_id: launch.round,
        policy_version: policy.version,
        batch: launch.batch,
        prefecture: city.prefecture.clone(),
        version: 1,
        membership_hash: String::new(),
        launched_at: now,
        freeze_due_at: policy.freeze_due(now),
        frozen_at: None,
        concluded_at: None,
        findings: 0,
    };
    if let Err(holder) = store::orders::claim(work.db(), &order, act.person.id).await? {
        return Err(Refusal::AlreadyLaunched { prefecture: city.prefecture.clone(), order: holder }.into());
    }
    let members = store::applications::lock_awaiting(work.db(), launch.round, &city.prefecture).await?;
    if members.is_empty() {
        return Err(Refusal::NoMembers { prefecture: city.prefecture.clone() }.into());
    }
    as_seen(city, members.len())?;
    conflict_free(city, &members)?;
    let candidates: Vec<_> = members.iter().map(candidate).collect();
    order.membership_hash = hex(&population_hash(&candidates));
    store::orders::enrol(work.db(), &order, &candidates, now).await?;
    store::opinions::seat(work.db(), &seats(&order, city)).await?;
    let act = Act { launched: Some(order.id), ..act.clone() };
    let mut steps = Vec::with_capacity(members.len());
    for member in &members {
        steps.push(decided(work, member, &act, policy, None)?);
    }
    save_all(work, &steps).await?;
    decide_order(work, shared, &order, &act, &steps, None).await?;
    let news = OrderNews {
        applications: members.iter().map(|member| member.id.0).collect(),
        experts: city.experts.iter().map(|expert| expert.id).collect(),
        ..OrderNews::default()
    };
    work.announce(publish::order(&order, OrderFact::JointReviewLaunched, &news));
    Ok(order)
}

/// What is launched is what the administrator was shown and has confirmed. Source: ui, section 5 (`<dialog>`).
fn as_seen(city: &City, found: usize) -> Result<(), Refusal> {
    match city.seen {
        Some(seen) if seen != found => {
            Err(Refusal::MembersChanged { prefecture: city.prefecture.clone(), seen, found })
        }
        Some(_) | None => Ok(()),
    }
}

/// An expert does not judge the own employer. Source: reliability section 10, conflict rules.
fn conflict_free(city: &City, members: &[Application]) -> Result<(), Refusal> {
    for expert in city.experts.iter().filter(|expert| !expert.employer.trim().is_empty()) {
        if let Some(member) =
            members.iter().find(|member| member.operator_name.trim() == expert.employer.trim())
        {
            return Err(Refusal::ExpertEmployed { person: expert.id, application: member.id });
        }
    }
    Ok(())
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

fn seats(order: &Order, city: &City) -> Vec<NewSeat> {
    city.experts
        .iter()
        .zip(1..)
        .map(|(expert, position)| NewSeat {
            order: order.id,
            expert: expert.id,
            position,
            lead: expert.id == city.lead,
            name: expert.name.clone(),
            employer: expert.employer.clone(),
        })
        .collect()
}
