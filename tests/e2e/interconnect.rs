//! Operators' systems deliver by T/CEC 102: what they say holds at the gates, faults of theirs do no harm.
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    sync::atomic::Ordering,
};

use anyhow::{Context as _, Result, ensure};
use proto::stations::{QualityItem, Station};
use serde_json::{Value, json};
use system_tests::{
    Company, System,
    cases::Stage,
    eventually, premises,
    tcec::{Simulator, local, station_info},
    wait::PATIENCE,
};
use tokio::{io::AsyncWriteExt as _, process::Command};
use xtask::{services::Service, trial::Plan};

const STATUS: &str = "notification_stationStatus";
const ORDER: &str = "notification_charge_order_info";

async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Interconnect)).await
}

/// A company with an approved link, and its system.
async fn linked(system: &System, number: u32) -> Result<(Company, Simulator)> {
    let company = system.company(number, "410105").await?;
    let issued = system.administrator().await?.approve_link(&company.operator_id).await?;
    let organisation = issued.link.context("a link")?.organisation_code;
    let simulator = Simulator::at(system, &organisation, issued.inbound.context("secrets")?)?;
    Ok((company, simulator))
}

fn report(connector: &str, status: i32, at: i64) -> Value {
    json!({ "ConnectorStatusInfo": { "ConnectorID": connector, "Status": status, "UpdateTime": local(at) } })
}

async fn only_station(company: &Company) -> Result<Station> {
    let stations = company.actor.stations().await?;
    ensure!(stations.len() == 1, "{} stations", stations.len());
    let id = stations[0].record.as_ref().context("a record")?.station_id.clone();
    Ok(company.actor.station(&id).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operators_system_reports_opens_gates_a_and_b() -> Result<()> {
    let system = system().await?;
    let (company, simulator) = linked(&system, 1).await?;
    // People enter what the protocol does not carry; the operator's system keeps the rest up to date.
    let record = premises::record(1, "410105");
    company.actor.register_station(record.clone()).await?;
    let mut moved = record.clone();
    moved.name = "花园路示例充电站🚗".into();
    let info = json!({ "StationInfo": station_info(&moved, &simulator.organisation) });
    let told = simulator.push("notification_stationInfo", &info).await?;
    assert_eq!((told.ret, told.body), (0, json!({ "Status": 0 })), "{}", told.msg);
    let station = only_station(&company).await?;
    let held = station.record.as_ref().context("a record")?;
    assert_eq!((held.name.as_str(), held.start_date.as_str()), (moved.name.as_str(), "2024-03-01"));
    assert_eq!((station.connection.as_str(), held.total_power_watts), ("not_connected", 240_000));

    let now = simulator.now();
    for gun in &record.equipment[0].connectors {
        let told = simulator.push(STATUS, &report(&gun.connector_id, 1, now - 5)).await?;
        assert_eq!((told.ret, told.body), (0, json!({ "Status": 0 })), "{}", told.msg);
    }
    assert_eq!(only_station(&company).await?.connection, "connected");
    let station = only_station(&company).await?;
    system.application().of(&company).for_station(&station).at(Stage::CityReview).await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_late_and_forged_messages_do_not_change_the_picture() -> Result<()> {
    let system = system().await?;
    let (company, simulator) = linked(&system, 1).await?;
    let record = premises::record(1, "410105");
    company.actor.register_station(record.clone()).await?;
    let guns: Vec<&str> =
        record.equipment[0].connectors.iter().map(|gun| gun.connector_id.as_str()).collect();
    let now = simulator.now();
    let reports = [(0, 1, 50), (0, 3, 20), (1, 255, 10), (0, 2, 35), (1, 1, 40), (0, 1, 5), (1, 0, 45)];
    let mut latest: BTreeMap<&str, (i64, i32)> = BTreeMap::new();
    for (gun, status, ago) in reports {
        let at = now - ago;
        let envelope = simulator.envelope(&report(guns[gun], status, at));
        let first = simulator.push_envelope(STATUS, &envelope).await?;
        let again = simulator.push_envelope(STATUS, &envelope).await?;
        assert_eq!((first.ret, &first), (0, &again), "a repeated envelope gets an equal answer");
        let known = latest.entry(guns[gun]).or_insert((at, status));
        *known = (*known).max((at, status));
    }
    // A wrong clock, a wrong signature, somebody else's connector.
    let token = simulator.login().await?;
    let mut forged = simulator.envelope(&report(guns[0], 255, now));
    forged["Sig"] = json!("0".repeat(32));
    assert_eq!(simulator.send(STATUS, &forged, Some(&token)).await?.ret, 4001);
    simulator.clock_ahead.store(3_600, Ordering::Relaxed);
    assert_eq!(simulator.push(STATUS, &report(guns[0], 255, now)).await?.ret, 4003);
    simulator.clock_ahead.store(0, Ordering::Relaxed);
    let unknown = simulator.push(STATUS, &report("nobody's", 1, now)).await?;
    assert_eq!((unknown.ret, &unknown.body["Status"]), (0, &json!(1)));
    assert_eq!(
        simulator.send(STATUS, &simulator.envelope(&report(guns[0], 255, now)), None).await?.ret,
        4002
    );

    let station = only_station(&company).await?;
    let shown: BTreeMap<&str, (i64, i32)> = station
        .connectors
        .iter()
        .map(|state| {
            let seen = state.seen_at.as_ref().map_or(0, |at| at.seconds);
            (state.connector_id.as_str(), (seen, state.status))
        })
        .collect();
    assert_eq!(shown, latest);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM status_history")
        .fetch_one(system.database(Service::Stations)?)
        .await?;
    assert_eq!(rows, 7, "one row for each report, however often it came");
    assert!(company.actor.quality_items().await?.iter().any(|item| item.reason == "unknown_connector"));
    eventually(PATIENCE, "the operator sees what was refused at the door", || async {
        let reasons: BTreeSet<String> =
            company.actor.quality_items().await?.into_iter().map(|item| item.reason).collect();
        let refused = ["refused_signature", "refused_clock", "refused_token"];
        Ok(refused.iter().all(|reason| reasons.contains(*reason)).then_some(()))
    })
    .await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_held_once_and_the_answers_are_read_by_an_independent_peer() -> Result<()> {
    let system = system().await?;
    let (company, simulator) = linked(&system, 1).await?;
    let record = premises::record(1, "410105");
    company.actor.register_station(record.clone()).await?;
    let gun = record.equipment[0].connectors[0].connector_id.clone();
    let now = simulator.now();
    let order = json!({
        "StartChargeSeq": format!("{}{:018}", simulator.organisation, 1), "ConnectorID": gun,
        "StartTime": local(now - 3_600), "EndTime": local(now - 60), "TotalPower": 30.25, "TotalElecMoney": 20.10,
        "TotalSeviceMoney": 10.05, "TotalMoney": 30.15, "StopReason": 1,
    });
    let first = simulator.push(ORDER, &order).await?;
    assert_eq!((first.ret, &first.body["ConfirmResult"]), (0, &json!(0)), "{}", first.msg);
    // Sent again a minute later: another envelope, the same order.
    assert_eq!(simulator.push(ORDER, &order).await?, first);
    let sample = json!({
        "StartChargeSeq": "X1", "StartChargeSeqStat": 2, "ConnectorID": gun, "ConnectorStatus": 3, "CurrentA": 100.5,
        "VoltageA": 400, "Soc": 40, "StartTime": local(now - 600), "EndTime": local(now - 30), "TotalPower": 6.1,
    });
    let told = simulator.push("notification_equip_charge_status", &sample).await?;
    assert_eq!((told.ret, &told.body["SuccStat"]), (0, &json!(0)), "{}", told.msg);
    let mut wrong = order.clone();
    wrong["TotalMoney"] = json!(31.15);
    wrong["StartChargeSeq"] = json!("another");
    let told = simulator.push(ORDER, &wrong).await?;
    assert_eq!(told.ret, 4004);
    assert!(told.msg.starts_with("TotalMoney"), "{}", told.msg);

    let check = json!({
        "CheckOrderSeq": "C1", "StartTime": local(now - 86_400), "EndTime": local(now), "OrderCount": 2,
        "TotalOrderPower": 31.25, "TotalOrderMoney": 31.15, "ChargeOrders": [
            { "StartChargeSeq": order["StartChargeSeq"], "TotalPower": 30.25, "TotalMoney": 30.15 },
            { "StartChargeSeq": "never sent", "TotalPower": 1, "TotalMoney": 1 },
        ],
    });
    let told = simulator.push("check_charge_orders", &check).await?;
    assert_eq!((told.ret, &told.body["TotalDisputeOrder"]), (0, &json!(1)), "{told:?}");
    assert_eq!(told.body["DisputeOrders"][0]["DisputeReason"], json!(1));
    let nothing = json!({
        "CheckOrderSeq": "C2", "StartTime": local(now - 86_400), "EndTime": local(now), "OrderCount": 0, "TotalOrderPower": 0,
        "TotalOrderMoney": 0, "ChargeOrders": [],
    });
    let kept = |items: Vec<QualityItem>| -> Vec<String> {
        items.into_iter().filter(|item| item.kind == "order_check").map(|item| item.reason).collect()
    };
    assert_eq!(kept(company.actor.quality_items().await?), [""; 0], "what was listed is not missed");
    assert_eq!(simulator.push("check_charge_orders", &nothing).await?.ret, 0);
    assert_eq!(kept(company.actor.quality_items().await?), ["order_not_listed"]);

    let pool = system.database(Service::Stations)?;
    let held: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT order_no, energy_wh, total_fen FROM charge_orders").fetch_all(pool).await?;
    assert_eq!(
        held,
        [(first.body["StartChargeSeq"].as_str().context("a number")?.to_owned(), 30_250, 3_015)]
    );

    let answers = simulator.answers.lock().await.clone();
    let plain = independently(&simulator, &answers).await?;
    assert_eq!(plain.len(), answers.len());
    let read: Value = serde_json::from_str(plain[1].as_deref().context("a plaintext")?)?;
    assert_eq!(read, first.body);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_link_delivers_nothing_and_new_secrets_serve_beside_the_old_ones() -> Result<()> {
    let system = system().await?;
    let (company, mut simulator) = linked(&system, 1).await?;
    let record = premises::record(1, "410105");
    company.actor.register_station(record.clone()).await?;
    let gun = record.equipment[0].connectors[0].connector_id.clone();
    let administrator = system.administrator().await?;
    let idle = report(&gun, 1, simulator.now());
    assert_eq!(simulator.push(STATUS, &idle).await?.ret, 0);
    administrator.open_link(&company.operator_id, false).await?;
    system_tests::eventually(std::time::Duration::from_secs(20), "the switch takes effect", || async {
        Ok((simulator.push(STATUS, &idle).await?.ret == 4003).then_some(()))
    })
    .await?;
    administrator.open_link(&company.operator_id, true).await?;
    // New secrets; the old ones stay good for a day, and each answer is signed with those that were used.
    let rotated = company.actor.rotate_secrets().await?;
    system_tests::eventually(std::time::Duration::from_secs(20), "the switch takes effect", || async {
        Ok((simulator.push(STATUS, &idle).await?.ret == 0).then_some(()))
    })
    .await?;
    let issued = rotated.inbound.context("secrets")?;
    simulator = Simulator::at(&system, &simulator.organisation, issued)?;
    assert_eq!(simulator.push(STATUS, &report(&gun, 3, simulator.now())).await?.ret, 0);
    system.finish().await
}

/// Has Python decode what the platform answered.
async fn independently(simulator: &Simulator, answers: &[Value]) -> Result<Vec<Option<String>>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/tcec_peer.py");
    let asked = json!({
        "data_secret": simulator.secrets.data_secret, "data_secret_iv": simulator.secrets.data_secret_iv,
        "sig_secret": simulator.secrets.sig_secret, "answers": answers,
    });
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("python3 is not there; the independent peer needs it")?;
    let mut input = python.stdin.take().context("a pipe")?;
    input.write_all(asked.to_string().as_bytes()).await?;
    drop(input);
    let said = python.wait_with_output().await?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Ok(serde_json::from_slice(&said.stdout)?)
}
