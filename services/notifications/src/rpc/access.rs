//! Who may call what. What lies on desks is open to any signed-in person: the answer is that person's desks, or nothing.
//! Notices are written by administrators and read by everybody whom they are for. Webhooks are arranged by administrators; their
//! receivers are known by their signature, not by a token.

use chassis::rpc::{Access, Who};

const PEOPLE: &[Who] = &[Who::Person("*")];
const ADMINISTRATOR: &[Who] = &[Who::Person("administrator")];
const ANYONE: &[Who] = &[Who::Anyone];
const OFFICE: &[Who] = &[Who::Person("administrator"), Who::Person("system_administrator")];
/// Where data goes, and by what it is believed: decision 43. Disabling only takes away, and must not wait for a code.
const TRUSTING: &[Who] = &[Who::StepUp("administrator"), Who::StepUp("system_administrator")];
/// It passes on what outside systems have signed.
const PORTAL: &[Who] = &[Who::Service("portal")];

/// One row per method; a method without a row is refused.
pub const TABLE: &[Access] = &[
    Access { method: "/yuchong.notifications.v1.Worklist/ListTasks", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Worklist/CountTasks", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Worklist/FindNeighbours", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Messages/ListMessages", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Messages/MarkRead", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Live/Watch", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Notices/CreateDraft", who: ADMINISTRATOR },
    Access { method: "/yuchong.notifications.v1.Notices/ChangeDraft", who: ADMINISTRATOR },
    Access { method: "/yuchong.notifications.v1.Notices/Publish", who: ADMINISTRATOR },
    Access { method: "/yuchong.notifications.v1.Notices/Withdraw", who: ADMINISTRATOR },
    Access { method: "/yuchong.notifications.v1.Notices/ListNotices", who: ADMINISTRATOR },
    Access { method: "/yuchong.notifications.v1.Notices/GetNotice", who: ADMINISTRATOR },
    Access { method: "/yuchong.notifications.v1.Notices/ListPublished", who: ANYONE },
    Access { method: "/yuchong.notifications.v1.Notices/GetPublished", who: ANYONE },
    Access { method: "/yuchong.notifications.v1.Receipts/ReportReceipt", who: PORTAL },
    Access { method: "/yuchong.notifications.v1.Webhooks/ListEventTypes", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/CreateSubscription", who: TRUSTING },
    Access { method: "/yuchong.notifications.v1.Webhooks/RotateSecret", who: TRUSTING },
    Access { method: "/yuchong.notifications.v1.Webhooks/DisableSubscription", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/EnableSubscription", who: TRUSTING },
    Access { method: "/yuchong.notifications.v1.Webhooks/ListSubscriptions", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/GetSubscription", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/SendTest", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/ListDeliveries", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/GetDelivery", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/ResendDelivery", who: OFFICE },
    Access { method: "/yuchong.notifications.v1.Webhooks/ResendSpan", who: OFFICE },
];

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_method_of_the_contract_has_a_row_and_no_row_is_idle() {
        let contracts = FileDescriptorSet::decode(proto::DESCRIPTORS).expect("compiled in");
        let mut methods = Vec::new();
        for file in contracts.file.iter().filter(|file| file.package() == "yuchong.notifications.v1") {
            for service in &file.service {
                let path = |method: &str| format!("/{}.{}/{method}", file.package(), service.name());
                methods.extend(service.method.iter().map(|method| path(method.name())));
            }
        }
        let mut rows: Vec<&str> = TABLE.iter().map(|row| row.method).collect();
        methods.sort();
        rows.sort_unstable();
        assert_eq!(methods, rows);
    }

    #[test]
    fn whatever_makes_a_receiver_or_a_secret_needs_a_fresh_second_factor_and_disabling_does_not() {
        let fresh = |row: &&Access| row.who.iter().any(|who| matches!(who, Who::StepUp(_)));
        let name = |row: &Access| row.method.rsplit('/').next().unwrap_or_default();
        let mut made: Vec<_> = TABLE.iter().filter(fresh).map(name).collect();
        made.sort_unstable();
        assert_eq!(made, ["CreateSubscription", "EnableSubscription", "RotateSecret"]);
    }
}
