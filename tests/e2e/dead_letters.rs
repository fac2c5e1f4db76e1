//! A message that does not decode becomes a dead letter, visible, and messages of other aggregates go on.
//!
//! Source: reliability 5.5.
use anyhow::Result;
use system_tests::{System, cases::Stage, eventually, wait::PATIENCE};
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_kept_as_a_dead_letter_and_later_messages_go_on() -> Result<()> {
    let system = System::start().await?;
    let client = async_nats::connect(system.trial().nats.url()).await?;
    let jetstream = async_nats::jetstream::new(client);
    for subject in ["reviews.v1.county.410100.410105.acceptance_submitted", "accounts.v1.registered"] {
        jetstream.publish(subject, "\u{7}not a protobuf envelope at all".into()).await?.await?;
    }
    // Two services follow every event of the review, one only the county's; accounts' events go to one.
    for (service, letters) in [(Service::Documents, 1), (Service::Stations, 1), (Service::Notifications, 2)] {
        eventually(PATIENCE, &format!("{service} keeps the garbage"), || async {
            Ok((system.dead_letters(service).await? == letters).then_some(()))
        })
        .await?;
        let reasons = system.texts(service, "SELECT DISTINCT reason FROM dead_letters").await?;
        assert_eq!(reasons, ["undecodable"], "{service}");
        let metrics = system.fleet().metrics(service).await?;
        assert!(metrics.contains("dead_letters_total{"), "{service} does not show it:\n{metrics}");
    }
    let kept =
        system.texts(Service::Documents, "SELECT convert_from(payload, 'UTF8') FROM dead_letters").await?;
    assert_eq!(kept, ["\u{7}not a protobuf envelope at all"]);

    // The company's registration, and an application in the same county, pass behind the garbage.
    let case = system.application().at(Stage::CountyReview).await?;
    system.county("410105").await?.task_appears(case.id(), "CountyReview").await?;

    // Every audit shows them until two persons have settled them.
    for (service, count) in [(Service::Documents, 1), (Service::Stations, 1), (Service::Notifications, 2)] {
        assert_eq!(settle(&system, service).await?, count, "{service}");
    }
    system.finish_after_faults().await
}

/// Dismisses every letter of a service; gives how many there were.
async fn settle(system: &System, service: Service) -> Result<usize> {
    let audit = system.fleet().deployment().run(service, &["audit", "--json"]).await?;
    assert!(!audit.success && audit.output.contains(r#""dead_letters":"#), "{service}: {}", audit.output);
    let letters = system.platform().command(service, &["dead-letters", "list"]).await?.output;
    let letters: Vec<_> = letters.lines().filter(|line| line.starts_with('{')).collect();
    for letter in &letters {
        let letter: serde_json::Value = serde_json::from_str(letter)?;
        assert_eq!(letter["reason"], "undecodable");
        let id = letter["id"].to_string();
        let alone = ["dead-letters", "dismiss", &id, "--by", "zhang", "--second", "zhang"];
        assert!(!system.fleet().deployment().run(service, &alone).await?.success, "one person alone");
        let both = ["dead-letters", "dismiss", &id, "--by", "zhang", "--second", "li"];
        system.platform().command(service, &both).await?;
    }
    Ok(letters.len())
}
