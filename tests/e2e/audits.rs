//! The invariant check of each service sees damage: a check that never fails proves nothing.
//!
//! Source: reliability, section 9; house style, tests ("a check of ours is once seen to fail").
use anyhow::{Context as _, Result};
use sqlx::AssertSqlSafe;
use system_tests::{System, cases::Stage};
use xtask::services::Service;

/// Damage, and the invariants of which one must notice.
const DAMAGE: &[(Service, &str, &[&str])] = &[
    (Service::Documents, "UPDATE invoices SET used_fen = used_fen - 1 WHERE used_fen > 0", &["I1"]),
    (Service::Documents, "UPDATE files SET sha256 = repeat('0', 64) WHERE state = 'clean'", &["I11"]),
    (Service::Reviews, "UPDATE history SET opinion = '改' WHERE transition = 'T04'", &["I10"]),
    (Service::Reviews, "UPDATE applications SET stage = 'PaperCheck' WHERE stage = 'CityReview'", &["I3"]),
    (Service::Reviews, "UPDATE decisions SET signature = decode(repeat('00', 64), 'hex')", &["I5"]),
    (Service::Reviews, "UPDATE order_decisions SET members = members + 1", &["I5"]),
    (Service::Reviews, "DELETE FROM outbox WHERE kind = 'county_passed'", &["I7"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_of_each_service_sees_damage_and_names_the_invariant() -> Result<()> {
    let system = System::start().await?;
    system.application().at(Stage::CityReview).await?;
    system.application().at(Stage::ExpertReview).await?;
    system.calm().await?;
    for (service, damage, invariants) in DAMAGE {
        // A superuser past every trigger and constraint check of ours, as a broken disk or a hand in the database is.
        let mut hand = system.database(*service)?.acquire().await?;
        sqlx::query("SET session_replication_role = replica").execute(&mut *hand).await?;
        let done = sqlx::query(AssertSqlSafe(*damage)).execute(&mut *hand).await.context(*damage)?;
        assert!(done.rows_affected() > 0, "{damage} hits nothing");
        let answer = system.fleet().deployment().run(*service, &["audit", "--json"]).await?;
        let found: serde_json::Value =
            serde_json::from_str(answer.output.lines().last().unwrap_or_default())?;
        let found = found.as_object().context("one object")?;
        let seen = found.iter().filter(|(_, count)| count.as_i64() > Some(0));
        let seen: Vec<_> = seen.map(|(name, _)| name.as_str()).collect();
        assert!(!answer.success, "{service} does not see: {damage}");
        let named = invariants.iter().all(|one| seen.iter().any(|name| name.starts_with(one)));
        assert!(named, "{damage} is noticed as {seen:?}, expected {invariants:?}");
    }
    system.abandon();
    Ok(())
}
