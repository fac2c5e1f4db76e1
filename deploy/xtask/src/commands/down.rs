//! `cargo xtask down`: stops the platform that another terminal runs.
//!
//! Owns: asking it and forgetting its data. Not: how it stops; it does that itself.
use std::{fs, time::Duration};

use anyhow::{Result, ensure};

use crate::{
    checkout::Checkout,
    probe::eventually,
    process::{Signal, alive},
    report::step,
    servers::home,
};

/// What to stop.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Also remove databases, streams, objects, keys and logs.
    #[arg(long)]
    wipe: bool,
}

/// Stops a running platform; removes its data when asked.
///
/// Errors: it does not stop within 60 s, or the data cannot be removed.
pub async fn run(arguments: Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    if let Err(pid) = checkout.lock()? {
        ensure!(pid > 0, "the platform of this checkout is just starting; try again");
        step("stopping", async {
            Signal::Terminate.send(pid)?;
            eventually(Duration::from_secs(60), "the platform stops", || async {
                Ok((!alive(pid) || checkout.lock()?.is_ok()).then_some(()))
            })
            .await
        })
        .await?;
    } else {
        eprintln!("nothing runs");
    }
    if arguments.wipe {
        home::wipe(&checkout)?;
        fs::remove_dir_all(checkout.dot()?)?;
        eprintln!("all data of this checkout is forgotten");
    }
    Ok(())
}
