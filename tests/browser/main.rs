//! The portal in a real browser, as its people use it: by what they read, with every page judged on the way.
//!
//! Screenshots of every page lie in `target/screenshots/`, 1440 and 390 px wide. Source: ui, section 12.
mod accounts;
mod deadlines;
mod demo;
mod every_page;
mod foreign;
mod joint;
mod judge;
mod keyboard;
mod keys;
mod kit;
mod large;
mod launch;
mod layout;
mod materials;
mod notices;
mod operator;
mod people;
mod portal;
mod race;
mod registration;
mod scene;
mod script;
mod script_help;
mod second_factor;
mod sessions;
mod sides;
mod stored;
mod transitions;
mod uploads;
mod whole;

use anyhow::Result;
use system_tests::System;
use xtask::{services::Service, trial::Plan};

/// A platform with its portal.
async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Portal)).await
}
