//! Draws with their seeds and ranks. Only grows.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    draw::{Candidate, Draw, Ranked},
    ids::{ApplicationId, OrderId, PersonId},
};

/// A draw as kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// 1: the freeze; then each wider sample.
    pub number: i32,
    /// Rate in thousandths.
    pub permille: i32,
    /// When.
    pub drawn_at: OffsetDateTime,
    /// Seed, population, ranking.
    pub draw: Draw,
    /// Submission hashes in the order of the ranking.
    pub submission_hashes: Vec<String>,
}

/// Keeps a draw as the next of its order and hands out its number.
///
/// # Errors
/// The database is away.
pub async fn insert(
    db: &mut PgConnection,
    order: (OrderId, i64),
    draw: &Draw,
    population: &[Candidate],
    permille: u32,
    by: PersonId,
    now: OffsetDateTime,
) -> Result<i32, StoreError> {
    let (order, order_version) = order;
    let number = sqlx::query_scalar!(
        "-- reviews.samples.insert
         INSERT INTO samples (work_order_id, number, order_version, seed, population_hash, permille, size, drawn_at, drawn_by)
         SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM samples WHERE work_order_id = $1
         RETURNING number",
        order.0,
        order_version,
        draw.seed.as_slice(),
        draw.population_hash.as_slice(),
        i32::try_from(permille).unwrap_or(i32::MAX),
        i32::try_from(draw.size).unwrap_or(i32::MAX),
        now,
        by.0
    )
    .fetch_one(&mut *db)
    .await?;
    insert_members(db, order, number, draw, population).await?;
    Ok(number)
}

async fn insert_members(
    db: &mut PgConnection,
    order: OrderId,
    number: i32,
    draw: &Draw,
    population: &[Candidate],
) -> Result<(), StoreError> {
    let hashes: std::collections::HashMap<_, _> =
        population.iter().map(|candidate| (candidate.id, candidate.submission_hash.as_str())).collect();
    let ids: Vec<_> = draw.ranking.iter().map(|ranked| ranked.id.0).collect();
    let submissions: Vec<_> = draw
        .ranking
        .iter()
        .map(|ranked| hashes.get(&ranked.id).copied().unwrap_or_default().to_owned())
        .collect();
    let ranks: Vec<_> = draw.ranking.iter().map(|ranked| ranked.rank.to_vec()).collect();
    let forced: Vec<_> = draw.ranking.iter().map(|ranked| ranked.forced).collect();
    let chosen: Vec<_> = draw.ranking.iter().map(|ranked| ranked.chosen).collect();
    sqlx::query!(
        "-- reviews.samples.insert_members
         INSERT INTO sample_members (work_order_id, number, place, application_id, submission_hash, rank, forced, chosen)
         SELECT $1, $2, place, id, hash, rank, forced, chosen
         FROM UNNEST($3::uuid[], $4::text[], $5::bytea[], $6::boolean[], $7::boolean[])
             WITH ORDINALITY AS m (id, hash, rank, forced, chosen, place)",
        order.0,
        number,
        &ids,
        &submissions,
        &ranks,
        &forced,
        &chosen
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Every draw of an order, in two statements.
///
/// # Errors
/// The database is away; [`StoreError::Corrupt`].
pub async fn list(db: &mut PgConnection, order: OrderId) -> Result<Vec<Kept>, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "samples", id: order.0 };
    let heads = sqlx::query!(
        "-- reviews.samples.list
         SELECT number, seed, population_hash, permille, size, drawn_at FROM samples WHERE work_order_id = $1 ORDER BY number",
        order.0
    )
    .fetch_all(&mut *db)
    .await?;
    let members = sqlx::query!(
        "-- reviews.samples.list_members
         SELECT number, application_id, submission_hash, rank, forced, chosen FROM sample_members
         WHERE work_order_id = $1 ORDER BY number, place",
        order.0
    )
    .fetch_all(db)
    .await?;
    heads
        .into_iter()
        .map(|head| {
            let mine = || members.iter().filter(|member| member.number == head.number);
            let ranking = mine()
                .map(|member| {
                    Ok(Ranked {
                        id: ApplicationId(member.application_id),
                        rank: member.rank.as_slice().try_into().map_err(|_| corrupt())?,
                        chosen: member.chosen,
                        forced: member.forced,
                    })
                })
                .collect::<Result<Vec<_>, StoreError>>()?;
            Ok(Kept {
                number: head.number,
                permille: head.permille,
                drawn_at: head.drawn_at,
                submission_hashes: mine().map(|member| member.submission_hash.clone()).collect(),
                draw: Draw {
                    seed: head.seed.as_slice().try_into().map_err(|_| corrupt())?,
                    population_hash: head.population_hash.as_slice().try_into().map_err(|_| corrupt())?,
                    size: usize::try_from(head.size).map_err(|_| corrupt())?,
                    ranking,
                },
            })
        })
        .collect()
}

/// Ids of the members drawn last.
///
/// # Errors
/// The database is away.
pub async fn last_chosen(db: &mut PgConnection, order: OrderId) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "-- reviews.samples.last_chosen
         SELECT application_id FROM sample_members WHERE work_order_id = $1 AND chosen
           AND number = (SELECT max(number) FROM samples WHERE work_order_id = $1) ORDER BY application_id",
        order.0
    )
    .fetch_all(db)
    .await?)
}
