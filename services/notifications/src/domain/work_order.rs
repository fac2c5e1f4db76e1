//! What happened to a work order: who sits on its panel, which members were drawn, and who is told.

use uuid::Uuid;

use super::desk::Desk;

/// The facts of an order that have a text of their own. Source: workflow T14, T20, T24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// The order exists, its membership is frozen, its panel assigned.
    Launched,
    /// The population is closed and a sample is drawn.
    Frozen,
    /// A fresh draw was added.
    SampleWidened,
}

impl Fact {
    /// Every fact with its stable name.
    pub const ALL: [(Fact, &'static str); 3] = [
        (Fact::Launched, "joint_review_launched"),
        (Fact::Frozen, "order_frozen"),
        (Fact::SampleWidened, "sample_widened"),
    ];

    /// Reads a stable name; `None` for a fact that this version has no text for.
    pub fn parse(kind: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|(_, name)| *name == kind).map(|(fact, _)| fact)
    }
}

/// One event of a work order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The event's type as announced.
    pub kind: String,
    /// The same where this version knows it.
    pub fact: Option<Fact>,
    /// Version of the order after it.
    pub version: i64,
    /// The order.
    pub work_order_id: Uuid,
    /// The round.
    pub round_id: Option<Uuid>,
    /// Division code of the prefecture.
    pub prefecture: String,
    /// Number of the launch within the round.
    pub batch: i32,
    /// How many members it has.
    pub members: usize,
    /// How many this event drew; an event does not list them where they are very many.
    pub drawn: usize,
    /// The panel; empty means that the event does not speak of it.
    pub experts: Vec<Uuid>,
    /// Members drawn by this event, as far as it lists them.
    pub sample: Vec<Uuid>,
}

impl Changed {
    /// The desk that gets a message.
    pub fn told(&self) -> Option<(Desk, Fact)> {
        self.fact.map(|fact| match fact {
            Fact::Launched => (Desk::Experts(self.work_order_id), fact),
            Fact::Frozen | Fact::SampleWidened => (Desk::Departments, fact),
        })
    }
}
