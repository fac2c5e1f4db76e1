//! Table of contents: serve, migrate, audit, outbox, import-legacy, create-official, reset-second-factor, load-divisions.

use std::{path::PathBuf, process::ExitCode};

use accounts::{
    app::officials::Draft,
    audit,
    config::Config,
    console::{self, NewOfficial},
};
use clap::{Args, Parser, Subcommand};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Gives the 19 MiB of each password hash back at once; glibc would keep them in the arena of every hashing thread, up to
/// a gigabyte after fifty sign-ins.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Accounts of Yuchong: operators, people, sessions, divisions.
#[derive(Parser)]
#[command(name = "accounts", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGTERM or SIGINT.
    Serve,
    /// Applies the migrations and loads the divisions of Henan.
    Migrate,
    /// Counts the violations of every invariant; exit code 1 where there are any.
    Audit {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// The outbox of events.
    #[command(subcommand)]
    Outbox(Outbox),
    /// Imports accounts of 1.0 from a CSV file: login, company, uscc, phone, division, last_2_0_sign_in, password_hash.
    ImportLegacy {
        /// The file.
        csv: PathBuf,
        /// Decides everything and writes nothing.
        #[arg(long)]
        dry_run: bool,
        /// The report as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Makes an official; prints its id as JSON. One that is there already stays as it is.
    CreateOfficial(Official),
    /// Removes somebody's second factor; every session ends.
    ResetSecondFactor {
        /// Login name.
        #[arg(long)]
        login: String,
    },
    /// Makes the divisions equal to a CSV file; without one to the compiled-in list.
    LoadDivisions {
        /// Columns code, name, level, parent_code, kind, city_code, full_name.
        file: Option<PathBuf>,
        /// Abolished divisions: columns old_code, old_name, new_code, new_name, change.
        #[arg(long)]
        history: Option<PathBuf>,
        /// Seats of divisions, WGS-84: columns code, name, lon, lat, source.
        #[arg(long)]
        seats: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Outbox {
    /// Begins another life after the database came from a backup: another lineage, and every event is published again.
    Restored,
    /// Publishes events again; safe at any time.
    Republish {
        /// Occurred at or after, RFC 3339.
        #[arg(long)]
        from: String,
        /// Occurred before, RFC 3339.
        #[arg(long)]
        to: String,
    },
}

#[derive(Args)]
struct Official {
    /// Login name.
    #[arg(long)]
    login: String,
    /// Name shown; the login name where none is given.
    #[arg(long)]
    display_name: Option<String>,
    /// Roles, separated by commas.
    #[arg(long, value_delimiter = ',', required = true)]
    roles: Vec<String>,
    /// Division codes, separated by commas; the province where the roles are province-wide.
    #[arg(long, value_delimiter = ',')]
    scope: Vec<String>,
    /// The office as people know it.
    #[arg(long, default_value = "")]
    office: String,
    /// Code of the provincial department.
    #[arg(long, default_value = "")]
    department: String,
    /// Name of the employer.
    #[arg(long, default_value = "")]
    employer: String,
    /// Leads the own office.
    #[arg(long)]
    lead: bool,
    /// Mobile number for codes.
    #[arg(long, default_value = "")]
    phone: String,
    /// Reads the password from the standard input.
    #[arg(long, required = true)]
    password_stdin: bool,
    /// The password may be used as it is, not only once to choose another.
    #[arg(long)]
    ready: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("accounts: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let config = Config::load()?;
    match command {
        Command::Serve => accounts::serve(config).await?,
        Command::Migrate => console::migrate(&config).await?,
        Command::Audit { json } => {
            let pool = chassis::process::connect(&config.database, "accounts-audit").await?;
            return Ok(chassis::audit::conclude(&audit::check(&pool, &config).await?, json));
        }
        Command::Outbox(Outbox::Restored) => {
            let pool = chassis::process::connect(&config.database, "accounts-outbox").await?;
            println!("{}", chassis::lineage::begin(&pool).await?);
        }
        Command::Outbox(Outbox::Republish { from, to }) => {
            let pool = chassis::process::connect(&config.database, "accounts-outbox").await?;
            let (from, to) = (OffsetDateTime::parse(&from, &Rfc3339)?, OffsetDateTime::parse(&to, &Rfc3339)?);
            println!("{}", chassis::outbox::republish(&pool, from, to).await?);
        }
        Command::ImportLegacy { csv, dry_run, json } => {
            let report = console::import_legacy(config, &csv, dry_run).await?;
            if json {
                println!("{}", serde_json::to_string(&report)?);
            } else {
                print!("{report}");
            }
        }
        Command::CreateOfficial(official) => {
            let made = console::create_official(config, official.read()?).await?;
            println!("{}", serde_json::to_string(&made)?);
        }
        Command::ResetSecondFactor { login } => console::reset_second_factor(config, &login).await?,
        Command::LoadDivisions { file, history, seats } => {
            let (file, history, seats) = (file.as_deref(), history.as_deref(), seats.as_deref());
            let loaded = console::load_divisions(&config, file, history, seats).await?;
            println!(
                "{} in force, {} abolished, {} rows changed",
                loaded.in_force, loaded.abolished, loaded.changed
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Official {
    fn read(self) -> anyhow::Result<NewOfficial> {
        let draft = Draft {
            display_name: self.display_name.unwrap_or_else(|| self.login.clone()),
            login: self.login,
            roles: self.roles,
            scope: self.scope,
            office: self.office,
            department: self.department,
            employer: self.employer,
            lead: self.lead,
            phone: self.phone,
        };
        Ok(NewOfficial { draft, password: console::password_from_stdin()?, ready: self.ready })
    }
}
