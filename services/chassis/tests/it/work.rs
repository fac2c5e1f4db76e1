//! What a request may rely on: it takes effect once, and a refusal changes nothing.

use std::time::Duration;

use chassis::{Caller, Failure, error::Refusal, testing::eventually};
use proto::notifications::{MarkReadRequest, MarkReadResponse};
use sqlx::{PgConnection, PgPool};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::setup::{Bench, count};

/// Not long enough for what is made to take long.
const SOON: Duration = Duration::from_millis(50);

fn request(id: &str, body: &str) -> Request<MarkReadRequest> {
    let mut request =
        Request::new(MarkReadRequest { request_id: id.to_owned(), up_to_message_id: body.to_owned() });
    request.extensions_mut().insert(Caller::system("someone"));
    request
}

async fn insert(
    bench: &Bench,
    request: Request<MarkReadRequest>,
    fail: bool,
) -> Result<Response<MarkReadResponse>, Status> {
    bench
        .process
        .units
        .run(request, |work, _| {
            Box::pin(async move {
                sqlx::query("INSERT INTO effects VALUES (gen_random_uuid(), 1, 'made')")
                    .execute(work.db())
                    .await?;
                if fail {
                    return Err(Failure::refused("rule_says_no", "不可以"));
                }
                let made: i64 =
                    sqlx::query_scalar("SELECT count(*) FROM effects").fetch_one(work.db()).await?;
                Ok(MarkReadResponse { marked: i32::try_from(made).expect("small") })
            })
        })
        .await
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_acts_once() {
    let bench = Bench::start("workreplay").await;
    let id = Uuid::now_v7().to_string();
    let first = insert(&bench, request(&id, "a"), false).await.expect("first");
    let again = insert(&bench, request(&id, "a"), false).await.expect("again");
    assert_eq!(first.get_ref(), again.get_ref());
    assert!(again.metadata().contains_key("idempotency-replayed"));
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM effects").await, 1);
    bench.database.remove().await;
}

#[tokio::test]
async fn the_same_request_sent_eight_times_at_once_acts_once() {
    let bench = Bench::start("workrace").await;
    let id = Uuid::now_v7().to_string();
    let all = futures::future::join_all((0..8).map(|_| insert(&bench, request(&id, "a"), false))).await;
    for answer in all {
        assert_eq!(answer.expect("each is answered").into_inner().marked, 1);
    }
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM effects").await, 1);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_request_id_with_another_body_is_refused() {
    let bench = Bench::start("workreuse").await;
    let id = Uuid::now_v7().to_string();
    insert(&bench, request(&id, "a"), false).await.expect("first");
    let status = insert(&bench, request(&id, "b"), false).await.expect_err("refused");
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(Refusal::read(&status).expect("details").reason, "request_reused");
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM effects").await, 1);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_refusal_changes_nothing_and_is_on_record() {
    let bench = Bench::start("workrefuse").await;
    let status = insert(&bench, request(&Uuid::now_v7().to_string(), "a"), true).await.expect_err("refused");
    let refusal = Refusal::read(&status).expect("details");
    assert_eq!(
        (status.code(), refusal.reason.as_str(), refusal.text.as_str()),
        (Code::FailedPrecondition, "rule_says_no", "不可以")
    );
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM effects").await, 0);
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM refusals WHERE reason = 'rule_says_no'").await, 1);
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM requests").await, 0);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_request_without_an_id_is_refused_by_field() {
    let bench = Bench::start("worknoid").await;
    let status = insert(&bench, request("", "a"), false).await.expect_err("refused");
    assert_eq!(Refusal::read(&status).expect("details").fields[0].0, "request_id");
    bench.database.remove().await;
}

#[tokio::test]
async fn a_stored_answer_is_not_given_to_somebody_who_lost_the_right() {
    let bench = Bench::start("workauthority").await;
    let id = Uuid::now_v7().to_string();
    let county = |code: &str| {
        let mut request = request(&id, "a");
        let mut caller = Caller::system("someone");
        caller.scope = vec![code.to_owned()];
        request.extensions_mut().insert(caller);
        request
    };
    insert(&bench, county("410105"), false).await.expect("first");
    let status = insert(&bench, county("410122"), false).await.expect_err("refused");
    assert_eq!(Refusal::read(&status).expect("details").reason, "authority_changed");
    assert_eq!(count(&bench.pool(), "SELECT count(*) FROM effects").await, 1);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_unit_that_is_dropped_changes_nothing_and_its_connection_is_used_again() {
    let bench = Bench::start("workdropped").await;
    let pool = bench.pool();
    let mut processes = Vec::new();
    for _ in 0..3 {
        let mut work = bench.process.units.begin(Caller::system("someone")).await.expect("begun");
        sqlx::query("INSERT INTO effects VALUES (gen_random_uuid(), 1, 'made')")
            .execute(work.db())
            .await
            .expect("inserted");
        processes.push(process(work.db()).await);
        drop(work);
        in_nobodys_hands(&pool).await;
    }
    assert!(processes.iter().all(|one| *one == processes[0]), "{processes:?}");
    assert_eq!(count(&pool, "SELECT count(*) FROM effects").await, 0);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_unit_that_is_dropped_at_a_statement_that_still_runs_loses_its_connection() {
    let bench = Bench::start("workrunning").await;
    let pool = bench.pool();
    let mut work = bench.process.units.begin(Caller::system("someone")).await.expect("begun");
    let before = process(work.db()).await;
    let endless = sqlx::query("SELECT pg_sleep(14)").execute(work.db());
    tokio::time::timeout(SOON, endless).await.expect_err("it runs still");
    drop(work);
    in_nobodys_hands(&pool).await;
    let mut work = bench.process.units.begin(Caller::system("someone")).await.expect("begun");
    assert_ne!(process(work.db()).await, before);
    drop(work);
    bench.database.remove().await;
}

#[tokio::test]
async fn a_unit_that_is_dropped_at_the_end_of_a_copy_leaves_no_answer_to_the_next_one() {
    let bench = Bench::start("workcopying").await;
    let pool = bench.pool();
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END';
                CREATE TRIGGER slow BEFORE INSERT ON effects FOR EACH ROW EXECUTE FUNCTION slow()";
    sqlx::raw_sql(slow).execute(&pool).await.expect("slow");
    let mut work = bench.process.units.begin(Caller::system("someone")).await.expect("begun");
    let before = process(work.db()).await;
    let mut copy = work.db().copy_in_raw("COPY effects (version) FROM STDIN").await.expect("copying");
    copy.send(&b"1\n"[..]).await.expect("sent");
    tokio::time::timeout(SOON, copy.finish()).await.expect_err("it runs still");
    drop(work);
    in_nobodys_hands(&pool).await;
    let mut work = bench.process.units.begin(Caller::system("someone")).await.expect("its own answer");
    assert_ne!(process(work.db()).await, before);
    drop(work);
    assert_eq!(count(&pool, "SELECT count(*) FROM effects").await, 0);
    bench.database.remove().await;
}

/// The database's process behind a connection.
async fn process(db: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(db).await.expect("a process")
}

/// Waits until no connection of the pool is in use.
async fn in_nobodys_hands(pool: &PgPool) {
    let all_rest = || async { pool.num_idle() == usize::try_from(pool.size()).expect("small") };
    eventually("each is given back or closed", Duration::from_secs(10), all_rest).await;
}
