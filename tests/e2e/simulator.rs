//! The operator simulator against the real platform: what it expects of each fault is what is answered, by T/CEC 102 over HTTP and by
//! gRPC, and what it expects to be held is held.
use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use system_tests::{System, seed};
use time::Duration;
use xtask::{
    driver::clock,
    services::Service,
    simulator::{Door, Fault, Ledger, Network, Script, Sending, Simulator, Way, bodies, network},
    trial::Plan,
};

/// One of each kind, each again when the others have been.
const FAULTS: [Fault; 7] = [
    Fault::Duplicate,
    Fault::Retry,
    Fault::Reorder,
    Fault::Clock(AHEAD_SECS),
    Fault::Signature,
    Fault::BigPage(1_000),
    Fault::BigPage(1_001),
];
/// More than any window, from where the day begins too.
const AHEAD_SECS: i64 = 6 * 3_600;
/// The day that is told: so many instants, so far apart, up to now.
const TURNS: i32 = 40;
const STEP: Duration = Duration::minutes(5);

/// An operator's system before the real platform, with everything that it will say.
struct Operator {
    operator_id: String,
    door: Door,
    sendings: Vec<Sending>,
}

async fn operator(system: &System, number: u32, way: Way, seed: u64) -> Result<Operator> {
    let company = system.company(number, "410105").await?;
    let records = network::stations(seed, 3);
    let door = match way {
        Way::Grpc => {
            for record in &records {
                company.actor.register_station(record.clone()).await?;
            }
            Door::Grpc(company.machine.clone())
        }
        Way::Tcec => {
            let issued = system.administrator().await?.approve_link(&company.operator_id).await?;
            let organisation = issued.link.context("a link")?.organisation_code;
            let simulator = Simulator::at(system, &organisation, issued.inbound.context("secrets")?)?;
            for record in &records {
                let info = json!({ "StationInfo": bodies::station_info(record, &organisation) });
                let told = simulator.push("notification_stationInfo", &info).await?;
                ensure!((told.ret, &told.body) == (0, &json!({ "Status": 0 })), "{told:?}");
            }
            Door::Tcec(Arc::new(simulator))
        }
    };
    let begin = clock::instant() - STEP * TURNS;
    let (mut network, mut script) = (Network::of(seed, &records), Script::listed(FAULTS.repeat(3)));
    let reports = (1..=TURNS).map(|turn| network.turn(begin + STEP * turn));
    let deliveries: Vec<_> = reports.flat_map(|report| report.deliveries()).collect();
    let mut sendings: Vec<_> =
        deliveries.into_iter().flat_map(|delivery| script.sendings(delivery)).collect();
    sendings.extend(script.rest());
    ensure!(script.is_over(), "some faults befell nothing");
    Ok(Operator { operator_id: company.operator_id, door, sendings })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulators_faults_are_answered_as_expected_and_what_it_expects_is_held() -> Result<()> {
    let seed = seed(45);
    let system = System::planned(Plan::quick().with(Service::Interconnect)).await?;
    for (number, way) in [(1, Way::Tcec), (2, Way::Grpc)] {
        let operator = operator(&system, number, way, seed).await?;
        let mut ledger = Ledger::default();
        for (place, sending) in operator.sendings.iter().enumerate() {
            let expected = ledger.expect(way, sending);
            let answer = operator.door.send(sending).await?;
            let answer =
                answer.with_context(|| format!("{way:?}, {place}: {:?} is not heard", sending.how))?;
            ensure!(
                expected.agrees(&answer),
                "{way:?}, {place}: {sending:?} was answered {answer:?}, expected was {expected:?}"
            );
        }
        ensure!(!ledger.orders().is_empty(), "nobody left");
        held(&system, &operator.operator_id, &ledger).await?;
    }
    system.finish().await
}

/// Errors: the platform holds something else of an operator than its system knows to have been taken.
async fn held(system: &System, operator_id: &str, ledger: &Ledger) -> Result<()> {
    let pool = system.database(Service::Stations)?;
    let rows: Vec<(String, i64, i16)> = sqlx::query_as(
        "SELECT code, extract(epoch FROM seen_at)::bigint, status FROM connector_state JOIN connectors USING (connector_key)
         WHERE operator_id::text = $1 AND status IS NOT NULL",
    )
    .bind(operator_id)
    .fetch_all(pool)
    .await?;
    let latest: BTreeMap<_, _> =
        rows.into_iter().map(|(code, at, status)| (code, (at, i32::from(status)))).collect();
    ensure!(latest == ledger.latest(), "held is {latest:?}, expected was {:?}", ledger.latest());
    let orders: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT order_no, energy_wh, total_fen FROM charge_orders WHERE operator_id::text = $1",
    )
    .bind(operator_id)
    .fetch_all(pool)
    .await?;
    let orders: BTreeMap<_, _> =
        orders.into_iter().map(|(number, energy_wh, fen)| (number, (energy_wh, fen))).collect();
    ensure!(orders == ledger.orders(), "held is {orders:?}, expected was {:?}", ledger.orders());
    let samples: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM telemetry JOIN connectors USING (connector_key) WHERE operator_id::text = $1",
    )
    .bind(operator_id)
    .fetch_one(pool)
    .await?;
    ensure!(usize::try_from(samples)? == ledger.samples(), "{samples} samples of {}", ledger.samples());
    Ok(())
}
