//! What of a list is the caller's own: open at its desk, done by its office, decided this month.

use proto::reviews::{
    AllowedActionsRequest, CountApplicationsRequest, CountDecidedRequest, DeclareInterestRequest,
    ListApplicationsRequest,
};

use crate::{
    harness::{CITY, COUNTY, CZT, FGW, LEAD, OPERATOR, Platform, SECOND, Who, answer, fresh},
    joint_review::{all_passed_and_frozen, launched, opine, sampled},
};

/// Ids of a list of the caller's own part, in ascending order; the count says the same, and only what is open is its turn.
async fn own(platform: &Platform, who: Who, part: &str) -> Vec<String> {
    let (ids, yours) = own_part(platform, who, part).await;
    assert!(yours.into_iter().all(|yours| yours == (part == "open")), "{part}");
    ids
}

/// Ids of a list of the caller's own part, in ascending order, and whose turn each is; the count says the same.
async fn own_part(platform: &Platform, who: Who, part: &str) -> (Vec<String>, Vec<bool>) {
    let filter = ListApplicationsRequest { own: part.into(), ..ListApplicationsRequest::default() };
    let mut client = platform.applications(who);
    let listed = answer(client.list_applications(filter.clone()).await).expect("listed").applications;
    let request = CountApplicationsRequest { filter: Some(filter) };
    let counted = answer(client.count_applications(request).await).expect("counted");
    assert_eq!(usize::try_from(counted.total).expect("a count"), listed.len(), "{part}");
    let yours = listed.iter().map(|view| view.yours).collect();
    let mut ids: Vec<_> = listed.into_iter().map(|view| view.application_id).collect();
    ids.sort();
    (ids, yours)
}

async fn own_state(platform: &Platform, who: Who, id: &str) -> String {
    let request = AllowedActionsRequest { application_id: id.into() };
    answer(platform.applications(who).allowed_actions(request).await).expect("answered").own_state
}

#[tokio::test]
async fn what_counties_and_cities_have_passed_stays_among_what_they_have_done_after_the_launch() {
    let platform = Platform::start().await;
    let (_, _, mut ids) = launched(&platform, 2).await;
    ids.sort();
    for who in [COUNTY, CITY] {
        assert_eq!(own(&platform, who, "done").await, ids, "{}", who.0);
        assert_eq!(own(&platform, who, "month").await, ids, "{}", who.0);
    }
    assert_eq!(own(&platform, SECOND, "month").await, [""; 0]);
    platform.stop().await;
}

#[tokio::test]
async fn what_was_decided_this_month_is_found_though_it_came_back_to_the_same_office() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let passed = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let passed = platform.submit(OPERATOR, &passed).await.expect("submitted");
    let waiting = platform.create(OPERATOR, &round, 2).await.expect("drafted");
    platform.submit(OPERATOR, &waiting).await.expect("submitted");
    assert_eq!(own(&platform, COUNTY, "month").await, [""; 0]);
    let passed = platform.pass(COUNTY, &passed).await.expect("passed");
    assert_eq!(passed.stage, "PaperCheck");
    // It waits for the county again, and was handled this month all the same.
    assert_eq!(own_part(&platform, COUNTY, "month").await, (vec![passed.application_id], vec![true]));
    platform.stop().await;
}

#[tokio::test]
async fn an_expert_who_has_spoken_waits_for_the_lead_and_has_the_task_again_when_the_lead_steps_aside() {
    let platform = Platform::start().await;
    let (_, order, mut ids) = launched(&platform, 2).await;
    ids.sort();
    assert_eq!(own(&platform, SECOND, "open").await, ids);
    let view = platform.get(SECOND, &ids[0]).await.expect("assigned");
    opine(&platform, SECOND, &view, "pass").await.expect("opined");

    assert_eq!(own(&platform, SECOND, "open").await, ids[1..]);
    assert_eq!(own(&platform, SECOND, "done").await, ids[..1]);
    assert_eq!(own(&platform, LEAD, "open").await, ids);
    assert_eq!(own_state(&platform, SECOND, &ids[0]).await, "您已提出意见，等待牵头人汇总");
    assert_eq!(own_state(&platform, LEAD, &ids[0]).await, "");
    let today = platform.applications(SECOND).count_decided(CountDecidedRequest {}).await;
    assert_eq!(answer(today).expect("counted").today, 1);

    let conflict = DeclareInterestRequest {
        request_id: fresh(),
        work_order_id: order.work_order_id.clone(),
        conflicted: false,
        conflict_application_ids: vec![ids[0].clone()],
        statement: "曾参与该场站验收".into(),
    };
    let seen = platform.get(SECOND, &ids[0]).await.expect("assigned");
    answer(platform.joint(LEAD).declare_interest(conflict).await).expect("declared");
    assert_eq!(own(&platform, SECOND, "open").await, ids);
    assert_eq!(own(&platform, LEAD, "open").await, ids[1..]);
    assert_eq!(own_state(&platform, LEAD, &ids[0]).await, "您已申明回避本申请，由专家组其他成员审核");
    assert_eq!(platform.count("SELECT count(*) FROM outbox WHERE kind = 'interest_heeded'").await, 1);
    // What was read before the declaration is not stale.
    assert_eq!(platform.pass_member(SECOND, &seen).await.expect("stands in").stage, "AwaitingProvince");
    platform.stop().await;
}

#[tokio::test]
async fn a_department_that_has_signed_waits_for_the_others_and_what_was_not_drawn_stays_in_sight() {
    let platform = Platform::start().await;
    let (_, order, ids) = launched(&platform, 6).await;
    all_passed_and_frozen(&platform, &order, &ids).await;
    let drawn = sampled(&platform, &ids).await;
    let mut waiting: Vec<_> = drawn.iter().map(|view| view.application_id.clone()).collect();
    waiting.sort();
    assert!(waiting.len() < ids.len());
    let mut all = ids.clone();
    all.sort();
    assert_eq!(own(&platform, FGW, "open").await, all);
    let view = platform.get(FGW, &waiting[0]).await.expect("read");
    platform.pass_member(FGW, &view).await.expect("signed");
    all.retain(|id| *id != waiting[0]);
    assert_eq!(own(&platform, FGW, "open").await, all);
    assert_eq!(own(&platform, Who("province", 43, "fgw"), "done").await, waiting[..1], "a colleague's");
    assert_eq!(own(&platform, CZT, "open").await.len(), ids.len());
    assert_eq!(own_state(&platform, FGW, &waiting[0]).await, "您所在部门已签署意见，等待其他部门签署");
    let outside = ids.iter().find(|id| !waiting.contains(id)).expect("one was not drawn");
    assert_eq!(own_state(&platform, FGW, outside).await, "本申请未被抽中，随工单一并办结");
    platform.stop().await;
}
