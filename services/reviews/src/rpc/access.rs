//! Who may call what: one row for each method; a method without a row is refused. Scope and relation are the domain's.

use chassis::rpc::{
    Access,
    Who::{self, Person, Service, StepUp},
};

const OPERATOR: &[Who] = &[Person("operator")];
const COUNTY: &[Who] = &[Person("county")];
const ADMINISTRATOR: &[Who] = &[Person("administrator")];
const EXPERT: &[Who] = &[Person("expert")];
const ORDERS: &[Who] = &[Person("city"), Person("administrator"), Person("expert"), Person("province")];
// Who decides has shown a second factor in the last five minutes, where one is enrolled. Source: reliability section 11.
const COUNTY_DECIDES: &[Who] = &[StepUp("county")];
const CITY_DECIDES: &[Who] = &[StepUp("city")];
const AUTHORITIES_DECIDE: &[Who] = &[StepUp("county"), StepUp("city")];
const ADMINISTRATOR_DECIDES: &[Who] = &[StepUp("administrator")];
const JOINT_DECIDES: &[Who] = &[StepUp("expert"), StepUp("province")];
const PROVINCE_DECIDES: &[Who] = &[StepUp("province")];
/// Everybody with a part in the review; system, security and audit administrators have none.
const REVIEW: &[Who] = &[
    Person("operator"),
    Person("county"),
    Person("city"),
    Person("administrator"),
    Person("expert"),
    Person("province"),
];

const OFFICIALS: &[Who] =
    &[Person("county"), Person("city"), Person("administrator"), Person("expert"), Person("province")];
const ABOVE: &[Who] = &[Person("county"), Person("city"), Person("administrator"), Person("province")];

/// The table.
#[rustfmt::skip]
pub const ACCESS: &[Access] = &[
    Access { method: "/yuchong.reviews.v1.Rounds/CreateRound", who: ADMINISTRATOR },
    Access { method: "/yuchong.reviews.v1.Rounds/ListRounds", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Rounds/GetRound", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/CreateApplication", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/SaveAcceptance", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/SubmitAcceptance", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/Withdraw", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/Pass", who: AUTHORITIES_DECIDE },
    Access { method: "/yuchong.reviews.v1.Applications/Return", who: AUTHORITIES_DECIDE },
    Access { method: "/yuchong.reviews.v1.Applications/RecordPaperCheck", who: COUNTY },
    Access { method: "/yuchong.reviews.v1.Applications/RevokePass", who: COUNTY_DECIDES },
    Access { method: "/yuchong.reviews.v1.Applications/SubmitMaterials", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/TakeBack", who: CITY_DECIDES },
    Access { method: "/yuchong.reviews.v1.Applications/SubmitSupplement", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/Delete", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/Terminate", who: OPERATOR },
    Access { method: "/yuchong.reviews.v1.Applications/GetApplication", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/ListApplications", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/CountApplications", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/ListAndCount", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/CountByPlace", who: OFFICIALS },
    Access { method: "/yuchong.reviews.v1.Applications/GetHistory", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/ListSubmissions", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/GetSubmission", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Applications/CountDecided", who: OFFICIALS },
    Access { method: "/yuchong.reviews.v1.Applications/AllowedActions", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.JointReview/LaunchJointReview", who: ADMINISTRATOR_DECIDES },
    Access { method: "/yuchong.reviews.v1.JointReview/DeclareInterest", who: EXPERT },
    Access { method: "/yuchong.reviews.v1.JointReview/RecordOpinion", who: JOINT_DECIDES },
    Access { method: "/yuchong.reviews.v1.JointReview/PassMember", who: JOINT_DECIDES },
    Access { method: "/yuchong.reviews.v1.JointReview/ReturnMember", who: JOINT_DECIDES },
    Access { method: "/yuchong.reviews.v1.JointReview/CarryOver", who: ADMINISTRATOR_DECIDES },
    Access { method: "/yuchong.reviews.v1.JointReview/FreezeOrder", who: ADMINISTRATOR_DECIDES },
    Access { method: "/yuchong.reviews.v1.JointReview/WidenSample", who: PROVINCE_DECIDES },
    Access { method: "/yuchong.reviews.v1.JointReview/GetWorkOrder", who: ORDERS },
    Access { method: "/yuchong.reviews.v1.JointReview/ListWorkOrders", who: ORDERS },
    Access { method: "/yuchong.reviews.v1.JointReview/GetSample", who: ORDERS },
    Access { method: "/yuchong.reviews.v1.Deadlines/ExtendDeadline", who: OFFICIALS },
    Access { method: "/yuchong.reviews.v1.Deadlines/Remind", who: ABOVE },
    Access { method: "/yuchong.reviews.v1.Deadlines/Reassign", who: OFFICIALS },
    Access { method: "/yuchong.reviews.v1.Deadlines/CountWorkingDays", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Deadlines/GetCalendar", who: REVIEW },
    Access { method: "/yuchong.reviews.v1.Facts/GetApplicationFacts", who: &[Service("documents"), Service("stations"), Service("notifications")] },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;

    use super::*;

    #[test]
    fn each_method_of_the_contract_has_one_row_and_no_row_is_left_over() {
        let contracts =
            prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).expect("the build script wrote it");
        let mut expected = BTreeSet::new();
        for file in contracts.file.iter().filter(|file| file.package() == "yuchong.reviews.v1") {
            for service in &file.service {
                for method in &service.method {
                    expected.insert(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
                }
            }
        }
        let rows: Vec<_> = ACCESS.iter().map(|row| row.method.to_owned()).collect();
        assert_eq!(rows.len(), expected.len());
        assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn whatever_an_official_decides_needs_a_fresh_second_factor() {
        let fresh = |row: &&Access| row.who.iter().any(|who| matches!(who, StepUp(_)));
        let name = |row: &Access| row.method.rsplit('/').next().unwrap_or_default();
        let mut decided: Vec<_> = ACCESS.iter().filter(fresh).map(name).collect();
        decided.sort_unstable();
        assert_eq!(
            decided,
            [
                "CarryOver",
                "FreezeOrder",
                "LaunchJointReview",
                "Pass",
                "PassMember",
                "RecordOpinion",
                "Return",
                "ReturnMember",
                "RevokePass",
                "TakeBack",
                "WidenSample",
            ]
        );
    }
}
