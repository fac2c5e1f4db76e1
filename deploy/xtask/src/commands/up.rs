//! `cargo xtask up`: the whole platform from nothing, until Ctrl-C or SIGTERM.
//!
//! Owns: the order of starting and stopping. Not: the sample province and the driven review themselves (`demo`).
use anyhow::Result;

use crate::{
    cargo::{self, Build},
    checkout::{Checkout, binaries},
    demo,
    deployment::Deployment,
    fleet::Fleet,
    platform::Platform,
    report::step,
    services::Service,
    stop::Stop,
};

/// How to start.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object on standard output: the addresses, or with --demo the figures, and then stop.
    #[arg(long)]
    json: bool,
    /// Drive the sample province through the whole review, from registration to 审核通过.
    #[arg(long)]
    demo: bool,
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
        if arguments.demo {
            // The services of the running platform are driven; they stay when this command ends.
            let platform = Platform::find_or_start(&checkout, binaries()?).await?;
            drive(&platform.deployment, arguments.json).await?;
        }
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
    let done = tokio::select! {
        done = serve(&fleet, &arguments) => done,
        error = ended(&fleet) => Err(error),
        () = stop.asked() => Ok(()),
    };
    step("stopping", async {
        fleet.stop().await?;
        platform.stop().await
    })
    .await?;
    done
}

/// Loads or drives the sample province, shows what came of it, and stays unless a program asked.
async fn serve(fleet: &Fleet, arguments: &Arguments) -> Result<()> {
    let deployment = fleet.deployment();
    if arguments.demo {
        drive(deployment, arguments.json).await?;
        if arguments.json {
            return Ok(());
        }
    } else {
        demo::load(deployment).await?;
    }
    show(fleet, arguments.json)?;
    eprintln!("{}", demo::roster::sign_ins());
    if arguments.demo {
        eprintln!("{}", demo::desks::table(deployment).await?);
        let charging = demo::charging::Charging::of(deployment).await?;
        eprintln!(
            "  vehicles come and go at {} connectors, reported every 5 s, {} of them over T/CEC 102",
            charging.connectors(),
            charging.over_tcec()
        );
        charging.run().await;
    }
    std::future::pending().await
}

/// Drives the review and prints its figures, for programs on the last line of standard output.
async fn drive(deployment: &Deployment, json: bool) -> Result<()> {
    eprintln!("… the sample province goes through the review");
    let summary = demo::run(deployment).await?;
    eprintln!("{}", summary.table());
    if json {
        println!("{}", serde_json::to_string(&summary)?);
    }
    Ok(())
}

/// Waits for a service that ends without being asked.
async fn ended(fleet: &Fleet) -> anyhow::Error {
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        if let Err(error) = fleet.check_all() {
            return error;
        }
    }
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
        let (kind, inlet) = if service.has_database() {
            ("grpc", at.inlet.clone())
        } else {
            ("http", format!("http://{}/", at.inlet))
        };
        eprintln!(
            "  {:<14} {kind} {inlet:<24} health http://{}/ready   {resident} MiB",
            service.name(),
            at.admin
        );
        let entry = serde_json::json!({ kind: inlet, "admin": at.admin });
        addresses.insert(service.name().to_owned(), entry);
    }
    eprintln!("  logs in {}; Ctrl-C stops all, the data stays", fleet.deployment().folder.display());
    if json {
        println!("{}", serde_json::Value::Object(addresses));
    }
    Ok(())
}
