//! Links: approve, rotate, set, revoke. Secrets leave in the answer that issues them, or to interconnect.
use chassis::{Failure, Work, outbound};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    domain::{
        Finding, Refusal,
        link::{self, Deed, Direction, OVERLAP, PROTOCOL_VERSION, Peer, Secrets, Terms, WINDOW_SECS},
        turn::{self, Kind},
    },
    labels,
    store::{
        self,
        links::{Row, Sealed},
    },
    vault::{self, Place, Unopened, Vault},
};

/// Nobody is called.
const NO_TIME: std::time::Duration = std::time::Duration::ZERO;

/// A link as the caller saw it.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Whose.
    pub operator_id: Uuid,
    /// Its version on the caller's page; 0: any.
    pub version: i64,
}

/// Approves an operator's link (again, after it was revoked) and issues its inbound secrets.
///
/// # Errors
/// `secrets_issued` for a repeated request; `link_exists`; `links_closed`.
pub async fn approve(
    work: &mut Work,
    vault: &Vault,
    request_id: Uuid,
    operator_id: Uuid,
    organisation: &str,
) -> Result<Secrets, Failure> {
    fresh_request(work, request_id).await?;
    let held = store::links::lock(work, operator_id).await?;
    if held.as_ref().is_some_and(|row| row.state == "active") {
        return Err(Finding::new("operator_id", Refusal::LinkExists).into());
    }
    let row = Row {
        operator_id,
        organisation_code: organisation.to_owned(),
        state: "active".into(),
        open: true,
        window_secs: WINDOW_SECS,
        hosted: held.as_ref().map(|row| row.hosted.clone()).unwrap_or_default(),
        base_url: held.as_ref().map(|row| row.base_url.clone()).unwrap_or_default(),
        protocol_version: held
            .as_ref()
            .map_or_else(|| PROTOCOL_VERSION.to_owned(), |row| row.protocol_version.clone()),
        paths: held.as_ref().map_or_else(Json::default, |row| row.paths.clone()),
        spellings: held.as_ref().map_or_else(Json::default, |row| row.spellings.clone()),
        authority: held.as_ref().map(|row| row.authority.clone()).unwrap_or_default(),
        version: held.map_or(0, |row| row.version),
        updated_at: work.now(),
        changed_how: String::new(),
        changed_by_operator: false,
        changed_by_office: String::new(),
        changed_version: 0,
    };
    changed(work, row, Deed::Approved).await?;
    let until = work.now();
    issue(work, vault, request_id, operator_id, until).await
}

/// Issues new inbound secrets; the set before stays valid for the overlap.
///
/// # Errors
/// Not found; `link_revoked`; `stale_version`; `secrets_issued`; `links_closed`.
pub async fn rotate(
    work: &mut Work,
    vault: &Vault,
    request_id: Uuid,
    seen: Seen,
) -> Result<Secrets, Failure> {
    // Behind the lock: the second of two equal requests waits for the first, and hears that it has issued.
    store::links::lock(work, seen.operator_id).await?;
    fresh_request(work, request_id).await?;
    let row = active(work, seen).await?;
    changed(work, row, Deed::Rotated).await?;
    let until = work.now() + OVERLAP;
    issue(work, vault, request_id, seen.operator_id, until).await
}

/// Sets how the operator's system is called, and by which secrets; what is pulled from it is due at once.
///
/// # Errors
/// Field rules, all at once; not found; `link_revoked`; `stale_version`; `links_closed`.
pub async fn set_peer(
    work: &mut Work,
    vault: &Vault,
    request_id: Uuid,
    seen: Seen,
    peer: (Peer, Option<Secrets>),
    private_addresses: bool,
) -> Result<(), Failure> {
    let (peer, secrets) = peer;
    let mut findings = link::examine_peer(&peer, private_addresses);
    let authority = peer.authority.as_deref().filter(|text| !text.is_empty());
    let told = findings.iter().any(|found| found.field == "authority");
    if !told && authority.is_some_and(|text| outbound::believing(text, true, NO_TIME).is_none()) {
        findings.push(Finding::new("authority", Refusal::CertificateUnreadable));
    }
    findings.extend(secrets.as_ref().map(link::examine_secrets).unwrap_or_default());
    if let Some(failure) = labels::all(findings) {
        return Err(failure);
    }
    let mut row = active(work, seen).await?;
    let operator_id = row.operator_id;
    row.base_url = peer.base_url;
    row.protocol_version = peer.protocol_version;
    row.paths = Json(peer.paths);
    row.spellings = Json(peer.spellings);
    if let Some(authority) = peer.authority {
        row.authority = authority;
    }
    changed(work, row, Deed::PeerSet).await?;
    if let Some(secrets) = secrets {
        let now = work.now();
        store::links::retire(work, operator_id, Direction::Outbound, now).await?;
        keep(work, vault, request_id, operator_id, Direction::Outbound, &secrets).await?;
    }
    // Pages of another system are other pages.
    store::pulls::forget(work, operator_id).await?;
    for kind in Kind::PULLS {
        store::turns::make_due(work, operator_id, kind).await?;
    }
    let morning = turn::next_morning(work.now(), request_id.as_u128());
    for kind in Kind::DAILY {
        store::turns::schedule(work, operator_id, kind, morning).await?;
    }
    Ok(())
}

/// Sets what the administrator grants.
///
/// # Errors
/// Field rules; not found; `link_revoked`; `stale_version`.
pub async fn set_terms(work: &mut Work, seen: Seen, terms: Terms) -> Result<(), Failure> {
    if let Some(failure) = labels::all(link::examine_terms(&terms)) {
        return Err(failure);
    }
    let mut row = active(work, seen).await?;
    row.open = terms.open;
    row.window_secs = terms.window_secs;
    row.hosted = terms.hosted;
    changed(work, row, Deed::TermsSet).await
}

/// Ends a link with all of its secrets; again: no change, whatever the caller saw.
///
/// # Errors
/// Not found; `stale_version`.
pub async fn revoke(work: &mut Work, seen: Seen) -> Result<(), Failure> {
    let operator_id = seen.operator_id;
    let mut row = store::links::lock(work, operator_id).await?.ok_or_else(Failure::not_found)?;
    if row.state == "revoked" {
        return Ok(());
    }
    same_version(&row, seen)?;
    row.state = "revoked".into();
    row.open = false;
    changed(work, row, Deed::Revoked).await?;
    let now = work.now();
    for direction in [Direction::Inbound, Direction::Outbound] {
        store::links::retire(work, operator_id, direction, now).await?;
    }
    Ok(())
}

/// Opens kept secrets; inside, that the key in the settings is another one.
///
/// # Errors
/// `links_closed`.
pub fn open(vault: &Vault, operator_id: Uuid, kept: &Sealed) -> Result<Result<Secrets, Unopened>, Failure> {
    let direction = match kept.direction.as_str() {
        "inbound" => Direction::Inbound,
        _ => Direction::Outbound,
    };
    vault.open(Place { secret_id: kept.secret_id, operator_id, direction }, &kept.sealed)
}

async fn fresh_request(work: &mut Work, request_id: Uuid) -> Result<(), Failure> {
    if store::links::issued(work, request_id).await? {
        return Err(Finding::new("request_id", Refusal::SecretsIssued).into());
    }
    Ok(())
}

async fn active(work: &mut Work, seen: Seen) -> Result<Row, Failure> {
    let row = store::links::lock(work, seen.operator_id).await?.ok_or_else(Failure::not_found)?;
    if row.state != "active" {
        return Err(Finding::new("operator_id", Refusal::LinkRevoked).into());
    }
    same_version(&row, seen)?;
    Ok(row)
}

fn same_version(row: &Row, seen: Seen) -> Result<(), Finding> {
    link::same_version(row.version, seen.version, row.last())
        .map_err(|refusal| Finding::new("expected_version", refusal))
}

async fn changed(work: &mut Work, mut row: Row, deed: Deed) -> Result<(), Failure> {
    row.version += 1;
    row.changed_version = row.version;
    row.updated_at = work.now();
    row.changed_how = deed.name().to_owned();
    row.changed_by_operator = work.caller().operator_id.is_some();
    row.changed_by_office = work.caller().office.clone();
    store::links::save(work, &row).await
}

async fn issue(
    work: &mut Work,
    vault: &Vault,
    request_id: Uuid,
    operator_id: Uuid,
    before_until: OffsetDateTime,
) -> Result<Secrets, Failure> {
    store::links::retire(work, operator_id, Direction::Inbound, before_until).await?;
    let secrets = vault::fresh();
    keep(work, vault, request_id, operator_id, Direction::Inbound, &secrets).await?;
    Ok(secrets)
}

async fn keep(
    work: &mut Work,
    vault: &Vault,
    request_id: Uuid,
    operator_id: Uuid,
    direction: Direction,
    secrets: &Secrets,
) -> Result<(), Failure> {
    let secret_id = work.new_id();
    let sealed = vault.seal(Place { secret_id, operator_id, direction }, secrets)?;
    if store::links::insert_secret(work, operator_id, direction, secret_id, request_id, &sealed).await? {
        Ok(())
    } else {
        Err(Finding::new("request_id", Refusal::SecretsIssued).into())
    }
}
