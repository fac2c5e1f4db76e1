//! stations and interconnect are killed while an operator's system delivers; what was acknowledged is there, once.
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use system_tests::{
    System, eventually, premises, seed,
    tcec::{Simulator, local},
    wait::{Dice, PATIENCE},
};
use tokio::time::{Duration, sleep};
use xtask::{services::Service, trial::Plan};

/// Orders that were confirmed, and the last status time that was.
#[derive(Default)]
struct Acknowledged {
    orders: BTreeSet<String>,
    status: Option<(i64, i32)>,
}

/// Delivers one order and one status after the other until told to stop; each is sent again until it is taken.
async fn deliver(
    simulator: Arc<Simulator>,
    gun: String,
    count: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> Acknowledged {
    let mut acknowledged = Acknowledged::default();
    let begin = simulator.now() - 3_000;
    for number in 0..2_500_i64 {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let order_no = format!("{}{number:018}", simulator.organisation);
        let order = json!({
            "StartChargeSeq": order_no, "ConnectorID": gun, "StartTime": local(begin - 600), "EndTime": local(begin),
            "TotalPower": 1.5, "TotalElecMoney": 1, "TotalSeviceMoney": 0.5, "TotalMoney": 1.5, "StopReason": 0,
        });
        let (at, status) = (begin + number, if number % 2 == 0 { 1 } else { 3 });
        let report = json!({ "ConnectorStatusInfo": { "ConnectorID": gun, "Status": status, "UpdateTime": local(at) } });
        if taken(&simulator, "notification_charge_order_info", &order, "ConfirmResult", &stop).await {
            acknowledged.orders.insert(order_no);
        }
        if taken(&simulator, "notification_stationStatus", &report, "Status", &stop).await {
            acknowledged.status = Some((at, status));
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

/// Sends until Ret and the result are 0; `false` when told to stop before.
async fn taken(simulator: &Simulator, method: &str, body: &Value, result: &str, stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Relaxed) {
        match simulator.push(method, body).await {
            Ok(told) if told.ret == 0 && told.body[result] == json!(0) => return true,
            // Nobody listens, no answer, or busy: a good peer comes back.
            Ok(_) | Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_was_acknowledged_survives_kills_of_both_services_once() -> Result<()> {
    let mut dice = Dice::new(seed(106));
    let system = System::planned(Plan::durable().with(Service::Interconnect)).await?;
    let company = system.company(1, "410105").await?;
    let issued = system.administrator().await?.approve_link(&company.operator_id).await?;
    let organisation = issued.link.context("a link")?.organisation_code;
    let simulator = Arc::new(Simulator::at(&system, &organisation, issued.inbound.context("secrets")?)?);
    let record = premises::record(1, "410105");
    company.actor.register_station(record.clone()).await?;
    let gun = record.equipment[0].connectors[0].connector_id.clone();
    let (count, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let sender = tokio::spawn(deliver(simulator, gun, count.clone(), stop.clone()));
    for victim in [Service::Stations, Service::Interconnect, Service::Stations, Service::Interconnect] {
        let before = count.load(Ordering::Relaxed);
        eventually(PATIENCE, "deliveries go on", || async {
            Ok((count.load(Ordering::Relaxed) >= before + 15).then_some(()))
        })
        .await?;
        sleep(Duration::from_micros(dice.below(20_000))).await;
        system.fleet().kill(victim)?;
        system.fleet().start_again(victim).await?;
    }
    let before = count.load(Ordering::Relaxed);
    eventually(PATIENCE, "deliveries go on", || async {
        Ok((count.load(Ordering::Relaxed) >= before + 15).then_some(()))
    })
    .await?;
    stop.store(true, Ordering::Relaxed);
    let acknowledged = sender.await?;

    let pool = system.database(Service::Stations)?;
    let held: Vec<String> = sqlx::query_scalar("SELECT order_no FROM charge_orders").fetch_all(pool).await?;
    let distinct: BTreeSet<String> = held.iter().cloned().collect();
    assert_eq!(distinct.len(), held.len(), "an order is held twice");
    let missing: Vec<_> = acknowledged.orders.difference(&distinct).collect();
    assert!(missing.is_empty(), "acknowledged and not there: {missing:?}");
    assert!(acknowledged.orders.len() >= 75, "{} orders", acknowledged.orders.len());
    let (seen, status): (i64, i16) = sqlx::query_as(
        "SELECT extract(epoch FROM seen_at)::bigint, status FROM connector_state WHERE status IS NOT NULL",
    )
    .fetch_one(pool)
    .await?;
    let (at, said) = acknowledged.status.context("a status was taken")?;
    // One more may have been stored whose answer did not come before the stop.
    assert!(
        seen == at && i32::from(status) == said || seen == at + 1,
        "held {seen} {status}, said {at} {said}"
    );
    system.finish_after_faults().await
}
