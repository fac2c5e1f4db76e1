//! What was written cannot be changed, and where somebody changes it past this service the audit says so.

use reviews::{audit, signing::Seal};
use sqlx::Executor as _;

use crate::harness::{COUNTY, OPERATOR, Platform};

const TAMPERED: &[(&str, &str)] = &[
    ("I10", "UPDATE history SET opinion = 'changed' WHERE transition = 'T04'"),
    ("I3", "UPDATE applications SET stage = 'AwaitingProvince'"),
    ("I5", "UPDATE decisions SET record = record || '\\x00'::bytea"),
    ("I5", "UPDATE decisions SET signature = decode(repeat('00', 64), 'hex')"),
    ("I5", "UPDATE submissions SET content = content || '\\x00'::bytea"),
    ("I5", "DELETE FROM decisions WHERE transition = 'T04'"),
    // A record, its hash and its signature that are genuine, but belong to another decision.
    (
        "I5",
        "UPDATE decisions d SET record = o.record, record_hash = o.record_hash, signature = o.signature
         FROM decisions o WHERE d.transition = 'T04' AND o.transition = 'T06'",
    ),
    ("I5", "UPDATE decisions SET scope = '{410000}'"),
    ("I5", "UPDATE decisions SET session_id = 'another'"),
    ("I5", "UPDATE decisions SET target = 'city' WHERE transition = 'T11'"),
    ("I5", "UPDATE history SET opinion = 'changed' WHERE transition = 'T04'"),
    ("I5", "UPDATE paper_checks SET checker = 'another'"),
    ("I5", "DELETE FROM paper_checks"),
    ("I7", "DELETE FROM outbox WHERE kind = 'county_passed'"),
    ("I4", "DELETE FROM work_order_members"),
];

fn seal() -> Seal {
    // The seed of every key in tests.
    Seal::new("reviews-1", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "").expect("a seed")
}

#[tokio::test]
async fn history_decisions_and_submissions_only_grow() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    platform.pass(COUNTY, &view).await.expect("passed");
    for statement in [
        "UPDATE history SET opinion = ''",
        "DELETE FROM history",
        "TRUNCATE history CASCADE",
        "UPDATE decisions SET tier = 'city'",
        "DELETE FROM submissions",
        "DELETE FROM deciders",
        "TRUNCATE deciders CASCADE",
        "TRUNCATE paper_checks",
        "TRUNCATE samples CASCADE",
        "TRUNCATE sample_members",
        "TRUNCATE declarations",
        "UPDATE round_policies SET sample_permille = 1",
    ] {
        let refused = platform.pool.execute(statement).await.expect_err(statement).to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    platform.stop().await;
}

#[tokio::test]
async fn the_audit_finds_what_was_changed_past_the_service() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    platform.awaiting(&round, 1).await;
    platform.launch(&round, 1).await.expect("launched");
    remember(&platform).await;
    for (invariant, statement) in TAMPERED {
        let before = audit::run(&platform.pool, &seal()).await.expect("audited");
        assert_eq!(before[*invariant], 0, "{invariant} before {statement}");
        // The triggers stand aside for this connection, as they would for somebody with the keys of the house.
        let mut work = platform.pool.begin().await.expect("begun");
        work.execute("SET LOCAL session_replication_role = replica")
            .await
            .expect("a superuser of the test server");
        work.execute(*statement).await.expect("changed");
        work.commit().await.expect("committed");
        let after = audit::run(&platform.pool, &seal()).await.expect("audited");
        assert!(after[*invariant] > 0, "{invariant} after {statement}");
        restore(&platform).await;
    }
    platform.abandon().await;
}

const TABLES: [&str; 7] =
    ["history", "applications", "decisions", "submissions", "outbox", "work_order_members", "paper_checks"];

async fn remember(platform: &Platform) {
    platform.pool.execute("CREATE SCHEMA before").await.expect("made");
    for table in TABLES {
        let copy = format!("CREATE TABLE before.{table} AS SELECT * FROM {table}");
        platform.pool.execute(sqlx::AssertSqlSafe(copy)).await.expect("copied");
    }
}

/// Puts everything back as it was before the tampering.
async fn restore(platform: &Platform) {
    let mut work = platform.pool.begin().await.expect("begun");
    work.execute("SET LOCAL session_replication_role = replica")
        .await
        .expect("a superuser of the test server");
    for table in TABLES {
        let copy = format!(
            "DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM before.{table}"
        );
        work.execute(sqlx::AssertSqlSafe(copy)).await.expect("restored");
    }
    work.commit().await.expect("committed");
}
