//! What a list of applications is asked for: from the wire to filter and page, and back to the token of the next page.

use chassis::{Failure, page};
use proto::reviews::{CountByPlaceRequest, ListApplicationsRequest};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::convert::{date, division, id};
use crate::{
    domain::{
        act::Person,
        awaited::voices,
        clock::Alert,
        policy::SHANGHAI,
        stage::{Party, Stage},
    },
    labels,
    store::lists::{Filter, Listed, Order, Own, Page, Place},
};

/// What the caller itself has to do.
const OPEN: &str = "open";

/// Characters of a search.
const SEARCH_CHARS: std::ops::RangeInclusive<usize> = 2..=50;

/// Applications that can be named in one call: a page of any list.
const IDS_MAX: usize = 200;

/// The filter of a list.
///
/// # Errors
/// `unknown_value` on a field.
pub fn filter(request: &ListApplicationsRequest, person: &Person) -> Result<Filter, Failure> {
    let code =
        |text: &str, field: &str| if text.is_empty() { Ok(None) } else { division(text, field).map(Some) };
    let uuid = |text: &str, field: &str| if text.is_empty() { Ok(None) } else { id(text, field).map(Some) };
    let submitted_from = date(&request.submitted_from, "submitted_from")?.map(start_of);
    let submitted_to = date(&request.submitted_to, "submitted_to")?;
    Ok(Filter {
        stages: own_stages(stages(request)?, request, person),
        ids: ids(&request.application_ids)?,
        prefecture: code(&request.prefecture, "prefecture")?,
        county: code(&request.county, "county")?,
        operator: uuid(&request.operator_id, "operator_id")?,
        round: uuid(&request.round_id, "round_id")?,
        order: uuid(&request.work_order_id, "work_order_id")?,
        station: uuid(&request.station_id, "station_id")?,
        struck: struck(&request.light)?,
        overdue: request.overdue,
        text: text(&request.text)?,
        submitted_from,
        submitted_before: submitted_to.and_then(Date::next_day).map(start_of),
        own: own(&request.own, person)?,
    })
}

/// The node and the places of a count by place.
///
/// # Errors
/// `unknown_value` on a field: also for a node that waits for no office, where everything that ever was may stand.
pub fn place(request: &CountByPlaceRequest) -> Result<(Stage, Place), Failure> {
    let office = |stage: &Stage| stage.waits_for().is_some_and(|party| party != Party::Operator);
    let stage = Stage::parse(&request.stage).filter(office).ok_or_else(|| labels::unknown("stage"))?;
    let by = Place::parse(&request.by).ok_or_else(|| labels::unknown("by"))?;
    Ok((stage, by))
}

/// The caller's own part.
fn own(given: &str, person: &Person) -> Result<Option<Own>, Failure> {
    match given {
        "" => Ok(None),
        OPEN => Ok(Some(Own::Open(voices(person)))),
        "done" => Ok(Some(Own::Done(person.id.0, voices(person)))),
        "month" => Ok(Some(Own::ThisMonth(person.id.0))),
        _ => Err(labels::unknown("own")),
    }
}

/// What is open to a person waits for one of its parties.
fn own_stages(
    asked: Option<Vec<Stage>>,
    request: &ListApplicationsRequest,
    person: &Person,
) -> Option<Vec<Stage>> {
    if request.own != OPEN {
        return asked;
    }
    let mut own: Vec<_> =
        person.roles.iter().filter_map(|role| role.party()).flat_map(Party::stages).collect();
    own.retain(|stage| asked.as_ref().is_none_or(|asked| asked.contains(stage)));
    Some(own)
}

/// The applications asked for; none: all.
fn ids(given: &[String]) -> Result<Option<Vec<Uuid>>, Failure> {
    const FIELD: &str = "application_ids";
    if given.len() > IDS_MAX {
        return Err(labels::unknown(FIELD));
    }
    let ids = given.iter().map(|text| id(text, FIELD)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(ids).filter(|ids| !ids.is_empty()))
}

/// The first moment of a day in the province.
pub fn start_of(day: Date) -> OffsetDateTime {
    day.midnight().assume_offset(SHANGHAI)
}

/// What names and numbers are searched for: lower case, half-width.
fn text(given: &str) -> Result<Option<String>, Failure> {
    let folded: String = given.trim().chars().map(half_width).flat_map(char::to_lowercase).collect();
    match folded.chars().count() {
        0 => Ok(None),
        _ if folded.chars().any(char::is_control) => Err(labels::unknown("text")),
        length if SEARCH_CHARS.contains(&length) => Ok(Some(folded)),
        _ => Err(labels::search_length()),
    }
}

fn half_width(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(character as u32 - 0xFEE0).unwrap_or(character),
        other => other,
    }
}

/// How far the clock has struck where a card of this colour is shown.
fn struck(light: &str) -> Result<Option<Vec<String>>, Failure> {
    if light.is_empty() {
        return Ok(None);
    }
    let alerts = Alert::ALL.into_iter().filter(|alert| alert.light() == light);
    let struck: Vec<_> = alerts.map(|alert| alert.id().to_owned()).collect();
    if struck.is_empty() { Err(labels::unknown("light")) } else { Ok(Some(struck)) }
}

/// The page of a list.
///
/// # Errors
/// `unknown_value` on the order; `page_size_out_of_range`, `page_token_invalid`.
pub fn page(request: &ListApplicationsRequest) -> Result<Page, Failure> {
    let order = Order::parse(&request.order).ok_or_else(|| labels::unknown("order"))?;
    let after = page::after::<(i64, Uuid)>(request.page.as_ref())?
        .map(|(micros, id)| {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
            at.map(|at| (at, id)).map_err(|_| page::invalid_token())
        })
        .transpose()?;
    Ok(Page { order, after, size: page::size(request.page.as_ref())? })
}

/// The token of the page after this one; empty where this one was not full.
#[must_use]
pub fn next_page(listed: &[Listed], page: Page) -> String {
    let full = i64::try_from(listed.len()) == Ok(page.size);
    let last = listed.last().filter(|_| full).map(|row| page.order.key(&row.application));
    let micros = |at: OffsetDateTime| i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    page::token(last.map(|(at, id)| (micros(at), id)).as_ref())
}

/// The nodes asked for, by name and by the party that they wait for.
fn stages(request: &ListApplicationsRequest) -> Result<Option<Vec<Stage>>, Failure> {
    let named = request
        .stages
        .iter()
        .map(|stage| Stage::parse(stage).ok_or_else(|| labels::unknown("stages")))
        .collect::<Result<Vec<_>, _>>()?;
    let waiting = match request.waits_for.as_str() {
        "" => None,
        party => Some(Party::parse(party).ok_or_else(|| labels::unknown("waits_for"))?.stages()),
    };
    let wanted = match (named.is_empty(), waiting) {
        (true, None) => return Ok(None),
        (true, Some(waiting)) => waiting,
        (false, None) => named,
        (false, Some(waiting)) => named.into_iter().filter(|stage| waiting.contains(stage)).collect(),
    };
    Ok(Some(wanted))
}
