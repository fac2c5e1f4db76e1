//! What a request may rely on: it takes effect once, and a refusal changes nothing.

use chassis::{Caller, Failure, error::Refusal};
use proto::notifications::{MarkReadRequest, MarkReadResponse};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::setup::{Bench, count};

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
