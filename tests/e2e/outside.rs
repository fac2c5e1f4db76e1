//! An operator's ingest client from outside the platform: it gets a token and delivers, and reaches nothing else.
//!
//! Source: decision record 40.
use anyhow::{Context as _, Result};
use proto::stations::StationRecord;
use system_tests::{PASSWORD, System};
use xtask::{
    driver::{
        Actor, Platform,
        clock::now,
        stations::{all, status},
    },
    ports::Port,
    services::Service,
    trial::Plan,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_client_gets_its_token_and_delivers_from_outside_and_reaches_nothing_else() -> Result<()>
{
    let mut addresses = Vec::new();
    let mut plan = Plan::quick();
    for service in [Service::Accounts, Service::Stations] {
        let address = format!("127.0.0.1:{}", Port::Free.choose()?);
        plan = plan.set(service, "SERVER__OUTSIDE_ADDR", &address);
        addresses.push((service, address));
    }
    let system = System::planned(plan).await?;
    let company = system.company(1, "410105").await?;
    let station = system.station(&company, "410105").await?;
    let record = station.record.context("a record")?;
    let administrator = system.administrator().await?;
    let issued = administrator.issue_client("数据接口", &company.operator_id).await?;

    let mut deployment = system.fleet().deployment().clone();
    for (service, address) in addresses {
        deployment.addresses.get_mut(&service).context("an address")?.inlet = address;
    }
    let outside = Platform::of(&deployment)?;
    let machine = Actor::machine(&outside, issued);
    let receipts = machine.push_status(all(&record, status::IDLE, now())).await?;
    assert_eq!(receipts.iter().map(|receipt| receipt.rejected).sum::<i32>(), 0, "{receipts:?}");

    // Its stations it delivers in batches, like all else; the registry stays within, and a person signs in at the portal.
    let changed = StationRecord { name: "外部更名的充电站".to_owned(), ..record.clone() };
    let receipts = machine.push_stations(&[record.clone(), changed]).await?;
    let outcomes: Vec<_> =
        receipts.iter().flat_map(|one| &one.results).map(|result| result.outcome.as_str()).collect();
    assert_eq!(outcomes, ["duplicate", "accepted"], "{receipts:?}");
    let registered = machine.register_station(record.clone()).await.unwrap_err();
    assert_eq!(registered.reason, "not_permitted");
    let signed_in = outside.try_sign_in(company.actor.name(), PASSWORD).await.unwrap_err();
    assert_eq!(signed_in.reason, "not_permitted");
    system.finish().await
}
