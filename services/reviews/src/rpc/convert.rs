//! From the wire to the domain: ids, dates, persons, commands. Unknown values are refused with their field.

use std::{collections::BTreeMap, sync::Arc};

use chassis::{Caller, Failure};
use proto::reviews::{
    AcceptanceForm, Item, ItemAnswer, Judged as WireJudged, LaunchJointReviewRequest, NodeLimit,
    RecordPaperCheckRequest, RoundPolicy, SaveAcceptanceRequest,
};
use time::{Date, OffsetDateTime, format_description::well_known::Iso8601};
use uuid::Uuid;

use crate::{
    domain::{
        act::{Act, Command, Judged, PaperCheck, Person},
        calendar::Calendar,
        clock::Limits,
        form::{Field, Form},
        guards::{OPINION_CHARACTERS_MAX, readable},
        ids::{ApplicationId, OperatorId, OrderId, PersonId, RoundId},
        policy::{ExpertRule, Gate, Policy},
        stage::{Actor, Stage},
    },
    labels,
};

/// Applications that one command names at most.
pub const ITEMS_MAX: usize = 200;

/// A UUID field.
///
/// # Errors
/// `unknown_value` on the field.
pub fn id(text: &str, field: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| labels::unknown(field))
}

/// The id of an application; one that is no UUID does not exist.
///
/// # Errors
/// NotFound.
pub fn application_id(text: &str) -> Result<ApplicationId, Failure> {
    Uuid::parse_str(text).map(ApplicationId).map_err(|_| Failure::not_found())
}

/// The id of a work order; one that is no UUID does not exist.
///
/// # Errors
/// NotFound.
pub fn order_id(text: &str) -> Result<OrderId, Failure> {
    Uuid::parse_str(text).map(OrderId).map_err(|_| Failure::not_found())
}

/// The id of a round; one that is no UUID does not exist.
///
/// # Errors
/// NotFound.
pub fn round_id(text: &str) -> Result<RoundId, Failure> {
    Uuid::parse_str(text).map(RoundId).map_err(|_| Failure::not_found())
}

/// The person behind a verified caller.
///
/// # Errors
/// PermissionDenied for a caller that is no person.
pub fn person(caller: &Caller) -> Result<Person, Failure> {
    let id = caller.id().ok_or_else(|| Failure::forbidden("not_permitted", "该操作须由个人账号办理"))?;
    Ok(Person {
        id: PersonId(id),
        roles: caller.roles.iter().filter_map(|role| Actor::of_person(role)).collect(),
        scope: caller.scope.clone(),
        operator_id: caller.operator_id.map(OperatorId),
        department: caller.department.clone(),
        office: caller.office.clone(),
        session_id: caller.session_id.clone(),
        authentication: caller.authentication.clone(),
        lead: caller.lead,
        orders: Vec::new(),
    })
}

/// A command of the caller who saw this version.
///
/// # Errors
/// PermissionDenied for a caller that is no person.
pub fn act(caller: &Caller, command: Command, seen: i64) -> Result<Act, Failure> {
    let mut act = Act::new(person(caller)?, command);
    act.seen = Some(seen);
    Ok(act)
}

/// The submission that was judged.
pub fn judged(judged: Option<WireJudged>) -> Option<Judged> {
    judged.map(|judged| Judged { version: judged.submission_version, hash: judged.submission_hash })
}

/// The code of a division: six digits. Source: GB/T 2260.
///
/// # Errors
/// `unknown_value` on the field.
pub fn division(text: &str, field: &str) -> Result<String, Failure> {
    let code = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if code { Ok(text.to_owned()) } else { Err(labels::unknown(field)) }
}

/// Answers to items of a return; a later one replaces an earlier.
///
/// # Errors
/// `answer_too_long`, `answer_unreadable`.
pub fn answers(answers: Vec<ItemAnswer>) -> Result<BTreeMap<String, String>, Failure> {
    let long =
        |answer: &ItemAnswer| answer.text.chars().count() > OPINION_CHARACTERS_MAX || answer.item.len() > 50;
    if answers.len() > 50 || answers.iter().any(long) {
        return Err(Failure::invalid("answer_too_long", "answers", "说明不能超过 2000 个字，请精简"));
    }
    if answers.iter().any(|answer| !readable(&answer.text) || answer.item.chars().any(char::is_control)) {
        return Err(Failure::invalid("answer_unreadable", "answers", "说明含有不可见字符，请重新输入"));
    }
    Ok(answers.into_iter().map(|answer| (answer.item, answer.text)).collect())
}

/// What the county found on paper.
///
/// # Errors
/// `unknown_value` on the date.
pub fn paper(request: &RecordPaperCheckRequest) -> Result<PaperCheck, Failure> {
    Ok(PaperCheck {
        complete: request.complete,
        ticked: request.ticked.clone(),
        missing: request.missing.clone(),
        checked_on: date(&request.checked_on, "checked_on")?,
        checker: request.checker.trim().to_owned(),
    })
}

/// A date field; none where it is empty.
///
/// # Errors
/// `unknown_value` on the field.
pub fn date(text: &str, field: &str) -> Result<Option<Date>, Failure> {
    match text.trim() {
        "" => Ok(None),
        text => Date::parse(text, &Iso8601::DATE).map(Some).map_err(|_| labels::unknown(field)),
    }
}

/// The fields of an edit that are present, as a change of the form.
///
/// # Errors
/// `unknown_value` on a date, or on a coordinate without the other; `unreadable` on a text with control characters.
pub fn patch(request: SaveAcceptanceRequest) -> Result<impl FnOnce(&mut Form) + Send, Failure> {
    for (field, text) in [
        (Field::StationName, request.station_name.as_ref()),
        (Field::Address, request.address.as_ref()),
        (Field::Manager, request.manager.as_ref()),
        (Field::ManagerPhone, request.manager_phone.as_ref()),
    ] {
        plain(field, text.into_iter())?;
    }
    plain(Field::Connectors, request.connectors.iter().flat_map(|choice| &choice.connector_ids))?;
    let start = request.start_date.as_deref().map(|text| date(text, "start_date")).transpose()?;
    let finish = request.finish_date.as_deref().map(|text| date(text, "finish_date")).transpose()?;
    let coordinates = match (request.longitude_e6, request.latitude_e6) {
        (None, None) => None,
        (Some(0), Some(0)) => Some(None),
        (Some(longitude), Some(latitude)) => Some(Some((longitude, latitude))),
        (Some(_), None) | (None, Some(_)) => return Err(labels::unknown("coordinates")),
    };
    Ok(move |form: &mut Form| {
        let set = |field: &mut String, text: Option<String>| {
            if let Some(text) = text {
                *field = text.trim().to_owned();
            }
        };
        set(&mut form.station_name, request.station_name);
        set(&mut form.address, request.address);
        set(&mut form.manager, request.manager);
        set(&mut form.manager_phone, request.manager_phone);
        if let Some(coordinates) = coordinates {
            form.coordinates = coordinates;
        }
        if let Some(choice) = request.connectors {
            form.connectors = choice.connector_ids.into_iter().collect();
        }
        if let Some(start) = start {
            form.start_date = start;
        }
        if let Some(finish) = finish {
            form.finish_date = finish;
        }
    })
}

fn plain<'a>(field: Field, mut texts: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
    if texts.any(|text| text.trim().chars().any(char::is_control)) {
        let text = format!("{}含有不可见字符，请重新输入", labels::field(field));
        return Err(Failure::invalid("unreadable", field.id(), text));
    }
    Ok(())
}

/// The form on the wire.
pub fn form(form: &Form) -> AcceptanceForm {
    let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
    let (longitude_e6, latitude_e6) = form.coordinates.unwrap_or_default();
    AcceptanceForm {
        station_name: form.station_name.clone(),
        address: form.address.clone(),
        longitude_e6,
        latitude_e6,
        connector_ids: form.connectors.iter().cloned().collect(),
        start_date: date(form.start_date),
        finish_date: date(form.finish_date),
        manager: form.manager.clone(),
        manager_phone: form.manager_phone.clone(),
    }
}

/// The policy of a new round.
///
/// # Errors
/// `unknown_value` on a field; the domain checks the rest.
pub fn policy(id: RoundId, policy: Option<RoundPolicy>, calendar: &Arc<Calendar>) -> Result<Policy, Failure> {
    let policy = policy.ok_or_else(|| labels::unknown("policy"))?;
    let count = |number: i32, field: &str| u32::try_from(number).map_err(|_| labels::unknown(field));
    let needed = count(policy.experts_needed, "policy.experts_needed")?;
    let limits = limits(&policy)?;
    Ok(Policy {
        round_id: id,
        version: 1,
        opens_on: date(&policy.opens_on, "policy.opens_on")?
            .ok_or_else(|| labels::unknown("policy.opens_on"))?,
        closes_on: date(&policy.closes_on, "policy.closes_on")?,
        gate_a: Gate::parse(&policy.gate_a).ok_or_else(|| labels::unknown("policy.gate_a"))?,
        gate_b: Gate::parse(&policy.gate_b).ok_or_else(|| labels::unknown("policy.gate_b"))?,
        expert_rule: ExpertRule::parse(&policy.expert_rule, needed)
            .ok_or_else(|| labels::unknown("policy.expert_rule"))?,
        sample_permille: count(policy.sample_permille, "policy.sample_permille")?,
        finding_threshold: count(policy.finding_threshold, "policy.finding_threshold")?,
        freeze_after_days: count(policy.freeze_after_days, "policy.freeze_after_days")?,
        required_slots: policy.required_slots,
        departments: policy.departments,
        limits,
        calendar: calendar.clone(),
    })
}

fn limits(policy: &RoundPolicy) -> Result<Limits, Failure> {
    let count = |number: i32, field: &str| u32::try_from(number).map_err(|_| labels::unknown(field));
    let or = |number: Option<i32>, usual, field| number.map_or(Ok(usual), |number| count(number, field));
    let node = |limit: &NodeLimit| {
        let stage = Stage::parse(&limit.stage).ok_or_else(|| labels::unknown("policy.limits"))?;
        Ok((stage, count(limit.working_days, "policy.limits")?))
    };
    Ok(Limits {
        nodes: policy.limits.iter().map(node).collect::<Result<_, Failure>>()?,
        near_working_days: or(
            policy.near_working_days,
            Limits::NEAR_WORKING_DAYS,
            "policy.near_working_days",
        )?,
        escalate_after_working_days: or(
            policy.escalate_after_working_days,
            Limits::ESCALATE_AFTER_WORKING_DAYS,
            "policy.escalate_after_working_days",
        )?,
    })
}

/// A deadline on the wire.
///
/// # Errors
/// `unknown_value` on `deadlines`.
pub fn deadline(at: &prost_types::Timestamp) -> Result<OffsetDateTime, Failure> {
    OffsetDateTime::from_unix_timestamp(at.seconds).map_err(|_| labels::unknown("deadlines"))
}

/// Items of a command on many applications: ids with the versions that were seen.
///
/// # Errors
/// `items_out_of_range` unless 1..=200 are named; an id that is no UUID belongs to nothing, and is kept as such.
pub fn items(items: &[Item]) -> Result<Vec<(String, Option<Uuid>, i64)>, Failure> {
    if !(1..=ITEMS_MAX).contains(&items.len()) {
        return Err(Failure::invalid("items_out_of_range", "items", "请选择 1–200 项申请"));
    }
    Ok(items
        .iter()
        .map(|item| (item.application_id.clone(), Uuid::parse_str(&item.application_id).ok(), item.version))
        .collect())
}

/// A city of a launch: its code, its panel, its lead, and how many the caller saw waiting, where it says so.
pub type WireCity = (String, Vec<Uuid>, Uuid, Option<usize>);

/// The ids of a launch: round, batch, and for each city the panel with its lead.
///
/// # Errors
/// `unknown_value` on a field.
pub fn launch(request: &LaunchJointReviewRequest) -> Result<(RoundId, i32, Vec<WireCity>), Failure> {
    if request.batch < 1 {
        return Err(labels::unknown("batch"));
    }
    if request.cities.len() > 100 || request.cities.iter().any(|city| city.expert_ids.len() > 50) {
        return Err(labels::unknown("cities"));
    }
    let cities = request
        .cities
        .iter()
        .map(|city| {
            let experts =
                city.expert_ids.iter().map(|expert| id(expert, "cities")).collect::<Result<Vec<_>, _>>()?;
            let seen = usize::try_from(city.seen).ok().filter(|seen| *seen > 0);
            Ok((division(&city.prefecture, "cities")?, experts, id(&city.lead_id, "cities")?, seen))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok((round_id(&request.round_id)?, request.batch, cities))
}
