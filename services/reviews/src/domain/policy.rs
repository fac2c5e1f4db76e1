//! The policy of a round: what it asks for and how strictly. Versioned, and pinned per application.
//!
//! Source: workflow, Words (批次) and Gates. No storage; how clocks run is in `clock.rs`.

use std::sync::Arc;

use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

use super::{calendar::Calendar, clock::Limits, ids::RoundId};

/// Asia/Shanghai: UTC+8 all year. Source: architecture, rule 8.
pub const SHANGHAI: UtcOffset = match UtcOffset::from_hms(8, 0, 0) {
    Ok(offset) => offset,
    Err(_) => panic!("+08:00 is a valid offset"),
};

/// Every slot that a dossier knows. Source: workflow, Materials.
pub const SLOTS: &[&str] = &["M1", "M2", "M3a", "M3b", "M4a", "M4b", "M5", "M6", "M7", "M8a", "M8b", "M9"];

/// The nine categories of the paper check. Source: T06.
pub const CATEGORIES: &[&str] = &["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9"];

/// How strict a gate is. Source: workflow, Gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Not looked at.
    Off,
    /// Looked at and kept with the submission.
    Warn,
    /// Refuses the submission.
    Block,
}

/// When a panel has decided. Source: T16, T17.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpertRule {
    /// The lead decides.
    Lead,
    /// So many of the panel.
    NOfM {
        /// Passes needed, ≥ 1.
        needed: u32,
    },
    /// Everybody on the panel.
    All,
}

/// What one version of a round lays down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The round.
    pub round_id: RoundId,
    /// 1, 2, 3 …; the version that an application is pinned to.
    pub version: i32,
    /// First day on which an application may be created, Asia/Shanghai.
    pub opens_on: Date,
    /// Last such day; open-ended where there is none.
    pub closes_on: Option<Date>,
    /// Slots that a dossier must fill.
    pub required_slots: Vec<String>,
    /// Gate A: linked to an interconnected registry record.
    pub gate_a: Gate,
    /// Gate B: every claimed connector has reported.
    pub gate_b: Gate,
    /// When a panel has decided.
    pub expert_rule: ExpertRule,
    /// Codes of the departments that each sign.
    pub departments: Vec<String>,
    /// Share of an order that is drawn, in thousandths, 1..=1000; rounded up.
    pub sample_permille: u32,
    /// Findings since the last draw that are tolerated; more of them allow (and ask for) a wider sample. T24.
    pub finding_threshold: u32,
    /// Days from the launch until an order should be frozen; afterwards members may be carried over (T19).
    /// 0: at once.
    pub freeze_after_days: u32,
    /// How long each node may take.
    pub limits: Limits,
    /// The working days that they are counted in: the same for every round.
    pub calendar: Arc<Calendar>,
}

/// What is wrong with a policy; the field is the one of the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy field {field} is not acceptable")]
pub struct PolicyProblem {
    /// Name of the field.
    pub field: &'static str,
}

impl Gate {
    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            Gate::Off => "off",
            Gate::Warn => "warn",
            Gate::Block => "block",
        }
    }

    /// Finds the gate setting of a stable id.
    pub fn parse(id: &str) -> Option<Gate> {
        [Gate::Off, Gate::Warn, Gate::Block].into_iter().find(|gate| gate.id() == id)
    }
}

impl ExpertRule {
    /// The stable id.
    pub fn id(self) -> &'static str {
        match self {
            ExpertRule::Lead => "lead",
            ExpertRule::NOfM { .. } => "n_of_m",
            ExpertRule::All => "all",
        }
    }

    /// Builds the rule from its stable id and the number needed (read by `n_of_m` only).
    pub fn parse(id: &str, needed: u32) -> Option<ExpertRule> {
        match id {
            "lead" => Some(ExpertRule::Lead),
            "n_of_m" => Some(ExpertRule::NOfM { needed }),
            "all" => Some(ExpertRule::All),
            _ => None,
        }
    }

    /// Passes that a panel of so many needs; 1 where the lead decides.
    pub fn needed(self, panel: usize) -> usize {
        match self {
            ExpertRule::Lead => 1,
            ExpertRule::NOfM { needed } => {
                usize::try_from(needed).unwrap_or(usize::MAX).clamp(1, panel.max(1))
            }
            ExpertRule::All => panel.max(1),
        }
    }
}

impl Policy {
    /// Refuses a policy that could not be carried out.
    ///
    /// # Errors
    /// [`PolicyProblem`] names the first field that is wrong.
    pub fn check(&self) -> Result<(), PolicyProblem> {
        let refuse = |field| Err(PolicyProblem { field });
        if self.closes_on.is_some_and(|end| end < self.opens_on) {
            return refuse("closes_on");
        }
        if self.required_slots.iter().any(|slot| !SLOTS.contains(&slot.as_str())) {
            return refuse("required_slots");
        }
        if matches!(self.expert_rule, ExpertRule::NOfM { needed: 0 }) {
            return refuse("experts_needed");
        }
        if self.departments.is_empty()
            || self.departments.iter().any(|code| code.trim().is_empty() || code.contains(char::is_control))
        {
            return refuse("departments");
        }
        if !(1..=1000).contains(&self.sample_permille) {
            return refuse("sample_permille");
        }
        if self.freeze_after_days > 3650 {
            return refuse("freeze_after_days");
        }
        if !self.limits.sound() {
            return refuse("limits");
        }
        Ok(())
    }

    /// Whether an application may be created on this day.
    pub fn open_on(&self, day: Date) -> bool {
        day >= self.opens_on && self.closes_on.is_none_or(|end| day <= end)
    }

    /// When an order launched at this instant should be frozen: the end of the day in Asia/Shanghai, or at once.
    pub fn freeze_due(&self, launched_at: OffsetDateTime) -> OffsetDateTime {
        if self.freeze_after_days == 0 {
            return launched_at;
        }
        let day = launched_at.to_offset(SHANGHAI).date() + Duration::days(i64::from(self.freeze_after_days));
        day.with_time(Time::MIDNIGHT).assume_offset(SHANGHAI) + Duration::days(1)
    }
}

/// The day of an instant in Asia/Shanghai.
pub fn day_of(instant: OffsetDateTime) -> Date {
    instant.to_offset(SHANGHAI).date()
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};
    use uuid::Uuid;

    use super::*;

    fn policy() -> Policy {
        Policy {
            round_id: RoundId(Uuid::nil()),
            version: 1,
            opens_on: date!(2026 - 01 - 01),
            closes_on: None,
            required_slots: vec!["M1".into()],
            gate_a: Gate::Block,
            gate_b: Gate::Warn,
            expert_rule: ExpertRule::Lead,
            departments: vec!["fgw".into()],
            sample_permille: 200,
            finding_threshold: 1,
            freeze_after_days: 10,
            limits: Limits::default(),
            calendar: Arc::default(),
        }
    }

    #[test]
    fn a_freeze_falls_due_at_the_end_of_the_day_in_shanghai() {
        let due = policy().freeze_due(datetime!(2026-03-01 17:00 UTC));
        assert_eq!(due, datetime!(2026-03-12 16:00 UTC));
    }

    #[test]
    fn zero_days_are_due_at_once() {
        let policy = Policy { freeze_after_days: 0, ..policy() };
        assert_eq!(policy.freeze_due(datetime!(2026-03-01 17:00 UTC)), datetime!(2026-03-01 17:00 UTC));
    }

    #[test]
    fn an_unknown_slot_an_empty_sample_and_no_department_are_refused() {
        assert!(policy().check().is_ok());
        let slots = Policy { required_slots: vec!["M10".into()], ..policy() };
        assert_eq!(slots.check(), Err(PolicyProblem { field: "required_slots" }));
        let sample = Policy { sample_permille: 0, ..policy() };
        assert_eq!(sample.check(), Err(PolicyProblem { field: "sample_permille" }));
        let departments = Policy { departments: vec![], ..policy() };
        assert_eq!(departments.check(), Err(PolicyProblem { field: "departments" }));
    }

    #[test]
    fn a_quorum_never_exceeds_the_panel() {
        assert_eq!(ExpertRule::NOfM { needed: 5 }.needed(3), 3);
        assert_eq!(ExpertRule::All.needed(3), 3);
        assert_eq!(ExpertRule::Lead.needed(3), 1);
    }
}
