//! The joint launch of many members in one work order, through the real service.
//!
//! Owns: the own case beside `raw.launch.set_based`. Driving thousands of applications to the launch through every
//! command would take an hour, so members are put into the tables of reviews as copies of a real application, each with
//! a first step in its history and that step's event in the outbox; the launch itself is the service's own.
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use proto::reviews::ApplicationEvent;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{field::Field, figures::Round};
use crate::{
    demo::summary::Summary,
    deployment::Deployment,
    driver::{eventually, joint::panel},
};

/// Cities without real applications, one for each launch, with one of their counties.
const CITIES: [(&str, &str); 9] = [
    ("410200", "410221"),
    ("410300", "410311"),
    ("410400", "410402"),
    ("410500", "410502"),
    ("410600", "410602"),
    ("410700", "410711"),
    ("410800", "410802"),
    ("410900", "410902"),
    ("411000", "411003"),
];
/// The events of every member are published and applied within this time.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

const APPLICATIONS: &str = "
    INSERT INTO applications (id, application_no, round_id, policy_version, operator_id, operator_name, station_id,
        station_code, station_name, county, prefecture, stage, version, stage_version, entered_at, created_at,
        submission_version, submission_kind, submission_hash, dossier_hash, last_transition, last_actor_id, last_role, last_office, last_at, head_hash)
    SELECT fresh.id, 'M' || fresh.id, round_id, policy_version, operator_id, operator_name, fresh.id, station_code,
        station_name, $3, $4, 'AwaitingJointReview', 1, 1, now(), now(), submission_version, submission_kind,
        submission_hash, dossier_hash, 'T11', last_actor_id, 'city', '', now(), sha256(fresh.id::text::bytea)
    FROM unnest($1::uuid[]) AS fresh (id), applications AS model WHERE model.id = $2";
const HISTORY: &str = "
    INSERT INTO history (application_id, version, transition, command, from_stage, to_stage, actor_id, actor_role, office,
        department, opinion, items, submission_version, submission_hash, occurred_at, prev_hash, hash)
    SELECT fresh.id, 1, 'T11', 'Pass', '', 'AwaitingJointReview', last_actor_id, 'city', '', '', '', '{}',
        submission_version, submission_hash, now(), decode(repeat('00', 32), 'hex'), head_hash
    FROM unnest($1::uuid[]) AS fresh (id) JOIN applications USING (id)";
const OUTBOX: &str = "
    WITH made AS (
        INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_version, subject, kind, schema_version,
            payload, actor, causation, round_id, policy_version, occurred_at)
        SELECT gen_random_uuid(), 'application', id, 1,
            'reviews.v1.administrator.' || $4 || '.' || $3 || '.city_passed', 'city_passed', 1, payload, '', '', $5, 1, now()
        FROM unnest($1::uuid[], $2::bytea[]) AS fresh (id, payload) RETURNING event_id, seq, aggregate_id)
    INSERT INTO outbox_delivery (event_id, seq, bucket)
    SELECT event_id, seq, get_byte(uuid_send(aggregate_id), 15) % 16 FROM made";

/// Prepares and launches one order of so many members. Errors: as the launch; the events do not settle.
pub async fn run(
    field: &Field,
    deployment: &Deployment,
    database: &str,
    number: usize,
    members: usize,
) -> Result<Round> {
    let (city, county) = CITIES.get(number).context("there are no more cities to launch")?;
    fill(field, database, city, county, members).await?;
    settled(deployment).await?;
    let administrator = field.administrator.once();
    let start = Instant::now();
    let batch = i32::try_from(number + 1)?;
    let orders = administrator
        .launch(&field.round_id, batch, vec![panel(city, std::slice::from_ref(&field.expert))])
        .await?;
    let elapsed = start.elapsed();
    let order = orders.first().context("no order was launched")?;
    let order = administrator.work_order(&order.work_order_id).await?;
    let joined: i32 = order.progress.values().sum();
    ensure!(usize::try_from(joined)? == members, "{joined} of {members} members");
    settled(deployment).await?;
    Ok(Round { value: members as f64 / elapsed.as_secs_f64(), took: vec![elapsed], cost: None })
}

async fn fill(field: &Field, database: &str, city: &str, county: &str, members: usize) -> Result<()> {
    let model = field.decided.first().context("there is no application to copy")?;
    let ids: Vec<Uuid> =
        (0..members).map(|_| uuid::Builder::from_random_bytes(rand::random()).into_uuid()).collect();
    let payloads: Vec<Vec<u8>> = ids
        .iter()
        .map(|id| {
            let submission = model.submission.clone().unwrap_or_default();
            let event = ApplicationEvent {
                application_id: id.to_string(),
                application_no: format!("M{id}"),
                round_id: model.round_id.clone(),
                operator_id: model.operator_id.clone(),
                station_id: id.to_string(),
                county: county.to_owned(),
                prefecture: city.to_owned(),
                transition: "T11".to_owned(),
                to_stage: "AwaitingJointReview".to_owned(),
                waits_for: "administrator".to_owned(),
                submission_version: submission.version,
                submission_hash: submission.hash,
                submission_kind: submission.kind,
                actor_role: "city".to_owned(),
                entered_at: Some(crate::driver::clock::now()),
                ..ApplicationEvent::default()
            };
            event.encode_to_vec()
        })
        .collect();
    let mut database = PgConnection::connect(database).await?;
    let mut tx = database.begin().await?;
    let model_id: Uuid = model.application_id.parse()?;
    let round: Uuid = model.round_id.parse()?;
    sqlx::query(APPLICATIONS).bind(&ids).bind(model_id).bind(county).bind(city).execute(&mut *tx).await?;
    sqlx::query(HISTORY).bind(&ids).execute(&mut *tx).await?;
    sqlx::query(OUTBOX)
        .bind(&ids)
        .bind(&payloads)
        .bind(county)
        .bind(city)
        .bind(round)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Waits until every event is published and applied. Errors: not within 180 s.
pub async fn settled(deployment: &Deployment) -> Result<()> {
    eventually(SETTLED_WITHIN, "the members' events are applied", || async {
        let open = Summary::under_way(deployment).await?;
        if open > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok((open == 0).then_some(()))
    })
    .await
}
