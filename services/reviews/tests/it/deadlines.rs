//! T26 and T27 at the database: each stroke once, whoever strikes; items that answer by themselves; lists by time left.

use proto::{
    common::Page,
    reviews::{
        AllowedActionsRequest, ApplicationView, ExtendDeadlineRequest, GetHistoryRequest, Item, ItemOutcome,
        ListApplicationsRequest, NodeLimit, ReassignRequest, RemindRequest, RoundPolicy,
    },
};

use crate::harness::{
    ADMINISTRATOR, Answer, CITY, COUNTY, OPERATOR, Platform, Who, answer, fresh, person, reason,
};

fn items(views: &[&ApplicationView]) -> Vec<Item> {
    views
        .iter()
        .map(|view| Item { application_id: view.application_id.clone(), version: view.version })
        .collect()
}

async fn remind(platform: &Platform, who: Who, views: &[&ApplicationView]) -> Answer<Vec<ItemOutcome>> {
    let request =
        RemindRequest { request_id: fresh(), items: items(views), reason: "请尽快办理".into() };
    answer(platform.deadlines(who).remind(request).await).map(|answer| answer.outcomes)
}

async fn extend(
    platform: &Platform,
    who: Who,
    view: &ApplicationView,
    working_days: i32,
) -> Answer<ItemOutcome> {
    let (request_id, reason) = (fresh(), "材料较多".into());
    let request = ExtendDeadlineRequest { request_id, items: items(&[view]), working_days, reason };
    answer(platform.deadlines(who).extend_deadline(request).await).map(|mut answer| answer.outcomes.remove(0))
}

/// Everything is over as soon as it arrives.
fn impatient(policy: &mut RoundPolicy) {
    let limit = |stage: &str| NodeLimit { stage: stage.into(), working_days: 0 };
    policy.limits = ["CountyReview", "PaperCheck", "CityReview"].map(limit).to_vec();
    policy.near_working_days = Some(0);
    policy.escalate_after_working_days = Some(0);
}

async fn submitted(platform: &Platform, round: &str, station: u128) -> ApplicationView {
    let view = platform.create(OPERATOR, round, station).await.expect("drafted");
    platform.submit(OPERATOR, &view).await.expect("submitted")
}

#[tokio::test]
async fn two_timers_strike_each_clock_once_and_an_extended_one_anew() {
    let platform = Platform::start().await;
    let round = platform.round(impatient).await;
    let mut views = Vec::new();
    for station in 1..=5 {
        views.push(submitted(&platform, &round, station).await);
    }
    let (one, two) = tokio::join!(platform.strike(), platform.strike());
    assert_eq!((one + two, platform.strike().await), (10, 0), "overdue and escalated, five times");
    let strokes = "SELECT count(*) FROM history WHERE transition = 'T27'";
    assert_eq!(platform.count(strokes).await, 10);
    let escalated =
        "SELECT count(*) FROM outbox WHERE subject LIKE 'reviews.v1.city.410100.410122.deadline_escalated'";
    assert_eq!(platform.count(escalated).await, 5);

    let outcome = extend(&platform, COUNTY, &views[0], 3).await.expect("answered");
    assert!(outcome.accepted, "{outcome:?}");
    let view = platform.get(COUNTY, &views[0].application_id).await.expect("read");
    assert_eq!((view.light.as_str(), view.time_left.map(|left| left.working_days_left)), ("", Some(3)));
    assert_eq!(platform.strike().await, 0);
    // A round whose warning reaches that far turns it yellow; this one does not warn.
    platform.stop().await;
}

#[tokio::test]
async fn a_decision_ends_the_clock_and_one_read_before_a_stroke_is_not_stale() {
    let platform = Platform::start().await;
    let round = platform.round(impatient).await;
    let view = submitted(&platform, &round, 1).await;
    assert_eq!(platform.strike().await, 2);
    let passed = platform.pass(COUNTY, &view).await.expect("what was judged still stands");
    assert_eq!((passed.stage.as_str(), passed.light.as_str()), ("PaperCheck", ""));
    assert_eq!(platform.strike().await, 2, "the next node has its own clock");
    let due = platform.paper(COUNTY, &passed, &[]).await.expect("papers complete");
    assert_eq!((due.deadline_at, platform.strike().await), (None, 0), "the operator's time is his own");
    platform.stop().await;
}

#[tokio::test]
async fn an_item_that_somebody_holds_is_busy_and_the_others_go_through() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let (held, free) = (submitted(&platform, &round, 1).await, submitted(&platform, &round, 2).await);
    let mut hand = platform.pool.begin().await.expect("a transaction");
    sqlx::query("SELECT 1 FROM applications WHERE id::text = $1 FOR UPDATE")
        .bind(&held.application_id)
        .fetch_one(&mut *hand)
        .await
        .expect("held");
    let outcomes = remind(&platform, CITY, &[&held, &free]).await.expect("answered");
    let reasons: Vec<_> = outcomes.iter().map(|outcome| outcome.reason.as_str()).collect();
    assert_eq!(reasons, ["busy_elsewhere", ""]);
    assert_eq!(platform.strike().await, 0);
    hand.rollback().await.expect("let go");
    assert!(remind(&platform, CITY, &[&held]).await.expect("answered")[0].accepted);
    platform.stop().await;
}

#[tokio::test]
async fn a_repeated_request_reminds_once_and_a_stale_item_says_so() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = submitted(&platform, &round, 1).await;
    let request =
        RemindRequest { request_id: fresh(), items: items(&[&view]), reason: "请尽快办理".into() };
    let mut city = platform.deadlines(CITY);
    let first = answer(city.remind(request.clone()).await).expect("answered");
    assert_eq!(answer(city.remind(request).await).expect("replayed"), first);
    let now = platform.get(COUNTY, &view.application_id).await.expect("read");
    assert_eq!((now.reminded_count, now.version), (1, view.version + 1));
    let mut old = view.clone();
    old.version -= 1;
    let outcomes = remind(&platform, CITY, &[&old]).await.expect("answered");
    assert_eq!((outcomes[0].reason.as_str(), outcomes[0].version), ("stale_version", now.version));
    platform.stop().await;
}

#[tokio::test]
async fn only_the_lead_or_the_administrator_extends_and_only_by_days_that_count() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = submitted(&platform, &round, 1).await;
    for (who, expected) in [
        (Who("county", 17, "410122"), "not_lead"),
        (Who("county", 14, "410105"), "not_found"),
        (CITY, "not_your_turn"),
        (ADMINISTRATOR, ""),
        (COUNTY, ""),
    ] {
        assert_eq!(extend(&platform, who, &view, 1).await.expect("answered").reason, expected, "{who:?}");
    }
    for days in [0, -1, 41] {
        let refused = extend(&platform, COUNTY, &view, days).await.expect_err("no number of days");
        assert_eq!(
            (refused.reason.as_str(), refused.fields),
            ("extension_invalid", vec!["working_days".to_owned()])
        );
    }
    let request = GetHistoryRequest { application_id: view.application_id.clone() };
    let history = answer(platform.applications(COUNTY).get_history(request).await).expect("read").entries;
    let last = history.last().expect("a step");
    assert_eq!((last.transition.as_str(), last.command.as_str()), ("T26", "ExtendDeadline"));
    assert_eq!((last.items.clone(), last.opinion.as_str()), (vec!["1".to_owned()], "材料较多"));
    platform.stop().await;
}

#[tokio::test]
async fn work_goes_to_a_colleague_and_back() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = submitted(&platform, &round, 1).await;
    let give = async |to: String| {
        let (request_id, reason) = (fresh(), "分工".into());
        let request = ReassignRequest { request_id, items: items(&[&view]), assignee_id: to, reason };
        answer(platform.deadlines(COUNTY).reassign(request).await).map(|mut answer| answer.outcomes.remove(0))
    };
    assert_eq!(give(person(31).to_string()).await.expect("answered").reason, "assignee_unfit");
    assert_eq!(give(person(99).to_string()).await.expect("answered").reason, "assignee_unfit", "nobody");
    assert_eq!(reason(give("somebody".into()).await), "unknown_value");
    assert!(give(person(16).to_string()).await.expect("answered").accepted);
    let seen = platform.get(COUNTY, &view.application_id).await.expect("read");
    assert_eq!(seen.assignee_id, person(16).to_string());
    assert!(give(String::new()).await.expect("answered").accepted);
    assert_eq!(platform.get(COUNTY, &view.application_id).await.expect("read").assignee_id, "");
    platform.stop().await;
}

#[tokio::test]
async fn allowed_actions_say_who_reminds_and_who_extends() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = submitted(&platform, &round, 1).await;
    let ask = async |who: Who, command: &str| {
        let request = AllowedActionsRequest { application_id: view.application_id.clone() };
        let actions =
            answer(platform.applications(who).allowed_actions(request).await).expect("read").actions;
        let action = actions.into_iter().find(|action| action.command == command).expect("every command");
        (action.allowed, action.reason, action.waits_for)
    };
    assert_eq!(ask(CITY, "Remind").await, (true, String::new(), String::new()));
    assert_eq!(ask(COUNTY, "Remind").await, (false, "not_your_turn".into(), "city".into()));
    assert_eq!(ask(COUNTY, "ExtendDeadline").await, (true, String::new(), String::new()));
    let clerk = Who("county", 17, "410122");
    assert_eq!(ask(clerk, "Reassign").await, (false, "not_lead".into(), "county".into()));
    platform.stop().await;
}

#[tokio::test]
async fn lists_by_the_time_left_are_complete_and_stable_over_pages() {
    let platform = Platform::start().await;
    let mut expected = Vec::new();
    // Later stations have less time.
    for (station, working_days) in (1..=5).zip([9, 7, 5, 3, 0]) {
        let round = platform
            .round(|policy| {
                policy.limits = vec![NodeLimit { stage: "CountyReview".into(), working_days }];
            })
            .await;
        expected.insert(0, submitted(&platform, &round, station).await.application_id);
    }
    platform.create(OPERATOR, &platform.round(|_| ()).await, 6).await.expect("no clock runs in a draft");
    assert_eq!(platform.strike().await, 2, "three working days are near, none is over");
    let list = async |who: Who, page_token: String, change: fn(&mut ListApplicationsRequest)| {
        let mut request = ListApplicationsRequest {
            page: Some(Page { page_size: 2, page_token }),
            order: "deadline".into(),
            ..ListApplicationsRequest::default()
        };
        change(&mut request);
        answer(platform.applications(who).list_applications(request).await)
    };
    for who in [OPERATOR, COUNTY, CITY, ADMINISTRATOR] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(who, token, |_| ()).await.expect("listed");
            found.extend(page.applications.into_iter().map(|view| view.application_id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected, "{who:?}");
    }
    let ids = |page: proto::reviews::ListApplicationsResponse| {
        page.applications.into_iter().map(|view| view.application_id).collect::<Vec<_>>()
    };
    let overdue = list(COUNTY, String::new(), |request| request.overdue = true).await.expect("listed");
    assert_eq!(ids(overdue), expected[..1]);
    let yellow =
        list(COUNTY, String::new(), |request| request.light = "yellow".into()).await.expect("listed");
    assert_eq!(ids(yellow), expected[1..2]);
    assert_eq!(
        reason(list(COUNTY, String::new(), |request| request.light = "green".into()).await),
        "unknown_value"
    );
    assert_eq!(
        reason(list(COUNTY, String::new(), |request| request.order = "mood".into()).await),
        "unknown_value"
    );
    platform.stop().await;
}

#[tokio::test]
async fn a_policy_with_limits_where_no_clock_runs_is_refused() {
    let platform = Platform::start().await;
    let create = async |change: fn(&mut RoundPolicy)| {
        let mut policy = RoundPolicy {
            opens_on: "2026-01-01".into(),
            gate_a: "off".into(),
            gate_b: "off".into(),
            expert_rule: "lead".into(),
            departments: vec!["fgw".into()],
            sample_permille: 1,
            ..RoundPolicy::default()
        };
        change(&mut policy);
        let request = proto::reviews::CreateRoundRequest {
            request_id: fresh(),
            name: "批次".into(),
            policy: Some(policy),
        };
        let mut rounds = proto::reviews::rounds_client::RoundsClient::new(platform.signed(ADMINISTRATOR));
        answer(rounds.create_round(request).await)
    };
    let limit = |stage: &str, working_days| vec![NodeLimit { stage: stage.into(), working_days }];
    let usual = create(|_| ()).await.expect("made").policy.expect("a policy");
    assert_eq!((usual.limits.len(), usual.near_working_days), (7, Some(3)));
    assert!(usual.limits.contains(&limit("CityReview", 10)[0]));
    let draft =
        create(|policy| policy.limits = vec![NodeLimit { stage: "Draft".into(), working_days: 1 }]).await;
    assert_eq!(reason(draft), "policy_invalid");
    let endless = create(|policy| policy.near_working_days = Some(251)).await;
    assert_eq!(reason(endless), "policy_invalid");
    platform.stop().await;
}
