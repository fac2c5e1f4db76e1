//! The acceptance application: its fields, what makes each valid, and which of them are open at a node.
//!
//! Source: workflow, Materials (first paragraph), T02, T05; wording of the problems in `labels.rs`.

use std::collections::BTreeSet;

use time::Date;

use super::{
    application::Application, canonical::Canonical, refusal::Refusal, stage::Stage, station::Station,
};

/// A field that can be edited, and that a return can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// 场站名称
    StationName,
    /// 地址
    Address,
    /// 经纬度
    Coordinates,
    /// 充电设备与接口
    Connectors,
    /// 开工时间
    StartDate,
    /// 完工时间
    FinishDate,
    /// 场站负责人
    Manager,
    /// 联系电话
    ManagerPhone,
}

/// What the operator has filled in so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// 场站名称, ≤ 100 characters.
    pub station_name: String,
    /// 地址, ≤ 200 characters.
    pub address: String,
    /// GCJ-02 in micro-degrees: longitude, latitude.
    pub coordinates: Option<(i64, i64)>,
    /// Connectors for which the subsidy is applied; a subset of the station's.
    pub connectors: BTreeSet<String>,
    /// 开工时间
    pub start_date: Option<Date>,
    /// 完工时间
    pub finish_date: Option<Date>,
    /// 场站负责人, ≤ 50 characters.
    pub manager: String,
    /// 11 digits.
    pub manager_phone: String,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nothing is filled in.
    Missing,
    /// Longer than so many characters.
    TooLong(usize),
    /// Contains control characters.
    Unreadable,
    /// Finished before it was started.
    OutOfOrder,
    /// Lies in the future.
    InFuture,
    /// Not 11 digits but so many characters.
    PhoneLength(usize),
    /// Right length, but not a mobile number.
    PhoneShape,
    /// Outside the country, or latitude and longitude are swapped.
    Elsewhere,
    /// Not in the station's county, of which this is the code.
    FarFromCounty(String),
    /// The station has no such connector.
    UnknownConnector(String),
}

/// A field with its problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field.
    pub field: Field,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Field {
    /// Every field, in the order of the form.
    pub const ALL: [Field; 8] = [
        Field::StationName,
        Field::Address,
        Field::Coordinates,
        Field::Connectors,
        Field::StartDate,
        Field::FinishDate,
        Field::Manager,
        Field::ManagerPhone,
    ];

    /// The stable id on the wire and in return items.
    pub fn id(self) -> &'static str {
        match self {
            Field::StationName => "station_name",
            Field::Address => "address",
            Field::Coordinates => "coordinates",
            Field::Connectors => "connectors",
            Field::StartDate => "start_date",
            Field::FinishDate => "finish_date",
            Field::Manager => "manager",
            Field::ManagerPhone => "manager_phone",
        }
    }

    /// Finds the field of a stable id.
    pub fn parse(id: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.id() == id)
    }
}

impl Form {
    /// Every problem of the form as it would be submitted today. Source: T02 "all fields valid".
    pub fn problems(&self, station: &Station, today: Date) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        let mut note = |field, problem: Option<Problem>| {
            if let Some(problem) = problem {
                found.push(FieldProblem { field, problem });
            }
        };
        note(Field::StationName, text_problem(&self.station_name, 100));
        note(Field::Address, text_problem(&self.address, 200));
        note(Field::Coordinates, self.coordinates_problem(station));
        note(Field::Connectors, self.connectors_problem(&station.connector_ids()));
        note(Field::StartDate, date_problem(self.start_date, today));
        note(Field::FinishDate, self.finish_problem(today));
        note(Field::Manager, text_problem(&self.manager, 50));
        note(Field::ManagerPhone, phone_problem(&self.manager_phone));
        found
    }

    fn coordinates_problem(&self, station: &Station) -> Option<Problem> {
        // The mainland's extent, rounded outwards: a swapped pair always falls outside.
        let Some((longitude, latitude)) = self.coordinates else { return Some(Problem::Missing) };
        let inside =
            (73_000_000..=136_000_000).contains(&longitude) && (3_000_000..=54_000_000).contains(&latitude);
        if !inside {
            return Some(Problem::Elsewhere);
        }
        let far = !station.reaches((longitude, latitude));
        far.then(|| Problem::FarFromCounty(station.county.clone()))
    }

    fn connectors_problem(&self, station_connectors: &BTreeSet<String>) -> Option<Problem> {
        if self.connectors.is_empty() {
            return Some(Problem::Missing);
        }
        self.connectors
            .iter()
            .find(|connector| !station_connectors.contains(*connector))
            .map(|connector| Problem::UnknownConnector(connector.clone()))
    }

    fn finish_problem(&self, today: Date) -> Option<Problem> {
        date_problem(self.finish_date, today).or_else(|| match (self.start_date, self.finish_date) {
            (Some(start), Some(finish)) if finish < start => Some(Problem::OutOfOrder),
            (Some(_) | None, Some(_) | None) => None,
        })
    }

    /// The fields in which two forms differ.
    pub fn changed(&self, other: &Form) -> Vec<Field> {
        Field::ALL
            .into_iter()
            .filter(|field| match field {
                Field::StationName => self.station_name != other.station_name,
                Field::Address => self.address != other.address,
                Field::Coordinates => self.coordinates != other.coordinates,
                Field::Connectors => self.connectors != other.connectors,
                Field::StartDate => self.start_date != other.start_date,
                Field::FinishDate => self.finish_date != other.finish_date,
                Field::Manager => self.manager != other.manager,
                Field::ManagerPhone => self.manager_phone != other.manager_phone,
            })
            .collect()
    }

    /// Adds every field to a record, in the order of the form.
    pub fn encode(&self, into: Canonical) -> Canonical {
        let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let (longitude, latitude) = self.coordinates.unwrap_or_default();
        into.text(&self.station_name)
            .text(&self.address)
            .number(longitude)
            .number(latitude)
            .texts(self.connectors.iter().map(String::as_str).collect::<Vec<_>>().into_iter())
            .text(&date(self.start_date))
            .text(&date(self.finish_date))
            .text(&self.manager)
            .text(&self.manager_phone)
    }
}

/// Which fields of the form may be edited where the application stands.
///
/// A draft is open; after a return only what was named, or everything where the return opened everything; the form
/// that the county has passed is closed while the first materials are due, but for what a return named before the
/// materials were withdrawn (T10). Source: T05, invariant 2.
pub fn open_fields(application: &Application) -> Vec<Field> {
    match application.stage {
        Stage::Draft => Field::ALL.to_vec(),
        Stage::CountyReturned | Stage::MaterialsDue | Stage::CityReturned | Stage::SupplementDue => {
            if application.returned.open_all {
                return Field::ALL.to_vec();
            }
            application.returned.items.iter().filter_map(|item| Field::parse(item)).collect()
        }
        Stage::CountyReview
        | Stage::PaperCheck
        | Stage::CityReview
        | Stage::AwaitingJointReview
        | Stage::ExpertReview
        | Stage::AwaitingProvince
        | Stage::ProvincialReview
        | Stage::Approved
        | Stage::Deleted
        | Stage::Terminated => Vec::new(),
    }
}

/// Allows the change of these fields, or says which one is closed.
///
/// # Errors
/// [`Refusal::NotEditable`] where nothing is open, [`Refusal::FieldClosed`] for a field that the return did not name.
pub fn may_edit(application: &Application, fields: &[Field]) -> Result<(), Refusal> {
    let open = open_fields(application);
    if open.is_empty() {
        return Err(Refusal::NotEditable { stage: application.stage });
    }
    match fields.iter().find(|field| !open.contains(field)) {
        Some(field) => Err(Refusal::FieldClosed { field: *field }),
        None => Ok(()),
    }
}

fn text_problem(text: &str, characters_max: usize) -> Option<Problem> {
    if text.trim().is_empty() {
        return Some(Problem::Missing);
    }
    if text.chars().any(char::is_control) {
        return Some(Problem::Unreadable);
    }
    (text.chars().count() > characters_max).then_some(Problem::TooLong(characters_max))
}

fn date_problem(date: Option<Date>, today: Date) -> Option<Problem> {
    match date {
        None => Some(Problem::Missing),
        Some(date) if date > today => Some(Problem::InFuture),
        Some(_) => None,
    }
}

fn phone_problem(phone: &str) -> Option<Problem> {
    if phone.trim().is_empty() {
        return Some(Problem::Missing);
    }
    let length = phone.chars().count();
    if length != 11 {
        return Some(Problem::PhoneLength(length));
    }
    let mobile = phone.starts_with('1') && phone.chars().all(|c| c.is_ascii_digit());
    (!mobile).then_some(Problem::PhoneShape)
}
