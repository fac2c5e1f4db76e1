//! The platform pulls from an operator's own server, and tests a link with it: over real HTTP, with faults.
use std::{collections::BTreeSet, process::Stdio, time::Duration};

use anyhow::{Context as _, Result};
use proto::stations::{JointTest, StationRecord, Turn};
use serde_json::json;
use system_tests::{
    Company, System, eventually,
    operator::{Fault, Habits, OperatorServer, Order},
    premises,
    tcec::{Simulator, local, station_info},
    wait::PATIENCE,
};
use tokio::process::{Child, Command};
use xtask::{services::Service, trial::Plan};

pub(crate) async fn system() -> Result<System> {
    let plan = Plan::quick().with(Service::Interconnect);
    let plan = plan.set(Service::Stations, "LINKS__PRIVATE_ADDRESSES", true);
    System::planned(plan.set(Service::Interconnect, "CLIENT__IDLE_MILLIS", 100)).await
}

/// A company with an approved link, its system that pushes, and its server with so many stations.
pub(crate) async fn linked(system: &System, stations: u32) -> Result<(Company, Simulator, OperatorServer)> {
    let company = system.company(1, "410105").await?;
    let issued = system.administrator().await?.approve_link(&company.operator_id).await?;
    let organisation = issued.link.context("a link")?.organisation_code;
    let simulator = Simulator::at(system, &organisation, issued.inbound.context("secrets")?)?;
    let records: Vec<StationRecord> =
        (1..=stations).map(|number| premises::record(number, "410105")).collect();
    let server = OperatorServer::start(&organisation, records).await?;
    Ok((company, simulator, server))
}

pub(crate) async fn turn(company: &Company, kind: &str) -> Result<Turn> {
    let turns = company.actor.turns("").await?;
    turns.into_iter().find(|turn| turn.kind == kind).context("a turn of the kind")
}

/// Makes a pull due now.
pub(crate) async fn due(system: &System, kind: &str) -> Result<()> {
    sqlx::query("UPDATE link_turns SET due_at = now() WHERE kind = $1")
        .bind(kind)
        .execute(system.database(Service::Stations)?)
        .await?;
    Ok(())
}

pub(crate) async fn count(system: &System, sql: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(sql).fetch_one(system.database(Service::Stations)?).await?)
}

async fn tested(system: &System, company: &Company) -> Result<JointTest> {
    // The rest after the one before is over.
    sqlx::query("UPDATE joint_tests SET finished_at = finished_at - interval '1 hour'")
        .execute(system.database(Service::Stations)?)
        .await?;
    company.actor.start_joint_test().await?;
    eventually(PATIENCE, "the joint test ends", || async {
        let tests = company.actor.joint_tests("").await?;
        Ok(tests.into_iter().next().filter(|test| test.finished_at.is_some()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn stations_of_several_pages_arrive_once_with_their_status_though_tokens_end_between() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = linked(&system, 45).await?;
    server.state().habits = Habits { repeats: true, shuffles: true, token_calls: 2, ..Habits::default() };
    server.state().statuses.insert("0000000701".into(), 255);
    company.actor.set_peer(&server.base_url, server.secrets.clone()).await?;
    eventually(PATIENCE, "the stations are pulled", || async {
        Ok(turn(&company, "stations").await?.last_success_at.map(|_| ()))
    })
    .await?;
    let pulled = turn(&company, "stations").await?;
    assert_eq!((pulled.taken, pulled.rejected, pulled.failures), (45, 0, 0));
    assert_eq!(count(&system, "SELECT count(*) FROM stations").await?, 45);
    assert_eq!(count(&system, "SELECT count(*) FROM station_revisions").await?, 45, "each was written once");
    {
        let state = server.state();
        assert_eq!(state.reused, 0, "a TimeStamp and Seq came twice");
        let logins = state.called("query_token");
        assert!(logins >= 2, "{logins} tokens for {} calls", state.calls.len());
    }
    // The status may have been asked for before there were stations.
    due(&system, "status").await?;
    eventually(PATIENCE, "every connector has a status", || async {
        let known = count(&system, "SELECT count(*) FROM connector_state WHERE status IS NOT NULL").await?;
        Ok((known == 90).then_some(()))
    })
    .await?;
    let faulty = "SELECT count(*) FROM connector_state JOIN connectors USING (connector_key) \
                  WHERE status = 255 AND code = '0000000701'";
    assert_eq!(count(&system, faulty).await?, 1);
    // The next pull asks for what changed only: nothing.
    due(&system, "stations").await?;
    eventually(PATIENCE, "the next pull is complete", || async {
        Ok((turn(&company, "stations").await?.taken == 0).then_some(()))
    })
    .await?;
    assert_eq!(count(&system, "SELECT count(*) FROM station_revisions").await?, 45);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_operators_server_is_shown_kept_away_from_and_recovered_from() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = linked(&system, 3).await?;
    let faults = [Fault::Broken, Fault::Forged, Fault::Busy, Fault::Html];
    server.state().faults = faults.map(|fault| ("query_stations_info", fault)).into();
    company.actor.set_peer(&server.base_url, server.secrets.clone()).await?;
    let reasons = ["http_status", "answer_signature", "answer_refused", "answer_no_envelope"];
    for (failures, reason) in (1..).zip(reasons) {
        let failed = eventually(PATIENCE, "the fault is shown", || async {
            let turn = turn(&company, "stations").await?;
            Ok((turn.failures == failures).then_some(turn))
        })
        .await?;
        assert_eq!(failed.reason, reason);
        assert!(!failed.found.is_empty() && failed.last_success_at.is_none());
        let seconds = |at: Option<prost_types::Timestamp>| at.map_or(0, |at| at.seconds);
        let away = seconds(failed.due_at) - seconds(failed.last_failure_at);
        let plain = 30 * 2_i64.pow(u32::try_from(failures)? - 1);
        assert!(
            (plain * 4 / 5 - 1..=plain * 6 / 5 + 1).contains(&away),
            "{away} s after {failures} failures"
        );
        assert_eq!(count(&system, "SELECT count(*) FROM stations").await?, 0);
        due(&system, "stations").await?;
    }
    let healed = eventually(PATIENCE, "the stations are pulled", || async {
        let turn = turn(&company, "stations").await?;
        Ok((turn.taken == 3).then_some(turn))
    })
    .await?;
    assert_eq!(
        (healed.failures, healed.reason.as_str()),
        (0, reasons[3]),
        "the last failure stays to be read"
    );
    assert_eq!(server.state().called("query_stations_info"), 5, "nobody called while it was kept away from");
    system.finish().await
}

/// One more process of interconnect beside that of the platform; it ends when dropped.
pub(crate) fn second(system: &System) -> Result<Child> {
    let (deployment, service) = (system.fleet().deployment(), Service::Interconnect);
    let own = ["SERVER__HTTP_ADDR", "SERVER__ADMIN_ADDR"].map(|key| (service.variable(key), "127.0.0.1:0"));
    let child = Command::new(deployment.program(service))
        .arg("serve")
        .envs(deployment.environment(service)?)
        .envs(own)
        .current_dir(deployment.folder_of(service)?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_do_not_bring_what_they_announce_are_no_complete_pull() -> Result<()> {
    let system = system().await?;
    let (company, _, server) = linked(&system, 45).await?;
    server.state().habits.stays_on_page_one = true;
    company.actor.set_peer(&server.base_url, server.secrets.clone()).await?;
    let failed = eventually(PATIENCE, "the pull ends", || async {
        let turn = turn(&company, "stations").await?;
        Ok((turn.failures > 0 || turn.last_success_at.is_some()).then_some(turn))
    })
    .await?;
    assert_eq!((failed.reason.as_str(), failed.last_success_at), ("answer_incomplete", None));
    server.state().habits.stays_on_page_one = false;
    due(&system, "stations").await?;
    eventually(PATIENCE, "all stations are there", || async {
        Ok((count(&system, "SELECT count(*) FROM stations").await? == 45).then_some(()))
    })
    .await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_call_an_operators_server_one_at_a_time_and_each_turn_once() -> Result<()> {
    let system = system().await?;
    let mut other = second(&system)?;
    let (company, _, server) = linked(&system, 2).await?;
    company.actor.set_peer(&server.base_url, server.secrets.clone()).await?;
    let mut rounds = 0;
    // Which of the two takes a turn is chance; after so many both have.
    while rounds < 20 || server.state().called("query_token") < 2 && rounds < 200 {
        if rounds > 0 {
            due(&system, "stations").await?;
        }
        rounds += 1;
        let round = rounds;
        server.state().faults.push_back(("query_stations_info", Fault::Slow(Duration::from_millis(50))));
        eventually(PATIENCE, "the round's pull is complete", || async {
            let done = server.state().called("query_stations_info") >= round;
            let free = count(&system, "SELECT count(*) FROM links WHERE lease_id IS NOT NULL").await? == 0;
            let waits = "SELECT count(*) FROM link_turns WHERE kind = 'stations' AND due_at <= now()";
            Ok((done && free && count(&system, waits).await? == 0).then_some(()))
        })
        .await?;
    }
    assert!(other.try_wait()?.is_none(), "the second process ended by itself");
    let (most, pulls, tokens) = {
        let state = server.state();
        (state.most_at_once, state.called("query_stations_info"), state.called("query_token"))
    };
    assert_eq!((most, pulls), (1, rounds), "one call at a time, one pull for each turn");
    assert_eq!(tokens, 2, "both processes took part, each with its own token");
    other.kill().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_tests_its_link_by_itself_and_is_told_each_step_and_the_way_out() -> Result<()> {
    let system = system().await?;
    let (company, simulator, server) = linked(&system, 23).await?;
    // Nothing is delivered yet, and there is no server: the platform's door is sound, the rest says what to do.
    let first = tested(&system, &company).await?;
    let outcome = |test: &JointTest, side: &str, step: &str| {
        let found = test.steps.iter().find(|one| one.side == side && one.step == step);
        found.map(|one| one.outcome.clone()).unwrap_or_default()
    };
    let door: Vec<_> = first.steps.iter().filter(|step| step.side == "platform").collect();
    assert_eq!(door.len(), 11, "{:?}", first.steps);
    for step in door {
        assert_eq!(step.outcome, "passed", "{step:?}");
    }
    assert_eq!(outcome(&first, "operator", "callable"), "skipped");
    assert_eq!(outcome(&first, "received", "received_order"), "failed");
    assert!(!first.passed);
    assert_eq!(
        count(&system, "SELECT count(*) FROM quality_items").await?,
        0,
        "a test leaves no data behind"
    );

    // The operator's system delivers, and its server can be called.
    let record = server.state().stations[0].clone();
    let info = json!({ "StationInfo": station_info(&record, &simulator.organisation) });
    assert_eq!(simulator.push("notification_stationInfo", &info).await?.ret, 0);
    let (gun, now) = (record.equipment[0].connectors[0].connector_id.clone(), simulator.now());
    let order = json!({
        "StartChargeSeq": "O1", "ConnectorID": gun, "StartTime": local(now - 3_600), "EndTime": local(now - 60),
        "TotalPower": 30.25, "TotalElecMoney": 20.10, "TotalSeviceMoney": 10.05, "TotalMoney": 30.15, "StopReason": 1,
    });
    assert_eq!(simulator.push("notification_charge_order_info", &order).await?.ret, 0);
    let status =
        json!({ "ConnectorStatusInfo": { "ConnectorID": gun, "Status": 1, "UpdateTime": local(now - 5) } });
    assert_eq!(simulator.push("notification_stationStatus", &status).await?.ret, 0);
    server.state().orders.push(Order {
        number: "O1".into(),
        gun: gun.clone(),
        start: local(now - 3_600),
        end: local(now - 60),
        energy_wh: 30_250,
        total_fen: 3_015,
    });
    company.actor.set_peer(&server.base_url, server.secrets.clone()).await?;
    let second = tested(&system, &company).await?;
    let not_passed: Vec<_> = second.steps.iter().filter(|step| step.outcome != "passed").collect();
    assert!(not_passed.is_empty(), "{not_passed:?}");
    assert!(second.passed);
    let sides: BTreeSet<&str> = second.steps.iter().map(|step| step.side.as_str()).collect();
    assert_eq!((sides.len(), second.steps.len()), (3, 32));

    // A server that looks at no signature, repeats stations and ignores the time.
    server.state().habits = Habits { unchecked: true, repeats: true, always_all: true, ..Habits::default() };
    let third = tested(&system, &company).await?;
    let failed: Vec<&str> =
        third.steps.iter().filter(|step| step.outcome != "passed").map(|step| step.step.as_str()).collect();
    assert_eq!(failed, ["wrong_signature", "pages", "one_by_one", "changes"]);
    let step = third.steps.iter().find(|one| one.side == "operator" && one.step == "wrong_signature");
    let step = step.context("a step")?;
    assert_eq!(step.ret, Some(0));
    assert!(step.way_out.contains("4001"), "{}", step.way_out);
    let seen = system.administrator().await?.joint_tests(&company.operator_id).await?;
    assert_eq!(seen.iter().map(|test| test.passed).collect::<Vec<_>>(), [false, true, false]);
    system.finish().await
}
