//! Steps of applications: one statement moves the row and carries its history and its decision.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::{
    domain::{
        act::{PaperCheck, Target, Verdict},
        application::Application,
        clock::Alert,
        history::Step,
    },
    signing::Signed,
};

/// Moves one application: the row, its history, and where it is one its signed decision and its paper check, in one
/// statement.
///
/// # Errors
/// [`StoreError::Raced`] when the version is not the one that was locked; the database is away.
pub async fn advance(
    db: &mut PgConnection,
    step: &Step,
    signed: Option<&Signed>,
    paper: Option<&PaperCheck>,
) -> Result<(), StoreError> {
    let Step { before, after, entry, prev_hash, .. } = step;
    let decision = signed.map(|signed| &signed.decision);
    let sealed = signed.map(|signed| &signed.sealed);
    let submitted = after.submitted.as_ref();
    let Some(last) = &after.last else {
        return Err(StoreError::Corrupt { table: "applications", id: after.id.0 });
    };
    let moved = sqlx::query_scalar!(
        r#"-- reviews.applications.advance
         WITH moved AS (
             UPDATE applications SET stage = $3, version = $2 + 1, stage_version = $4, entered_at = $5,
                 submission_version = $6, submission_kind = $7, submission_hash = $8, dossier_hash = $9,
                 return_items = $10, return_open_all = $11, work_order_id = $12, in_sample = $13, forced_sample = $14,
                 receipt_no = $15, last_transition = $44, last_actor_id = $45, last_role = $46, last_office = $47,
                 last_at = $48, last_version = $49, head_hash = $21, return_submission = $40, deadline_at = $50, struck = $51,
                 strikes_at = $52, assignee_id = $53, reminded_count = $54, reminded_at = $55, awaited = $61
             WHERE id = $1 AND version = $2 AND stage = $22 RETURNING id),
         chained AS (
             INSERT INTO history (application_id, version, transition, command, from_stage, to_stage, actor_id, actor_role,
                 office, department, opinion, items, submission_version, submission_hash, occurred_at, prev_hash, hash)
             SELECT id, $2 + 1, $16, $23, $22, $3, $17, $18, $19, $24, $25, $26, $6, $8, $20, $27, $21 FROM moved),
         decider AS (
             INSERT INTO deciders (application_id, person_id, tier)
             SELECT id, $17, $28::text FROM moved WHERE $28::text IS NOT NULL ON CONFLICT DO NOTHING),
         decided AS (
             INSERT INTO decisions (application_id, version, tier, transition, actor_id, actor_role, scope, authentication,
                 session_id, judged_version, judged_hash, dossier_hash, decided_at, record, record_hash, algorithm, key_id, signature,
                 verdict, target, open_all)
             SELECT id, $2 + 1, $28, $16, $17, $18, $29, $30, $31, $32, $33, $34, $20, $35, $36, $37, $38, $39, $41, $42, $43
             FROM moved WHERE $28::text IS NOT NULL),
         checked AS (
             INSERT INTO paper_checks (application_id, version, complete, ticked, missing, checked_on, checker)
             SELECT id, $2 + 1, $56, $57, $58, $59, $60 FROM moved WHERE $56::boolean IS NOT NULL)
         SELECT count(*) AS "moved!" FROM moved"#,
        before.id.0,
        before.version,
        after.stage.id(),
        after.stage_version,
        after.entered_at,
        submitted.map_or(0, |submitted| submitted.version),
        submitted.map_or("", |submitted| submitted.kind.id()),
        submitted.map_or("", |submitted| submitted.hash.as_str()),
        submitted.map_or("", |submitted| submitted.dossier_hash.as_str()),
        &after.returned.items,
        after.returned.open_all,
        after.order_id.map(|order| order.0),
        after.in_sample,
        after.forced_sample,
        after.receipt_no,
        entry.transition,
        entry.actor_id,
        entry.role.role(),
        entry.office,
        entry.at,
        after.head.as_slice(),
        before.stage.id(),
        entry.command,
        entry.department,
        entry.opinion,
        &entry.items,
        prev_hash.as_slice(),
        decision.map(|decision| decision.tier.id()) as Option<&str>,
        decision.map(|decision| decision.scope.as_slice()) as Option<&[String]>,
        decision.map(|decision| decision.authentication.as_str()) as Option<&str>,
        decision.map(|decision| decision.session_id.as_str()) as Option<&str>,
        decision.map(|decision| decision.judged.version) as Option<i32>,
        decision.map(|decision| decision.judged.hash.as_str()) as Option<&str>,
        decision.map(|decision| decision.dossier_hash.as_str()) as Option<&str>,
        sealed.map(|sealed| sealed.record.as_slice()) as Option<&[u8]>,
        sealed.map(|sealed| sealed.hash.as_slice()) as Option<&[u8]>,
        sealed.map(|sealed| sealed.algorithm) as Option<&str>,
        sealed.map(|sealed| sealed.key_id.as_str()) as Option<&str>,
        sealed.map(|sealed| sealed.signature.as_slice()) as Option<&[u8]>,
        after.returned.submission,
        decision.map(|decision| decision.verdict.map_or("", Verdict::id)) as Option<&str>,
        decision.map(|decision| decision.target.map_or("", Target::id)) as Option<&str>,
        decision.map(|decision| decision.open_all) as Option<bool>,
        last.transition,
        last.actor_id,
        last.role.role(),
        last.office,
        last.at,
        last.version,
        after.clock.map(|clock| clock.deadline_at),
        struck(after),
        after.strikes_at,
        after.assignee.map(|person| person.0),
        reminded(after),
        after.reminders.last_at,
        paper.map(|paper| paper.complete) as Option<bool>,
        paper.map(|paper| paper.ticked.as_slice()) as Option<&[String]>,
        paper.map(|paper| paper.missing.as_slice()) as Option<&[String]>,
        paper.and_then(|paper| paper.checked_on) as Option<time::Date>,
        paper.map(|paper| paper.checker.as_str()) as Option<&str>,
        after.awaited.as_deref() as Option<&[String]>
    )
    .fetch_one(db)
    .await?;
    if moved == 1 { Ok(()) } else { Err(StoreError::Raced { table: "applications", id: before.id.0 }) }
}

/// Moves many applications of one node along the same row by the same person with the same words: one statement for all
/// (launch, freeze, wider sample, conclusion, reminders, clocks). Source: performance, rule 9.
///
/// # Errors
/// [`StoreError::Raced`] when a version is not the one that was locked; the database is away.
pub async fn advance_many(db: &mut PgConnection, steps: &[Step]) -> Result<(), StoreError> {
    let Some(first) = steps.first() else { return Ok(()) };
    let entry = &first.entry;
    let ids: Vec<_> = steps.iter().map(|step| step.before.id.0).collect();
    let versions: Vec<_> = steps.iter().map(|step| step.before.version).collect();
    let stage_versions: Vec<_> = steps.iter().map(|step| step.after.stage_version).collect();
    let entered: Vec<_> = steps.iter().map(|step| step.after.entered_at).collect();
    let orders: Vec<_> = steps.iter().map(|step| step.after.order_id.map(|order| order.0)).collect();
    let in_sample: Vec<_> = steps.iter().map(|step| step.after.in_sample).collect();
    let forced: Vec<_> = steps.iter().map(|step| step.after.forced_sample).collect();
    let heads: Vec<_> = steps.iter().map(|step| step.after.head.to_vec()).collect();
    let previous: Vec<_> = steps.iter().map(|step| step.prev_hash.to_vec()).collect();
    let deadlines: Vec<_> =
        steps.iter().map(|step| step.after.clock.map(|clock| clock.deadline_at)).collect();
    let struck: Vec<_> = steps.iter().map(|step| struck(&step.after).to_owned()).collect();
    let strikes: Vec<_> = steps.iter().map(|step| step.after.strikes_at).collect();
    let assignees: Vec<_> = steps.iter().map(|step| step.after.assignee.map(|person| person.0)).collect();
    let reminded_counts: Vec<_> = steps.iter().map(|step| reminded(&step.after)).collect();
    let awaited: Vec<_> = steps.iter().map(|step| literal(step.after.awaited.as_deref())).collect();
    let reminded: Vec<_> = steps.iter().map(|step| step.after.reminders.last_at).collect();
    let moved = sqlx::query_scalar!(
        r#"-- reviews.applications.advance_many
         WITH step AS (
             SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::boolean[],
                 $7::boolean[], $8::bytea[], $9::bytea[], $20::timestamptz[], $21::text[], $22::timestamptz[], $23::uuid[],
                 $24::integer[], $25::timestamptz[], $28::text[])
                 AS s (id, version, stage_version, entered_at, work_order_id, in_sample, forced_sample, head_hash, prev_hash,
                     deadline_at, struck, strikes_at, assignee_id, reminded_count, reminded_at,
                     awaited)),
         moved AS (
             UPDATE applications a SET stage = $10, version = step.version + 1, stage_version = step.stage_version,
                 entered_at = step.entered_at, work_order_id = step.work_order_id, in_sample = step.in_sample,
                 forced_sample = step.forced_sample, head_hash = step.head_hash, deadline_at = step.deadline_at,
                 struck = step.struck, strikes_at = step.strikes_at, assignee_id = step.assignee_id,
                 reminded_count = step.reminded_count, reminded_at = step.reminded_at, awaited = string_to_array(step.awaited, E'\n'),
                 last_transition = CASE WHEN $26 THEN last_transition ELSE $11 END,
                 last_actor_id = CASE WHEN $26 THEN last_actor_id ELSE $12 END,
                 last_role = CASE WHEN $26 THEN last_role ELSE $13 END,
                 last_office = CASE WHEN $26 THEN last_office ELSE $14 END,
                 last_at = CASE WHEN $26 THEN last_at ELSE $15 END,
                 last_version = CASE WHEN $26 THEN last_version ELSE step.version + 1 END
             FROM step WHERE a.id = step.id AND a.version = step.version AND a.stage = $16
             RETURNING a.id, a.version, a.submission_version, a.submission_hash, step.prev_hash, a.head_hash),
         chained AS (
             INSERT INTO history (application_id, version, transition, command, from_stage, to_stage, actor_id, actor_role,
                 office, department, opinion, items, submission_version, submission_hash, occurred_at, prev_hash, hash)
             SELECT id, version, $11, $17, $16, $10, $12, $13, $14, $18, $19, $27, submission_version, submission_hash, $15,
                 prev_hash, head_hash FROM moved)
         SELECT count(*) AS "moved!" FROM moved"#,
        &ids,
        &versions,
        &stage_versions,
        &entered,
        &orders as &[Option<Uuid>],
        &in_sample,
        &forced,
        &heads,
        &previous,
        entry.to.id(),
        entry.transition,
        entry.actor_id,
        entry.role.role(),
        entry.office,
        entry.at,
        first.before.stage.id(),
        entry.command,
        entry.department,
        entry.opinion,
        &deadlines as &[Option<OffsetDateTime>],
        &struck,
        &strikes as &[Option<OffsetDateTime>],
        &assignees as &[Option<Uuid>],
        &reminded_counts,
        &reminded as &[Option<OffsetDateTime>],
        first.row.fact.quiet(),
        &entry.items,
        &awaited as &[Option<String>]
    )
    .fetch_one(db)
    .await?;
    if usize::try_from(moved).is_ok_and(|moved| moved == steps.len()) {
        Ok(())
    } else {
        Err(StoreError::Raced { table: "applications", id: first.before.id.0 })
    }
}

fn struck(application: &Application) -> &'static str {
    application.clock.and_then(|clock| clock.struck).map_or("", Alert::id)
}

/// An array as one text, so that many of them are an array: codes and ids have no line breaks; none for none.
fn literal(voices: Option<&[String]>) -> Option<String> {
    voices.map(|voices| voices.join("\n"))
}

fn reminded(application: &Application) -> i32 {
    i32::try_from(application.reminders.count).unwrap_or(i32::MAX)
}
