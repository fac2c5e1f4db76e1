//! The six parties that an application can wait for.

/// Who has to act next. Source: workflow, Nodes ("waits for") and Transitions ("tier").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The company that applied.
    Operator,
    /// The authority of the station's county.
    County,
    /// The authority of the station's prefecture.
    City,
    /// Provincial platform staff.
    Administrator,
    /// The panel of the work order.
    Experts,
    /// The provincial departments.
    Departments,
}

impl Tier {
    /// Every tier, in the order of the review.
    pub const ALL: [Tier; 6] =
        [Tier::Operator, Tier::County, Tier::City, Tier::Administrator, Tier::Experts, Tier::Departments];

    /// The stable name: in subjects, payloads and rows.
    pub fn code(self) -> &'static str {
        match self {
            Tier::Operator => "operator",
            Tier::County => "county",
            Tier::City => "city",
            Tier::Administrator => "administrator",
            Tier::Experts => "experts",
            Tier::Departments => "departments",
        }
    }

    /// Reads a stable name; `None` for any other text.
    pub fn parse(code: &str) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| tier.code() == code)
    }
}
