//! Accounts of 1.0 are imported, not registered again. Each row is its own unit: a refused row changes nothing, and
//! running the same file again changes nothing. A dry run decides the same and writes nothing.

use std::{collections::HashSet, fmt};

use chassis::{Caller, Failure};
use secrecy::SecretString;
use serde::Serialize;
use time::Duration;

use super::{
    Accounts,
    officials::{Initial, InitialKind, give},
    register::{First, begin},
};
use crate::{
    domain::{
        division::Catalogue,
        ids::OperatorId,
        legacy::{self, Account, Row},
        lifecycle,
        operator::Outcome,
        refusal::Refusal,
        registration::Entry,
        session::CredentialState,
    },
    hashing, labels, secrets,
    store::{self, credentials::Credential},
};

/// What an import did, or would do.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Nothing was written.
    pub dry_run: bool,
    /// Rows read.
    pub rows: usize,
    /// Accounts made.
    pub imported: usize,
    /// Of these: keep their password.
    pub keep_password: usize,
    /// Of these: get a one-time password.
    pub one_time_password: usize,
    /// Rows whose account is there already.
    pub already_there: usize,
    /// Rows refused.
    pub refused: usize,
    /// Every reason why a row was refused.
    pub refusals: Vec<RefusedRow>,
}

/// One reason why one row was refused.
#[derive(Debug, Serialize)]
pub struct RefusedRow {
    /// Line of the file, the header being 1.
    pub line: usize,
    /// Column.
    pub field: String,
    /// Stable reason id.
    pub reason: String,
    /// In words.
    pub text: String,
}

enum Found {
    New,
    Already,
}

/// Imports rows; `rows` come with their line numbers.
///
/// # Errors
/// The database. What is wrong with a row is in the report.
pub async fn import(
    accounts: &Accounts,
    rows: impl IntoIterator<Item = (usize, Result<Row, String>)>,
    dry_run: bool,
) -> Result<Report, Failure> {
    let mut report = Report { dry_run, ..Report::default() };
    let mut db = accounts.pool.acquire().await?;
    let catalogue = store::divisions::catalogue(&mut db).await?;
    drop(db);
    let mut earlier = Earlier::default();
    for (line, row) in rows {
        report.rows += 1;
        let account = match row {
            Ok(row) => match examine(accounts, &catalogue, &row, &mut earlier).await? {
                Ok((account, Found::New)) => account,
                Ok((_, Found::Already)) => {
                    report.already_there += 1;
                    continue;
                }
                Err(wrong) => {
                    refuse(&mut report, line, &wrong);
                    continue;
                }
            },
            Err(text) => {
                report.refused += 1;
                report.refusals.push(RefusedRow {
                    line,
                    field: String::new(),
                    reason: "row_unreadable".into(),
                    text,
                });
                continue;
            }
        };
        let keeps = matches!(account.credential, legacy::Credential::Keeps { .. });
        if !dry_run && let Err(refusal) = write(accounts, account).await? {
            refuse(&mut report, line, &[refusal]);
            continue;
        }
        report.imported += 1;
        if keeps {
            report.keep_password += 1;
        } else {
            report.one_time_password += 1;
        }
    }
    Ok(report)
}

fn refuse(report: &mut Report, line: usize, wrong: &[Refusal]) {
    report.refused += 1;
    for refusal in wrong {
        report.refusals.push(RefusedRow {
            line,
            field: column(refusal).to_owned(),
            reason: refusal.reason().to_owned(),
            text: labels::refusal(refusal),
        });
    }
}

/// The column of the file that a refusal is about.
fn column(refusal: &Refusal) -> &'static str {
    use crate::domain::refusal::Field;
    match refusal.field() {
        Some(Field::CompanyName) => "company",
        Some(Field::ContactPhone) => "phone",
        Some(Field::RegisteredDivision) => "division",
        Some(other) => other.name(),
        None => "",
    }
}

/// Logins and codes of earlier lines, so that a dry run sees what a run would.
#[derive(Default)]
struct Earlier {
    logins: HashSet<String>,
    codes: HashSet<String>,
}

async fn examine(
    accounts: &Accounts,
    catalogue: &Catalogue,
    row: &Row,
    earlier: &mut Earlier,
) -> Result<Result<(Account, Found), Vec<Refusal>>, Failure> {
    let account = match legacy::check(row, catalogue, hashing::readable) {
        Ok(account) => account,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let mut db = accounts.pool.acquire().await?;
    let user = store::users::find_by_login(&mut db, &account.login).await?;
    let operator = store::operators::find_by_uscc(&mut db, account.profile.uscc.as_str()).await?;
    drop(db);
    let same = match (&user, &operator) {
        (Some(user), Some(operator)) => user.operator_id == Some(operator.id),
        (Some(_) | None, Some(_) | None) => false,
    };
    let login = account.login.to_lowercase();
    let code = account.profile.uscc.as_str().to_owned();
    let mut wrong = Vec::new();
    if !earlier.logins.insert(login) || (user.is_some() && !same) {
        wrong.push(Refusal::LoginTaken);
    }
    if !earlier.codes.insert(code) || (operator.is_some() && !same) {
        wrong.push(Refusal::UsccTaken);
    }
    if wrong.is_empty() {
        return Ok(Ok((account, if same { Found::Already } else { Found::New })));
    }
    Ok(Err(wrong))
}

async fn write(accounts: &Accounts, account: Account) -> Result<Result<(), Refusal>, Failure> {
    let (initial, hash) = match &account.credential {
        legacy::Credential::Keeps { hash, .. } => (None, hash.clone()),
        legacy::Credential::OneTime => {
            let password = secrets::one_time_password();
            let hash = accounts.hasher.hash(SecretString::from(password.clone())).await?;
            (Some(password), hash)
        }
    };
    let mut work = accounts.units.begin(Caller::system("import-legacy")).await?;
    let id = OperatorId(work.new_id());
    if store::operators::uscc_taken(work.db(), account.profile.uscc.as_str(), id).await? {
        return Ok(Err(Refusal::UsccTaken));
    }
    let changed_at = match &account.credential {
        legacy::Credential::Keeps { last_sign_in_at, .. } => *last_sign_in_at,
        legacy::Credential::OneTime => work.now(),
    };
    let credential = Credential {
        hash: hash.clone(),
        state: CredentialState::Normal,
        changed_at,
        expires_at: None,
        used_at: None,
    };
    let first = First {
        login: account.login,
        profile: account.profile,
        licence_sha256: None,
        credential,
        entry: Entry::LegacyImport,
        declaration: String::new(),
        step: lifecycle::IMPORTED,
        outcome: Outcome::Unreviewed,
    };
    let (_, user) = begin(&mut work, id, first).await?;
    if let Some(password) = initial {
        let user = store::users::find(work.db(), user)
            .await?
            .ok_or_else(|| Failure::internal("the imported user is missing"))?;
        let valid = Duration::hours(accounts.config.passwords.one_time_hours);
        give(&mut work, &user, Initial { hash, kind: InitialKind::OneTime { valid, send: Some(password) } })
            .await?;
    }
    work.commit().await?;
    Ok(Ok(()))
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = if self.dry_run { "would import" } else { "imported" };
        writeln!(
            out,
            "{} rows: {did} {}, already there {}, refused {}",
            self.rows, self.imported, self.already_there, self.refused
        )?;
        writeln!(
            out,
            "keep their password {}, one-time password {}",
            self.keep_password, self.one_time_password
        )?;
        for row in &self.refusals {
            writeln!(out, "line {}: {} {} {}", row.line, row.field, row.reason, row.text)?;
        }
        Ok(())
    }
}
