//! `cargo xtask up`: the whole platform from nothing, until Ctrl-C or SIGTERM.
//!
//! Owns: the order of starting and stopping. Not: sample data or the driven review (`demo`).
use anyhow::Result;

use crate::{
    cargo::{self, Build},
    checkout::{Checkout, binaries},
    fleet::Fleet,
    platform::Platform,
    report::step,
    services::Service,
    stop::Stop,
};

/// How to start.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Print the addresses as one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// Starts everything, waits to be asked to stop, stops everything; the data stays.
///
/// Errors: something does not start, or a service ends without being asked.
pub async fn run(arguments: Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    // Before the build replaces the running program.
    binaries()?;
    if let Err(pid) = checkout.lock()? {
        eprintln!("the platform of this checkout runs already (process {pid}); `cargo xtask down` stops it");
        return Ok(());
    }
    let mut stop = Stop::listen()?;
    let started = tokio::select! {
        started = start(&checkout) => started,
        () = stop.asked() => {
            eprintln!("stopped while starting");
            return Ok(());
        }
    };
    let (platform, fleet) = started?;
    show(&fleet, arguments.json)?;
    let mut failure = None;
    loop {
        tokio::select! {
            () = stop.asked() => break,
            () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {
                if let Err(error) = fleet.check_all() {
                    failure = Some(error);
                    break;
                }
            }
        }
    }
    step("stopping", async {
        fleet.stop().await?;
        platform.stop().await
    })
    .await?;
    failure.map_or(Ok(()), Err)
}

async fn start(checkout: &Checkout) -> Result<(Platform, Fleet)> {
    let binaries = step("building", cargo::build(checkout, Build::Debug)).await?;
    let platform = step("PostgreSQL and NATS", Platform::start(checkout, binaries)).await?;
    step("migrations", platform.migrate()).await?;
    let fleet = Fleet::start(platform.deployment.clone(), &Service::ALL);
    Ok((platform, step("services", fleet).await?))
}

fn show(fleet: &Fleet, json: bool) -> Result<()> {
    let mut addresses = serde_json::Map::new();
    for service in fleet.services() {
        let at = fleet.deployment().address(service)?;
        let resident = fleet.resident_bytes(service)? / (1024 * 1024);
        eprintln!(
            "  {:<14} gRPC {}   health http://{}/ready   {resident} MiB",
            service.name(),
            at.grpc,
            at.admin
        );
        let entry = serde_json::json!({ "grpc": at.grpc, "admin": at.admin });
        addresses.insert(service.name().to_owned(), entry);
    }
    eprintln!("  logs in {}; Ctrl-C stops all, the data stays", fleet.deployment().folder.display());
    if json {
        println!("{}", serde_json::Value::Object(addresses));
    }
    Ok(())
}
