//! Work orders: the panel and what it has said, progress, the rules of freezing, concluding and widening.
//!
//! Source: T14–T24. Single members follow the table; this file holds what looks at the whole order.

use time::OffsetDateTime;

use super::{
    act::Verdict,
    application::Application,
    ids::{ApplicationId, OrderId, PersonId, RoundId},
    policy::{ExpertRule, Policy},
    refusal::Refusal,
    stage::{Party, Stage},
};

/// One work order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its identity.
    pub id: OrderId,
    /// The round.
    pub round_id: RoundId,
    /// The policy that holds for its draws.
    pub policy_version: i32,
    /// The launch that made it, named by the command.
    pub batch: i32,
    /// The city.
    pub prefecture: String,
    /// Number of its own steps: launch, freeze, each wider draw.
    pub version: i64,
    /// Hash of the membership at the launch, hex.
    pub membership_hash: String,
    /// When it was launched.
    pub launched_at: OffsetDateTime,
    /// When it should be frozen; afterwards members may be carried over.
    pub freeze_due_at: OffsetDateTime,
    /// When it was frozen.
    pub frozen_at: Option<OffsetDateTime>,
    /// When its last member left provincial review.
    pub concluded_at: Option<OffsetDateTime>,
    /// Provincial returns since the last draw.
    pub findings: u32,
}

/// Somebody on the panel, with the declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panelist {
    /// Who.
    pub person: PersonId,
    /// 组长
    pub lead: bool,
    /// Whether a declaration was made.
    pub declared: bool,
    /// Whether it is a conflict with every member.
    pub conflicted: bool,
    /// Members with which there is a conflict.
    pub conflicts: Vec<ApplicationId>,
}

/// What somebody has said about one member since it came to its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// Who.
    pub person: PersonId,
    /// The department; empty for experts.
    pub department: String,
    /// What is recommended.
    pub verdict: Verdict,
    /// Whether it is the signature of a department (a Pass, not a mere opinion).
    pub signed: bool,
}

/// An order as one member sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// The order.
    pub order: Order,
    /// Its panel, lead first.
    pub panel: Vec<Panelist>,
    /// Opinions on the member since it came to its node.
    pub opinions: Vec<Opinion>,
}

/// A member as the whole order sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Which.
    pub id: ApplicationId,
    /// Where it stands.
    pub stage: Stage,
    /// Whether the departments re-check it, now or when it comes back.
    pub sampled: bool,
}

/// What counts of the members for freezing and widening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Not ready for the freeze.
    pub unready: usize,
    /// In provincial review outside the sample.
    pub outside: usize,
}

impl Tally {
    /// Adds so many members at a node.
    #[must_use]
    pub fn and(self, stage: Stage, sampled: bool, count: usize) -> Tally {
        let ready = matches!(stage, Stage::AwaitingProvince | Stage::Terminated);
        let outside = stage == Stage::ProvincialReview && !sampled;
        Tally {
            unready: self.unready + if ready { 0 } else { count },
            outside: self.outside + if outside { count } else { 0 },
        }
    }

    /// Counts members.
    pub fn of(members: &[Member]) -> Tally {
        members.iter().fold(Tally::default(), |tally, member| tally.and(member.stage, member.sampled, 1))
    }
}

impl Panelist {
    /// Whether there is no conflict with this member. An expert who has not declared counts: silence must not
    /// shrink a panel.
    pub fn eligible(&self, member: ApplicationId) -> bool {
        !self.conflicted && !self.conflicts.contains(&member)
    }
}

impl Desk {
    /// The panelist of this person.
    pub fn panelist(&self, person: PersonId) -> Option<&Panelist> {
        self.panel.iter().find(|panelist| panelist.person == person)
    }

    /// Those of the panel who may decide on this member: no conflict, and no decision on it at another tier.
    ///
    /// Whom four eyes bars cannot be waited for. Source: T16, invariant 5.
    pub fn voters<'a>(&'a self, member: &'a Application) -> impl Iterator<Item = &'a Panelist> {
        self.panel.iter().filter(|panelist| {
            panelist.eligible(member.id)
                && member.decided_elsewhere(panelist.person, Party::Experts).is_none()
        })
    }

    /// Who leads for this member: the lead, or where the lead may not decide the next on the panel who may.
    pub fn lead(&self, member: &Application) -> Option<PersonId> {
        let eligible = || self.voters(member);
        eligible()
            .find(|panelist| panelist.lead)
            .or_else(|| eligible().next())
            .map(|panelist| panelist.person)
    }

    /// How many of the panel agree on this member when this person adds the verdict, and how many must.
    ///
    /// A pass needs the rule's number. A return needs as many as make that number impossible. Source: T16, T17.
    pub fn agreement(
        &self,
        rule: ExpertRule,
        member: &Application,
        person: PersonId,
        verdict: Verdict,
    ) -> (usize, usize) {
        let panel = self.voters(member).count();
        let needed = rule.needed(panel);
        let needed = match verdict {
            Verdict::Pass => needed,
            Verdict::Return => panel.saturating_sub(needed) + 1,
        };
        let others = self
            .opinions
            .iter()
            .filter(|opinion| opinion.person != person && opinion.verdict == verdict)
            .filter(|opinion| self.voters(member).any(|panelist| panelist.person == opinion.person))
            .count();
        (others + 1, needed)
    }

    /// Whether every required department has signed once this one does; an opinion alone is no signature.
    ///
    /// Source: T22; workflow, Words ("each signs").
    pub fn last_department(&self, policy: &Policy, department: &str) -> bool {
        policy.departments.iter().all(|required| {
            required == department
                || self.opinions.iter().any(|opinion| {
                    &opinion.department == required && opinion.signed && opinion.verdict == Verdict::Pass
                })
        })
    }
}

/// Allows the freeze of an order, or says why not. Source: T20.
///
/// Carried-over members have left the order, so that they are not counted.
///
/// # Errors
/// [`Refusal::AlreadyFrozen`], [`Refusal::MembersUnready`] with their number.
pub fn may_freeze(order: &Order, tally: Tally) -> Result<(), Refusal> {
    if order.frozen_at.is_some() {
        return Err(Refusal::AlreadyFrozen);
    }
    match tally.unready {
        0 => Ok(()),
        count => Err(Refusal::MembersUnready { count }),
    }
}

/// Allows a wider draw, or says why not. Source: T24.
///
/// # Errors
/// [`Refusal::NotFrozen`], [`Refusal::ThresholdNotExceeded`], [`Refusal::NothingToDraw`].
pub fn may_widen(order: &Order, tally: Tally, policy: &Policy) -> Result<(), Refusal> {
    if order.frozen_at.is_none() {
        return Err(Refusal::NotFrozen);
    }
    if order.findings <= policy.finding_threshold {
        return Err(Refusal::ThresholdNotExceeded {
            findings: order.findings,
            threshold: policy.finding_threshold,
        });
    }
    if tally.outside == 0 {
        return Err(Refusal::NothingToDraw);
    }
    Ok(())
}

/// Members that wait outside the sample, by ascending id.
pub fn outside_sample(members: &[Member]) -> Vec<ApplicationId> {
    let mut ids: Vec<_> = members
        .iter()
        .filter(|member| member.stage == Stage::ProvincialReview && !member.sampled)
        .map(|member| member.id)
        .collect();
    ids.sort_unstable();
    ids
}

/// Whether a frozen order is concluded: no sampled member is open any more, and no wider draw is due. Source: T22, T24.
///
/// Too many findings hold the members outside the sample back until a wider sample was drawn.
pub fn concluded(order: &Order, members: &[Member], policy: &Policy) -> bool {
    let sampled_open = members.iter().any(|member| member.sampled && !member.stage.is_final());
    let wider_due = order.findings > policy.finding_threshold && !outside_sample(members).is_empty();
    order.frozen_at.is_some() && !sampled_open && !wider_due
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
