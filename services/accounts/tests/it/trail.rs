//! The audit log: append only, chained, and the check that proves it.

use accounts::audit;

use crate::setup::{Bench, PASSWORD, USCCS};

#[tokio::test]
async fn the_audit_log_cannot_be_changed_and_a_change_behind_its_back_shows() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    bench.session("op01", PASSWORD).await;
    bench.sign_in("op01", "Wrong-Lantern-42").await.unwrap_err();
    for statement in ["UPDATE audit_log SET act = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
        let refused = sqlx::query(statement).execute(&bench.pool).await.unwrap_err();
        assert!(refused.to_string().contains("append only"), "{statement}: {refused}");
    }
    let report = audit::check(&bench.pool, &bench.config).await.unwrap();
    assert!(report.values().all(|violations| *violations == 0), "{report:?}");

    let behind = "ALTER TABLE audit_log DISABLE TRIGGER USER";
    sqlx::query(behind).execute(&bench.pool).await.unwrap();
    sqlx::query("UPDATE audit_log SET actor = 'person:somebody' WHERE act = 'register'")
        .execute(&bench.pool)
        .await
        .unwrap();
    assert!(audit::check(&bench.pool, &bench.config).await.unwrap()["I10"] > 0);
    bench.database.remove().await;
}

#[tokio::test]
async fn the_check_sees_a_session_that_must_not_be_and_a_version_without_its_event() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    bench.session("op01", PASSWORD).await;
    sqlx::query("UPDATE credentials SET state = 'locked'").execute(&bench.pool).await.unwrap();
    sqlx::query("UPDATE operators SET version = version + 1").execute(&bench.pool).await.unwrap();
    let report = audit::check(&bench.pool, &bench.config).await.unwrap();
    assert_eq!((report["I13"], report["I7"]), (1, 1));
    bench.database.remove().await;
}
