//! Signing in: lockout, one-time passwords, sessions and how they end.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use proto::accounts::{
    ActivateRequest, ChangePasswordRequest, CreateOfficialRequest, DeactivateUserRequest, GetSessionRequest,
    GetUserViewRequest, IssueCallerTokenRequest, ListUsersRequest, ReissuePasswordRequest,
    RequestCodeRequest, SignOutRequest, UnlockUserRequest,
};
use tonic::Code;

use crate::setup::{Bench, PASSWORD, USCCS, by, claims, fact, reason, request_id};

const WRONG: &str = "Wrong-Lantern-42";
const NEW: &str = "Maple-Harbour-17";

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_look_alike() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let unknown = bench.sign_in("op99", WRONG).await.unwrap_err();
    let wrong = bench.sign_in("op01", WRONG).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unauthenticated);
    assert_eq!(chassis::error::Refusal::read(&unknown), chassis::error::Refusal::read(&wrong));
    bench.conclude().await;
}

#[tokio::test]
async fn five_failures_lock_and_an_unlock_forgives_them() {
    let bench = Bench::start().await;
    let user = bench.register("op01", USCCS[0]).await.unwrap().user_id;
    for left in (0..5).rev() {
        let refused = bench.sign_in("op01", WRONG).await.unwrap_err();
        assert_eq!(
            (reason(&refused).as_str(), fact(&refused, "attempts_left")),
            ("sign_in_failed", left.to_string())
        );
    }
    let locked = bench.sign_in("op01", PASSWORD).await.unwrap_err();
    assert_eq!((locked.code(), reason(&locked).as_str()), (Code::ResourceExhausted, "sign_in_locked"));
    let administrator = bench.official("system01", "system_administrator").await;
    let unlock = UnlockUserRequest { request_id: request_id(), user_id: user };
    bench.users().unlock(by(&administrator, unlock)).await.unwrap();
    bench.session("op01", PASSWORD).await;
    bench.conclude().await;
}

#[tokio::test]
async fn a_lock_ends_and_a_success_forgives() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    for _ in 0..4 {
        bench.sign_in("op01", WRONG).await.unwrap_err();
    }
    bench.session("op01", PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(reason(&bench.sign_in("op01", WRONG).await.unwrap_err()), "sign_in_failed");
    }
    assert_eq!(reason(&bench.sign_in("op01", PASSWORD).await.unwrap_err()), "sign_in_locked");
    sqlx::query("UPDATE sign_in_attempts SET attempted_at = attempted_at - interval '15 minutes'")
        .execute(&bench.pool)
        .await
        .unwrap();
    bench.session("op01", PASSWORD).await;
    bench.conclude().await;
}

#[tokio::test]
async fn parallel_guesses_get_no_more_than_five_tries() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let guesses = (0..20).map(|_| bench.sign_in("op01", WRONG));
    let answers = futures::future::join_all(guesses).await;
    let tried = answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .filter(|status| reason(status) == "sign_in_failed");
    assert_eq!(tried.count(), 5);
    bench.conclude().await;
}

#[tokio::test]
async fn a_one_time_password_buys_a_ticket_and_the_code_sent_to_the_phone_an_own_password() {
    let bench = Bench::start().await;
    let security = bench.official("security01", "security_administrator").await;
    let body = CreateOfficialRequest {
        request_id: request_id(),
        login: "county01".into(),
        display_name: "县示例".into(),
        roles: vec!["county".into()],
        scope: vec!["410307".into()],
        office: "洛阳市偃师区主管部门".into(),
        phone: "19900000031".into(),
        ..CreateOfficialRequest::default()
    };
    bench.users().create_official(by(&security, body)).await.unwrap();
    let one_time = bench.secret("19900000031", 1, 16).await;
    let mode = std::fs::metadata(bench.outbox_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let answer = bench.sign_in("county01", &one_time).await.unwrap();
    assert!(answer.session_token.is_empty());
    assert_eq!(
        (answer.activation_reason.as_str(), answer.masked_phone.as_str()),
        ("one_time_password", "199****0031")
    );
    assert_eq!(reason(&bench.token(&answer.activation_ticket).await.unwrap_err()), "session_ended");
    assert_eq!(reason(&bench.sign_in("county01", &one_time).await.unwrap_err()), "one_time_password_spent");

    let ticket = answer.activation_ticket;
    let activate = |code: &str, new: &str| ActivateRequest {
        activation_ticket: ticket.clone(),
        code: code.into(),
        new_password: new.into(),
    };
    assert_eq!(reason(&bench.sessions().activate(activate("000000", NEW)).await.unwrap_err()), "code_wrong");
    let request = RequestCodeRequest { activation_ticket: ticket.clone() };
    bench.sessions().request_code(request.clone()).await.unwrap();
    assert_eq!(reason(&bench.sessions().request_code(request).await.unwrap_err()), "code_too_soon");
    let code = bench.secret("19900000031", 2, 6).await;
    let weak = bench.sessions().activate(activate(&code, "short")).await.unwrap_err();
    assert_eq!(
        (reason(&weak).as_str(), crate::setup::fields(&weak)),
        ("password_weak", vec!["new_password".into()])
    );
    assert_eq!(
        reason(&bench.sessions().activate(activate(&code, &one_time)).await.unwrap_err()),
        "password_weak"
    );
    bench.sessions().activate(activate(&code, NEW)).await.unwrap();
    assert_eq!(reason(&bench.sessions().activate(activate(&code, NEW)).await.unwrap_err()), "ticket_ended");

    let session = bench.session("county01", NEW).await;
    let said = claims(&bench.token(&session).await.unwrap());
    assert_eq!(said.roles, ["county"]);
    assert_eq!(said.scope, ["410307", "410381"], "the division that 偃师区 replaced is in its scope");
    assert_eq!(bench.count("SELECT count(*) FROM deliveries WHERE text IS NOT NULL").await, 0);
    bench.conclude().await;
}

#[tokio::test]
async fn wrong_codes_end_the_code() {
    let bench = Bench::start().await;
    bench.make_official("city01", "administrator", false).await;
    let ticket = bench.sign_in("city01", PASSWORD).await.unwrap().activation_ticket;
    bench.sessions().request_code(RequestCodeRequest { activation_ticket: ticket.clone() }).await.unwrap();
    let code = bench.secret("19900000099", 1, 6).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let activate = |code: &str| ActivateRequest {
        activation_ticket: ticket.clone(),
        code: code.into(),
        new_password: NEW.into(),
    };
    for _ in 0..5 {
        assert_eq!(reason(&bench.sessions().activate(activate(wrong)).await.unwrap_err()), "code_wrong");
    }
    assert_eq!(reason(&bench.sessions().activate(activate(&code)).await.unwrap_err()), "code_wrong");
    bench.conclude().await;
}

#[tokio::test]
async fn a_one_time_password_expires_and_can_be_issued_anew() {
    let bench = Bench::start().await;
    let user = bench.register("op01", USCCS[0]).await.unwrap().user_id;
    let old = bench.session("op01", PASSWORD).await;
    let administrator = bench.official("admin01", "administrator").await;
    let reissue = || ReissuePasswordRequest { request_id: request_id(), user_id: user.clone() };
    bench.users().reissue_password(by(&administrator, reissue())).await.unwrap();
    assert_eq!(reason(&bench.token(&old).await.unwrap_err()), "session_ended");
    assert_eq!(reason(&bench.sign_in("op01", PASSWORD).await.unwrap_err()), "sign_in_failed");
    let one_time = bench.secret("19900000001", 1, 16).await;
    sqlx::query("UPDATE credentials SET expires_at = now() WHERE state = 'one_time'")
        .execute(&bench.pool)
        .await
        .unwrap();
    assert_eq!(reason(&bench.sign_in("op01", &one_time).await.unwrap_err()), "one_time_password_spent");
    bench.users().reissue_password(by(&administrator, reissue())).await.unwrap();
    let fresh = bench.secret("19900000001", 2, 16).await;
    assert!(!bench.sign_in("op01", &fresh).await.unwrap().activation_ticket.is_empty());
    bench.conclude().await;
}

#[tokio::test]
async fn sessions_end_by_time_sign_out_password_and_deactivation() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let (one, two) = (bench.session("op01", PASSWORD).await, bench.session("op01", PASSWORD).await);
    bench.sessions().sign_out(SignOutRequest { session_token: one.clone() }).await.unwrap();
    assert_eq!(reason(&bench.token(&one).await.unwrap_err()), "session_ended");
    let view = bench
        .sessions()
        .get_session(GetSessionRequest { session_token: two.clone() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (view.operator_state.as_str(), view.roles),
        ("Pending", vec!["operator_applicant".to_owned()])
    );
    sqlx::query("UPDATE sessions SET seen_at = now() - interval '31 minutes' WHERE ended_at IS NULL")
        .execute(&bench.pool)
        .await
        .unwrap();
    assert_eq!(reason(&bench.token(&two).await.unwrap_err()), "session_ended");

    let three = bench.session("op01", PASSWORD).await;
    let change = |old: &str, new: &str| ChangePasswordRequest {
        session_token: three.clone(),
        password: old.into(),
        new_password: new.into(),
        client_address: String::new(),
    };
    assert_eq!(
        reason(&bench.sessions().change_password(change(WRONG, NEW)).await.unwrap_err()),
        "sign_in_failed"
    );
    assert_eq!(
        reason(&bench.sessions().change_password(change(PASSWORD, "op01")).await.unwrap_err()),
        "password_weak"
    );
    bench.sessions().change_password(change(PASSWORD, NEW)).await.unwrap();
    assert_eq!(reason(&bench.token(&three).await.unwrap_err()), "session_ended");
    bench.session("op01", NEW).await;
    bench.conclude().await;
}

#[tokio::test]
async fn a_wrong_password_at_changing_it_counts_against_the_persons_address_and_not_the_portals() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let session = bench.session("op01", PASSWORD).await;
    let edge = bench.service("interconnect");
    let guess = async || {
        let body = ChangePasswordRequest {
            session_token: session.clone(),
            password: WRONG.into(),
            new_password: NEW.into(),
            client_address: "203.0.113.9".into(),
        };
        reason(&bench.sessions().change_password(by(&edge, body)).await.unwrap_err())
    };
    for _ in 0..5 {
        assert_eq!(guess().await, "sign_in_failed");
    }
    assert_eq!(guess().await, "sign_in_locked");
    let there = "SELECT count(*) FROM sign_in_attempts WHERE address = '203.0.113.9' AND outcome = 'failed'";
    assert_eq!(bench.count(there).await, 5);
    // From elsewhere the door is open.
    bench.session("op01", PASSWORD).await;
    bench.conclude().await;
}

#[tokio::test]
async fn a_token_names_each_service_once() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let audience = ["stations", "accounts", "stations", "accounts"].map(str::to_owned).to_vec();
    let session_token = bench.session("op01", PASSWORD).await;
    let asked = IssueCallerTokenRequest { session_token, audience, export_id: String::new() };
    let answer = bench.sessions().issue_caller_token(asked).await.unwrap().into_inner();
    assert_eq!(claims(&answer.token).audience, ["accounts", "stations"]);
    bench.conclude().await;
}

#[tokio::test]
async fn an_official_has_one_live_session_and_none_once_deactivated() {
    let bench = Bench::start().await;
    let security = bench.official("security01", "security_administrator").await;
    bench.make_official("admin01", "administrator", true).await;
    let old = bench.session("admin01", PASSWORD).await;
    let new = bench.session("admin01", PASSWORD).await;
    assert_eq!(reason(&bench.token(&old).await.unwrap_err()), "session_ended");
    sqlx::query("UPDATE sessions SET seen_at = now() - interval '16 minutes' WHERE ended_at IS NULL")
        .execute(&bench.pool)
        .await
        .unwrap();
    assert_eq!(reason(&bench.token(&new).await.unwrap_err()), "session_ended");
    let list = ListUsersRequest { role: "administrator".into(), ..ListUsersRequest::default() };
    let user_id =
        bench.users().list_users(by(&security, list)).await.unwrap().into_inner().users[0].user_id.clone();
    let deactivate = DeactivateUserRequest { request_id: request_id(), user_id: user_id.clone() };
    bench.users().deactivate(by(&security, deactivate)).await.unwrap();
    let one =
        bench.users().get_user(by(&security, GetUserViewRequest { user_id })).await.unwrap().into_inner();
    assert_eq!((one.login.as_str(), one.active), ("admin01", false));
    let missing = GetUserViewRequest { user_id: request_id() };
    let missing = bench.users().get_user(by(&security, missing)).await.unwrap_err();
    assert_eq!(missing.code(), tonic::Code::NotFound);
    assert_eq!(reason(&bench.sign_in("admin01", PASSWORD).await.unwrap_err()), "account_suspended");
    bench.conclude().await;
}

#[tokio::test]
async fn an_officials_old_password_has_to_be_replaced() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    sqlx::query("UPDATE credentials SET changed_at = now() - interval '91 days'")
        .execute(&bench.pool)
        .await
        .unwrap();
    let answer = bench.sign_in("admin01", PASSWORD).await.unwrap();
    assert_eq!((answer.session_token.as_str(), answer.activation_reason.as_str()), ("", "password_expired"));
    bench.conclude().await;
}

#[tokio::test]
async fn separated_roles_are_granted_by_a_security_administrator_only() {
    let bench = Bench::start().await;
    let administrator = bench.official("admin01", "administrator").await;
    let official = |roles: &[&str]| CreateOfficialRequest {
        request_id: request_id(),
        login: "another01".into(),
        display_name: "示例".into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        phone: "19900000032".into(),
        ..CreateOfficialRequest::default()
    };
    let refused = bench
        .users()
        .create_official(by(&administrator, official(&["audit_administrator"])))
        .await
        .unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "role_not_grantable"));
    let both = official(&["administrator", "audit_administrator"]);
    let refused = bench.users().create_official(by(&administrator, both)).await.unwrap_err();
    assert_eq!(reason(&refused), "roles_exclude");
    let nameless =
        bench.users().create_official(by(&administrator, official(&["province"]))).await.unwrap_err();
    assert_eq!(
        (reason(&nameless).as_str(), crate::setup::fields(&nameless)),
        ("field_missing", vec!["department".into()])
    );
    tokio::time::timeout(Duration::from_secs(30), bench.conclude()).await.unwrap();
}
