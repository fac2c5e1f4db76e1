//! Between the wire and the domain: callers to viewers, filters, page keys, rows to messages.

mod notice;

pub(super) use notice::{
    audiences, content, deed, notice, notice_state, place_of, published, reader_place, seen,
};

use chassis::{Caller, Failure, page};
use proto::notifications as wire;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    domain::{
        desk::{Role, Viewer},
        stage::{AccountState, Stage},
        task::Light,
    },
    labels,
    store::{
        messages::MessageRow,
        worklist::{After, Filter, LightCount, Neighbours, StageCount, TaskRow},
    },
};

/// Where a page ended: time in microseconds (PostgreSQL's precision) and id.
pub(super) type PageKey = (i64, Uuid);

pub(super) fn viewer(caller: &Caller) -> Result<Viewer, Failure> {
    let user_id =
        caller.id().ok_or_else(|| Failure::unauthenticated("caller_invalid", labels::CALLER_INVALID))?;
    let roles: Vec<Role> = caller.roles.iter().filter_map(|role| Role::parse(role)).collect();
    Ok(Viewer::new(user_id, &roles, &caller.scope, caller.operator_id, &caller.department))
}

pub(super) fn filter(request: &wire::ListTasksRequest, user_id: Uuid) -> Result<Filter, Failure> {
    let stage = request.stage.as_str();
    if !stage.is_empty() && Stage::parse(stage).is_none() && AccountState::parse(stage).is_none() {
        return Err(Failure::invalid("unknown_value", "stage", labels::UNKNOWN_VALUE));
    }
    Ok(Filter {
        stage: stage.to_owned(),
        prefecture: division("prefecture", &request.prefecture)?,
        county: division("county", &request.county)?,
        light: match Light::parse(&request.light) {
            Some(light) => light.code().to_owned(),
            None => return Err(Failure::invalid("unknown_value", "light", labels::UNKNOWN_VALUE)),
        },
        assignee_id: request.mine.then_some(user_id),
    })
}

/// The stage of an application.
pub(super) fn stage(code: &str) -> Result<&'static str, Failure> {
    let unknown = || Failure::invalid("unknown_value", "stage", labels::UNKNOWN_VALUE);
    Stage::parse(code).map(Stage::code).ok_or_else(unknown)
}

/// Where a page of tasks begins: the token of its own order.
pub(super) fn place(request: &wire::ListTasksRequest) -> Result<After, Failure> {
    let page = request.page.as_ref();
    match request.order.as_str() {
        "" => Ok(After::Since(page::after(page)?.map(after).transpose()?)),
        "deadline" => {
            let key: Option<(Option<i64>, Uuid)> = page::after(page)?;
            let key = key.map(|(micros, id)| {
                Ok::<_, Failure>((
                    micros.map(|micros| after((micros, id))).transpose()?.map(|(at, _)| at),
                    id,
                ))
            });
            Ok(After::Deadline(key.transpose()?))
        }
        _ => Err(Failure::invalid("unknown_value", "order", labels::UNKNOWN_VALUE)),
    }
}

/// The token of the page after this row.
pub(super) fn next(place: After, last: &TaskRow) -> String {
    match place {
        After::Since(_) => page::token(Some(&page_key(last.since, last.subject_id))),
        After::Deadline(_) => {
            let micros = last.deadline_at.map(|at| page_key(at, last.subject_id).0);
            page::token(Some(&(micros, last.subject_id)))
        }
    }
}

fn division(field: &'static str, code: &str) -> Result<String, Failure> {
    if code.is_empty() || (code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())) {
        Ok(code.to_owned())
    } else {
        Err(Failure::invalid("division_code_malformed", field, labels::DIVISION_MALFORMED))
    }
}

/// An id that is none names nothing.
pub(super) fn id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| Failure::not_found())
}

pub(super) fn page_key(at: OffsetDateTime, id: Uuid) -> PageKey {
    (i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX), id)
}

pub(super) fn after(key: PageKey) -> Result<(OffsetDateTime, Uuid), Failure> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(key.0) * 1_000)
        .map_err(|_| Failure::invalid("page_token_invalid", "page.page_token", labels::PAGE_TOKEN_INVALID))?;
    Ok((at, key.1))
}

pub(super) fn timestamp(at: OffsetDateTime) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).unwrap_or(0),
    })
}

fn text(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

pub(super) fn task(row: TaskRow) -> wire::Task {
    wire::Task {
        subject_type: row.subject_type,
        subject_id: row.subject_id.to_string(),
        application_no: row.application_no,
        stage: row.stage,
        waits_for: row.waits_for,
        county: row.county,
        prefecture: row.prefecture,
        operator_id: row.operator_id.to_string(),
        station_id: text(row.station_id),
        work_order_id: text(row.work_order_id),
        round_id: text(row.round_id),
        version: row.version,
        since: timestamp(row.since),
        sampled: row.sampled,
        assignee_id: text(row.assignee_id),
        deadline_at: row.deadline_at.and_then(timestamp),
        light: row.light,
        reminded_count: row.reminded_count,
        reminded_at: row.reminded_at.and_then(timestamp),
    }
}

pub(super) fn stage_count(row: StageCount, lights: &[LightCount]) -> wire::StageCount {
    let lit = |light: Light| {
        lights
            .iter()
            .find(|lit| lit.stage == row.stage && lit.light == light.code())
            .filter(|_| row.subject_type == "application")
    };
    let (yellow, red) = (lit(Light::Yellow), lit(Light::Red));
    let earliest = [yellow, red].into_iter().flatten().filter_map(|lit| lit.earliest).min();
    wire::StageCount {
        yellow: yellow.map_or(0, |lit| count(lit.count)),
        red: red.map_or(0, |lit| count(lit.count)),
        earliest_deadline_at: earliest.and_then(timestamp),
        stage: row.stage,
        count: count(row.count),
        oldest_since: timestamp(row.oldest_since),
        subject_type: row.subject_type,
    }
}

pub(super) fn neighbours(found: Neighbours) -> wire::FindNeighboursResponse {
    wire::FindNeighboursResponse {
        place: count(found.place),
        total: count(found.total),
        previous_id: text(found.previous),
        next_id: text(found.next),
        first_id: text(found.first),
    }
}

/// A count that the database already capped.
pub(super) fn count(rows: i64) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

pub(super) fn message(row: MessageRow) -> wire::Message {
    let subject_id = row.subject_id.to_string();
    wire::Message {
        message_id: row.message_id.to_string(),
        text: row.text,
        application_id: if row.subject_type == "application" { subject_id.clone() } else { String::new() },
        kind: row.kind,
        at: timestamp(row.at),
        read: row.read,
        subject_type: row.subject_type,
        subject_id,
    }
}
