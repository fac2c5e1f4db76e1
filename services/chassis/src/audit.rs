//! The invariants that every service shares; each service adds its own rows. All must be 0.

use std::collections::BTreeMap;

use sqlx::PgPool;

/// Invariant id and number of violations.
pub type Report = BTreeMap<String, i64>;

/// I8 (every event older than 5 minutes is published) and I9 (one inbox row per consumer and event, none beyond what
/// its consumer has passed), and open dead letters: each holds an aggregate back until two persons have settled it.
///
/// # Errors
/// The database is away.
pub async fn common(pool: &PgPool) -> Result<Report, sqlx::Error> {
    let unpublished: i64 = sqlx::query_scalar(
        "-- chassis.audit.I8
         SELECT count(*) FROM outbox LEFT JOIN outbox_delivery USING (event_id)
         WHERE published_at IS NULL AND occurred_at < now() - interval '5 minutes'",
    )
    .fetch_one(pool)
    .await?;
    let beyond: i64 = sqlx::query_scalar(
        "-- chassis.audit.I9
         SELECT count(*) FROM inbox WHERE NOT EXISTS (SELECT 1 FROM consumer_versions place
         WHERE place.consumer = inbox.consumer AND place.aggregate_id = inbox.aggregate_id AND place.version >= inbox.aggregate_version)",
    )
    .fetch_one(pool)
    .await?;
    let holes: i64 = sqlx::query_scalar(
        "-- chassis.audit.I7_versions: versions of one aggregate run without holes among the rows that are kept
         SELECT count(*) FROM (SELECT aggregate_version - lag(aggregate_version) OVER
         (PARTITION BY aggregate_type, aggregate_id ORDER BY aggregate_version) AS step FROM outbox) AS steps WHERE step > 1",
    )
    .fetch_one(pool)
    .await?;
    let letters: i64 = sqlx::query_scalar("SELECT count(*) FROM dead_letters WHERE settled_at IS NULL")
        .fetch_one(pool)
        .await?;
    Ok(Report::from([
        ("dead_letters".into(), letters),
        ("I8".into(), unpublished),
        ("I9".into(), beyond),
        ("I7_holes".into(), holes),
    ]))
}

/// Prints a report for people or as one JSON object, and gives the process its exit code: 1 when anything is wrong.
pub fn conclude(report: &Report, json: bool) -> std::process::ExitCode {
    if json {
        println!(
            "{}",
            serde_json::to_string(report).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
        );
    } else {
        for (invariant, violations) in report {
            println!("{invariant:<24} {violations}");
        }
    }
    let wrong = report.values().any(|violations| *violations > 0);
    std::process::ExitCode::from(u8::from(wrong))
}
