//! From the domain to the wire: what a caller of this side of the table reads.

use std::collections::BTreeMap;

use proto::reviews::{
    AllowedAction, ApplicationView, CalendarYear, CountApplicationsResponse, CountByPlaceResponse,
    Draw as WireDraw, HistoryEntry, ItemAnswer, NodeLimit, PanelMember, PaperCheck as WirePaperCheck,
    PlaceCount as WirePlace, RankedMember, Round as WireRound, RoundPolicy, StageCount, StationConnector,
    StationSnapshot, StepRef, Submission as WireSubmission, SubmissionRef, TimeLeft, WorkOrderView,
};

use time::OffsetDateTime;

use super::convert;
use crate::{
    app::{Shared, allowed::Action},
    domain::{
        act::{Command, PaperCheck, Person},
        application::{Application, Submitted},
        awaited::awaits,
        calendar::Calendar,
        canonical::hex,
        clock::Clock,
        form::open_fields,
        order::Order,
        policy::ExpertRule,
        refusal::Refusal,
        stage::{Actor, Party, Stage},
        station::Station,
    },
    labels,
    publish::{self, timestamp},
    store::{
        forms::Sheet,
        history::Link,
        lists::{COUNT_MAX, Listed, PlaceCount},
        opinions::Seat,
        orders::Progress,
        rounds::Round,
        samples::Kept,
        submissions::Submission,
    },
};

/// Who reads, and when.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    person: &'a Person,
    calendar: &'a Calendar,
    now: OffsetDateTime,
}

impl<'a> Reader<'a> {
    /// A person who reads at this instant.
    pub fn new(person: &'a Person, shared: &'a Shared, now: OffsetDateTime) -> Self {
        Reader { person, calendar: shared.policies.calendar(), now }
    }
}

/// 剩 n 个工作日, 超期 n 天.
pub fn time_left(clock: Clock, calendar: &Calendar, now: OffsetDateTime) -> TimeLeft {
    TimeLeft {
        working_days_left: i32::try_from(calendar.left(now, clock.deadline_at)).unwrap_or(i32::MAX),
        days_over: i32::try_from(clock.days_over(now)).unwrap_or(i32::MAX),
    }
}

/// An application without its form.
pub fn application(application: &Application, reader: &Reader<'_>) -> ApplicationView {
    let person = reader.person;
    let transition = application.last.as_ref().map_or("", |last| last.transition.as_str());
    let operator = person.roles.contains(&Actor::Operator);
    let label = if operator {
        labels::stage_for_operator(application.stage)
    } else {
        labels::stage(application.stage, transition)
    };
    ApplicationView {
        application_id: application.id.to_string(),
        application_no: application.number.clone(),
        receipt_no: application.receipt_no.clone().unwrap_or_default(),
        round_id: application.round_id.to_string(),
        policy_version: application.policy_version,
        operator_id: application.operator_id.to_string(),
        operator_name: application.operator_name.clone(),
        station_id: application.station_id.to_string(),
        station_code: application.station_code.clone(),
        station_name: application.station_name.clone(),
        county: application.county.clone(),
        prefecture: application.prefecture.clone(),
        stage: application.stage.id().to_owned(),
        stage_label: label.to_owned(),
        waits_for: application.stage.waits_for().map_or("", Party::id).to_owned(),
        version: application.version,
        submission: application.submitted.as_ref().map(submitted),
        return_items: application.returned.items.clone(),
        return_open_all: application.returned.open_all,
        work_order_id: application.order_id.map(|order| order.to_string()).unwrap_or_default(),
        in_sample: application.in_sample,
        forced_sample: application.forced_sample,
        entered_at: Some(timestamp(application.entered_at)),
        created_at: Some(timestamp(application.created_at)),
        last_step: application.last.as_ref().map(|last| StepRef {
            transition: last.transition.clone(),
            role: last.role.role().to_owned(),
            office: last.office.clone(),
            at: Some(timestamp(last.at)),
        }),
        edit_version: 0,
        form: None,
        station: None,
        open_fields: open_fields(application).into_iter().map(|field| field.id().to_owned()).collect(),
        deadline_at: application.clock.map(|clock| timestamp(clock.deadline_at)),
        time_left: application.clock.map(|clock| time_left(clock, reader.calendar, reader.now)),
        light: publish::light(application).to_owned(),
        reminded_count: i32::try_from(application.reminders.count).unwrap_or(i32::MAX),
        reminded_at: application.reminders.last_at.map(timestamp),
        assignee_id: application
            .assignee
            .filter(|_| !operator)
            .map(|assignee| assignee.to_string())
            .unwrap_or_default(),
        yours: awaits(person, application),
        submitted_at: None,
        dc_piles: 0,
        ac_piles: 0,
        power_watts: 0,
        answers: Vec::new(),
    }
}

/// An application in a list.
pub fn listed(row: &Listed, person: &Person, shared: &Shared) -> ApplicationView {
    let reader = Reader::new(person, shared, row.read_at);
    ApplicationView {
        submitted_at: row.submitted_at.map(timestamp),
        dc_piles: row.size.dc_piles,
        ac_piles: row.size.ac_piles,
        power_watts: row.size.power_watts,
        ..application(&row.application, &reader)
    }
}

/// How many stand at each node.
pub fn counts(counted: &BTreeMap<Stage, i32>) -> CountApplicationsResponse {
    let one = |(stage, count): (&Stage, &i32)| StageCount { stage: stage.id().to_owned(), count: *count };
    let total: i32 = counted.values().sum();
    CountApplicationsResponse { counts: counted.iter().map(one).collect(), total: total.min(COUNT_MAX + 1) }
}

/// How many stand at a node, by round and place.
pub fn places(counted: Vec<PlaceCount>) -> CountByPlaceResponse {
    let one = |row: PlaceCount| WirePlace {
        round_id: row.round_id.to_string(),
        prefecture: row.prefecture,
        county: row.county,
        count: row.count,
    };
    CountByPlaceResponse { counts: counted.into_iter().map(one).collect() }
}

/// An application with its form and station.
pub fn with_sheet(found: &Application, sheet: &Sheet, reader: &Reader<'_>) -> ApplicationView {
    // What is not handed in yet is the operator's own.
    let operator = reader.person.roles.contains(&Actor::Operator);
    let said = sheet.answers.said_to(&found.returned).filter(|_| operator);
    ApplicationView {
        answers: said.map(|(item, text)| ItemAnswer { item: item.into(), text: text.into() }).collect(),
        edit_version: sheet.edit_version,
        form: Some(convert::form(&sheet.form)),
        station: Some(station(&sheet.station)),
        ..application(found, reader)
    }
}

/// The submission that stands.
pub fn submitted(submitted: &Submitted) -> SubmissionRef {
    SubmissionRef {
        version: submitted.version,
        kind: submitted.kind.id().to_owned(),
        hash: submitted.hash.clone(),
        dossier_hash: submitted.dossier_hash.clone(),
    }
}

fn station(station: &Station) -> StationSnapshot {
    StationSnapshot {
        station_id: station.id.to_string(),
        station_code: station.code.clone(),
        name: station.name.clone(),
        address: station.address.clone(),
        county: station.county.clone(),
        prefecture: station.prefecture.clone(),
        total_power_watts: station.total_power_watts,
        connectors: station
            .connectors
            .iter()
            .map(|connector| StationConnector {
                connector_id: connector.id.clone(),
                equipment_id: connector.equipment_id.clone(),
                connector_type: connector.kind,
                power_watts: connector.power_watts,
            })
            .collect(),
        registry_version: station.registry_version,
    }
}

/// The history as this person reads it: an operator sees no persons; an individual opinion is its author's and the
/// departments' to read (reliability section 10).
pub fn history(links: &[Link], papers: &[(i64, PaperCheck)], person: &Person) -> Vec<HistoryEntry> {
    let operator = person.roles.contains(&Actor::Operator);
    let department = person.roles.contains(&Actor::Province);
    links
        .iter()
        .map(|link| {
            let entry = &link.entry;
            let individual = matches!(entry.transition.as_str(), "T15" | "T21");
            let hidden = individual && !department && entry.actor_id != person.id.0;
            HistoryEntry {
                version: entry.version,
                transition: entry.transition.clone(),
                command: entry.command.clone(),
                from_stage: entry.from.map_or("", Stage::id).to_owned(),
                to_stage: entry.to.id().to_owned(),
                actor_id: if operator { String::new() } else { entry.actor_id.to_string() },
                actor_role: entry.role.role().to_owned(),
                office: entry.office.clone(),
                department: entry.department.clone(),
                opinion: if hidden { String::new() } else { entry.opinion.clone() },
                // To whom work was given is a person, and none of the operator's business.
                items: if operator && entry.command == Command::Reassign.id() {
                    Vec::new()
                } else {
                    entry.items.clone()
                },
                submission_version: entry.submission_version,
                submission_hash: entry.submission_hash.clone(),
                occurred_at: Some(timestamp(entry.at)),
                prev_hash: hex(&link.prev_hash),
                hash: hex(&link.hash),
                paper_check: papers
                    .iter()
                    .find(|(version, _)| *version == entry.version)
                    .map(|(_, paper)| paper_check(paper, operator)),
            }
        })
        .collect()
}

fn paper_check(paper: &PaperCheck, operator: bool) -> WirePaperCheck {
    WirePaperCheck {
        complete: paper.complete,
        ticked: paper.ticked.clone(),
        missing: paper.missing.clone(),
        checked_on: paper.checked_on.map(|day| day.to_string()).unwrap_or_default(),
        checker: if operator { String::new() } else { paper.checker.clone() },
    }
}

/// A submission in a list.
pub fn submission(submission: &Submission) -> WireSubmission {
    WireSubmission {
        application_id: submission.application_id.to_string(),
        version: submission.version,
        kind: submission.kind.id().to_owned(),
        hash: submission.hash.clone(),
        dossier_hash: submission.dossier_hash.clone(),
        dossier_revision: submission.dossier_revision.unwrap_or_default(),
        gate_evidence: bytes_of(None),
        gate_hash: submission.gate_hash.clone(),
        return_items: submission.answered.items.clone(),
        answers: submission
            .answers
            .iter()
            .map(|(item, text)| ItemAnswer { item: item.clone(), text: text.clone() })
            .collect(),
        submitted_at: Some(timestamp(submission.submitted_at)),
        form: None,
    }
}

/// A submission by itself, with form and evidence.
pub fn whole_submission(found: Submission) -> WireSubmission {
    let view = submission(&found);
    WireSubmission {
        form: Some(convert::form(&found.form)),
        gate_evidence: bytes_of(found.gate_evidence),
        ..view
    }
}

fn bytes_of(bytes: Option<Vec<u8>>) -> prost::bytes::Bytes {
    bytes.unwrap_or_default().into()
}

/// One line of the allowed actions. `stage` is where the application stands.
pub fn action(action: Action, stage: Stage) -> AllowedAction {
    let command = action.command.id().to_owned();
    match action.answer {
        Ok(row) => AllowedAction {
            command,
            allowed: true,
            transition: row.id.to_owned(),
            reason: String::new(),
            text: String::new(),
            waits_for: String::new(),
        },
        Err(refusal) => {
            let who = if let Refusal::NotYourTurn { actor, .. } = refusal { actor.party() } else { None };
            let failure: chassis::Failure = refusal.into();
            let reason = failure.reason().to_owned();
            let status: tonic::Status = failure.into();
            let text = chassis::error::Refusal::read(&status).map(|refusal| refusal.text).unwrap_or_default();
            AllowedAction {
                command,
                allowed: false,
                transition: String::new(),
                reason,
                text,
                waits_for: who.or(stage.waits_for()).map_or("", Party::id).to_owned(),
            }
        }
    }
}

/// A round with its policy.
pub fn round(round: &Round) -> WireRound {
    let policy = &round.policy;
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let needed = match policy.expert_rule {
        ExpertRule::NOfM { needed } => needed,
        ExpertRule::Lead | ExpertRule::All => 0,
    };
    WireRound {
        round_id: round.id.to_string(),
        name: round.name.clone(),
        created_at: Some(timestamp(round.created_at)),
        policy: Some(RoundPolicy {
            version: policy.version,
            opens_on: policy.opens_on.to_string(),
            closes_on: policy.closes_on.map(|day| day.to_string()).unwrap_or_default(),
            required_slots: policy.required_slots.clone(),
            gate_a: policy.gate_a.id().to_owned(),
            gate_b: policy.gate_b.id().to_owned(),
            expert_rule: policy.expert_rule.id().to_owned(),
            experts_needed: number(needed),
            departments: policy.departments.clone(),
            sample_permille: number(policy.sample_permille),
            finding_threshold: number(policy.finding_threshold),
            freeze_after_days: number(policy.freeze_after_days),
            limits: Stage::ALL
                .into_iter()
                .filter_map(|stage| {
                    let working_days = number(policy.limits.of(stage)?);
                    Some(NodeLimit { stage: stage.id().to_owned(), working_days })
                })
                .collect(),
            near_working_days: Some(number(policy.limits.near_working_days)),
            escalate_after_working_days: Some(number(policy.limits.escalate_after_working_days)),
        }),
    }
}

/// Every year of the calendar.
pub fn calendar(calendar: &Calendar) -> Vec<CalendarYear> {
    let days = |year, worked: bool| {
        let found = calendar.exceptions(year).filter(move |(_, works)| *works == worked);
        found.map(|(day, _)| day.to_string()).collect()
    };
    calendar
        .sources()
        .map(|(year, source)| CalendarYear {
            year,
            source: source.to_owned(),
            holidays: days(year, false),
            made_up_days: days(year, true),
        })
        .collect()
}

/// A work order with its progress and, where given, its panel.
pub fn order(order: &Order, progress: Option<&Progress>, panel: &[Seat]) -> WorkOrderView {
    let state = match (order.frozen_at, order.concluded_at) {
        (None, _) => "open",
        (Some(_), None) => "frozen",
        (Some(_), Some(_)) => "concluded",
    };
    let number = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    WorkOrderView {
        work_order_id: order.id.to_string(),
        round_id: order.round_id.to_string(),
        policy_version: order.policy_version,
        batch: order.batch,
        prefecture: order.prefecture.clone(),
        version: order.version,
        state: state.to_owned(),
        membership_hash: order.membership_hash.clone(),
        launched_at: Some(timestamp(order.launched_at)),
        freeze_due_at: Some(timestamp(order.freeze_due_at)),
        frozen_at: order.frozen_at.map(timestamp),
        concluded_at: order.concluded_at.map(timestamp),
        findings: number(i64::from(order.findings)),
        progress: progress
            .map(|progress| {
                progress.stages.iter().map(|(stage, count)| (stage.clone(), number(*count))).collect()
            })
            .unwrap_or_default(),
        left: progress.map_or(0, |progress| number(progress.left)),
        panel: panel.iter().map(seat).collect(),
    }
}

fn seat(seat: &Seat) -> PanelMember {
    PanelMember {
        expert_id: seat.panelist.person.to_string(),
        name: seat.name.clone(),
        lead: seat.panelist.lead,
        declared: seat.panelist.declared,
        conflicted: seat.panelist.conflicted,
        conflict_application_ids: seat.panelist.conflicts.iter().map(ToString::to_string).collect(),
    }
}

/// A draw with everything that is needed to repeat it.
pub fn draw(kept: &Kept) -> WireDraw {
    WireDraw {
        number: kept.number,
        seed: hex(&kept.draw.seed),
        population_hash: hex(&kept.draw.population_hash),
        permille: kept.permille,
        size: i32::try_from(kept.draw.size).unwrap_or(i32::MAX),
        drawn_at: Some(timestamp(kept.drawn_at)),
        ranking: kept
            .draw
            .ranking
            .iter()
            .zip(&kept.submission_hashes)
            .map(|(ranked, submission_hash)| RankedMember {
                application_id: ranked.id.to_string(),
                submission_hash: submission_hash.clone(),
                rank: hex(&ranked.rank),
                forced: ranked.forced,
                chosen: ranked.chosen,
            })
            .collect(),
    }
}
