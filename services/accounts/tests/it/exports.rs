//! Exports: the code is asked for before anything is read, and what was begun so can be finished, once, in its own session.

use proto::accounts::{BeginExportRequest, FinishExportRequest, RecordExportRequest, SignOutRequest};
use tonic::Status;

use crate::{
    second_factor::{code, enrol, step_up},
    setup::{Bench, by, claims, reason, request_id},
};

async fn begin(bench: &Bench, token: &str) -> Result<String, Status> {
    let body = BeginExportRequest {
        request_id: request_id(),
        list: "system/users".into(),
        filter: "role=county".into(),
    };
    bench.exports().begin_export(by(token, body)).await.map(|answer| answer.into_inner().export_id)
}

async fn finish(bench: &Bench, token: &str, export_id: &str) -> Result<(), Status> {
    let body = FinishExportRequest { request_id: request_id(), export_id: export_id.into(), rows: 7 };
    bench.exports().finish_export(by(token, body)).await.map(drop)
}

/// The code was shown, and the export begun, so long ago that the code counts no more.
async fn six_minutes_pass(bench: &Bench) {
    for statement in [
        "UPDATE sessions SET proved_at = proved_at - interval '6 minutes'",
        "UPDATE exports SET begun_at = begun_at - interval '6 minutes'",
    ] {
        sqlx::query(statement).execute(&bench.pool).await.expect("time passes");
    }
}

#[tokio::test]
async fn an_export_wants_a_fresh_code_when_it_begins_and_none_when_it_is_finished() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, _) = enrol(&bench, "admin01").await;
    let export = begin(&bench, &bench.token(&session).await.unwrap()).await.unwrap();
    six_minutes_pass(&bench).await;
    let stale = bench.token(&session).await.unwrap();
    assert_eq!(reason(&begin(&bench, &stale).await.unwrap_err()), "step_up_required");
    finish(&bench, &stale, &export).await.unwrap();
    let told = "SELECT count(*) FROM audit_log
                WHERE act = 'export_list' AND subject = 'system/users' AND detail = 'rows=7 role=county'";
    assert_eq!(bench.count(told).await, 1);
    bench.conclude().await;
}

#[tokio::test]
async fn what_was_not_begun_in_this_session_lately_gets_no_record_and_nothing_gets_two() {
    let bench = Bench::start().await;
    let token = bench.official("admin01", "administrator").await;
    let other = bench.official("admin02", "administrator").await;
    for made_up in ["", "x", request_id().as_str()] {
        assert_eq!(reason(&finish(&bench, &token, made_up).await.unwrap_err()), "export_not_begun");
    }
    let export = begin(&bench, &token).await.unwrap();
    assert_eq!(reason(&finish(&bench, &other, &export).await.unwrap_err()), "export_not_begun");
    finish(&bench, &token, &export).await.unwrap();
    assert_eq!(reason(&finish(&bench, &token, &export).await.unwrap_err()), "export_not_begun");
    let old = begin(&bench, &token).await.unwrap();
    sqlx::query("UPDATE exports SET begun_at = begun_at - interval '2 hours' WHERE recorded_at IS NULL")
        .execute(&bench.pool)
        .await
        .unwrap();
    assert_eq!(reason(&finish(&bench, &token, &old).await.unwrap_err()), "export_not_begun");
    bench.conclude().await;
}

#[tokio::test]
async fn an_export_goes_on_after_a_step_up_elsewhere_and_ends_with_its_session() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (before, secret) = enrol(&bench, "admin01").await;
    let export = begin(&bench, &bench.token(&before).await.unwrap()).await.unwrap();
    six_minutes_pass(&bench).await;
    let after = step_up(&bench, &before, &code(&secret)).await.unwrap().session_token;

    assert_eq!(reason(&bench.token(&before).await.unwrap_err()), "session_ended");
    let going_on = bench.token_for(&export, &before).await.unwrap();
    let (own, renewed) = (claims(&going_on), claims(&bench.token(&after).await.unwrap()));
    assert_eq!(own.session_id, renewed.session_id);
    assert!(own.second_factor_at < renewed.second_factor_at, "it gains nothing by the code shown elsewhere");
    let made_up = request_id();
    for (export, session) in [(&export, &after), (&made_up, &before)] {
        assert_eq!(reason(&bench.token_for(export, session).await.unwrap_err()), "session_ended");
    }
    finish(&bench, &going_on, &export).await.unwrap();

    bench.sessions().sign_out(SignOutRequest { session_token: after }).await.unwrap();
    assert_eq!(reason(&bench.token_for(&export, &before).await.unwrap_err()), "session_ended");
    bench.conclude().await;
}

#[tokio::test]
async fn a_portal_of_the_release_before_has_its_record_with_a_fresh_code_at_the_end() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, _) = enrol(&bench, "admin01").await;
    let body = || RecordExportRequest {
        request_id: request_id(),
        list: "system/users".into(),
        filter: String::new(),
        rows: 7,
    };
    let fresh = bench.token(&session).await.unwrap();
    bench.exports().record_export(by(&fresh, body())).await.unwrap();
    six_minutes_pass(&bench).await;
    let stale = bench.token(&session).await.unwrap();
    let refused = bench.exports().record_export(by(&stale, body())).await.unwrap_err();
    assert_eq!(reason(&refused), "step_up_required");
    assert_eq!(bench.count("SELECT count(*) FROM audit_log WHERE act = 'export_list'").await, 1);
    bench.conclude().await;
}
