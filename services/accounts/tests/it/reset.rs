//! Forgotten passwords: whoever asks is answered alike; a code goes only where login and phone fit.

use std::time::Duration;

use proto::accounts::{
    ActivateRequest, DeactivateUserRequest, ReissuePasswordRequest, RequestCodeRequest, RequestResetRequest,
    RequestResetResponse, SuspendOperatorRequest,
};
use tonic::{Code, Status};

use crate::setup::{Bench, PASSWORD, USCCS, approve, by, fact, reason, request_id};

const PHONE: &str = "19900000001";
const NEW: &str = "Maple-Harbour-17";

async fn forgot(bench: &Bench, login: &str, phone: &str) -> Result<RequestResetResponse, Status> {
    let request =
        RequestResetRequest { login: login.into(), phone: phone.into(), client_address: String::new() };
    bench.sessions().request_reset(request).await.map(tonic::Response::into_inner)
}

async fn set(bench: &Bench, ticket: &str, code: &str, new: &str) -> Result<(), Status> {
    let request =
        ActivateRequest { activation_ticket: ticket.into(), code: code.into(), new_password: new.into() };
    bench.sessions().activate(request).await.map(|_| ())
}

/// Codes meant for anybody so far.
async fn codes(bench: &Bench) -> i64 {
    bench.count("SELECT count(*) FROM deliveries WHERE kind = 'one_time_code'").await
}

#[tokio::test]
async fn the_code_on_the_phone_replaces_the_password_and_ends_every_session_and_lock() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let old = bench.session("op01", PASSWORD).await;
    for _ in 0..5 {
        bench.sign_in("op01", "Wrong-Lantern-42").await.unwrap_err();
    }
    assert_eq!(reason(&bench.sign_in("op01", PASSWORD).await.unwrap_err()), "sign_in_locked");
    let given = forgot(&bench, " OP01 ", "+86 199 0000 0001").await.unwrap();
    assert_eq!(given.masked_phone, "199****0001");
    assert_eq!(reason(&bench.token(&given.activation_ticket).await.unwrap_err()), "session_ended");
    let code = bench.secret(PHONE, 1, 6).await;
    let same = set(&bench, &given.activation_ticket, &code, PASSWORD).await.unwrap_err();
    assert_eq!(reason(&same), "password_same");
    set(&bench, &given.activation_ticket, &code, NEW).await.unwrap();
    assert_eq!(reason(&set(&bench, &given.activation_ticket, &code, NEW).await.unwrap_err()), "ticket_ended");
    assert_eq!(reason(&bench.token(&old).await.unwrap_err()), "session_ended");
    bench.session("op01", NEW).await;
    let acts = "SELECT count(*) FROM audit_log
                WHERE refusal = '' AND (act = 'request_reset' OR act = 'reset_password' AND authentication = 'code')";
    assert_eq!(bench.count(acts).await, 2);
    bench.conclude().await;
}

#[tokio::test]
async fn an_unknown_login_and_a_wrong_phone_are_answered_like_a_right_one_and_send_nothing() {
    let bench = Bench::start_with(|config| config.sessions.code_interval_secs = 0).await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let right = forgot(&bench, "op01", PHONE).await.unwrap();
    let unknown = forgot(&bench, "op99", PHONE).await.unwrap();
    let elsewhere = forgot(&bench, "op01", "19900000002").await.unwrap();
    assert_eq!(
        (unknown.masked_phone.as_str(), elsewhere.masked_phone.as_str()),
        ("199****0001", "199****0002")
    );
    assert_eq!(codes(&bench).await, 1);
    let mut answers = Vec::new();
    for given in [&right, &unknown, &elsewhere] {
        assert_eq!(given.activation_ticket.len(), right.activation_ticket.len());
        let again = RequestCodeRequest { activation_ticket: given.activation_ticket.clone() };
        let again = bench.sessions().request_code(again).await.unwrap().into_inner();
        assert_eq!(again.masked_phone, given.masked_phone);
        let mut said = Vec::new();
        // Not a word about the account's own password or login before the code is right.
        for new in [NEW, PASSWORD, "short"] {
            said.push(reason(&set(&bench, &given.activation_ticket, "none", new).await.unwrap_err()));
        }
        answers.push(said);
    }
    assert_eq!(answers, vec![["code_wrong", "code_wrong", "password_weak"]; 3]);
    assert_eq!(codes(&bench).await, 2, "asked again, sent to the right one only");
    bench.session("op01", PASSWORD).await;
    bench.conclude().await;
}

#[tokio::test]
async fn nothing_is_sent_to_a_suspended_person_or_one_with_a_one_time_password() {
    let bench = Bench::start().await;
    let made = bench.register("op01", USCCS[0]).await.unwrap();
    let administrator = bench.official("admin01", "administrator").await;
    bench.review().approve(by(&administrator, approve(&made.operator_id, 1))).await.unwrap();
    let suspend = SuspendOperatorRequest {
        request_id: request_id(),
        operator_id: made.operator_id.clone(),
        reason: "核查".into(),
    };
    bench.review().suspend(by(&administrator, suspend)).await.unwrap();
    assert_eq!(forgot(&bench, "op01", PHONE).await.unwrap().masked_phone, "199****0001");

    let second = bench.register("op02", USCCS[1]).await.unwrap().user_id;
    let reissue = ReissuePasswordRequest { request_id: request_id(), user_id: second.clone() };
    bench.users().reissue_password(by(&administrator, reissue)).await.unwrap();
    assert_eq!(forgot(&bench, "op02", PHONE).await.unwrap().masked_phone, "199****0001");
    let deactivate = DeactivateUserRequest { request_id: request_id(), user_id: second };
    bench.users().deactivate(by(&administrator, deactivate)).await.unwrap();
    forgot(&bench, "op02", PHONE).await.unwrap();
    assert_eq!(codes(&bench).await, 0);
    let told = "SELECT count(DISTINCT refusal) FROM audit_log
                WHERE act = 'request_reset' AND refusal IN ('account_suspended', 'not_activated')";
    assert_eq!(bench.count(told).await, 2);
    bench.conclude().await;
}

#[tokio::test]
async fn asking_is_limited_by_login_phone_and_address_alike_for_strangers() {
    let bench = Bench::start_with(|config| {
        config.resets.login_max = 2;
        config.resets.phone_max = 3;
        config.resets.address_max = 5;
    })
    .await;
    bench.register("op01", USCCS[0]).await.unwrap();
    for login in ["op01", "op99"] {
        for tail in 0..2 {
            forgot(&bench, login, &format!("1991111000{tail}")).await.unwrap();
        }
        let refused = forgot(&bench, login, "19911110005").await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "reset_too_often"));
        assert!(fact(&refused, "seconds").parse::<i64>().unwrap() > 3_500);
    }
    forgot(&bench, "op98", "19911110000").await.unwrap();
    assert_eq!(reason(&forgot(&bench, "op97", "19911110000").await.unwrap_err()), "reset_too_often");
    assert_eq!(reason(&forgot(&bench, "op96", "19911110006").await.unwrap_err()), "reset_too_often");
    sqlx::query("UPDATE reset_requests SET requested_at = requested_at - interval '1 hour'")
        .execute(&bench.pool)
        .await
        .unwrap();
    forgot(&bench, "op01", PHONE).await.unwrap();
    // Where the person has signed in before, strangers' requests do not keep it out.
    bench.session("op01", PASSWORD).await;
    for _ in 0..3 {
        forgot(&bench, "op01", PHONE).await.unwrap();
    }
    tokio::time::timeout(Duration::from_secs(30), bench.conclude()).await.unwrap();
}

#[tokio::test]
async fn five_wrong_codes_end_the_code_and_a_wrong_form_is_told() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let ticket = forgot(&bench, "op01", PHONE).await.unwrap().activation_ticket;
    let code = bench.secret(PHONE, 1, 6).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(reason(&set(&bench, &ticket, wrong, NEW).await.unwrap_err()), "code_wrong");
    }
    assert_eq!(reason(&set(&bench, &ticket, &code, NEW).await.unwrap_err()), "code_wrong");
    let soon = RequestCodeRequest { activation_ticket: ticket };
    assert_eq!(reason(&bench.sessions().request_code(soon).await.unwrap_err()), "code_too_soon");
    assert_eq!(reason(&forgot(&bench, "op01", "1990").await.unwrap_err()), "phone_form");
    assert_eq!(reason(&forgot(&bench, " ", PHONE).await.unwrap_err()), "field_missing");
    bench.conclude().await;
}
