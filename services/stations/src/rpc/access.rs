//! Who may call what. Relation and scope are checked in the handlers. Source: reliability section 10.
use chassis::rpc::{Access, Open, Who};

const OWNER: &[Who] = &[Who::Person("operator"), Who::Machine("ingest")];
const READERS: &[Who] = &[
    Who::Person("operator"),
    Who::Person("county"),
    Who::Person("city"),
    Who::Person("administrator"),
    Who::Person("province"),
    Who::Machine("ingest"),
];
/// Who reads what became of an operator's data, one by one.
const QUALITY: &[Who] = &[Who::Person("operator"), Who::Person("administrator"), Who::Machine("ingest")];
/// Who looks at what is reported, for the province and for themselves.
const LOOKERS: &[Who] = &[
    Who::Person("operator"),
    Who::Person("county"),
    Who::Person("city"),
    Who::Person("administrator"),
    Who::Person("province"),
];
const INGEST: &[Who] = &[Who::Machine("ingest")];
const ADMINISTRATOR: &[Who] = &[Who::Person("administrator")];
/// Whose word is believed, and by what: decision 43. Revoking only takes away, and must not wait for a code.
const TRUSTING: &[Who] = &[Who::StepUp("administrator")];
/// The same of one's own link; an operator's people have no second factor.
const TRUSTING_OWNER: &[Who] = &[Who::StepUp("administrator"), Who::Person("operator")];
const LINK_OWNER: &[Who] = &[Who::Person("administrator"), Who::Person("operator")];
const INTERCONNECT: &[Who] = &[Who::Service("interconnect")];
const REVIEWS: &[Who] = &[Who::Service("reviews")];

/// Every method of this service.
pub const ACCESS: &[Access] = &[
    Access { method: "/yuchong.stations.v1.Registry/UpsertStation", who: OWNER },
    Access { method: "/yuchong.stations.v1.Registry/GetStation", who: READERS },
    Access { method: "/yuchong.stations.v1.Registry/ListStations", who: READERS },
    Access { method: "/yuchong.stations.v1.Registry/CountStations", who: READERS },
    Access { method: "/yuchong.stations.v1.Registry/DeactivateStation", who: &[Who::Person("operator")] },
    Access { method: "/yuchong.stations.v1.Registry/ListConnectionFacts", who: READERS },
    Access { method: "/yuchong.stations.v1.Registry/ListQualityItems", who: QUALITY },
    Access { method: "/yuchong.stations.v1.Registry/ListQualityDays", who: LINK_OWNER },
    Access { method: "/yuchong.stations.v1.Registry/GetOrder", who: LINK_OWNER },
    Access { method: "/yuchong.stations.v1.Ingest/PushStations", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/PushStatus", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/PushOrders", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/PushTelemetry", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/SendStations", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/SendStatus", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/SendOrders", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/SendTelemetry", who: INGEST },
    Access { method: "/yuchong.stations.v1.Ingest/CheckOrders", who: INGEST },
    Access { method: "/yuchong.stations.v1.Checks/ListEndedOrders", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Checks/ReportStatistics", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Checks/ReportDisputes", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Checks/ReportListed", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Checks/ReportRefused", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Search/FindConnectors", who: LOOKERS },
    Access { method: "/yuchong.stations.v1.Statistics/ListChargeDays", who: LOOKERS },
    Access { method: "/yuchong.stations.v1.Links/ApproveLink", who: TRUSTING },
    Access { method: "/yuchong.stations.v1.Links/RotateSecrets", who: TRUSTING_OWNER },
    Access { method: "/yuchong.stations.v1.Links/SetPeer", who: TRUSTING_OWNER },
    Access { method: "/yuchong.stations.v1.Links/SetTerms", who: TRUSTING },
    Access { method: "/yuchong.stations.v1.Links/RevokeLink", who: ADMINISTRATOR },
    Access { method: "/yuchong.stations.v1.Links/GetLink", who: LINK_OWNER },
    Access { method: "/yuchong.stations.v1.Links/ListLinks", who: ADMINISTRATOR },
    Access { method: "/yuchong.stations.v1.Links/ResolveLink", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Turns/StartJointTest", who: LINK_OWNER },
    Access { method: "/yuchong.stations.v1.Turns/ListJointTests", who: LINK_OWNER },
    Access { method: "/yuchong.stations.v1.Turns/ListTurns", who: LINK_OWNER },
    Access { method: "/yuchong.stations.v1.Turns/LeaseTurn", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Turns/RenewLease", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Turns/FinishTurn", who: INTERCONNECT },
    Access { method: "/yuchong.stations.v1.Evidence/GetStationRecord", who: REVIEWS },
    Access { method: "/yuchong.stations.v1.Evidence/GetGateEvidence", who: REVIEWS },
    Access { method: "/yuchong.stations.v1.Evidence/ClaimConnectors", who: REVIEWS },
];

/// What operators' systems reach from outside the platform.
pub const OUTSIDE: Open = &["/yuchong.stations.v1.Ingest/"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;

    use super::*;

    #[test]
    fn every_method_of_the_contract_has_a_row_and_no_other() {
        let files = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).expect("compiled");
        let package = "yuchong.stations.v1";
        let contract: BTreeSet<String> = files
            .file
            .iter()
            .filter(|file| file.package() == package)
            .flat_map(|file| &file.service)
            .flat_map(|service| {
                service
                    .method
                    .iter()
                    .map(move |method| format!("/{package}.{}/{}", service.name(), method.name()))
            })
            .collect();
        assert_eq!(ACCESS.iter().map(|row| row.method.to_owned()).collect::<BTreeSet<_>>(), contract);
    }

    #[test]
    fn whatever_moves_trust_or_secrets_of_a_link_needs_a_fresh_second_factor_and_revoking_does_not() {
        let fresh = |row: &&Access| row.who.iter().any(|who| matches!(who, Who::StepUp(_)));
        let name = |row: &Access| row.method.rsplit('/').next().unwrap_or_default();
        let mut moved: Vec<_> = ACCESS.iter().filter(fresh).map(name).collect();
        moved.sort_unstable();
        assert_eq!(moved, ["ApproveLink", "RotateSecrets", "SetPeer", "SetTerms"]);
    }
}
