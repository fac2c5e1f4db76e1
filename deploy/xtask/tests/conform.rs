//! The examination of event consumers: the two examples pass, and each that is broken on purpose is found.
use std::path::PathBuf;

use anyhow::Result;
use futures::try_join;
use xtask::{
    checkout::binaries,
    conform::{Outcome, Recording, examine},
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/examples");

async fn of(program: PathBuf, arguments: &[&str]) -> Result<Outcome> {
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    examine(program, arguments, Recording::load()?, |_, _| {}).await
}

async fn broken(which: &str) -> Result<Option<&'static str>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken_consumers.py");
    let outcome = of("python3".into(), &["-B", script, which, EXAMPLES]).await?;
    println!("{which}: {outcome:?}");
    Ok(outcome.broken.map(|(rule, _)| rule))
}

#[tokio::test]
async fn the_example_in_python_passes() -> Result<()> {
    let outcome = of("python3".into(), &["-B", &format!("{EXAMPLES}/consumer.py")]).await?;
    assert_eq!(outcome.broken, None);
    assert_eq!(outcome.kept.len(), 10);
    Ok(())
}

#[tokio::test]
async fn the_example_in_rust_passes() -> Result<()> {
    let outcome = of(binaries()?.join("example-consumer"), &[]).await?;
    assert_eq!(outcome.broken, None);
    Ok(())
}

#[tokio::test]
async fn repetitions_and_order_are_tried() -> Result<()> {
    let found = try_join!(broken("ForgetsRepetitions"), broken("KnowsOnlyTheNewest"), broken("StopsAtAGap"))?;
    assert_eq!(found, (Some("repeated"), Some("late"), Some("gap")));
    Ok(())
}

#[tokio::test]
async fn crashes_and_a_full_disk_are_tried() -> Result<()> {
    let found = try_join!(broken("Forgetful"), broken("WritesBehind"), broken("WaitsInMemory"))?;
    assert_eq!(found, (Some("gap"), Some("write_fails"), Some("gap")));
    Ok(())
}

#[tokio::test]
async fn what_a_consumer_does_not_know_is_tried() -> Result<()> {
    let versions = try_join!(broken("GuessesVersions"), broken("DropsWhatItDoesNotKnow"))?;
    assert_eq!(versions, (Some("unknown_version"), Some("unknown_version")));
    let others = try_join!(broken("DiesOfGarbage"), broken("StrictAboutFields"))?;
    assert_eq!(others, (Some("undecodable"), Some("newer_fields")));
    Ok(())
}
