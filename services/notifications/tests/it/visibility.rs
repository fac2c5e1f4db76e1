//! Each role sees its own desk and nothing else; pages and counts agree.

use proto::{
    common::Page,
    notifications::{CountTasksRequest, ListTasksRequest, Task, WatchRequest},
};
use tonic::Code;
use uuid::Uuid;

use crate::{
    events::{account_event, application, id, order_event},
    setup::{Office, Person, person},
};

const NOWHERE: &str = "nats://127.0.0.1:9";

async fn tasks(office: &Office, who: &Person) -> Vec<Task> {
    let request = office.by(who, ListTasksRequest::default());
    office.worklist().list_tasks(request).await.expect("answers").into_inner().tasks
}

async fn sees(office: &Office, who: &Person) -> Vec<String> {
    let mut ids: Vec<String> = tasks(office, who).await.into_iter().map(|task| task.subject_id).collect();
    ids.sort();
    ids
}

fn operator(n: u128, company: Uuid) -> Person {
    Person { operator: Some(company), scope: vec![], ..person(n, "operator", "") }
}

/// One application at each desk, in two prefectures, and an account review.
async fn furnished() -> Office {
    let office = Office::open(NOWHERE).await;
    let (first, second) = (id(4, 1), id(4, 2));
    let desk = &office.desk;
    desk.take_all(&[
        application(1).event(1, "drafted", "Draft", "operator"),
        application(2).event(2, "acceptance_submitted", "CountyReview", "county"),
        application(3).lying_in("410200", "410202").event(
            2,
            "acceptance_submitted",
            "CountyReview",
            "county",
        ),
        application(4).event(5, "materials_submitted", "CityReview", "city"),
        application(5).lying_in("410200", "410202").event(5, "materials_submitted", "CityReview", "city"),
        application(6).event(6, "city_passed", "AwaitingJointReview", "administrator"),
        application(7).member_of(first).event(7, "entered_joint_review", "ExpertReview", "experts"),
        application(8).member_of(second).event(7, "entered_joint_review", "ExpertReview", "experts"),
        application(9).member_of(first).event(
            9,
            "entered_provincial_review",
            "ProvincialReview",
            "departments",
        ),
        application(10).event(10, "approved", "Approved", ""),
        order_event(first, 1, "joint_review_launched", &[id(7, 71)], &[]),
        order_event(second, 1, "joint_review_launched", &[id(7, 72)], &[]),
        order_event(first, 2, "order_frozen", &[], &[id(1, 9)]),
        account_event(50, 1, "registered", "Pending", true),
    ])
    .await;
    office
}

fn applications(numbers: &[u128]) -> Vec<String> {
    numbers.iter().map(|n| id(1, *n).to_string()).collect()
}

#[tokio::test]
async fn each_role_sees_its_own_desk_and_nothing_else() {
    let office = furnished().await;
    assert_eq!(sees(&office, &operator(1, id(2, 1))).await, applications(&[1]));
    assert!(sees(&office, &operator(2, id(2, 2))).await.is_empty(), "its application waits for the county");
    assert_eq!(sees(&office, &person(3, "county", "410122")).await, applications(&[2]));
    assert_eq!(sees(&office, &person(4, "county", "410202")).await, applications(&[3]));
    assert!(sees(&office, &person(5, "county", "410105")).await.is_empty());
    assert_eq!(sees(&office, &person(6, "city", "410100")).await, applications(&[4]));
    assert_eq!(sees(&office, &person(7, "city", "410200")).await, applications(&[5]));
    let mut administrators = applications(&[6]);
    administrators.push(id(2, 50).to_string());
    administrators.sort();
    assert_eq!(sees(&office, &person(8, "administrator", "410000")).await, administrators);
    assert_eq!(sees(&office, &person(71, "expert", "410000")).await, applications(&[7]));
    assert_eq!(sees(&office, &person(72, "expert", "410000")).await, applications(&[8]));
    assert!(sees(&office, &person(73, "expert", "410000")).await.is_empty(), "on no panel");
    assert_eq!(sees(&office, &person(9, "province", "410000")).await, applications(&[9]));
    assert!(tasks(&office, &person(9, "province", "410000")).await[0].sampled);
    for role in ["system_administrator", "security_administrator", "audit_administrator"] {
        assert!(sees(&office, &person(10, role, "410000")).await.is_empty(), "{role}");
    }
    assert_eq!(office.desk.audit().await, 0);
    office.close().await;
}

#[tokio::test]
async fn without_a_token_or_as_a_foreign_audience_nothing_is_answered() {
    let office = furnished().await;
    let bare = office.worklist().list_tasks(ListTasksRequest::default()).await;
    assert_eq!(bare.expect_err("refused").code(), Code::Unauthenticated);
    office.close().await;
}

#[tokio::test]
async fn the_county_and_the_city_of_jiyuan_are_two_desks() {
    let office = Office::open(NOWHERE).await;
    let jiyuan = application(1).lying_in("419001", "419001");
    office.desk.take_all(&[jiyuan.event(2, "acceptance_submitted", "CountyReview", "county")]).await;
    assert_eq!(sees(&office, &person(1, "county", "419001")).await.len(), 1);
    assert!(sees(&office, &person(2, "city", "419001")).await.is_empty());
    office.close().await;
}

#[tokio::test]
async fn an_expert_taken_off_the_panel_sees_its_tasks_no_more() {
    let office = furnished().await;
    let (gone, new) = (person(71, "expert", "410000"), person(75, "expert", "410000"));
    let replaced = order_event(id(4, 1), 3, "panel_changed", &[new.user], &[]);
    office.desk.take_all(&[replaced]).await;
    assert!(sees(&office, &gone).await.is_empty());
    assert_eq!(sees(&office, &new).await, applications(&[7]));
    office.close().await;
}

#[tokio::test]
async fn pages_are_complete_and_counts_equal_them() {
    let office = Office::open(NOWHERE).await;
    for n in 1..=25 {
        office
            .desk
            .take_all(&[application(n).event(2, "acceptance_submitted", "CountyReview", "county")])
            .await;
    }
    for n in 26..=30 {
        office.desk.take_all(&[application(n).event(4, "county_passed", "PaperCheck", "county")]).await;
    }
    let officer = person(1, "county", "410122");
    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let body = ListTasksRequest { page: Some(Page { page_size: 7, page_token }), ..Default::default() };
        let page =
            office.worklist().list_tasks(office.by(&officer, body)).await.expect("answers").into_inner();
        seen.extend(page.tasks.into_iter().map(|task| task.subject_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len()), (30, 30));
    let counts =
        office.worklist().count_tasks(office.by(&officer, CountTasksRequest {})).await.expect("answers");
    let counts: Vec<_> = counts.into_inner().counts.into_iter().map(|row| (row.stage, row.count)).collect();
    assert_eq!(counts, [("CountyReview".to_owned(), 25), ("PaperCheck".to_owned(), 5)]);
    let only = ListTasksRequest { stage: "PaperCheck".into(), ..Default::default() };
    let only = office.worklist().list_tasks(office.by(&officer, only)).await.expect("answers").into_inner();
    assert_eq!(only.tasks.len(), 5);
    office.close().await;
}

#[tokio::test]
async fn unknown_filter_values_and_foreign_page_tokens_are_refused() {
    let office = Office::open(NOWHERE).await;
    let officer = person(1, "county", "410122");
    let page = |page_size, page_token: &str| Some(Page { page_size, page_token: page_token.into() });
    let cases = [
        (ListTasksRequest { stage: "Reviewing".into(), ..Default::default() }, "unknown_value", "stage"),
        (
            ListTasksRequest { county: "4101".into(), ..Default::default() },
            "division_code_malformed",
            "county",
        ),
        (
            ListTasksRequest { page: page(201, ""), ..Default::default() },
            "page_size_out_of_range",
            "page.page_size",
        ),
        (
            ListTasksRequest { page: page(5, "abc"), ..Default::default() },
            "page_token_invalid",
            "page.page_token",
        ),
    ];
    for (body, reason, field) in cases {
        let status = office.worklist().list_tasks(office.by(&officer, body)).await.expect_err("refused");
        assert_eq!(status.code(), Code::InvalidArgument);
        let refusal = chassis::error::Refusal::read(&status).expect("says why");
        assert_eq!((refusal.reason.as_str(), refusal.fields[0].0.as_str()), (reason, field));
        assert!(!refusal.text.is_empty());
    }
    office.close().await;
}

/// Tasks of a person, and the same as the counts and the live stream say it.
async fn counted(office: &Office, who: &Person) -> (Vec<String>, i32, i32) {
    let request = office.by(who, CountTasksRequest {});
    let counts = office.worklist().count_tasks(request).await.expect("answers").into_inner().counts;
    let mut changes =
        office.live().watch(office.by(who, WatchRequest {})).await.expect("answers").into_inner();
    let present = changes.message().await.expect("open").expect("the present state");
    (sees(office, who).await, counts.iter().map(|one| one.count).sum(), present.open_tasks)
}

#[tokio::test]
async fn who_has_given_its_own_word_has_no_task_any_more_and_the_others_keep_theirs() {
    let office = Office::open(NOWHERE).await;
    let order = id(4, 1);
    let (first, second) = (person(71, "expert", "410000"), person(72, "expert", "410000"));
    let department =
        |n: u128, department: &'static str| Person { department, ..person(n, "province", "410000") };
    let member = |n: u128| application(n).member_of(order);
    let lead = [first.user.to_string()];
    office
        .desk
        .take_all(&[
            order_event(order, 1, "joint_review_launched", &[first.user, second.user], &[]),
            member(1).event(7, "entered_joint_review", "ExpertReview", "experts"),
            member(2).event(7, "entered_joint_review", "ExpertReview", "experts"),
            member(2).awaiting(&lead).event(8, "expert_opined", "ExpertReview", "experts"),
            member(3).awaiting(&["fgw".into(), "czt".into()]).event(
                9,
                "entered_provincial_review",
                "ProvincialReview",
                "departments",
            ),
            member(3).awaiting(&["czt".into()]).event(
                10,
                "department_opined",
                "ProvincialReview",
                "departments",
            ),
            member(4).awaiting(&[]).event(9, "entered_provincial_review", "ProvincialReview", "departments"),
        ])
        .await;
    assert_eq!(counted(&office, &first).await, (applications(&[1, 2]), 2, 2));
    assert_eq!(counted(&office, &second).await, (applications(&[1]), 1, 1));
    assert_eq!(counted(&office, &department(41, "fgw")).await, (vec![], 0, 0));
    assert_eq!(counted(&office, &department(42, "czt")).await, (applications(&[3]), 1, 1));
    // Everybody's again: an event that says nothing of voices.
    office
        .desk
        .take(&member(2).event(9, "supplement_submitted", "ExpertReview", "experts"))
        .await
        .expect("applies");
    assert_eq!(counted(&office, &second).await, (applications(&[1, 2]), 2, 2));
    office.close().await;
}
