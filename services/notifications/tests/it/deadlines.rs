//! Deadlines, 黄/红牌, reminders and assignments: in rows, orders, tiles and messages. Source: T26, T27.

use proto::{
    common::{Envelope, Page},
    notifications::{
        CountTasksRequest, FindNeighboursRequest, FindNeighboursResponse, ListMessagesRequest,
        ListTasksRequest, Task,
    },
};

use crate::{
    events::{application, changed, id, timed},
    setup::{Desk, Office, Person, person},
};

const NOWHERE: &str = "nats://127.0.0.1:9";

fn waiting(n: u128, hours: i64, light: &str) -> Envelope {
    timed(&application(n).event(2, "acceptance_submitted", "CountyReview", "county"), hours, light, 0)
}

async fn page(office: &Office, who: &Person, request: ListTasksRequest) -> (Vec<Task>, String) {
    let answer = office.worklist().list_tasks(office.by(who, request)).await.expect("answers").into_inner();
    (answer.tasks, answer.next_page_token)
}

async fn told(office: &Office, who: &Person) -> Vec<(String, String)> {
    let request = office.by(who, ListMessagesRequest::default());
    let answer = office.messages().list_messages(request).await.expect("answers").into_inner();
    answer.messages.into_iter().map(|message| (message.kind, message.text)).collect()
}

#[tokio::test]
async fn tasks_come_by_the_time_left_over_pages_and_what_has_no_deadline_last() {
    let office = Office::open(NOWHERE).await;
    for (n, hours) in [(1, 50), (2, -5), (3, 10), (4, 90), (5, -70)] {
        office.desk.take_all(&[waiting(n, hours, "")]).await;
    }
    office.desk.take_all(&[application(6).event(2, "acceptance_submitted", "CountyReview", "county")]).await;
    let officer = person(1, "county", "410122");
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTasksRequest {
            page: Some(Page { page_size: 2, page_token }),
            order: "deadline".into(),
            ..Default::default()
        };
        let (tasks, token) = page(&office, &officer, request).await;
        seen.extend(tasks.into_iter().map(|task| task.subject_id));
        page_token = token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = [5, 2, 3, 1, 4, 6].map(|n| id(1, n).to_string()).to_vec();
    assert_eq!(seen, expected);
    office.close().await;
}

async fn neighbours(office: &Office, who: &Person, stage: &str, n: u128) -> FindNeighboursResponse {
    let asked = FindNeighboursRequest { stage: stage.into(), application_id: id(1, n).to_string() };
    office.worklist().find_neighbours(office.by(who, asked)).await.expect("answers").into_inner()
}

#[tokio::test]
async fn a_task_knows_its_place_and_its_neighbours_however_many_there_are() {
    let office = Office::open(NOWHERE).await;
    // A minute apart, the last hundred of them without a deadline; and another node of the same desk, due before all of them.
    sqlx::query(
        "INSERT INTO worklist (subject_type, subject_id, application_no, stage, waits_for, open, desk, county, prefecture,
             operator_id, version, since, deadline_at)
         SELECT 'application', ('01900000-0000-7000-8000-0001' || lpad(to_hex(i), 8, '0'))::uuid, 'HN2026-' || i,
             CASE WHEN i > 2500 THEN 'PaperCheck' ELSE 'CountyReview' END, 'county', true, 'county:410122', '410122',
             '410100', gen_random_uuid(), 2, now() - i * interval '1 second',
             CASE WHEN i > 2500 THEN now() - i * interval '1 minute' WHEN i <= 2400 THEN now() + i * interval '1 minute' END
         FROM generate_series(1, 2600) AS i",
    )
    .execute(&office.desk.process.pool)
    .await
    .expect("filled");
    sqlx::query("ANALYZE worklist").execute(&office.desk.process.pool).await.expect("analysed");
    let officer = person(1, "county", "410122");
    let named = |n: u128| if n == 0 { String::new() } else { id(1, n).to_string() };
    for (stage, n, place, total, previous, next, first) in [
        ("CountyReview", 1, 1, 1_001, 0, 2, 2),
        ("CountyReview", 201, 201, 1_001, 200, 202, 1),
        ("CountyReview", 1_000, 1_000, 1_001, 999, 1_001, 1),
        ("CountyReview", 1_002, 1_001, 1_001, 1_001, 1_003, 1),
        ("CountyReview", 2_400, 1_001, 1_001, 2_399, 2_401, 1),
        ("CountyReview", 2_500, 1_001, 1_001, 2_499, 0, 1),
        ("PaperCheck", 2_600, 1, 100, 0, 2_599, 2_599),
        // At another node, and nowhere.
        ("CountyReview", 2_600, 0, 1_001, 0, 0, 1),
        ("PaperCheck", 9_999, 0, 100, 0, 0, 2_600),
    ] {
        let expected = FindNeighboursResponse {
            place,
            total,
            previous_id: named(previous),
            next_id: named(next),
            first_id: named(first),
        };
        assert_eq!(neighbours(&office, &officer, stage, n).await, expected, "{stage} {n}");
    }
    let foreign = neighbours(&office, &person(2, "county", "410105"), "CountyReview", 201).await;
    assert_eq!(foreign, FindNeighboursResponse::default());
    for (stage, application_id, reason) in
        [("Reviewing", id(1, 1).to_string(), "unknown_value"), ("CountyReview", "7".into(), "not_found")]
    {
        let asked = FindNeighboursRequest { stage: stage.into(), application_id };
        let status =
            office.worklist().find_neighbours(office.by(&officer, asked)).await.expect_err("refused");
        assert_eq!(chassis::error::Refusal::read(&status).expect("says why").reason, reason);
    }
    office.close().await;
}

#[tokio::test]
async fn yellow_and_red_are_filtered_and_counted_with_the_earliest_deadline() {
    let office = Office::open(NOWHERE).await;
    for (n, hours, light) in [(1, 50, ""), (2, -5, "red"), (3, 10, "yellow"), (4, -90, "red")] {
        office.desk.take_all(&[waiting(n, hours, light)]).await;
    }
    let officer = person(1, "county", "410122");
    let red = ListTasksRequest { light: "red".into(), order: "deadline".into(), ..Default::default() };
    let (tasks, _) = page(&office, &officer, red).await;
    let ids: Vec<_> = tasks.iter().map(|task| task.subject_id.clone()).collect();
    assert_eq!(ids, [id(1, 4).to_string(), id(1, 2).to_string()]);
    let counts = office.worklist().count_tasks(office.by(&officer, CountTasksRequest {})).await;
    let tile = counts.expect("answers").into_inner().counts.remove(0);
    assert_eq!((tile.count, tile.yellow, tile.red), (4, 1, 2));
    assert_eq!(tile.earliest_deadline_at, tasks[0].deadline_at);
    for wrong in [
        ListTasksRequest { light: "green".into(), ..Default::default() },
        ListTasksRequest { order: "mood".into(), ..Default::default() },
    ] {
        let status = office.worklist().list_tasks(office.by(&officer, wrong)).await.expect_err("refused");
        assert_eq!(chassis::error::Refusal::read(&status).expect("says why").reason, "unknown_value");
    }
    office.close().await;
}

#[tokio::test]
async fn each_desk_hears_what_is_its_business_once() {
    let office = Office::open(NOWHERE).await;
    let one = application(1);
    let county = |version, kind| timed(&one.event(version, kind, "CountyReview", "county"), -5, "red", 0);
    let reminded = changed(&county(5, "reminded"), |payload| {
        (payload.reminded_count, payload.actor_role) = (1, "city".into());
    });
    let escalated = changed(&county(4, "deadline_escalated"), |payload| payload.escalated_to = "city".into());
    let escalated = Envelope { subject: escalated.subject.replace(".county.", ".city."), ..escalated };
    let all = [county(2, "deadline_near"), county(3, "deadline_overdue"), escalated, reminded];
    office.desk.take_all(&all).await;
    office.desk.take_all(&all).await;
    let heard = told(&office, &person(1, "county", "410122")).await;
    let kinds: Vec<_> = heard.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["reminded", "deadline_overdue", "deadline_near"]);
    assert!(heard[0].1.starts_with("市级主管部门催办补贴申请 HN2026-000001"), "{heard:?}");
    let above = told(&office, &person(2, "city", "410100")).await;
    assert!(above.len() == 1 && above[0].1.contains("在县级环节超过办理时限"), "{above:?}");
    let company = Person { operator: Some(one.operator), ..person(3, "operator", "") };
    assert!(told(&office, &company).await.is_empty(), "an office's time is no business of the company");
    let (tasks, _) = page(&office, &person(1, "county", "410122"), ListTasksRequest::default()).await;
    assert_eq!((tasks[0].light.as_str(), tasks[0].reminded_count, tasks[0].version), ("red", 1, 5));
    assert_eq!(office.desk.audit().await, 0);
    office.close().await;
}

#[tokio::test]
async fn a_company_is_reminded_of_its_own_work() {
    let office = Office::open(NOWHERE).await;
    let one = application(1);
    let event = changed(&one.event(4, "reminded", "CountyReturned", "operator"), |payload| {
        (payload.reminded_count, payload.actor_role) = (1, "county".into());
    });
    office.desk.take_all(&[event]).await;
    let company = Person { operator: Some(one.operator), ..person(3, "operator", "") };
    let heard = told(&office, &company).await;
    assert!(heard.len() == 1 && heard[0].1.starts_with("县级主管部门催办"), "{heard:?}");
    office.close().await;
}

#[tokio::test]
async fn the_tier_above_may_hear_before_the_desk_below_and_the_row_is_the_same() {
    let desk = Desk::open().await;
    let one = application(1);
    let overdue = timed(&one.event(3, "deadline_overdue", "CountyReview", "county"), -5, "red", 0);
    let up = timed(&one.event(4, "deadline_escalated", "CountyReview", "county"), -5, "red", 2);
    let up = changed(&up, |payload| payload.escalated_to = "city".into());
    let up = Envelope { subject: up.subject.replace(".county.", ".city."), ..up };
    desk.take_all(&[up, overdue]).await;
    let row = "SELECT count(*) FROM worklist WHERE version = 4 AND light = 'red' AND reminded_count = 2
               AND desk = 'county:410122'";
    assert_eq!(desk.count(row).await, 1);
    assert_eq!(desk.count("SELECT count(*) FROM messages").await, 2);
    assert_eq!(desk.audit().await, 0);
    desk.close().await;
}

#[tokio::test]
async fn mine_is_what_the_office_gave_to_me() {
    let office = Office::open(NOWHERE).await;
    let officer = person(1, "county", "410122");
    let given = changed(&application(1).event(3, "reassigned", "CountyReview", "county"), |payload| {
        payload.assignee_id = officer.user.to_string();
    });
    office.desk.take_all(&[given, waiting(2, 10, "")]).await;
    let mine = ListTasksRequest { mine: true, ..Default::default() };
    let (tasks, _) = page(&office, &officer, mine.clone()).await;
    assert_eq!(tasks.iter().map(|task| task.subject_id.as_str()).collect::<Vec<_>>(), [id(1, 1).to_string()]);
    let (theirs, _) = page(&office, &person(2, "county", "410122"), mine).await;
    assert!(theirs.is_empty());
    office.close().await;
}
