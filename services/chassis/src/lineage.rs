//! The lives of a database: it begins another one after a restore from backup, and its consumers tell an earlier from a later.
//!
//! Lineages have an order: the first of a database is random (UUID version 4), each further one tells the time (version 7).
//! Source: reliability 4 and 5.2; decision record 26. Not: what a consumer does then; that is `consumer.rs`.

use sqlx::PgPool;
use uuid::Uuid;

/// Begins another life of a database that came from a backup: gives it another lineage, and sets every event that it holds
/// back to unpublished. Consumers that know of more than the backup then forget it. Gives the number of events.
///
/// # Errors
/// The database is away.
pub async fn begin(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE lineage SET lineage_id = $1")
        .bind(crate::process::new_instance_id())
        .execute(&mut *tx)
        .await?;
    // What a broker held when the backup was made says nothing about the one that is there now.
    sqlx::query("DELETE FROM outbox_stream").execute(&mut *tx).await?;
    let again = sqlx::query("UPDATE outbox_delivery SET published_at = NULL, stream_seq = NULL")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(again.rows_affected())
}

/// How the lineage of an event stands to that of its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lineage {
    Same,
    /// A straggler from before a restore.
    Earlier,
    Later,
}

impl Lineage {
    /// How `told` stands to what was `known` when the aggregate was applied last; `first` where it never was.
    pub(crate) fn of(told: Uuid, known: Option<Uuid>, first: bool) -> Lineage {
        let age = |lineage: Uuid| (lineage.get_version_num() == 7).then_some(lineage);
        match known {
            // Applied before places knew of lineages: only what tells the time is surely a later one.
            None if first || age(told).is_none() => Lineage::Same,
            Some(known) if known == told => Lineage::Same,
            Some(known) if age(told) < age(known) => Lineage::Earlier,
            Some(_) | None => Lineage::Later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_that_tells_a_later_time_is_the_later_one_and_a_random_one_the_first() {
        let first = uuid::Builder::from_random_bytes([7; 16]).into_uuid();
        let [second, third] =
            [1, 2].map(|at| uuid::Builder::from_unix_timestamp_millis(at, &[0; 10]).into_uuid());
        assert_eq!(Lineage::of(first, None, true), Lineage::Same);
        assert_eq!(Lineage::of(first, None, false), Lineage::Same, "a place of before the column");
        assert_eq!(Lineage::of(second, None, false), Lineage::Later);
        assert_eq!(Lineage::of(second, Some(first), false), Lineage::Later);
        assert_eq!(Lineage::of(first, Some(second), false), Lineage::Earlier);
        assert_eq!(Lineage::of(third, Some(second), false), Lineage::Later);
        assert_eq!(
            Lineage::of(second, Some(third), true),
            Lineage::Earlier,
            "also where nothing is applied yet"
        );
        assert_eq!(Lineage::of(third, Some(third), false), Lineage::Same);
    }
}
