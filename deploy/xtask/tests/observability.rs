//! Alerts and dashboards: they are right, and what is wrong is named.
use serde_json::json;
use xtask::{
    checkout::Checkout,
    observability::{Exported, alert_faults, check, exported, query_faults},
};

fn exported_here() -> Exported {
    let checkout = Checkout::find().expect("a test runs in its checkout");
    exported(checkout.root()).expect("its sources can be read")
}

#[test]
fn what_is_committed_is_right() {
    assert_eq!(check(Checkout::find().unwrap().root()).unwrap(), Vec::<String>::new());
}

#[test]
fn metrics_and_their_labels_are_read_from_the_sources() {
    let exported = exported_here();
    let labels: Vec<_> = exported["rpc_server_requests_total"].iter().map(String::as_str).collect();
    assert_eq!(labels, ["code", "method"]);
    assert!(exported["outbox_lag_seconds"].is_empty() && exported.len() > 10);
}

#[test]
fn metrics_and_labels_that_nobody_exports_are_named() {
    let exported = exported_here();
    let faults = |query: &str| query_faults(query, &exported);
    assert!(faults("sum by (job) (rate(http_requests_total{status=~\"5..\"}[5m])) > 0.5").is_empty());
    assert_eq!(faults("rate(http_request_total[5m]) > 0"), ["no service exports http_request_total"]);
    assert_eq!(faults("sum by (root) (http_requests_total)"), ["its metrics have no label root"]);
    assert_eq!(faults("http_requests_total{code=\"x\"}"), ["its metrics have no label code"]);
    assert_eq!(faults("1 > 0"), ["names no metric"]);
}

#[test]
fn an_alert_without_a_section_and_a_section_without_an_alert_are_named() {
    let alerts = json!({ "groups": [{ "rules": [{ "alert": "Odd", "expr": "up == 0", "labels": { "severity": "page" },
                                                  "annotations": { "runbook": "runbook.md#odd" } }] }] });
    let said = alert_faults(&alerts, "## Other\n", &Exported::new());
    assert_eq!(
        said,
        ["alert Odd: the runbook has no section of its name", "runbook: no alert is called Other"]
    );
    assert!(alert_faults(&alerts, "## Odd\n", &Exported::new()).is_empty());
}
