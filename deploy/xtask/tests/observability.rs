//! Alerts and dashboards: they are right, and what is wrong is named.
use serde_json::json;
use xtask::{
    checkout::Checkout,
    observability::{Exported, alert_faults, check, dashboard_faults, exported, query_faults},
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

#[test]
fn everything_that_is_measured_of_webhooks_is_shown() {
    let folder = Checkout::find().expect("a test runs in its checkout").root().join("deploy/observability");
    let dashboard = std::fs::read_to_string(folder.join("dashboard.json")).expect("the dashboard");
    let measured: Vec<_> = exported_here().into_keys().filter(|name| name.starts_with("webhook_")).collect();
    assert!(measured.len() > 5, "{measured:?}");
    for metric in measured {
        assert!(dashboard.contains(&metric), "{metric} is on no panel");
    }
}

#[test]
fn nobody_is_turned_away_without_an_alert() {
    let folder = Checkout::find().expect("a test runs in its checkout").root().join("deploy/observability");
    let alerts = std::fs::read_to_string(folder.join("alerts.yaml")).expect("the alerts");
    let counted: Vec<_> =
        exported_here().into_keys().filter(|name| name.ends_with("_turned_away_total")).collect();
    assert_eq!(counted, ["rpc_turned_away_total", "tcec_turned_away_total"]);
    for metric in counted {
        assert!(alerts.contains(&metric), "{metric} has no alert");
    }
}

#[test]
fn a_panel_that_shows_nothing_is_named() {
    let panel = |query: &str| json!({ "panels": [{ "title": "Items", "targets": [{ "expr": query }] }] });
    let exported = exported_here();
    assert_eq!(dashboard_faults(&panel("rate(ingest_items_total[5m])"), &exported), Vec::<String>::new());
    let said = dashboard_faults(&panel("sum by (colour) (ingest_items_total)"), &exported);
    assert_eq!(said, ["\"Items\": its metrics have no label colour"]);
    assert_eq!(dashboard_faults(&json!({ "panels": [] }), &exported), ["has no panel"]);
}
