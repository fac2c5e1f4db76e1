//! Turns: who is at a link, what is due when, and joint tests as dated facts.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proto::stations::{
    ApproveLinkRequest, FinishTurnRequest, Lease, LeaseTurnRequest, ListJointTestsRequest, ListTurnsRequest,
    RenewLeaseRequest, RevokeLinkRequest, Secrets, SetPeerRequest, StartJointTestRequest, TestStep, Turn,
};
use stations::{
    domain::link::Direction,
    vault::{self, Place, Vault},
};
use uuid::Uuid;

use crate::harness::{Platform, Who, answer, fresh, operator, refused};

/// Links of operators 1 and 2; the first has a server that can be called.
pub(crate) async fn linked(platform: &Platform) {
    for number in [1, 2] {
        let body = ApproveLinkRequest { request_id: fresh(), operator_id: operator(number).to_string() };
        answer(platform.links(Who::Administrator).approve_link(body).await).expect("approved");
    }
    callable(platform, 1).await;
}

/// The operator has a server that can be called.
async fn callable(platform: &Platform, number: u128) {
    let outbound = Secrets {
        operator_secret: "theirs".into(),
        data_secret: "0123456789abcdef".into(),
        data_secret_iv: "fedcba9876543210".into(),
        sig_secret: "signing".into(),
    };
    let peer = SetPeerRequest {
        request_id: fresh(),
        base_url: "https://host/evcs".into(),
        protocol_version: "1.0".into(),
        outbound: Some(outbound),
        ..SetPeerRequest::default()
    };
    answer(platform.links(Who::Operator(operator(number))).set_peer(peer).await).expect("set");
}

pub(crate) async fn lease(platform: &Platform) -> Option<Lease> {
    lease_of(platform, &[]).await
}

async fn lease_of(platform: &Platform, kinds: &[&str]) -> Option<Lease> {
    let body = LeaseTurnRequest { kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect() };
    match answer(platform.turns(Who::Interconnect).lease_turn(body).await) {
        Ok(lease) => Some(lease),
        Err(refusal) => {
            assert_eq!(refused::<()>(Err(refusal)).0, "not_found");
            None
        }
    }
}

async fn renew(platform: &Platform, lease: &Lease) -> bool {
    let body = RenewLeaseRequest { lease_id: lease.lease_id.clone(), ..RenewLeaseRequest::default() };
    answer(platform.turns(Who::Interconnect).renew_lease(body).await).is_ok()
}

pub(crate) async fn finish(platform: &Platform, lease: &Lease, reason: &str) -> Result<(), String> {
    let body = FinishTurnRequest {
        lease_id: lease.lease_id.clone(),
        reason: reason.into(),
        found: "对方系统没有应答".into(),
        taken: 3,
        rejected: 1,
        steps: vec![],
    };
    let done = answer(platform.turns(Who::Interconnect).finish_turn(body).await);
    done.map(|_| ()).map_err(|refusal| refused::<()>(Err(refusal)).0)
}

async fn turn(platform: &Platform, kind: &str) -> Turn {
    let mut own = platform.turns(Who::Operator(operator(1)));
    let listed = answer(own.list_turns(ListTurnsRequest::default()).await).expect("listed");
    listed.turns.into_iter().find(|turn| turn.kind == kind).expect("a turn of the kind")
}

pub(crate) async fn run(platform: &Platform, sql: &'static str) {
    sqlx::query(sql).execute(&platform.pool).await.expect("changed");
}

#[tokio::test]
async fn one_process_at_a_time_has_a_link_and_a_lease_that_ended_records_nothing() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let (first, second) = tokio::join!(lease(&platform), lease(&platform));
    assert!(first.is_some() != second.is_some(), "two turns are due, of one link");
    let held = first.or(second).expect("leased");
    let link = held.link.clone().expect("a link");
    assert_eq!(link.outbound.expect("secrets").sig_secret, "signing");
    assert_eq!(link.link.expect("a link").operator_id, operator(1).to_string());
    assert!(renew(&platform, &held).await);
    run(&platform, "UPDATE links SET leased_until = now() WHERE lease_id IS NOT NULL").await;
    let next = lease(&platform).await.expect("the link is free again");
    assert!(!renew(&platform, &held).await, "the lease has ended");
    assert_eq!(finish(&platform, &held, "").await, Err("lease_lost".into()));
    assert!(renew(&platform, &next).await);
    assert_eq!(finish(&platform, &next, "").await, Ok(()));
    let other = lease(&platform).await.expect("the other turn");
    assert_ne!(other.kind, next.kind);
    assert_eq!(finish(&platform, &other, "").await, Ok(()));
    assert_eq!(lease(&platform).await, None, "nothing is due");
    platform.stop().await;
}

#[tokio::test]
async fn a_failure_is_counted_shown_and_kept_away_from_and_a_success_forgets_it() {
    let platform = Platform::start().await;
    linked(&platform).await;
    run(&platform, "UPDATE link_turns SET due_at = due_at + interval '1 day' WHERE kind = 'status'").await;
    for failures in 1..=3 {
        let held = lease(&platform).await.expect("due");
        assert_eq!((held.kind.as_str(), held.since), ("stations", None), "everything, until it is complete");
        finish(&platform, &held, "unreachable").await.expect("recorded");
        let shown = turn(&platform, "stations").await;
        assert_eq!((shown.failures, shown.reason.as_str()), (failures, "unreachable"));
        assert!(shown.last_failure_at.is_some() && shown.last_success_at.is_none());
        assert_eq!(lease(&platform).await, None, "it is kept away from");
        let wait: f64 = sqlx::query_scalar(
            "SELECT extract(epoch FROM due_at - last_failure_at)::float8 FROM link_turns WHERE reason <> ''",
        )
        .fetch_one(&platform.pool)
        .await
        .expect("read");
        let plain = 30.0 * f64::from(2_i32.pow(u32::try_from(failures).expect("small") - 1));
        assert!((plain * 0.8..=plain * 1.2).contains(&wait), "{wait} s after {failures}");
        run(&platform, "UPDATE link_turns SET due_at = now() WHERE kind = 'stations'").await;
    }
    let held = lease(&platform).await.expect("due");
    finish(&platform, &held, "").await.expect("recorded");
    let shown = turn(&platform, "stations").await;
    assert_eq!((shown.failures, shown.taken, shown.rejected), (0, 3, 1));
    assert_eq!(shown.reason, "items_rejected", "one of them was, and is named");
    assert!(shown.last_success_at.is_some());
    run(&platform, "UPDATE link_turns SET due_at = now() WHERE kind = 'stations'").await;
    assert!(lease(&platform).await.expect("due").since.is_some(), "what changed");
    platform.stop().await;
}

#[tokio::test]
async fn a_joint_test_waits_once_runs_first_and_stays_as_a_dated_fact() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let mut own = platform.turns(Who::Operator(operator(1)));
    let start = || StartJointTestRequest { request_id: fresh(), operator_id: String::new() };
    let asked = answer(own.start_joint_test(start()).await).expect("asked");
    let again = answer(own.start_joint_test(start()).await).expect("asked");
    assert_eq!(asked, again, "the one that waits");
    let held = lease(&platform).await.expect("due");
    assert_eq!(held.kind, "joint_test");
    let step = |outcome: &str| TestStep {
        side: "operator".into(),
        step: "token".into(),
        outcome: outcome.into(),
        ret: Some(0),
        title: "获取 Token".into(),
        ..TestStep::default()
    };
    let body = |lease: &Lease, steps: Vec<TestStep>| FinishTurnRequest {
        lease_id: lease.lease_id.clone(),
        steps,
        ..FinishTurnRequest::default()
    };
    let finished = body(&held, vec![step("passed"), step("skipped")]);
    answer(platform.turns(Who::Interconnect).finish_turn(finished).await).expect("recorded");
    run(&platform, "UPDATE joint_tests SET finished_at = now() - interval '9 minutes'").await;
    let soon = own.start_joint_test(start()).await.expect_err("one has just ended");
    let soon = chassis::error::Refusal::read(&soon).expect("details");
    assert_eq!(soon.reason, "joint_test_too_soon");
    assert!(soon.text.contains(" 后可再次测试"), "{}", soon.text);
    run(&platform, "UPDATE joint_tests SET finished_at = now() - interval '10 minutes'").await;
    let second = answer(own.start_joint_test(start()).await).expect("asked");
    assert_ne!(second.test_id, asked.test_id);
    let held = lease(&platform).await.expect("due");
    let left_out = TestStep { found: "设为不提供".into(), ..step("left_out") };
    let finished = body(&held, vec![step("passed"), left_out.clone()]);
    answer(platform.turns(Who::Interconnect).finish_turn(finished).await).expect("recorded");
    let mine = ListJointTestsRequest::default();
    let tests = answer(own.list_joint_tests(mine).await).expect("listed").tests;
    let shown: Vec<_> = tests.iter().map(|test| (test.passed, test.steps.len())).collect();
    assert_eq!(
        shown,
        [(true, 2), (false, 2)],
        "what could not be tried is no pass, what the link leaves out no failure"
    );
    assert_eq!(tests[0].steps, [step("passed"), left_out], "with its reason");
    let foreign = ListJointTestsRequest { operator_id: operator(2).to_string() };
    assert_eq!(refused(answer(own.list_joint_tests(foreign).await)).0, "not_found");
    let revoke = RevokeLinkRequest {
        request_id: fresh(),
        operator_id: operator(1).to_string(),
        ..RevokeLinkRequest::default()
    };
    answer(platform.links(Who::Administrator).revoke_link(revoke).await).expect("revoked");
    assert_eq!(refused(answer(own.start_joint_test(start()).await)).0, "link_revoked");
    assert_eq!(lease(&platform).await, None, "a revoked link is left alone");
    platform.stop().await;
}

#[tokio::test]
async fn a_process_may_ask_for_turns_of_some_kinds_only() {
    let platform = Platform::start().await;
    linked(&platform).await;
    run(&platform, "UPDATE link_turns SET due_at = now() - interval '1 hour' WHERE kind = 'statistics'")
        .await;
    assert_eq!(lease_of(&platform, &["order_check"]).await, None, "it waits for the morning");
    for (kinds, kind) in [(["status", "joint_test"], "status"), (["order_check", "statistics"], "statistics")]
    {
        let held = lease_of(&platform, &kinds).await.expect("due");
        assert_eq!(held.kind, kind);
        finish(&platform, &held, "").await.expect("recorded");
    }
    assert_eq!(lease(&platform).await.map(|held| held.kind), Some("stations".into()), "any");
    platform.stop().await;
}

#[tokio::test]
async fn a_link_whose_secrets_were_sealed_by_another_key_fails_its_turn_and_the_next_one_is_leased() {
    let platform = Platform::start().await;
    linked(&platform).await;
    let secret_id: Uuid =
        sqlx::query_scalar("SELECT secret_id FROM link_secrets WHERE direction = 'outbound'")
            .fetch_one(&platform.pool)
            .await
            .expect("one");
    let place = Place { secret_id, operator_id: operator(1), direction: Direction::Outbound };
    let other = Vault::new(&STANDARD.encode([8; 32])).expect("a key");
    sqlx::query("UPDATE link_secrets SET sealed = $1 WHERE secret_id = $2")
        .bind(other.seal(place, &vault::fresh()).expect("sealed"))
        .bind(secret_id)
        .execute(&platform.pool)
        .await
        .expect("replaced");
    assert_eq!(lease(&platform).await, None, "no turn of it can be done");
    let shown = turn(&platform, "stations").await;
    assert_eq!((shown.failures, shown.reason.as_str()), (1, "secrets"));
    assert!(shown.found.contains("轮换密钥"), "{}", shown.found);
    run(&platform, "UPDATE link_turns SET due_at = now() - interval '1 day'").await;
    callable(&platform, 2).await;
    let held = lease(&platform).await.expect("the other link's turn");
    let leased = held.link.expect("a link").link.expect("a link");
    assert_eq!(leased.operator_id, operator(2).to_string());
    assert_eq!(
        turn(&platform, "stations").await.failures,
        2,
        "it was looked at first, and is kept away from"
    );
    platform.stop().await;
}
