//! notifications is killed while it posts webhooks; every event reaches the receiver, under its own id, with its signature.
use std::{collections::BTreeSet, fs, net::TcpListener, process::Stdio, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::Value;
use system_tests::{System, eventually, seed, traffic::Traffic, wait::Dice};
use tokio::{
    process::{Child, Command},
    time::sleep,
};
use xtask::{services::Service, trial::Plan};

/// A killed process leaves its claims for half a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// The example of a receiver that is published beside the contract.
fn receiver(address: &str, secret: &str, state: &std::path::Path) -> Result<Child> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../proto/examples/receiver.py");
    Command::new("python3")
        .arg(program)
        .env("YUCHONG_LISTEN", address)
        .env("YUCHONG_WEBHOOK_SECRETS", secret)
        .env("YUCHONG_STATE", state)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("python3 cannot be started")
}

fn received(state: &std::path::Path) -> Result<Vec<String>> {
    let Ok(text) = fs::read_to_string(state.join("received.jsonl")) else { return Ok(Vec::new()) };
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line)?;
            Ok(line["webhook_id"].as_str().context("an id")?.to_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_reaches_the_receiver_although_notifications_and_the_receiver_are_killed() -> Result<()> {
    let mut dice = Dice::new(seed(20));
    let plan = Plan::durable()
        .set(Service::Notifications, "WEBHOOKS__PRIVATE_ADDRESSES", true)
        .set(Service::Notifications, "WEBHOOKS__PLAIN_HTTP", true)
        .set(Service::Notifications, "WEBHOOKS__RETRY_SECS", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1");
    let system = System::planned(plan).await?;
    let cases = super::cases(&system, 3).await?;
    system.drained().await?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let url = format!("http://{address}/yuchong");
    let issued = system.administrator().await?.subscribe("省财政厅", &url, &["reviews.*"]).await?;
    let state = system.folder(Service::Notifications);
    let mut process = receiver(&address, &issued.secret, &state)?;
    // Everything announced from here on is wanted.
    let before = system.texts(Service::Reviews, "SELECT event_id::text FROM outbox").await?;
    let traffic = Traffic::start(&system.county("410105").await?, &cases);
    for round in 0..4 {
        traffic.answered(10).await?;
        sleep(Duration::from_micros(dice.below(20_000))).await;
        system.fleet().kill(Service::Notifications)?;
        if round % 2 == 1 {
            process.kill().await?;
            process = receiver(&address, &issued.secret, &state)?;
        }
        system.fleet().start_again(Service::Notifications).await?;
    }
    let acknowledged = traffic.stop().await?;
    system.nothing_acknowledged_is_missing(&acknowledged).await?;
    system.drained().await?;
    let before: BTreeSet<_> = before.into_iter().collect();
    let announced: BTreeSet<_> = system
        .texts(Service::Reviews, "SELECT event_id::text FROM outbox")
        .await?
        .into_iter()
        .filter(|id| !before.contains(id))
        .collect();
    assert!(announced.len() > 20, "{} events are too few", announced.len());
    eventually(PATIENCE, "every event is received", || async {
        let received: BTreeSet<_> = received(&state)?.into_iter().collect();
        Ok((received == announced).then_some(()))
    })
    .await
    .with_context(|| {
        let received: BTreeSet<_> = received(&state).unwrap_or_default().into_iter().collect();
        let (missing, foreign) = (announced.difference(&received), received.difference(&announced));
        format!(
            "missing {:?}, never announced {:?}",
            missing.collect::<Vec<_>>(),
            foreign.collect::<Vec<_>>()
        )
    })?;
    assert_eq!(received(&state)?.len(), announced.len(), "each has its effect once");
    eventually(PATIENCE, "every delivery is settled", || async {
        let open = "SELECT count(*) FROM webhook_deliveries WHERE state <> 'delivered'";
        Ok((system.count(Service::Notifications, open).await? == 0).then_some(()))
    })
    .await?;
    process.kill().await?;
    system.finish_after_faults().await
}
