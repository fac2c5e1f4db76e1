//! Every list is a workbook too. What shows a table and is no list is named here with its reason. Source: ui, section 10.

use std::{fs, path::Path};

use axum::http::StatusCode;

use crate::{
    guards::{get, portal},
    samples::{self, Kind},
};

/// Template of a list, and where its workbook is.
const LISTS: [(&str, &str); 24] = [
    ("accounts.html", "/system/accounts/export"),
    ("applications.html", "/subsidy/applications/export"),
    ("audit.html", "/system/audit/export"),
    ("county_subsidies.html", "/supervision/county-subsidies/export"),
    ("divisions.html", "/system/divisions/export"),
    ("dossier.html", "/subsidy/invoices/export"),
    ("connectors.html", "/supervision/statistics/connectors/export"),
    ("defects.html", "/interconnect/defects/export"),
    ("dossiers.html", "/subsidy/dossiers/export"),
    ("interconnect.html", "/interconnect/export"),
    ("links.html", "/system/links/export"),
    ("machines.html", "/system/machines/export"),
    ("members.html", "/account/members/export"),
    ("messages.html", "/messages/export"),
    ("notices.html", "/system/notices/export"),
    ("order.html", "/supervision/subsidies/orders/7/export"),
    ("orders.html", "/supervision/subsidies/export"),
    ("rounds.html", "/system/rounds/export"),
    ("stations.html", "/stations/export"),
    ("statistics.html", "/supervision/statistics/export"),
    ("subscription.html", "/system/subscriptions/7/export"),
    ("subscriptions.html", "/system/subscriptions/export"),
    ("subsidies.html", "/supervision/subsidies/applications/export"),
    ("users.html", "/system/users/export"),
];
/// Template with a table that is no list of its own, and why.
const NO_LISTS: [(&str, &str); 19] = [
    ("account_review.html", "one company: what it entered beside what is valid"),
    ("application.html", "one application, which is printed and packed"),
    ("charge_order.html", "one order with its periods and what it has replaced"),
    ("county_review.html", "one application, which is printed and packed"),
    ("extend.html", "what was just chosen in a list"),
    ("invoice.html", "the stations of one invoice, whose sums are in the workbook of invoices"),
    ("launch.html", "what a launch would take, which is in the list of applications"),
    ("launch_confirm.html", "what a launch would take, which is in the list of applications"),
    ("link.html", "the steps of one test"),
    ("notice.html", "the revisions of one notice, which are rows of the workbook of notices"),
    ("order_member.html", "one application, which is printed and packed"),
    ("password.html", "the last of one's own sign-ins"),
    ("print.html", "one application on paper"),
    ("profile.html", "the last of one's own sign-ins"),
    ("reassign.html", "what was just chosen in a list"),
    ("remind.html", "what was just chosen in a list"),
    ("station.html", "the connectors of one station"),
    ("webhook_delivery.html", "the attempts and receipts of one delivery"),
    ("workbench.html", "the first rows of lists that have workbooks"),
];
/// Lists that are read and not taken along: notices, as everybody sees them.
const READ_ONLY: [&str; 1] = ["notices.rs"];

#[test]
fn what_shows_a_table_is_a_list_with_a_workbook_or_is_said_to_be_none() {
    let named = |name: &str| LISTS.iter().chain(&NO_LISTS).any(|(template, _)| *template == name);
    let tables = samples::all().into_iter().filter(|sample| sample.kind == Kind::Many);
    let mut unnamed: Vec<_> = tables
        .filter(|sample| sample.html.contains("<table class=\"t") && !named(sample.template))
        .map(|sample| sample.template)
        .collect();
    unnamed.dedup();
    assert!(unnamed.is_empty(), "a list without a workbook, or a table without a reason: {unnamed:?}");
}

#[tokio::test]
async fn the_workbook_of_each_list_is_answered() {
    let portal = portal(|_| {});
    for (template, path) in LISTS {
        assert_ne!(get(&portal, path).await.status, StatusCode::NOT_FOUND, "{template}: {path}");
    }
}

#[test]
fn whatever_is_turned_over_page_by_page_leads_to_its_workbook() {
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web"));
    let mut lists = 0;
    for file in fs::read_dir(source).expect("the source") {
        let file = file.expect("a file");
        let text = fs::read_to_string(file.path()).expect("a text");
        let (turned, taken) = (text.matches("filter.pager(&").count(), text.matches(".exported(&").count());
        let name = file.file_name().to_string_lossy().into_owned();
        if !READ_ONLY.contains(&name.as_str()) {
            assert!(taken >= turned, "{name}: {turned} lists, {taken} workbooks");
            lists += turned;
        }
    }
    assert!(lists > 10, "{lists} lists");
}
