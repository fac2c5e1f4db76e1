//! Messages: who is told what, once, and what has been read.

use chassis::error::Refusal;
use proto::notifications::{ListMessagesRequest, ListMessagesResponse, MarkReadRequest};
use tonic::Code;
use uuid::Uuid;

use crate::{
    events::{application, id, order_event},
    setup::{Office, Person, person},
};

const NOWHERE: &str = "nats://127.0.0.1:9";

async fn inbox(office: &Office, who: &Person, unread_only: bool) -> ListMessagesResponse {
    let body = ListMessagesRequest { page: None, unread_only };
    office.messages().list_messages(office.by(who, body)).await.expect("answers").into_inner()
}

fn mark(request: u128, up_to: &str) -> MarkReadRequest {
    MarkReadRequest { request_id: id(8, request).to_string(), up_to_message_id: up_to.into() }
}

fn applicant() -> Person {
    Person { operator: Some(id(2, 1)), scope: vec![], ..person(1, "operator", "") }
}

#[tokio::test]
async fn the_operator_hears_of_each_step_and_each_desk_of_what_lands_on_it() {
    let office = Office::open(NOWHERE).await;
    let order = id(4, 1);
    office.desk.take_all(&application(1).member_of(order).whole_life()).await;
    office.desk.take_all(&[order_event(order, 1, "joint_review_launched", &[id(7, 71)], &[])]).await;
    let kinds = |answer: ListMessagesResponse| -> Vec<String> {
        answer.messages.into_iter().rev().map(|message| message.kind).collect()
    };
    let expected = [
        "acceptance_submitted",
        "county_returned",
        "acceptance_submitted",
        "county_passed",
        "paper_check_passed",
        "materials_submitted",
        "city_passed",
        "entered_joint_review",
        "supplement_requested",
        "supplement_submitted",
        "experts_passed",
        "entered_provincial_review",
        "approved",
    ];
    assert_eq!(kinds(inbox(&office, &applicant(), false).await), expected);
    let county = kinds(inbox(&office, &person(2, "county", "410122"), false).await);
    assert_eq!(county, ["acceptance_submitted", "acceptance_submitted", "county_passed"]);
    assert_eq!(kinds(inbox(&office, &person(3, "city", "410100"), false).await), ["materials_submitted"]);
    let expert = kinds(inbox(&office, &person(71, "expert", "410000"), false).await);
    assert_eq!(expert, ["joint_review_launched", "supplement_submitted"]);
    assert!(inbox(&office, &person(72, "expert", "410000"), false).await.messages.is_empty());
    let returned = inbox(&office, &applicant(), false).await.messages;
    let returned = returned.iter().find(|message| message.kind == "county_returned").expect("there");
    assert!(returned.text.contains("HN2026-000001") && returned.text.contains("2 项"), "{}", returned.text);
    office.close().await;
}

#[tokio::test]
async fn what_one_officer_reads_stays_unread_for_the_other() {
    let office = Office::open(NOWHERE).await;
    for n in 1..=3 {
        office
            .desk
            .take_all(&[application(n).event(2 + n as i64, "acceptance_submitted", "CountyReview", "county")])
            .await;
    }
    let (zhang, li) = (person(1, "county", "410122"), person(2, "county", "410122"));
    let all = inbox(&office, &zhang, false).await;
    assert_eq!((all.messages.len(), all.unread), (3, 3));
    let middle = all.messages[1].message_id.clone();
    let marked =
        office.messages().mark_read(office.by(&zhang, mark(1, &middle))).await.expect("marks").into_inner();
    assert_eq!(marked.marked, 2);
    let replay =
        office.messages().mark_read(office.by(&zhang, mark(1, &middle))).await.expect("replays").into_inner();
    assert_eq!(replay.marked, 2, "the stored answer");
    let again =
        office.messages().mark_read(office.by(&zhang, mark(2, &middle))).await.expect("marks").into_inner();
    assert_eq!(again.marked, 0);
    assert_eq!(inbox(&office, &zhang, true).await.messages.len(), 1);
    assert_eq!(inbox(&office, &zhang, false).await.unread, 1);
    assert_eq!(inbox(&office, &li, true).await.unread, 3);
    office.close().await;
}

#[tokio::test]
async fn a_foreign_message_looks_like_one_that_does_not_exist() {
    let office = Office::open(NOWHERE).await;
    office.desk.take_all(&[application(1).event(2, "acceptance_submitted", "CountyReview", "county")]).await;
    let officer = person(1, "county", "410122");
    let own = inbox(&office, &officer, false).await.messages[0].message_id.clone();
    let stranger = person(2, "county", "410105");
    let foreign =
        office.messages().mark_read(office.by(&stranger, mark(3, &own))).await.expect_err("refused");
    let missing = office.messages().mark_read(office.by(&stranger, mark(4, &Uuid::nil().to_string()))).await;
    let missing = missing.expect_err("refused");
    assert_eq!((foreign.code(), missing.code()), (Code::NotFound, Code::NotFound));
    assert_eq!(Refusal::read(&foreign), Refusal::read(&missing));
    let malformed =
        office.messages().mark_read(office.by(&officer, mark(5, "one"))).await.expect_err("refused");
    assert_eq!(Refusal::read(&malformed), Refusal::read(&missing));
    office.close().await;
}
