//! One row of the worklist: what waits, for whom, since when, at which version.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{desk::Desk, refusal::Refusal, tier::Tier};

/// What a task is about; decides the row's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A subsidy application.
    Application(Uuid),
    /// An operator whose registration or changed profile waits for review.
    Operator(Uuid),
    /// A work order; has messages, never a task of its own.
    WorkOrder(Uuid),
}

impl Subject {
    /// The stable name of the kind.
    pub fn kind(self) -> &'static str {
        match self {
            Subject::Application(_) => "application",
            Subject::Operator(_) => "operator",
            Subject::WorkOrder(_) => "work_order",
        }
    }

    /// The id.
    pub fn id(self) -> Uuid {
        match self {
            Subject::Application(id) | Subject::Operator(id) | Subject::WorkOrder(id) => id,
        }
    }
}

/// 黄牌, 红牌. Source: T27.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Light {
    /// There is time, or no clock runs.
    #[default]
    None,
    /// The deadline is near.
    Yellow,
    /// The deadline has passed.
    Red,
}

impl Light {
    /// The stable name; empty for none.
    pub fn code(self) -> &'static str {
        match self {
            Light::None => "",
            Light::Yellow => "yellow",
            Light::Red => "red",
        }
    }

    /// Reads a stable name; `None` for any other text.
    pub fn parse(code: &str) -> Option<Light> {
        [Light::None, Light::Yellow, Light::Red].into_iter().find(|light| light.code() == code)
    }
}

/// What is known of the time that a task has, and of reminders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clock {
    /// When the time is up; `None` where no clock runs.
    pub deadline_at: Option<OffsetDateTime>,
    /// What was announced of it.
    pub light: Light,
    /// Reminders since it came here.
    pub reminded_count: i32,
    /// The last of them.
    pub reminded_at: Option<OffsetDateTime>,
}

/// Where a subject stands after one event. Source: reliability 5.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What waits.
    pub subject: Subject,
    /// The shown number; empty for accounts.
    pub application_no: String,
    /// Stage of an application or state of an account, by stable name.
    pub stage: &'static str,
    /// Where it waits; `None` closes the task.
    pub desk: Option<Desk>,
    /// Division code of the station's (or the registered) county.
    pub county: String,
    /// Division code of the prefecture above it.
    pub prefecture: String,
    /// The company.
    pub operator_id: Uuid,
    /// The station; accounts have none.
    pub station_id: Option<Uuid>,
    /// The work order that the application is a member of.
    pub work_order_id: Option<Uuid>,
    /// The round.
    pub round_id: Option<Uuid>,
    /// The person to whom the office gave it.
    pub assignee_id: Option<Uuid>,
    /// The aggregate's version; a row moves only to a higher one.
    pub version: i64,
    /// When it came to where it stands.
    pub since: OffsetDateTime,
    /// See [`Clock`].
    pub clock: Clock,
    /// Voices at the desk that can still do something; `None`: everybody at it.
    pub awaited: Option<Vec<String>>,
}

impl Task {
    /// Who it waits for, by stable name; empty when closed.
    pub fn waits_for(&self) -> &'static str {
        self.desk.as_ref().map_or("", |desk| tier_of(desk).code())
    }

    /// Whether anybody has to act.
    pub fn open(&self) -> bool {
        self.desk.is_some()
    }

    /// The desk's key; empty when closed.
    pub fn desk_key(&self) -> String {
        self.desk.as_ref().map(Desk::key).unwrap_or_default()
    }
}

fn tier_of(desk: &Desk) -> Tier {
    match desk {
        Desk::Operator(_) => Tier::Operator,
        Desk::County(_) => Tier::County,
        Desk::City(_) => Tier::City,
        Desk::Administrator => Tier::Administrator,
        Desk::Experts(_) => Tier::Experts,
        Desk::Departments => Tier::Departments,
    }
}

/// Finds the desk of a tier.
///
/// # Errors
/// [`Refusal::ExpertsWithoutWorkOrder`]: experts sit at the desk of their order.
pub fn desk_of(
    tier: Tier,
    operator_id: Uuid,
    county: &str,
    prefecture: &str,
    work_order_id: Option<Uuid>,
) -> Result<Desk, Refusal> {
    Ok(match tier {
        Tier::Operator => Desk::Operator(operator_id),
        Tier::County => Desk::County(county.to_owned()),
        Tier::City => Desk::City(prefecture.to_owned()),
        Tier::Administrator => Desk::Administrator,
        Tier::Experts => Desk::Experts(work_order_id.ok_or(Refusal::ExpertsWithoutWorkOrder)?),
        Tier::Departments => Desk::Departments,
    })
}
