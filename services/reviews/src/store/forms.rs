//! Forms as the operator fills them, and the registry record behind each. Knows the JSON; the rules do not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime, format_description::well_known::Iso8601};
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    answers::Answers,
    form::Form,
    ids::ApplicationId,
    station::{Connector, Station},
};

/// A form with its edit version and its station.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Counts edits: 1 after the creation.
    pub edit_version: i64,
    /// When the last one was saved.
    pub edited_at: OffsetDateTime,
    /// What is filled in.
    pub form: Form,
    /// What is to be said to a return.
    pub answers: Answers,
    /// The station behind it.
    pub station: Station,
}

#[derive(Serialize, Deserialize)]
struct FormJson {
    station_name: String,
    address: String,
    coordinates: Option<(i64, i64)>,
    connectors: std::collections::BTreeSet<String>,
    start_date: Option<String>,
    finish_date: Option<String>,
    manager: String,
    manager_phone: String,
}

#[derive(Serialize, Deserialize)]
struct ConnectorJson {
    id: String,
    equipment_id: String,
    kind: i32,
    power_watts: i64,
}

#[derive(Serialize, Deserialize)]
struct StationJson {
    id: Uuid,
    code: String,
    name: String,
    address: String,
    county: String,
    prefecture: String,
    coordinates: Option<(i64, i64)>,
    // Not in applications from before it was kept.
    #[serde(default)]
    seat: Option<(i64, i64)>,
    total_power_watts: i64,
    start_date: Option<String>,
    finish_date: Option<String>,
    manager: String,
    manager_phone: String,
    connectors: Vec<ConnectorJson>,
    registry_version: i64,
}

fn date(text: Option<String>) -> Option<Date> {
    text.and_then(|text| Date::parse(&text, &Iso8601::DATE).ok())
}

fn text(date: Option<Date>) -> Option<String> {
    date.map(|date| date.to_string())
}

/// The JSON of a form; also stored with each submission.
///
/// # Errors
/// None in practice: the value has no key that JSON could not hold.
pub fn form_json(form: &Form) -> Result<Value, StoreError> {
    let json = FormJson {
        station_name: form.station_name.clone(),
        address: form.address.clone(),
        coordinates: form.coordinates,
        connectors: form.connectors.clone(),
        start_date: text(form.start_date),
        finish_date: text(form.finish_date),
        manager: form.manager.clone(),
        manager_phone: form.manager_phone.clone(),
    };
    serde_json::to_value(json).map_err(|_| StoreError::Corrupt { table: "forms", id: Uuid::nil() })
}

/// Reads the JSON of a form.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn form_of(value: Value, id: Uuid) -> Result<Form, StoreError> {
    let json: FormJson =
        serde_json::from_value(value).map_err(|_| StoreError::Corrupt { table: "forms", id })?;
    Ok(Form {
        station_name: json.station_name,
        address: json.address,
        coordinates: json.coordinates,
        connectors: json.connectors,
        start_date: date(json.start_date),
        finish_date: date(json.finish_date),
        manager: json.manager,
        manager_phone: json.manager_phone,
    })
}

fn station_json(station: &Station) -> Result<Value, StoreError> {
    let json = StationJson {
        id: station.id,
        code: station.code.clone(),
        name: station.name.clone(),
        address: station.address.clone(),
        county: station.county.clone(),
        prefecture: station.prefecture.clone(),
        coordinates: station.coordinates,
        seat: station.seat,
        total_power_watts: station.total_power_watts,
        start_date: text(station.start_date),
        finish_date: text(station.finish_date),
        manager: station.manager.clone(),
        manager_phone: station.manager_phone.clone(),
        connectors: station
            .connectors
            .iter()
            .map(|connector| ConnectorJson {
                id: connector.id.clone(),
                equipment_id: connector.equipment_id.clone(),
                kind: connector.kind,
                power_watts: connector.power_watts,
            })
            .collect(),
        registry_version: station.registry_version,
    };
    serde_json::to_value(json).map_err(|_| StoreError::Corrupt { table: "forms", id: station.id })
}

fn station_of(value: Value, id: Uuid) -> Result<Station, StoreError> {
    let json: StationJson =
        serde_json::from_value(value).map_err(|_| StoreError::Corrupt { table: "forms", id })?;
    Ok(Station {
        id: json.id,
        code: json.code,
        name: json.name,
        address: json.address,
        county: json.county,
        prefecture: json.prefecture,
        coordinates: json.coordinates,
        seat: json.seat,
        total_power_watts: json.total_power_watts,
        start_date: date(json.start_date),
        finish_date: date(json.finish_date),
        manager: json.manager,
        manager_phone: json.manager_phone,
        connectors: json
            .connectors
            .into_iter()
            .map(|connector| Connector {
                id: connector.id,
                equipment_id: connector.equipment_id,
                kind: connector.kind,
                power_watts: connector.power_watts,
            })
            .collect(),
        registry_version: json.registry_version,
    })
}

/// Inserts the prefilled form. Source: T01.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    id: ApplicationId,
    form: &Form,
    station: &Station,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- reviews.forms.insert
         INSERT INTO forms (application_id, edit_version, form, station, edited_at) VALUES ($1, 1, $2, $3, $4)",
        id.0,
        form_json(form)?,
        station_json(station)?,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Reads the form. Every application has one.
///
/// # Errors
/// The database is away; [`StoreError::Corrupt`].
pub async fn find(db: &mut PgConnection, id: ApplicationId) -> Result<Sheet, StoreError> {
    let row = sqlx::query!(
        "-- reviews.forms.find
         SELECT edit_version, edited_at, form, answers, answers_to, station FROM forms WHERE application_id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?
    .ok_or(StoreError::Corrupt { table: "forms", id: id.0 })?;
    let texts: BTreeMap<String, String> =
        serde_json::from_value(row.answers).map_err(|_| StoreError::Corrupt { table: "forms", id: id.0 })?;
    Ok(Sheet {
        edit_version: row.edit_version,
        edited_at: row.edited_at,
        form: form_of(row.form, id.0)?,
        answers: Answers { submission: row.answers_to, texts },
        station: station_of(row.station, id.0)?,
    })
}

/// Saves an edit; the application's row is locked by the caller.
///
/// # Errors
/// The database is away.
pub async fn save(db: &mut PgConnection, id: ApplicationId, sheet: &Sheet) -> Result<(), StoreError> {
    let answers = serde_json::to_value(&sheet.answers.texts)
        .map_err(|_| StoreError::Corrupt { table: "forms", id: id.0 })?;
    sqlx::query!(
        "-- reviews.forms.save
         WITH named AS (UPDATE applications SET station_name = $2 WHERE id = $1 AND station_name <> $2)
         UPDATE forms SET form = $3, edit_version = $4, edited_at = $5, answers = $6, answers_to = $7
         WHERE application_id = $1",
        id.0,
        sheet.form.station_name,
        form_json(&sheet.form)?,
        sheet.edit_version,
        sheet.edited_at,
        answers,
        sheet.answers.submission
    )
    .execute(db)
    .await?;
    Ok(())
}
