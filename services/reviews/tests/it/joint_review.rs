//! Joint review: launch, experts, freeze, draw, departments, returns, conclusion.

use proto::reviews::{
    ApplicationView, CarryOverRequest, DeclareInterestRequest, FreezeOrderRequest, GetSampleRequest,
    GetWorkOrderRequest, RecordOpinionRequest, ReturnMemberRequest, WidenSampleRequest, WorkOrderView,
};

use crate::harness::{
    ADMINISTRATOR, Answer, CITY, CZT, FGW, LEAD, OPERATOR, Platform, SECOND, Who, answer, fresh, judged,
    launch_request, reason,
};

async fn freeze(platform: &Platform, order: &WorkOrderView) -> Answer<WorkOrderView> {
    let (request_id, work_order_id, version) = (fresh(), order.work_order_id.clone(), order.version);
    let request = FreezeOrderRequest { request_id, work_order_id, version };
    answer(platform.joint(ADMINISTRATOR).freeze_order(request).await)
}

async fn send_back(
    platform: &Platform,
    who: Who,
    view: &ApplicationView,
    items: &[&str],
    target: &str,
) -> Answer<ApplicationView> {
    let request = ReturnMemberRequest {
        request_id: fresh(),
        application_id: view.application_id.clone(),
        version: view.version,
        judged: judged(view),
        opinion: "请补充".into(),
        items: items.iter().map(|item| (*item).to_owned()).collect(),
        open_all: false,
        target: target.into(),
    };
    answer(platform.joint(who).return_member(request).await)
}

pub async fn opine(
    platform: &Platform,
    who: Who,
    view: &ApplicationView,
    verdict: &str,
) -> Answer<ApplicationView> {
    let request = RecordOpinionRequest {
        request_id: fresh(),
        application_id: view.application_id.clone(),
        version: view.version,
        judged: judged(view),
        verdict: verdict.into(),
        opinion: "意见".into(),
    };
    answer(platform.joint(who).record_opinion(request).await)
}

/// A round with so many members that await joint review, launched and declared clear.
pub async fn launched(platform: &Platform, members: u128) -> (String, WorkOrderView, Vec<String>) {
    let round = platform.round(|_| ()).await;
    let mut ids = Vec::new();
    for station in 1..=members {
        ids.push(platform.awaiting(&round, station).await.application_id);
    }
    let order = platform.launch(&round, 1).await.expect("launched").remove(0);
    platform.declare(LEAD, &order).await;
    platform.declare(SECOND, &order).await;
    (round, order, ids)
}

pub async fn all_passed_and_frozen(
    platform: &Platform,
    order: &WorkOrderView,
    ids: &[String],
) -> WorkOrderView {
    for id in ids {
        let view = platform.get(LEAD, id).await.expect("assigned");
        let view = platform.pass_member(LEAD, &view).await.expect("passed");
        assert_eq!(view.stage, "AwaitingProvince");
    }
    freeze(platform, order).await.expect("frozen")
}

pub async fn sampled(platform: &Platform, ids: &[String]) -> Vec<ApplicationView> {
    let mut found = Vec::new();
    for id in ids {
        let view = platform.get(FGW, id).await.expect("read");
        if view.in_sample && view.stage == "ProvincialReview" {
            found.push(view);
        }
    }
    found
}

#[tokio::test]
async fn a_launch_repeated_answers_with_the_order_that_stands_and_changes_nothing() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    platform.awaiting(&round, 1).await;
    let request = launch_request(&round, 1, &[31, 32]);
    let mut joint = platform.joint(ADMINISTRATOR);
    let first = answer(joint.launch_joint_review(request.clone()).await).expect("launched");
    let replay = answer(joint.launch_joint_review(request).await).expect("replayed");
    assert_eq!(first, replay);
    platform.awaiting(&round, 2).await;
    let again = platform.launch(&round, 1).await.expect_err("launched before");
    assert_eq!(again.reason, "already_launched");
    assert_eq!(again.metadata["work_order_id"], first.work_orders[0].work_order_id);
    assert_eq!(platform.launch(&round, 2).await.expect("the next batch").len(), 1);
    assert_eq!(reason(platform.launch(&round, 3).await), "no_members");
    assert_eq!(platform.count("SELECT count(*) FROM work_orders").await, 2);
    assert_eq!(platform.count("SELECT count(*) FROM outbox WHERE kind = 'entered_joint_review'").await, 2);
    platform.stop().await;
}

#[tokio::test]
async fn a_launch_that_was_confirmed_for_another_number_is_refused_and_changes_nothing() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    platform.awaiting(&round, 1).await;
    platform.awaiting(&round, 2).await;
    let confirmed = |seen| {
        let mut request = launch_request(&round, 1, &[31, 32]);
        request.cities[0].seen = seen;
        request
    };
    let mut joint = platform.joint(ADMINISTRATOR);
    let refused = answer(joint.launch_joint_review(confirmed(1)).await).expect_err("one more waits");
    assert_eq!(refused.reason, "members_changed");
    let facts = ["prefecture", "seen", "found"].map(|fact| refused.metadata[fact].as_str());
    assert_eq!(facts, ["410100", "1", "2"]);
    assert_eq!(platform.count("SELECT count(*) FROM work_orders").await, 0);
    let launched = answer(joint.launch_joint_review(confirmed(2)).await).expect("launched");
    assert_eq!(launched.work_orders[0].progress["ExpertReview"], 2);
    platform.stop().await;
}

#[tokio::test]
async fn a_panel_has_one_lead_and_no_employee_of_an_operator() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    platform.awaiting(&round, 1).await;
    let mut joint = platform.joint(ADMINISTRATOR);
    for (experts, expected) in [
        (vec![], "unknown_value"),
        (vec![31, 31], "panel_invalid"),
        (vec![31, 99], "not_an_expert"),
        (vec![31, 98], "expert_employed"),
    ] {
        let request = launch_request(&round, 1, &experts);
        assert_eq!(reason(answer(joint.launch_joint_review(request).await)), expected, "{experts:?}");
    }
    let mut nowhere = launch_request(&round, 1, &[31]);
    nowhere.cities[0].prefecture = "zhengzhou".into();
    assert_eq!(reason(answer(joint.launch_joint_review(nowhere).await)), "unknown_value");
    assert_eq!(platform.count("SELECT count(*) FROM work_orders").await, 0);
    platform.stop().await;
}

#[tokio::test]
async fn from_launch_to_approval_with_a_supplement_and_a_provincial_return() {
    let platform = Platform::start().await;
    let (_, order, ids) = launched(&platform, 6).await;

    // G11: experts return one member; the others are not touched.
    let view = platform.get(LEAD, &ids[0]).await.expect("assigned");
    assert_eq!(reason(platform.pass_member(SECOND, &view).await), "lead_decides");
    let view = opine(&platform, SECOND, &view, "pass").await.expect("opined");
    let view = send_back(&platform, LEAD, &view, &["M5"], "").await.expect("returned");
    assert_eq!((view.stage.as_str(), view.waits_for.as_str()), ("SupplementDue", "operator"));
    assert_eq!(reason(freeze(&platform, &order).await), "members_unready");
    platform.supplement(OPERATOR, &view).await.expect("supplemented");

    let frozen = all_passed_and_frozen(&platform, &order, &ids).await;
    assert_eq!((frozen.state.as_str(), frozen.progress["ProvincialReview"]), ("frozen", 6));
    let sample = answer(
        platform.joint(FGW).get_sample(GetSampleRequest { work_order_id: order.work_order_id.clone() }).await,
    )
    .expect("published");
    assert_eq!((sample.draws.len(), sample.draws[0].size, sample.draws[0].ranking.len()), (1, 2, 6));
    let drawn = sampled(&platform, &ids).await;
    assert_eq!(drawn.len(), 2);

    // G12: one material problem.
    let member = &drawn[0];
    assert_eq!(reason(send_back(&platform, FGW, member, &["M6"], "").await), "target_missing");
    let view = send_back(&platform, FGW, member, &["M6"], "operator").await.expect("returned");
    assert_eq!((view.stage.as_str(), view.forced_sample), ("SupplementDue", true));
    let view = platform.supplement(OPERATOR, &view).await.expect("supplemented");
    let view = platform.pass_member(LEAD, &view).await.expect("in a frozen order");
    assert_eq!((view.stage.as_str(), view.in_sample), ("ProvincialReview", true));
    let view = platform.pass_member(FGW, &view).await.expect("signed");
    assert_eq!(view.stage, "ProvincialReview");
    assert_eq!(reason(platform.pass_member(FGW, &view).await), "department_signed");
    let view = platform.pass_member(CZT, &view).await.expect("the last department");
    assert_eq!(view.stage, "Approved");

    // The last sampled member concludes the order.
    let view = platform.pass_member(CZT, &drawn[1]).await.expect("signed");
    platform.pass_member(FGW, &view).await.expect("the last department");
    for id in &ids {
        assert_eq!(platform.get(OPERATOR, id).await.expect("read").stage, "Approved");
    }
    let request = GetWorkOrderRequest { work_order_id: order.work_order_id.clone() };
    let order = answer(platform.joint(CITY).get_work_order(request).await).expect("read");
    assert_eq!((order.state.as_str(), order.progress["Approved"]), ("concluded", 6));
    platform.stop().await;
}

#[tokio::test]
async fn too_many_findings_hold_the_rest_back_until_a_wider_sample_was_drawn() {
    let platform = Platform::start().await;
    let (round, order, ids) = launched(&platform, 7).await;
    let frozen = all_passed_and_frozen(&platform, &order, &ids).await;
    let widen = |version| WidenSampleRequest {
        request_id: fresh(),
        work_order_id: order.work_order_id.clone(),
        version,
    };
    let mut department = platform.joint(FGW);
    let early = answer(department.widen_sample(widen(frozen.version)).await);
    assert_eq!(reason(early), "threshold_not_exceeded");
    let drawn = sampled(&platform, &ids).await;
    assert_eq!(drawn.len(), 2);
    for member in &drawn {
        let view = send_back(&platform, FGW, member, &["M1"], "city").await.expect("to the city");
        assert_eq!((view.stage.as_str(), view.work_order_id.as_str()), ("CityReview", ""));
        assert_eq!(reason(platform.withdraw(OPERATOR, &view).await), "already_decided");
    }
    assert_eq!(platform.count("SELECT count(*) FROM applications WHERE stage = 'ProvincialReview'").await, 5);
    let stale = answer(department.widen_sample(widen(1)).await).expect_err("it was frozen meanwhile");
    assert_eq!((stale.reason.as_str(), stale.metadata["deed"].as_str()), ("stale_version", "冻结工单并抽查"));
    assert!(stale.metadata.contains_key("office") && stale.metadata.contains_key("at"), "{stale:?}");
    let wider = answer(department.widen_sample(widen(frozen.version)).await).expect("widened");
    assert_eq!((wider.version, wider.findings, wider.left), (3, 0, 2));
    for member in sampled(&platform, &ids).await {
        let view = platform.pass_member(FGW, &member).await.expect("signed");
        platform.pass_member(CZT, &view).await.expect("signed");
    }
    assert_eq!(platform.count("SELECT count(*) FROM applications WHERE stage = 'Approved'").await, 5);

    // Those sent to the city are forced samples of their next order.
    for member in &drawn {
        let view = platform.get(CITY, &member.application_id).await.expect("read");
        platform.pass(CITY, &view).await.expect("passed again");
    }
    let next = platform.launch(&round, 2).await.expect("launched").remove(0);
    platform.declare(LEAD, &next).await;
    let ids: Vec<_> = drawn.iter().map(|member| member.application_id.clone()).collect();
    all_passed_and_frozen(&platform, &next, &ids).await;
    assert_eq!(sampled(&platform, &ids).await.len(), 2);
    platform.stop().await;
}

#[tokio::test]
async fn a_member_is_carried_over_and_joins_the_next_batch() {
    let platform = Platform::start().await;
    let (round, order, ids) = launched(&platform, 2).await;
    let view = platform.get(ADMINISTRATOR, &ids[0]).await.expect("read");
    let carry = |reason: &str| CarryOverRequest {
        request_id: fresh(),
        application_id: ids[0].clone(),
        version: view.version,
        reason: reason.into(),
    };
    let mut joint = platform.joint(ADMINISTRATOR);
    assert_eq!(reason(answer(joint.carry_over(carry("")).await)), "reason_missing");
    let carried = answer(joint.carry_over(carry("专家组未完成")).await).expect("carried over");
    assert_eq!((carried.stage.as_str(), carried.work_order_id.as_str()), ("AwaitingJointReview", ""));
    all_passed_and_frozen(&platform, &order, &ids[1..]).await;
    assert_eq!(platform.launch(&round, 2).await.expect("launched").len(), 1);
    platform.stop().await;
}

#[tokio::test]
async fn nobody_is_carried_over_before_the_freeze_is_due() {
    let platform = Platform::start().await;
    let round = platform.round(|policy| policy.freeze_after_days = 10).await;
    let id = platform.awaiting(&round, 1).await.application_id;
    platform.launch(&round, 1).await.expect("launched");
    let view = platform.get(ADMINISTRATOR, &id).await.expect("read");
    let request = CarryOverRequest {
        request_id: fresh(),
        application_id: id,
        version: view.version,
        reason: "急".into(),
    };
    let refused = answer(platform.joint(ADMINISTRATOR).carry_over(request).await).expect_err("too early");
    assert_eq!(refused.reason, "before_freeze_due");
    assert!(refused.metadata.contains_key("due"));
    platform.stop().await;
}

#[tokio::test]
async fn an_expert_declares_first_and_a_conflict_hands_the_lead_on() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let id = platform.awaiting(&round, 1).await.application_id;
    let order = platform.launch(&round, 1).await.expect("launched").remove(0);
    let view = platform.get(LEAD, &id).await.expect("assigned");
    assert_eq!(reason(opine(&platform, LEAD, &view, "pass").await), "not_declared");
    assert_eq!(reason(opine(&platform, Who("expert", 39, ""), &view, "pass").await), "not_found");
    assert_eq!(reason(opine(&platform, LEAD, &view, "maybe").await), "unknown_value");
    let conflict = DeclareInterestRequest {
        request_id: fresh(),
        work_order_id: order.work_order_id.clone(),
        conflicted: false,
        conflict_application_ids: vec![id.clone()],
        statement: "曾参与该场站验收".into(),
    };
    answer(platform.joint(LEAD).declare_interest(conflict).await).expect("declared");
    assert_eq!(reason(opine(&platform, LEAD, &view, "pass").await), "conflicted");
    platform.declare(SECOND, &order).await;
    assert_eq!(platform.pass_member(SECOND, &view).await.expect("stands in").stage, "AwaitingProvince");
    platform.stop().await;
}

#[tokio::test]
async fn under_n_of_m_opinions_count_once_and_side_by_side() {
    let platform = Platform::start().await;
    let round = platform
        .round(|policy| {
            policy.expert_rule = "n_of_m".into();
            policy.experts_needed = 2;
        })
        .await;
    let id = platform.awaiting(&round, 1).await.application_id;
    let order = platform.launch(&round, 1).await.expect("launched").remove(0);
    platform.declare(LEAD, &order).await;
    platform.declare(SECOND, &order).await;
    let seen = platform.get(LEAD, &id).await.expect("assigned");
    assert_eq!(reason(platform.pass_member(LEAD, &seen).await), "quorum_unmet");
    opine(&platform, LEAD, &seen, "pass").await.expect("opined");
    // The second expert's page is older than the first one's opinion, and still good.
    assert_eq!(platform.pass_member(SECOND, &seen).await.expect("two of two").stage, "AwaitingProvince");
    platform.stop().await;
}

#[tokio::test]
async fn a_member_is_never_decided_past_its_desk() {
    let platform = Platform::start().await;
    let (_, order, ids) = launched(&platform, 1).await;
    all_passed_and_frozen(&platform, &order, &ids).await;
    let both = Who("county+province", 51, "410105,fgw");
    let view = platform.get(both, &ids[0]).await.expect("read");
    let view = platform.pass(both, &view).await.expect("signed for the department");
    assert_eq!(platform.count("SELECT count(*) FROM opinions WHERE signed AND department = 'fgw'").await, 1);
    assert_eq!(reason(platform.pass(both, &view).await), "department_signed");
    platform.stop().await;
}

#[tokio::test]
async fn the_rest_is_approved_in_the_name_of_a_department_whoever_closed_the_last_member() {
    let platform = Platform::start().await;
    let (_, order, ids) = launched(&platform, 6).await;
    let request = proto::reviews::AllowedActionsRequest { application_id: ids[0].clone() };
    let asked = answer(platform.applications(ADMINISTRATOR).allowed_actions(request).await).expect("asked");
    let freezes = asked.actions.iter().find(|action| action.command == "FreezeOrder").expect("listed");
    assert!(!freezes.allowed);
    all_passed_and_frozen(&platform, &order, &ids).await;
    let drawn = sampled(&platform, &ids).await;
    let view = platform.pass_member(CZT, &drawn[0]).await.expect("signed");
    platform.pass_member(FGW, &view).await.expect("the last department");
    let view = send_back(&platform, CZT, &drawn[1], &["M6"], "operator").await.expect("returned");
    let request = proto::reviews::TerminateRequest {
        request_id: fresh(),
        application_id: view.application_id.clone(),
        version: view.version,
        reason: "不再申报".into(),
    };
    answer(platform.applications(OPERATOR).terminate(request).await).expect("terminated");
    let by: Vec<(String, uuid::Uuid, String)> = sqlx::query_as(
        "SELECT DISTINCT actor_role, actor_id, department FROM history WHERE command = 'ConcludeOrder'",
    )
    .fetch_all(&platform.pool)
    .await
    .expect("read");
    assert_eq!(by, [("province".to_owned(), crate::harness::person(CZT.1), "czt".to_owned())]);
    platform.stop().await;
}

#[tokio::test]
async fn declarations_name_members_only_grow_and_end_with_the_order() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let mut ids = Vec::new();
    for station in 1..=2 {
        ids.push(platform.awaiting(&round, station).await.application_id);
    }
    let order = platform.launch(&round, 1).await.expect("launched").remove(0);
    let declare = |conflicts: Vec<String>| {
        let request = DeclareInterestRequest {
            request_id: fresh(),
            work_order_id: order.work_order_id.clone(),
            conflicted: false,
            conflict_application_ids: conflicts,
            statement: String::new(),
        };
        let mut joint = platform.joint(LEAD);
        async move { answer(joint.declare_interest(request).await) }
    };
    let refused = declare(vec![fresh()]).await.expect_err("no member");
    assert_eq!(
        (refused.reason.as_str(), refused.fields),
        ("unknown_value", vec!["conflict_application_ids".to_owned()])
    );
    declare(vec![ids[0].clone()]).await.expect("declared");
    // Who declared a conflict with one member reads the files of the other only.
    let mut db = platform.pool.acquire().await.expect("free");
    let order_id = reviews::domain::ids::OrderId(order.work_order_id.parse().expect("a UUID"));
    for (id, experts) in [(&ids[0], 0), (&ids[1], 1)] {
        let id = reviews::domain::ids::ApplicationId(id.parse().expect("a UUID"));
        let clear = reviews::store::opinions::clear_experts(&mut db, order_id, id).await.expect("read");
        assert_eq!(clear.len(), experts);
    }
    drop(db);
    declare(vec![]).await.expect("declared anew");
    assert_eq!(platform.count("SELECT count(*) FROM declarations").await, 2);
    let late = sqlx::query("UPDATE work_orders SET frozen_at = now(), concluded_at = now()");
    late.execute(&platform.pool).await.expect("changed");
    assert_eq!(reason(declare(vec![]).await), "order_concluded");
    // The hand that concluded it left no signed decision, which the audit would notice.
    platform.abandon().await;
}
