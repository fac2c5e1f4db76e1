//! What a row does to an application: the next version of the value, nothing else.
//!
//! Source: workflow, Transitions, column effect. Writing it down is the store's work.

use super::{
    act::Act,
    application::{Application, LastStep, Reminders, Returned},
    awaited::{awaited, heard},
    clock::{Alert, Clock},
    facts::Fact,
    guards::Situation,
    stage::{Actor, Stage},
    table::Row,
};

/// The application after the row. The new head of its history is set by `history::Step`.
pub fn advance(situation: &Situation<'_>, row: &'static Row, actor: Actor) -> Application {
    let Situation { application, act, policy, moment, .. } = situation;
    let mut next = (*application).clone();
    next.version += 1;
    next.stage = row.end(application.stage);
    if row.from.is_empty() || application.stage != next.stage {
        next.stage_version = next.version;
        next.entered_at = moment.now;
        next.clock = Clock::start(next.stage, moment.now, &policy.limits, &policy.calendar);
        next.assignee = None;
        next.reminders = Reminders::default();
    }
    if !row.fact.quiet() {
        next.last = Some(LastStep {
            version: next.version,
            transition: row.id.to_owned(),
            actor_id: act.actor_id(),
            role: actor,
            office: act.person.office.clone(),
            at: moment.now,
        });
    }
    apply(&mut next, situation, row);
    if !row.fact.quiet() || row.fact == Fact::InterestHeeded {
        let stays = application.stage == next.stage;
        let desk = situation.desk.map(|desk| heard(desk, act, actor, stays));
        next.awaited = awaited(&next, policy, desk.as_ref());
    }
    next.strikes_at = next.clock.and_then(|clock| clock.strikes_at(&policy.limits, &policy.calendar));
    next
}

fn apply(next: &mut Application, situation: &Situation<'_>, row: &Row) {
    let Situation { act, policy, moment, .. } = situation;
    match row.fact {
        Fact::AcceptanceSubmitted | Fact::MaterialsSubmitted | Fact::SupplementSubmitted => {
            if let Some(draft) = &act.draft {
                next.submitted = Some(draft.submitted.clone());
                next.receipt_no = next.receipt_no.take().or_else(|| draft.receipt_no.clone());
            }
            next.returned = Returned::default();
        }
        Fact::CountyReturned | Fact::CityReturned | Fact::SupplementRequested => {
            next.returned = returned(next, act);
        }
        Fact::CountyRevoked => next.returned = Returned { open_all: true, ..Returned::default() },
        // What the withdrawn submission had answered is open again.
        Fact::AcceptanceWithdrawn | Fact::MaterialsWithdrawn => {
            next.returned = act.answered.clone().unwrap_or_default();
        }
        Fact::EnteredJointReview => next.order_id = act.launched,
        Fact::ExpertsPassed => {
            // Source: T16: in a frozen order it is a forced sample.
            next.in_sample = next.stage == Stage::ProvincialReview;
        }
        Fact::CarriedOver => {
            next.order_id = None;
            next.in_sample = false;
            next.returned = Returned::default();
        }
        Fact::EnteredProvincialReview => next.in_sample = act.drawn,
        Fact::EnteredSample => next.in_sample = true,
        Fact::ProvinceReturned => province_returned(next, act),
        Fact::DeadlineExtended => {
            // What stands here since before there were deadlines gets one from today.
            let clock = next.clock.unwrap_or(Clock { deadline_at: moment.now, struck: None });
            next.clock = Some(clock.extended(moment.now, act.extension, &policy.calendar));
        }
        Fact::Reminded => {
            next.reminders =
                Reminders { count: next.reminders.count.saturating_add(1), last_at: Some(moment.now) };
        }
        Fact::Reassigned => next.assignee = act.assignee.as_ref().map(|assignee| assignee.id),
        Fact::DeadlineNear => strike(next, Alert::Near),
        Fact::DeadlineOverdue => strike(next, Alert::Overdue),
        Fact::DeadlineEscalated => strike(next, Alert::Escalated),
        Fact::Drafted
        | Fact::CountyPassed
        | Fact::PaperCheckPassed
        | Fact::PaperCheckIncomplete
        | Fact::CityPassed
        | Fact::CityPassRetracted
        | Fact::ExpertOpined
        | Fact::InterestHeeded
        | Fact::DepartmentOpined
        | Fact::Approved
        | Fact::Deleted
        | Fact::Terminated => {}
    }
}

fn strike(next: &mut Application, alert: Alert) {
    if let Some(clock) = &mut next.clock {
        clock.struck = Some(alert);
    }
}

fn returned(next: &Application, act: &Act) -> Returned {
    Returned {
        items: act.items.clone(),
        open_all: act.open_all,
        submission: next.submitted.as_ref().map_or(0, |submitted| submitted.version),
    }
}

/// Only the party at fault reopens; the member comes back as a forced sample. Source: T23.
fn province_returned(next: &mut Application, act: &Act) {
    next.in_sample = false;
    next.forced_sample = true;
    if next.stage == Stage::SupplementDue {
        next.returned = returned(next, act);
    }
    if next.stage == Stage::CityReview {
        next.order_id = None;
    }
}

#[cfg(test)]
#[path = "advance_tests.rs"]
mod tests;
