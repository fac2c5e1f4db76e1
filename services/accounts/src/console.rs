//! Commands at the console: set-up and import. They take the same path as requests, as the system's own caller.

use std::{fs, io::Read as _, path::Path};

use anyhow::{Context as _, bail, ensure};
use chassis::{Caller, Process};
use secrecy::SecretString;
use serde::Serialize;
use sqlx::PgPool;
use time::Duration;

use crate::{
    accounts,
    app::{
        Accounts,
        import::{self, Report},
        officials::{self, Draft, Initial, InitialKind},
        second_factor,
    },
    config::Config,
    divisions,
    domain::{legacy::Row, password, roles::Role},
    sender,
    store::{self, divisions::Loaded, users::User},
};

/// Applies the migrations, then loads the compiled-in divisions.
///
/// # Errors
/// A migration or the load fails.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    let pool = chassis::process::connect(&config.database, "accounts-migrate").await?;
    chassis::migrate(&pool, sqlx::migrate!("../../migrations/accounts")).await?;
    load(&pool, divisions::HENAN, divisions::HENAN_HISTORY, divisions::HENAN_SEATS).await?;
    Ok(())
}

/// Makes the divisions equal to a file; without one to the compiled-in list. A history file names abolished ones, another one
/// where their seats lie.
///
/// # Errors
/// A file that cannot be read or does not hang together.
pub async fn load_divisions(
    config: &Config,
    list: Option<&Path>,
    history: Option<&Path>,
    seats: Option<&Path>,
) -> anyhow::Result<Loaded> {
    let read = |path: &Path| fs::read_to_string(path).with_context(|| path.display().to_string());
    let given = list.map(read).transpose()?;
    // The compiled-in history and seats belong to the compiled-in list.
    let (list, default_history, default_seats) = match &given {
        Some(given) => (given.as_str(), divisions::NO_HISTORY, divisions::NO_SEATS),
        None => (divisions::HENAN, divisions::HENAN_HISTORY, divisions::HENAN_SEATS),
    };
    let (history, seats) = (history.map(read).transpose()?, seats.map(read).transpose()?);
    let (history, seats) =
        (history.as_deref().unwrap_or(default_history), seats.as_deref().unwrap_or(default_seats));
    let pool = chassis::process::connect(&config.database, "accounts-load-divisions").await?;
    load(&pool, list, history, seats).await
}

async fn load(pool: &PgPool, list: &str, history: &str, seats: &str) -> anyhow::Result<Loaded> {
    let catalogue = divisions::read(list, history)?;
    let seats = divisions::read_seats(seats, &catalogue)?;
    let mut tx = pool.begin().await?;
    let mut loaded = store::divisions::load(&mut tx, &catalogue).await?;
    loaded.changed += store::division_seats::load(&mut tx, &seats).await?;
    tx.commit().await?;
    Ok(loaded)
}

/// An official as the console names it.
pub struct NewOfficial {
    /// The official.
    pub draft: Draft,
    /// Its password.
    pub password: SecretString,
    /// The password may be used as it is; otherwise it is a one-time one.
    pub ready: bool,
}

/// What making an official did.
#[derive(Debug, Serialize)]
pub struct MadeOfficial {
    /// Its id.
    pub user_id: String,
    /// False where it was there already, with these roles and this scope.
    pub created: bool,
}

/// Reads a password from the standard input, one line.
///
/// # Errors
/// The input cannot be read or is empty.
pub fn password_from_stdin() -> anyhow::Result<SecretString> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default();
    ensure!(!password.is_empty(), "no password on the standard input");
    Ok(SecretString::from(password.to_owned()))
}

/// Makes an official; one that is there with the same roles and scope stays as it is.
///
/// # Errors
/// A field or the password breaks a rule, or the login name belongs to somebody else.
pub async fn create_official(config: Config, new: NewOfficial) -> anyhow::Result<MadeOfficial> {
    use secrecy::ExposeSecret as _;
    let process = Process::start("accounts", &config.chassis()).await?;
    let accounts = accounts(&process, config)?;
    if let Some(user) = find(&accounts, &new.draft.login).await? {
        ensure!(same(&user, &new.draft), "login {} belongs to another account", new.draft.login);
        return Ok(MadeOfficial { user_id: user.id.to_string(), created: false });
    }
    password::check(new.password.expose_secret(), &new.draft.login, accounts.config.passwords.policy())?;
    let hash = accounts.hasher.hash(new.password).await?;
    let valid = Duration::hours(accounts.config.passwords.one_time_hours);
    let kind = if new.ready { InitialKind::Ready } else { InitialKind::OneTime { valid, send: None } };
    let mut work = accounts.units.begin(Caller::system("create-official")).await?;
    let user = officials::create(&mut work, &new.draft, Initial { hash, kind }).await?;
    work.commit().await?;
    Ok(MadeOfficial { user_id: user.id.to_string(), created: true })
}

/// Removes the second factor of somebody by the login; the way out where nobody else can reset it.
///
/// # Errors
/// There is no such login, or it has none.
pub async fn reset_second_factor(config: Config, login: &str) -> anyhow::Result<()> {
    let process = Process::start("accounts", &config.chassis()).await?;
    let accounts = accounts(&process, config)?;
    let user = find(&accounts, login).await?.with_context(|| format!("no login {login}"))?;
    let mut work = accounts.units.begin(Caller::system("reset-second-factor")).await?;
    second_factor::reset(&mut work, user.id).await?;
    work.commit().await?;
    Ok(())
}

async fn find(accounts: &Accounts, login: &str) -> anyhow::Result<Option<User>> {
    let mut db = accounts.pool.acquire().await?;
    Ok(store::users::find_by_login(&mut db, login).await?)
}

fn same(user: &User, draft: &Draft) -> bool {
    let mut roles: Vec<Role> = draft.roles.iter().filter_map(|name| Role::official(name)).collect();
    roles.sort();
    let mut scope = draft.scope.clone();
    scope.sort();
    user.official() && user.active && user.roles == roles && (scope.is_empty() || user.scope == scope)
}

/// Imports the accounts of a CSV file and sends what the import has to send.
///
/// # Errors
/// A file that cannot be read or lacks a column, the database, the sender. What is wrong with a row is in the report.
pub async fn import_legacy(config: Config, path: &Path, dry_run: bool) -> anyhow::Result<Report> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let rows = read_rows(&text)?;
    let process = Process::start("accounts", &config.chassis()).await?;
    let accounts = accounts(&process, config)?;
    let report = import::import(&accounts, rows, dry_run).await?;
    if !dry_run {
        sender::drain(&accounts.units, &accounts.config.sender.outbox_file).await?;
    }
    Ok(report)
}

type Line = (usize, Result<Row, String>);

/// The columns of an import file, in any order.
const COLUMNS: [&str; 7] =
    ["login", "company", "uscc", "phone", "division", "last_2_0_sign_in", "password_hash"];

fn read_rows(text: &str) -> anyhow::Result<Vec<Line>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let mut places = Vec::with_capacity(COLUMNS.len());
    for column in COLUMNS {
        match headers.iter().position(|header| header == column) {
            Some(place) => places.push(place),
            None => bail!("column {column} is missing"),
        }
    }
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let (line, row) = match record {
            Ok(record) => {
                let line =
                    record.position().map_or(index + 2, |place| usize::try_from(place.line()).unwrap_or(0));
                let cell = |column: usize| record.get(places[column]).unwrap_or_default().to_owned();
                let row = Row {
                    login: cell(0),
                    company: cell(1),
                    uscc: cell(2),
                    phone: cell(3),
                    division: cell(4),
                    last_2_0_sign_in: cell(5),
                    password_hash: cell(6),
                };
                (line, Ok(row))
            }
            Err(error) => {
                let line =
                    error.position().map_or(index + 2, |place| usize::try_from(place.line()).unwrap_or(0));
                (line, Err("该行无法读取，请核对列数与引号".to_owned()))
            }
        };
        rows.push((line, row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_read_keeps_its_line_and_the_others_go_on() {
        let text = "login,company,uscc,phone,division,last_2_0_sign_in,password_hash\n\
                    a,b,c,d,e,,\n\
                    too,short\n\
                    f,g,h,i,j,,\n";
        let rows = read_rows(text).unwrap();
        let lines: Vec<_> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(lines, [(2, true), (3, false), (4, true)]);
    }

    #[test]
    fn a_missing_column_is_named() {
        assert_eq!(read_rows("login,company\n").unwrap_err().to_string(), "column uscc is missing");
    }
}
