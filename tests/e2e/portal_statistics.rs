//! What operators report, at the portal: sums for officers within their scope, connectors with their state, and what is lost.
//!
//! Source: ui, section 3; the contracts of `Statistics` and `Search`.
use anyhow::{Context as _, Result};
use proto::stations::OrderItem;
use system_tests::{PASSWORD, System, pages::Browser, premises::record};
use xtask::{
    driver::{clock, stations::connector_ids},
    services::Service,
    trial::Plan,
};

const SUMS: &str = "/supervision/statistics";
const CONNECTORS: &str = "/supervision/statistics/connectors";

/// One finished charge of 12.34 kWh for 15.60 yuan, which ended now.
fn order(connector_id: &str) -> OrderItem {
    let end = clock::now();
    let start = prost_types::Timestamp { seconds: end.seconds - 600, ..end };
    OrderItem {
        order_no: format!("{:024}", 1),
        connector_id: connector_id.to_owned(),
        start_time: Some(start),
        end_time: Some(end),
        energy_wh: 12_340,
        electricity_fen: 1_060,
        service_fen: 500,
        total_fen: 1_560,
        stop_reason: 0,
        source_time: Some(end),
        details: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_see_sums_and_connectors_of_their_scope_and_a_lost_one_never_looks_available() -> Result<()>
{
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    let company = system.company(1, "410105").await?;
    let heard = system.station(&company, "410105").await?.record.context("a record")?;
    let lost = company.actor.register_station(record(system.number(), "410105")).await?;
    let (heard, lost) = (connector_ids(&heard), connector_ids(&lost.record.context("a record")?));
    let receipts = company.machine.push_orders(vec![order(&heard[0])]).await?;
    assert_eq!(receipts[0].accepted, 1, "{receipts:?}");

    for county in ["410105", "410202"] {
        system.county(county).await?;
        let browser = Browser::at(&system)?;
        browser.sign_in(&format!("co_{county}"), PASSWORD).await?;
        let (sums, found) = (browser.get(SUMS).await?, browser.get(CONNECTORS).await?);
        let own = county == "410105";
        assert_eq!(sums.text.contains("12.34") && sums.text.contains("15.60"), own, "{}", sums.words());
        for code in heard.iter().chain(&lost) {
            assert_eq!(found.text.contains(code), own, "{county} {code}: {}", found.words());
        }
        let free = browser.get(&format!("{CONNECTORS}?state=available")).await?;
        assert_eq!(heard.iter().all(|code| free.text.contains(code)), own, "{}", free.words());
        assert!(!lost.iter().any(|code| free.text.contains(code)), "{}", free.words());
    }
    system.official("desk01", "administrator", &["410000"]).await?;
    let office = Browser::at(&system)?;
    office.sign_in("desk01", PASSWORD).await?;
    let by_company = office.get(&format!("{SUMS}?tab=operator&place=410100")).await?;
    assert!(by_company.text.contains(&company.profile.company_name), "{}", by_company.words());
    assert!(office.get(CONNECTORS).await?.text.contains("请选择地市或区县"));
    let wrong = office.get(&format!("{SUMS}?since=2020-01-01&until=2026-01-01")).await?;
    assert!(wrong.status == 200 && wrong.text.contains("role=\"alert\""), "{}", wrong.words());
    for list in [format!("{SUMS}/export?tab=day-operator"), format!("{CONNECTORS}/export?place=410105")] {
        let book = office.get(&list).await?;
        assert!(book.status == 200 && book.headers.contains("spreadsheetml"), "{list}: {}", book.words());
    }

    let operator = Browser::at(&system)?;
    operator.sign_in(company.actor.name(), PASSWORD).await?;
    assert_eq!(operator.get(SUMS).await?.status, 404, "an office's page");
    for page in ["/interconnect", "/interconnect/connectors?state=silent"] {
        let shown = operator.get(page).await?;
        assert!(lost.iter().all(|code| shown.text.contains(code)), "{page}: {}", shown.words());
        assert!(!heard.iter().any(|code| shown.text.contains(code)), "{page}: {}", shown.words());
    }
    system.finish().await
}
