//! Which way each of the thirty applications goes, and where a few of them are left for people to go on with.
//!
//! Owns: the plan, as data; the same every time. Not: walking it (`acceptance`, `materials`, `joint`).

/// Something that does not go straight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detour {
    /// Submits before its station is connected; gate A refuses.
    GateFirst,
    /// Deletes its first draft and applies again (G5).
    DeleteDraft,
    /// Withdraws from the county and submits again (T03).
    WithdrawAcceptance,
    /// The county returns it (T05).
    CountyReturn,
    /// Papers are missing at the first check (T07).
    PapersMissing,
    /// The county takes its pass back (T08).
    CountyRevoke,
    /// Terminates once it has passed the county, and applies again (T25).
    Terminate,
    /// Withdraws from the city and submits again (T10).
    WithdrawMaterials,
    /// The city returns it (T12, G9).
    CityReturn,
    /// The city takes its pass back (T13).
    TakeBack,
    /// One person with both posts passes at the county and is refused at the city (invariant 5).
    FourEyes,
    /// The experts ask for a supplement (T17, G11).
    Supplement,
    /// Does not answer the experts in time and is carried over to the next batch (T19).
    CarryOver,
}

/// How far it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    /// Left for the county to decide.
    CountyReview,
    /// Left for the county's paper check.
    PaperCheck,
    /// Left for the operator to upload materials.
    MaterialsDue,
    /// Left for the city.
    CityReview,
    /// Left for the administrator to launch.
    AwaitingJointReview,
    /// Left for the experts.
    ExpertReview,
    /// Passed by the experts, in an order that cannot be frozen yet.
    AwaitingProvince,
    /// Left for the departments.
    ProvincialReview,
    /// 审核通过.
    Approved,
}

/// One application's way.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// In this order.
    pub detours: &'static [Detour],
    /// Where it ends.
    pub goal: Goal,
}

impl Way {
    /// Whether a detour is part of it.
    pub fn takes(&self, detour: Detour) -> bool {
        self.detours.contains(&detour)
    }
}

/// Cities of the first launch.
pub const FIRST_BATCH: &[&str] = &["410100", "410300", "410700", "411300"];
/// Cities of the second launch: 郑州 again for what was carried over, 新乡 again for what the province sent back to it.
pub const SECOND_BATCH: &[&str] = &["410100", "410200", "410700", "411000", "411400", "419001"];
/// The order of the first batch in which the province finds a defect of the material (G12).
pub const MATERIAL_FINDING: &str = "410100";
/// … of the experts' work; its sample is then widened (T24).
pub const EXPERT_FINDING: &str = "410300";
/// … of the city's work.
pub const CITY_FINDING: &str = "410700";

use Detour::{
    CarryOver, CityReturn, CountyReturn, CountyRevoke, DeleteDraft, FourEyes, GateFirst, PapersMissing,
    Supplement, TakeBack, Terminate, WithdrawAcceptance, WithdrawMaterials,
};

/// The way of the n-th station of the sample, from 0.
pub const fn way(station: usize) -> Way {
    match station {
        1 | 14 => through(&[CountyReturn]),
        2 | 18 => through(&[PapersMissing]),
        3 => through(&[WithdrawAcceptance]),
        4 | 20 => through(&[CityReturn]),
        5 => through(&[DeleteDraft]),
        6 | 11 => through(&[Supplement]),
        8 => through(&[GateFirst]),
        9 => through(&[CountyReturn, CityReturn]),
        10 => through(&[CountyRevoke]),
        12 => left(&[], Goal::MaterialsDue),
        15 => through(&[WithdrawMaterials]),
        16 => left(&[], Goal::CountyReview),
        19 => through(&[Supplement, WithdrawAcceptance]),
        21 => left(&[], Goal::PaperCheck),
        22 => through(&[TakeBack]),
        23 => through(&[Terminate]),
        24 => left(&[], Goal::CityReview),
        25 => left(&[Supplement], Goal::AwaitingProvince),
        26 => left(&[], Goal::ExpertReview),
        27 => through(&[CarryOver]),
        28 => left(&[], Goal::AwaitingJointReview),
        29 => left(&[FourEyes], Goal::ProvincialReview),
        _ => through(&[]),
    }
}

const fn through(detours: &'static [Detour]) -> Way {
    Way { detours, goal: Goal::Approved }
}

const fn left(detours: &'static [Detour], goal: Goal) -> Way {
    Way { detours, goal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::samples::Samples;

    #[test]
    fn what_should_be_approved_is_launched_and_what_is_left_is_not_concluded() {
        for (number, station) in Samples::load().unwrap().stations.iter().enumerate() {
            let (way, city) = (way(number), station.city_code.as_str());
            let launched = FIRST_BATCH.contains(&city) || SECOND_BATCH.contains(&city);
            assert!(way.goal != Goal::Approved || launched, "{number}");
            assert!(way.goal != Goal::AwaitingJointReview || !launched, "{number}");
            assert!(
                !way.takes(Detour::CarryOver)
                    || (FIRST_BATCH.contains(&city) && SECOND_BATCH.contains(&city))
            );
        }
        let approved = (0..30).filter(|number| way(*number).goal == Goal::Approved).count();
        assert_eq!(approved, 22);
    }
}
