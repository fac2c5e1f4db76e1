//! Registers a station, or brings it up to date: alone for a call of the registry, among others for a batch of the ingest.
use std::collections::HashSet;

use chassis::{Failure, Work};
use prost::Message as _;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::settle;
use crate::{
    domain::{
        Finding, Refusal,
        bounds::{Bounds, County},
        connection::{Connection, Standing},
        day,
        fact::Fact,
        guide::Guide,
        registry::{self, Station},
    },
    labels, publish,
    store::{self, connectors, quality::Item, stations::Row},
};

/// What a caller wants registered.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Whose: from the caller's token.
    pub operator_id: Uuid,
    /// Who says so: the caller, kept with the version that it makes.
    pub actor: String,
    /// As described.
    pub station: Station,
    /// The county that it names; `None` where that is not one.
    pub county: Option<County>,
    /// Version that the caller has seen.
    pub expected_version: Option<i64>,
    /// Of the operator's system.
    pub source_time: Option<OffsetDateTime>,
    /// Nothing was said of what drivers are told: what is held stays.
    pub keeps_guide: bool,
}

impl Registration {
    /// The same, saying to drivers what is held.
    fn with_guide(&self, guide: Guide) -> Self {
        let station = Station { guide, ..self.station.clone() };
        Self { station, ..self.clone() }
    }
}

/// What became of a station that may stand in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Written, as a new version.
    Changed(Uuid),
    /// Held already, with the same content.
    Known(Uuid),
}

/// Why a station was not taken.
#[derive(Debug)]
pub enum Untaken {
    /// Rules said no before anything was written: all that is wrong with it, at least one thing.
    Refused(Vec<Finding>),
    /// The unit of work cannot go on.
    Failed(Failure),
}

impl From<Finding> for Untaken {
    fn from(found: Finding) -> Self {
        Self::Refused(vec![found])
    }
}

impl From<Failure> for Untaken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Untaken> for Failure {
    fn from(untaken: Untaken) -> Self {
        match untaken {
            Untaken::Refused(findings) => {
                labels::all(findings).unwrap_or_else(|| Failure::internal("refused without a finding"))
            }
            Untaken::Failed(failure) => failure,
        }
    }
}

/// Registers or updates; the same content again changes nothing. Returns the station's id.
///
/// # Errors
/// All field findings at once; `stale_version`, `stale_source`, `code_taken`, `connector_claimed`; `registered_meanwhile`
/// when a concurrent registration won.
pub async fn execute(
    work: &mut Work,
    wanted: &Registration,
    province: &Bounds,
    window: Duration,
) -> Result<Uuid, Failure> {
    match take(work, wanted, province).await? {
        Taken::Known(station_id) => Ok(station_id),
        Taken::Changed(station_id) => {
            settle::execute(work, &[station_id], window).await?;
            Ok(station_id)
        }
    }
}

/// The same without settling what it changes, which a batch does once for all.
///
/// # Errors
/// [`Untaken`].
pub(super) async fn take(
    work: &mut Work,
    wanted: &Registration,
    province: &Bounds,
) -> Result<Taken, Untaken> {
    let county = admissible(wanted, province, work.now())?;
    let prefecture = county.prefecture.clone();
    let held = store::stations::lock_by_code(work, wanted.operator_id, &wanted.station.code).await?;
    let version = held.as_ref().map_or(0, |row| row.version);
    about_version(version, wanted, held.as_ref())?;
    let told = match &held {
        Some(row) => store::guides::find(work.db(), row.station_id).await?,
        None => Guide::default(),
    };
    let completed;
    let wanted = if wanted.keeps_guide {
        completed = wanted.with_guide(told.clone());
        &completed
    } else {
        wanted
    };
    if let Some(row) = &held {
        let equipment = store::connectors::of_station(work.db(), row.station_id).await?;
        let same = row.station(equipment, told.clone()) == wanted.station;
        if same && row.active && row.prefecture == prefecture {
            if wanted.source_time > row.source_time {
                // What its system said before that must not come to stand, however late it comes.
                store::stations::said_again(work, row.station_id, wanted.source_time).await?;
            }
            return Ok(Taken::Known(row.station_id));
        }
        keeps_claimed(work, row.station_id, &wanted.station).await?;
    }
    let station_id = match &held {
        Some(row) => row.station_id,
        None => work.new_id(),
    };
    let taken = store::connectors::taken(work, station_id, wanted.operator_id, &wanted.station).await?;
    let findings = code_findings(&wanted.station, &taken);
    if !findings.is_empty() {
        return Err(Untaken::Refused(findings));
    }
    let row = next(station_id, wanted, prefecture, held.as_ref(), work.now());
    match held {
        Some(_) => store::stations::save(work, &row).await?,
        None => store::stations::insert(work, &row).await?,
    }
    if wanted.station.guide != told {
        store::guides::save(work, station_id, &wanted.station.guide).await?;
    }
    store::connectors::replace(work, station_id, wanted.operator_id, &wanted.station).await?;
    let content = publish::record(&row.registered(), &wanted.station).encode_to_vec();
    store::stations::keep_revision(work, &row, &content, &wanted.actor).await?;
    work.announce(publish::to_wire(
        Fact::RegistryChanged,
        &row.subject(),
        row.standing()?,
        row.event_version,
    ));
    if !county.reaches(wanted.station.longitude_e6, wanted.station.latitude_e6) {
        store::quality::record(work, vec![far(wanted)]).await?;
    }
    Ok(Taken::Changed(station_id))
}

/// Said to the operator, and no reason to keep the station out: what its system sends of it would be lost.
fn far(wanted: &Registration) -> Item {
    let station = &wanted.station;
    Item {
        operator_id: wanted.operator_id,
        kind: "station",
        connector_code: String::new(),
        order_no: String::new(),
        reason: "far_from_county",
        field: "longitude_e6".to_owned(),
        content: json!({
            "station_code": station.code, "longitude_e6": station.longitude_e6, "latitude_e6": station.latitude_e6,
        }),
        batch_id: String::new(),
    }
}

/// The county, when the station may stand in the registry at all.
fn admissible(wanted: &Registration, province: &Bounds, now: OffsetDateTime) -> Result<County, Untaken> {
    let mut findings = registry::examine(&wanted.station, province, day::of(now));
    if wanted.county.is_none() && !wanted.station.county.is_empty() {
        findings.push(Finding::new("county", Refusal::UnknownDivision));
    }
    if !findings.is_empty() {
        return Err(Untaken::Refused(findings));
    }
    wanted.county.clone().ok_or_else(|| Finding::new("county", Refusal::UnknownDivision).into())
}

fn about_version(version: i64, wanted: &Registration, held: Option<&Row>) -> Result<(), Finding> {
    registry::same_version(version, wanted.expected_version)
        .map_err(|refusal| Finding::new("expected_version", refusal))?;
    registry::newer(held.and_then(|row| row.source_time), wanted.source_time)
        .map_err(|refusal| Finding::new("source_time", refusal))?;
    Ok(())
}

/// A connector that a live application holds must not vanish.
async fn keeps_claimed(work: &mut Work, station_id: Uuid, station: &Station) -> Result<(), Untaken> {
    let codes: HashSet<&str> =
        station.equipment.iter().flat_map(|device| &device.connectors).map(|gun| gun.code.as_str()).collect();
    let claims = store::claims::live(work, station_id).await?;
    match claims.into_iter().find(|claim| !codes.contains(claim.code.as_str())) {
        Some(claim) => {
            Err(Finding::new("equipment", Refusal::ConnectorClaimed { connector: claim.code }).into())
        }
        None => Ok(()),
    }
}

fn code_findings(station: &Station, taken: &connectors::Taken) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, device) in station.equipment.iter().enumerate() {
        if taken.equipment.contains(&device.code) {
            findings.push(Finding::new(format!("equipment[{index}].equipment_id"), Refusal::CodeTaken));
        }
        for (at, gun) in device.connectors.iter().enumerate() {
            if taken.connectors.contains(&gun.code) {
                let path = format!("equipment[{index}].connectors[{at}].connector_id");
                findings.push(Finding::new(path, Refusal::CodeTaken));
            }
        }
    }
    findings
}

fn next(
    station_id: Uuid,
    wanted: &Registration,
    prefecture: String,
    held: Option<&Row>,
    now: OffsetDateTime,
) -> Row {
    let station = &wanted.station;
    let none = Standing { connection: Connection::NotConnected, since: None };
    let connectors = station.equipment.iter().map(|device| device.connectors.len()).sum::<usize>();
    Row {
        station_id,
        operator_id: wanted.operator_id,
        code: station.code.clone(),
        name: station.name.clone(),
        address: station.address.clone(),
        county: station.county.clone(),
        prefecture,
        longitude_e6: station.longitude_e6,
        latitude_e6: station.latitude_e6,
        total_power_watts: station.total_power_watts(),
        connector_count: i32::try_from(connectors).unwrap_or(i32::MAX),
        station_type: station.station_type,
        station_status: station.station_status,
        construction: station.construction,
        park_nums: station.park_nums,
        start_date: station.start_date,
        finish_date: station.finish_date,
        open_date: station.open_date,
        manager: station.manager.clone(),
        manager_phone: station.manager_phone.clone(),
        service_phone: station.service_phone.clone(),
        active: true,
        version: held.map_or(0, |row| row.version) + 1,
        event_version: held.map_or(0, |row| row.event_version) + 1,
        connection: held.map_or(none.connection.name().to_owned(), |row| row.connection.clone()),
        connected_since: held.and_then(|row| row.connected_since),
        source_time: wanted.source_time.or(held.and_then(|row| row.source_time)),
        updated_at: now,
    }
}
