//! Who may call what. A method without a row is refused for everybody; the test below keeps the table complete.

use chassis::rpc::{Access, Open, Who};

const OPERATOR_USERS: &[Who] = &[Who::Person("operator"), Who::Person("operator_applicant")];
/// A company that is not approved has no members but its first user.
const OPERATOR: &[Who] = &[Who::Person("operator")];
const ADMINISTRATOR: &[Who] = &[Who::Person("administrator")];
/// What an administrator decides.
const DECIDING: &[Who] = &[Who::StepUp("administrator")];
/// Who makes people what they are.
const OFFICIALS_OFFICE: &[Who] = &[Who::StepUp("administrator"), Who::StepUp("security_administrator")];
const SECURITY: &[Who] = &[Who::StepUp("security_administrator")];
const TECHNICAL: &[Who] = &[Who::Person("system_administrator")];
/// Who lets tries at a password begin anew.
const UNLOCKING: &[Who] = &[Who::StepUp("system_administrator")];
const CLIENTS_OFFICE: &[Who] = &[Who::Person("administrator"), Who::Person("system_administrator")];
/// Who gives roles to programs.
const CLIENTS_MAKERS: &[Who] = &[Who::StepUp("administrator"), Who::StepUp("system_administrator")];
const READERS_OF_USERS: &[Who] = &[
    Who::Person("administrator"),
    Who::Person("security_administrator"),
    Who::Person("system_administrator"),
    Who::Person("audit_administrator"),
];
/// What each of them reads is the domain's to say.
const READERS_OF_THE_LOG: &[Who] = &[
    Who::Person("administrator"),
    Who::Person("security_administrator"),
    Who::Person("audit_administrator"),
];
/// Those who have an office with others in it.
const REVIEWERS: &[Who] =
    &[Who::Person("county"), Who::Person("city"), Who::Person("administrator"), Who::Person("province")];
/// Nothing leaves in bulk without it: only what was begun so is recorded, and only what is recorded is handed out.
const EXPORTING: &[Who] = &[Who::StepUp("*")];
const PEOPLE: &[Who] = &[Who::Person("*")];
const ANYONE: &[Who] = &[Who::Anyone];
const SERVICES: &[Who] = &[Who::Service("*")];

const fn row(method: &'static str, who: &'static [Who]) -> Access {
    Access { method, who }
}

/// The table. Source: workflow, Accounts; reliability sections 10 and 11.
pub const ACCESS: &[Access] = &[
    row("/yuchong.accounts.v1.Registration/Register", ANYONE),
    row("/yuchong.accounts.v1.Registration/Resubmit", OPERATOR_USERS),
    row("/yuchong.accounts.v1.Registration/ChangeProfile", OPERATOR_USERS),
    row("/yuchong.accounts.v1.Registration/GetOwnProfile", OPERATOR_USERS),
    row("/yuchong.accounts.v1.AccountReview/ListOperators", ADMINISTRATOR),
    row("/yuchong.accounts.v1.AccountReview/CountOperators", ADMINISTRATOR),
    row("/yuchong.accounts.v1.AccountReview/GetOperator", ADMINISTRATOR),
    row("/yuchong.accounts.v1.AccountReview/Approve", DECIDING),
    row("/yuchong.accounts.v1.AccountReview/Return", DECIDING),
    row("/yuchong.accounts.v1.AccountReview/Suspend", DECIDING),
    row("/yuchong.accounts.v1.AccountReview/Reinstate", DECIDING),
    row("/yuchong.accounts.v1.Sessions/SignIn", ANYONE),
    row("/yuchong.accounts.v1.Sessions/CompleteSignIn", ANYONE),
    row("/yuchong.accounts.v1.Sessions/OfferSecondFactor", ANYONE),
    row("/yuchong.accounts.v1.Sessions/EnrolSecondFactor", ANYONE),
    row("/yuchong.accounts.v1.Sessions/RemoveSecondFactor", ANYONE),
    row("/yuchong.accounts.v1.Sessions/StepUp", ANYONE),
    row("/yuchong.accounts.v1.Sessions/SignOut", ANYONE),
    row("/yuchong.accounts.v1.Sessions/IssueCallerToken", ANYONE),
    row("/yuchong.accounts.v1.Sessions/ChangePassword", ANYONE),
    row("/yuchong.accounts.v1.Sessions/RequestReset", ANYONE),
    row("/yuchong.accounts.v1.Sessions/RequestCode", ANYONE),
    row("/yuchong.accounts.v1.Sessions/Activate", ANYONE),
    row("/yuchong.accounts.v1.Sessions/GetSession", ANYONE),
    row("/yuchong.accounts.v1.Sessions/GetOwnAccess", ANYONE),
    row("/yuchong.accounts.v1.Sessions/EndOtherSessions", ANYONE),
    row("/yuchong.accounts.v1.Members/ListMembers", OPERATOR),
    row("/yuchong.accounts.v1.Members/AddMember", OPERATOR),
    row("/yuchong.accounts.v1.Members/DeactivateMember", OPERATOR),
    row("/yuchong.accounts.v1.Members/RestoreMember", OPERATOR),
    row("/yuchong.accounts.v1.Members/ReissueMemberPassword", OPERATOR),
    row("/yuchong.accounts.v1.Members/EndMemberSessions", OPERATOR),
    row("/yuchong.accounts.v1.Members/HandOver", OPERATOR),
    row("/yuchong.accounts.v1.AuditLog/ListEntries", READERS_OF_THE_LOG),
    row("/yuchong.accounts.v1.AuditLog/ProveChain", READERS_OF_THE_LOG),
    row("/yuchong.accounts.v1.Users/CreateOfficial", OFFICIALS_OFFICE),
    row("/yuchong.accounts.v1.Users/Deactivate", OFFICIALS_OFFICE),
    row("/yuchong.accounts.v1.Users/ReissuePassword", OFFICIALS_OFFICE),
    row("/yuchong.accounts.v1.Users/Unlock", UNLOCKING),
    row("/yuchong.accounts.v1.Users/EndSessions", TECHNICAL),
    row("/yuchong.accounts.v1.Users/ResetSecondFactor", SECURITY),
    row("/yuchong.accounts.v1.Users/ListUsers", READERS_OF_USERS),
    row("/yuchong.accounts.v1.Users/GetUser", READERS_OF_USERS),
    row("/yuchong.accounts.v1.Users/ListColleagues", REVIEWERS),
    row("/yuchong.accounts.v1.Users/ListJurisdictions", ADMINISTRATOR),
    row("/yuchong.accounts.v1.Machines/IssueClient", CLIENTS_MAKERS),
    row("/yuchong.accounts.v1.Machines/RevokeClient", CLIENTS_OFFICE),
    row("/yuchong.accounts.v1.Machines/ListClients", CLIENTS_OFFICE),
    row("/yuchong.accounts.v1.Machines/IssueMachineToken", ANYONE),
    row("/yuchong.accounts.v1.Machines/IssueLinkToken", &[Who::Service("interconnect")]),
    row("/yuchong.accounts.v1.Exports/BeginExport", EXPORTING),
    row("/yuchong.accounts.v1.Exports/FinishExport", PEOPLE),
    row("/yuchong.accounts.v1.Exports/RecordExport", EXPORTING),
    row("/yuchong.accounts.v1.Directory/GetOperator", SERVICES),
    row("/yuchong.accounts.v1.Directory/GetUser", SERVICES),
    row("/yuchong.accounts.v1.Directory/ListDivisions", SERVICES),
];

/// What operators' systems reach from outside the platform: the token with which they call the ingest.
pub const OUTSIDE: Open = &["/yuchong.accounts.v1.Machines/IssueMachineToken"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;

    use super::*;

    #[test]
    fn every_method_of_the_contract_has_a_row_and_no_row_is_left_over() {
        let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let contract: BTreeSet<String> = set
            .file
            .iter()
            .filter(|file| file.package() == "yuchong.accounts.v1")
            .flat_map(|file| &file.service)
            .flat_map(|service| {
                service
                    .method
                    .iter()
                    .map(|method| format!("/yuchong.accounts.v1.{}/{}", service.name(), method.name()))
            })
            .collect();
        let table: BTreeSet<String> = ACCESS.iter().map(|row| row.method.to_owned()).collect();
        assert_eq!(table, contract);
        assert_eq!(table.len(), ACCESS.len());
    }

    #[test]
    fn deciding_exporting_making_people_what_they_are_and_unlocking_need_a_fresh_second_factor() {
        let fresh = |row: &&Access| row.who.iter().all(|who| matches!(who, Who::StepUp(_)));
        let name = |row: &Access| row.method.rsplit('/').next().unwrap_or_default();
        let mut asked: Vec<_> = ACCESS.iter().filter(fresh).map(name).collect();
        asked.sort_unstable();
        assert_eq!(
            asked,
            [
                "Approve",
                "BeginExport",
                "CreateOfficial",
                "Deactivate",
                "IssueClient",
                "RecordExport",
                "Reinstate",
                "ReissuePassword",
                "ResetSecondFactor",
                "Return",
                "Suspend",
                "Unlock",
            ]
        );
    }
}
