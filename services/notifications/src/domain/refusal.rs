//! Why an event cannot be true: it is kept as a dead letter and never guessed at.

/// An event contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A stage that is not final names nobody who acts next. Source: workflow, invariant 1.
    #[error("open stage waits for nobody")]
    WaitsForNobody,
    /// A final stage names somebody who acts next. Source: workflow, invariant 1.
    #[error("final stage waits for somebody")]
    FinalStageWaits,
    /// Waits for experts without a work order. Source: workflow, Nodes.
    #[error("waits for experts outside a work order")]
    ExpertsWithoutWorkOrder,
}

impl Refusal {
    /// The stable reason id.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::WaitsForNobody => "waits_for_nobody",
            Refusal::FinalStageWaits => "final_stage_waits",
            Refusal::ExpertsWithoutWorkOrder => "experts_without_work_order",
        }
    }

    /// The field of the event that it is about.
    pub fn field(self) -> &'static str {
        match self {
            Refusal::WaitsForNobody | Refusal::FinalStageWaits => "waits_for",
            Refusal::ExpertsWithoutWorkOrder => "work_order_id",
        }
    }
}
