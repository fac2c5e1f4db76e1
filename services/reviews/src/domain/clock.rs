//! The clock of one visit to a node: its deadline, how far it has struck, and when it strikes next. Source: T26, T27.
//!
//! A visit has one deadline: it begins when the node is entered and ends when it is left, so a return to the operator
//! stops it and what comes back gets a full one. A deadline that was told stands; only ExtendDeadline moves it.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use super::{
    calendar::{Calendar, end_of, last_day, start_of},
    policy::day_of,
    stage::Stage,
};

/// Longest limit, warning or extension, in working days. Source: ours; about a year.
pub const WORKING_DAYS_MAX: u32 = 250;

/// How far a clock has struck. Source: T27.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alert {
    /// 黄: the deadline is near.
    Near,
    /// 红: the deadline has passed.
    Overdue,
    /// 红, and the tier above was told.
    Escalated,
}

/// The clock of one visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// When the time is up: the end of a working day.
    pub deadline_at: OffsetDateTime,
    /// How far it has struck for this deadline.
    pub struck: Option<Alert>,
}

/// How long each node may take, and when it is warned of. Source: workflow, Words (批次: … clocks …).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Working days of the nodes that differ from [`Limits::usual`]; 0: due at once.
    pub nodes: BTreeMap<Stage, u32>,
    /// 黄 from so many working days before the last one.
    pub near_working_days: u32,
    /// Working days after the deadline until the tier above is told; 0: at once.
    pub escalate_after_working_days: u32,
}

impl Alert {
    /// Every alert, in the order in which a clock strikes.
    pub const ALL: [Alert; 3] = [Alert::Near, Alert::Overdue, Alert::Escalated];

    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Alert::Near => "near",
            Alert::Overdue => "overdue",
            Alert::Escalated => "escalated",
        }
    }

    /// Finds the alert of a stable id.
    pub fn parse(id: &str) -> Option<Alert> {
        Alert::ALL.into_iter().find(|alert| alert.id() == id)
    }

    /// 黄牌 or 红牌, as its stable id.
    pub fn light(self) -> &'static str {
        match self {
            Alert::Near => "yellow",
            Alert::Overdue | Alert::Escalated => "red",
        }
    }
}

impl Limits {
    /// 黄 unless the round says otherwise: 3 working days. Source: ui, section 4 (time left ≤ 3 warn).
    pub const NEAR_WORKING_DAYS: u32 = 3;
    /// One tier up unless the round says otherwise: 2 working days after the deadline. Source: ours.
    pub const ESCALATE_AFTER_WORKING_DAYS: u32 = 2;

    /// Working days of a node unless the round says otherwise; none where no clock runs.
    ///
    /// Source: ours, to be set by each round; the county's 5 are what operators are told (ui, 提交成功).
    pub fn usual(stage: Stage) -> Option<u32> {
        match stage {
            Stage::CountyReview | Stage::PaperCheck => Some(5),
            Stage::CityReview | Stage::AwaitingProvince => Some(10),
            Stage::ExpertReview | Stage::ProvincialReview => Some(15),
            Stage::AwaitingJointReview => Some(20),
            Stage::Draft
            | Stage::CountyReturned
            | Stage::MaterialsDue
            | Stage::CityReturned
            | Stage::SupplementDue
            | Stage::Approved
            | Stage::Deleted
            | Stage::Terminated => None,
        }
    }

    /// Working days of a node; none where no clock runs.
    pub fn of(&self, stage: Stage) -> Option<u32> {
        let usual = Limits::usual(stage)?;
        Some(self.nodes.get(&stage).copied().unwrap_or(usual))
    }

    /// Whether every number can be counted, and stands at a node with a clock.
    pub fn sound(&self) -> bool {
        let bounded = |days: &u32| *days <= WORKING_DAYS_MAX;
        self.nodes.iter().all(|(stage, days)| stage.clock_runs() && bounded(days))
            && bounded(&self.near_working_days)
            && bounded(&self.escalate_after_working_days)
    }
}

impl Clock {
    /// The clock of a node that is entered at this instant; none where no clock runs.
    pub fn start(stage: Stage, now: OffsetDateTime, limits: &Limits, calendar: &Calendar) -> Option<Clock> {
        let deadline_at = match limits.of(stage)? {
            0 => now,
            days => end_of(calendar.after(day_of(now), days)),
        };
        Some(Clock { deadline_at, struck: None })
    }

    /// The clock after so many more working days: from its last day, or from today where that has passed. It may
    /// strike anew.
    #[must_use]
    pub fn extended(self, now: OffsetDateTime, working_days: u32, calendar: &Calendar) -> Clock {
        let from = last_day(self.deadline_at).max(day_of(now));
        Clock { deadline_at: end_of(calendar.after(from, working_days)), struck: None }
    }

    /// What it strikes now; none where nothing is due. A warning that was missed is not made up for.
    pub fn due(self, now: OffsetDateTime, limits: &Limits, calendar: &Calendar) -> Option<Alert> {
        let next = |alert| (now >= self.at(alert, limits, calendar)).then_some(alert);
        match self.struck {
            None => next(Alert::Overdue).or_else(|| next(Alert::Near)),
            Some(Alert::Near) => next(Alert::Overdue),
            Some(Alert::Overdue) => next(Alert::Escalated),
            Some(Alert::Escalated) => None,
        }
    }

    /// When it strikes next; none where it has struck for the last time.
    pub fn strikes_at(self, limits: &Limits, calendar: &Calendar) -> Option<OffsetDateTime> {
        let next = match self.struck {
            None => Alert::Near,
            Some(Alert::Near) => Alert::Overdue,
            Some(Alert::Overdue) => Alert::Escalated,
            Some(Alert::Escalated) => return None,
        };
        Some(self.at(next, limits, calendar))
    }

    fn at(self, alert: Alert, limits: &Limits, calendar: &Calendar) -> OffsetDateTime {
        let last = last_day(self.deadline_at);
        match alert {
            Alert::Near => start_of(calendar.before(last, limits.near_working_days)).min(self.deadline_at),
            Alert::Overdue => self.deadline_at,
            Alert::Escalated => match limits.escalate_after_working_days {
                0 => self.deadline_at,
                days => end_of(calendar.after(last, days)),
            },
        }
    }

    /// Days since the deadline, as people count them: 0 before it, 1 on the day after its last one.
    pub fn days_over(self, now: OffsetDateTime) -> i64 {
        if now < self.deadline_at {
            return 0;
        }
        let days: Duration = day_of(now) - last_day(self.deadline_at);
        days.whole_days().max(1)
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
