//! The second factor: enrolling, signing in with a code, showing it again, removing and resetting it.

use accounts::domain::{ids::UserId, second_factor::Enrolment, totp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::accounts::{
    CompleteSignInRequest, CreateOfficialRequest, EnrolSecondFactorRequest, ListUsersRequest,
    OfferSecondFactorRequest, RemoveSecondFactorRequest, RequestCodeRequest, ResetSecondFactorRequest,
    SignInResponse, StepUpRequest, UnlockUserRequest, UserView,
};
use tonic::{Code, Response, Status};

use crate::setup::{Bench, PASSWORD, USCCS, by, claims, fact, fields, reason, request_id};

/// The bytes of a secret as it is shown.
fn bytes(shown: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String =
        shown.chars().map(|letter| format!("{:05b}", alphabet.find(letter).expect("base32"))).collect();
    let byte =
        |piece: &[u8]| u8::from_str_radix(std::str::from_utf8(piece).expect("digits"), 2).expect("a byte");
    bits.as_bytes().chunks_exact(8).map(byte).collect()
}

pub fn code(secret: &str) -> String {
    totp::code(&bytes(secret), chassis::clock::unix_seconds() / 30)
}

/// A code that no step around now has.
pub fn wrong_code(secret: &str) -> String {
    let now = chassis::clock::unix_seconds() / 30;
    let near: Vec<_> = (now - 3..now + 4).map(|step| totp::code(&bytes(secret), step)).collect();
    (0..).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).expect("a million of them")
}

/// Codes of steps that were taken may be taken again: time passes for the test.
pub async fn later(bench: &Bench) {
    sqlx::query("UPDATE second_factors SET last_step = -1").execute(&bench.pool).await.expect("reset");
}

pub async fn offer(bench: &Bench, session: &str, ticket: &str) -> Result<(String, String), Status> {
    let body = OfferSecondFactorRequest {
        session_token: session.into(),
        activation_ticket: ticket.into(),
        enrolment: String::new(),
    };
    let offered = bench.sessions().offer_second_factor(body).await?.into_inner();
    assert!(offered.uri.contains(&offered.secret));
    Ok((offered.enrolment, offered.secret))
}

/// Enrols by a session; gives the session and the secret.
pub async fn enrol(bench: &Bench, login: &str) -> (String, String) {
    let session = bench.session(login, PASSWORD).await;
    let (enrolment, secret) = offer(bench, &session, "").await.expect("offered");
    let body = EnrolSecondFactorRequest {
        session_token: session,
        enrolment,
        code: code(&secret),
        password: PASSWORD.into(),
        ..EnrolSecondFactorRequest::default()
    };
    let answer = bench.sessions().enrol_second_factor(body).await.expect("enrolled").into_inner();
    later(bench).await;
    (answer.session_token, secret)
}

pub async fn complete(bench: &Bench, ticket: &str, code: &str) -> Result<SignInResponse, Status> {
    let body = CompleteSignInRequest {
        activation_ticket: ticket.into(),
        code: code.into(),
        client_address: String::new(),
    };
    bench.sessions().complete_sign_in(body).await.map(Response::into_inner)
}

pub async fn step_up(bench: &Bench, session: &str, code: &str) -> Result<SignInResponse, Status> {
    let body =
        StepUpRequest { session_token: session.into(), code: code.into(), client_address: String::new() };
    bench.sessions().step_up(body).await.map(Response::into_inner)
}

#[tokio::test]
async fn whoever_has_enrolled_gets_no_session_for_the_password_alone() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (_, secret) = enrol(&bench, "admin01").await;
    let answer = bench.sign_in("admin01", PASSWORD).await.unwrap();
    assert_eq!((answer.session_token.as_str(), answer.activation_reason.as_str()), ("", "second_factor"));
    let ticket = answer.activation_ticket;
    assert_eq!(reason(&bench.token(&ticket).await.unwrap_err()), "session_ended");
    let password = RequestCodeRequest { activation_ticket: ticket.clone() };
    assert_eq!(reason(&bench.sessions().request_code(password).await.unwrap_err()), "ticket_ended");
    assert_eq!(reason(&offer(&bench, "", &ticket).await.unwrap_err()), "ticket_ended");

    let session = complete(&bench, &ticket, &code(&secret)).await.unwrap().session_token;
    let said = claims(&bench.token(&session).await.unwrap());
    assert_eq!(said.authentication, "password+totp");
    assert!((chassis::clock::unix_seconds() - said.second_factor_at).abs() < 60);
    assert_eq!(reason(&complete(&bench, &ticket, &code(&secret)).await.unwrap_err()), "ticket_ended");
    let failed = "SELECT count(*) FROM sign_in_attempts WHERE outcome = 'failed'";
    // The bench's own tries of nobody are the only ones.
    let nobody = "SELECT count(*) FROM audit_log WHERE act = 'sign_in' AND refusal = 'sign_in_failed'";
    assert_eq!(bench.count(failed).await, bench.count(nobody).await, "password and code are one attempt");
    bench.conclude().await;
}

#[tokio::test]
async fn enrolling_takes_the_password_and_a_code_and_gives_the_session_another_reference() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let session = bench.session("admin01", PASSWORD).await;
    let (enrolment, secret) = offer(&bench, &session, "").await.unwrap();
    let body = |code: String, password: &str| EnrolSecondFactorRequest {
        session_token: session.clone(),
        enrolment: enrolment.clone(),
        code,
        password: password.into(),
        ..EnrolSecondFactorRequest::default()
    };
    let ask = async |body: EnrolSecondFactorRequest| {
        bench.sessions().enrol_second_factor(body).await.map(Response::into_inner)
    };
    let refused = ask(body(code(&secret), "Wrong-Lantern-42")).await.unwrap_err();
    assert_eq!(reason(&refused), "sign_in_failed");
    let refused = ask(body(wrong_code(&secret), PASSWORD)).await.unwrap_err();
    assert_eq!((reason(&refused).as_str(), fields(&refused)), ("second_factor_wrong", vec!["code".into()]));
    let strange = EnrolSecondFactorRequest { enrolment: "AAAA".into(), ..body(code(&secret), PASSWORD) };
    assert_eq!(reason(&ask(strange).await.unwrap_err()), "enrolment_unreadable");
    let renewed = ask(body(code(&secret), PASSWORD)).await.unwrap().session_token;
    assert_eq!(reason(&bench.token(&session).await.unwrap_err()), "session_ended");
    assert_eq!(claims(&bench.token(&renewed).await.unwrap()).authentication, "password+totp");
    assert_eq!(reason(&offer(&bench, &renewed, "").await.unwrap_err()), "second_factor_enrolled");

    bench.register("op01", USCCS[0]).await.unwrap();
    let company = bench.session("op01", PASSWORD).await;
    assert_eq!(reason(&offer(&bench, &company, "").await.unwrap_err()), "second_factor_of_officials");
    bench.conclude().await;
}

#[tokio::test]
async fn a_code_is_taken_once() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (_, secret) = enrol(&bench, "admin01").await;
    let seen = code(&secret);
    let ticket = bench.sign_in("admin01", PASSWORD).await.unwrap().activation_ticket;
    complete(&bench, &ticket, &seen).await.unwrap();
    let ticket = bench.sign_in("admin01", PASSWORD).await.unwrap().activation_ticket;
    assert_eq!(reason(&complete(&bench, &ticket, &seen).await.unwrap_err()), "second_factor_wrong");
    bench.conclude().await;
}

#[tokio::test]
async fn where_it_is_demanded_an_official_enrols_before_anything_else_and_a_company_does_not() {
    let bench = Bench::start_with(|config| config.second_factor.required = "officials".into()).await;
    bench.register("op01", USCCS[0]).await.unwrap();
    bench.session("op01", PASSWORD).await;
    bench.make_official("admin01", "administrator", true).await;
    let answer = bench.sign_in("admin01", PASSWORD).await.unwrap();
    assert_eq!((answer.session_token.as_str(), answer.activation_reason.as_str()), ("", "enrolment"));
    let ticket = answer.activation_ticket;
    assert_eq!(reason(&complete(&bench, &ticket, "000000").await.unwrap_err()), "ticket_ended");
    let (enrolment, secret) = offer(&bench, "", &ticket).await.unwrap();
    let body = EnrolSecondFactorRequest {
        activation_ticket: ticket,
        enrolment,
        code: code(&secret),
        ..EnrolSecondFactorRequest::default()
    };
    let session = bench.sessions().enrol_second_factor(body).await.unwrap().into_inner().session_token;
    assert_eq!(claims(&bench.token(&session).await.unwrap()).authentication, "password+totp");
    sqlx::query("UPDATE sessions SET proved_at = NULL").execute(&bench.pool).await.unwrap();
    let earlier = bench.token(&session).await.unwrap_err();
    assert_eq!(reason(&earlier), "session_ended", "a session from before the demand signs in again");
    bench.conclude().await;
}

#[tokio::test]
async fn a_security_administrator_resets_it_and_its_owner_removes_it_with_a_code() {
    let bench = Bench::start().await;
    let security = bench.official("security01", "security_administrator").await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, _) = enrol(&bench, "admin01").await;
    let list = ListUsersRequest { role: "administrator".into(), ..ListUsersRequest::default() };
    let listed = bench.users().list_users(by(&security, list)).await.unwrap().into_inner();
    let UserView { user_id, second_factor, .. } = listed.users[0].clone();
    assert!(second_factor);
    let reset = || ResetSecondFactorRequest { request_id: request_id(), user_id: user_id.clone() };
    let own = bench.token(&session).await.unwrap();
    let denied = bench.users().reset_second_factor(by(&own, reset())).await.unwrap_err();
    assert_eq!(reason(&denied), "not_permitted");
    let view = bench.users().reset_second_factor(by(&security, reset())).await.unwrap().into_inner();
    assert!(!view.second_factor);
    assert_eq!(reason(&bench.token(&session).await.unwrap_err()), "session_ended");
    let again = bench.users().reset_second_factor(by(&security, reset())).await.unwrap_err();
    assert_eq!(reason(&again), "second_factor_missing");

    let (session, secret) = enrol(&bench, "admin01").await;
    let remove = |code: String| RemoveSecondFactorRequest {
        session_token: session.clone(),
        code,
        client_address: String::new(),
    };
    let refused = bench.sessions().remove_second_factor(remove(wrong_code(&secret))).await.unwrap_err();
    assert_eq!(reason(&refused), "second_factor_wrong");
    bench.sessions().remove_second_factor(remove(code(&secret))).await.unwrap();
    assert_eq!(reason(&bench.token(&session).await.unwrap_err()), "session_ended");
    bench.session("admin01", PASSWORD).await;
    let told = "SELECT count(*) FROM audit_log WHERE refusal = ''
                AND act IN ('enrol_second_factor', 'reset_second_factor', 'remove_second_factor')";
    assert_eq!(bench.count(told).await, 4);
    bench.conclude().await;
}

#[tokio::test]
async fn a_role_is_given_with_a_code_of_the_last_five_minutes_only() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, secret) = enrol(&bench, "admin01").await;
    let official = |login: &str| CreateOfficialRequest {
        request_id: request_id(),
        login: login.into(),
        display_name: "示例".into(),
        roles: vec!["county".into()],
        scope: vec!["410105".into()],
        phone: "19900000032".into(),
        ..CreateOfficialRequest::default()
    };
    let fresh = bench.token(&session).await.unwrap();
    bench.users().create_official(by(&fresh, official("county01"))).await.unwrap();
    sqlx::query("UPDATE sessions SET proved_at = now() - interval '6 minutes'")
        .execute(&bench.pool)
        .await
        .unwrap();
    let stale = bench.token(&session).await.unwrap();
    let refused = bench.users().create_official(by(&stale, official("county02"))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "step_up_required"));
    bench.users().list_users(by(&stale, ListUsersRequest::default())).await.unwrap();

    assert_eq!(
        reason(&step_up(&bench, &session, &wrong_code(&secret)).await.unwrap_err()),
        "second_factor_wrong"
    );
    let renewed = step_up(&bench, &session, &code(&secret)).await.unwrap().session_token;
    assert_eq!(reason(&bench.token(&session).await.unwrap_err()), "session_ended");
    let fresh = bench.token(&renewed).await.unwrap();
    bench.users().create_official(by(&fresh, official("county02"))).await.unwrap();
    let told = "SELECT count(*) FROM audit_log WHERE act = 'step_up' AND refusal = ''";
    assert_eq!(bench.count(told).await, 1);
    bench.conclude().await;
}

/// A secret offered so many minutes ago: sealed, and as it is shown.
async fn offered_before(bench: &Bench, minutes: i64) -> (String, String) {
    let user = sqlx::query_scalar("SELECT user_id FROM users WHERE login = 'admin01'")
        .fetch_one(&bench.pool)
        .await
        .expect("an official");
    let secret = vec![7; totp::SECRET_BYTES];
    let shown = totp::base32(&secret);
    let offered_at = chassis::clock::unix_seconds() - minutes * 60;
    let vault = bench.config.second_factor.vault().expect("a key");
    let sealed = vault.seal(UserId(user), &Enrolment { secret, offered_at }.to_bytes()).expect("sealed");
    (URL_SAFE_NO_PAD.encode(sealed), shown)
}

#[tokio::test]
async fn an_offered_secret_is_enrolled_within_15_minutes_and_another_one_is_offered_after_them() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let session = bench.session("admin01", PASSWORD).await;
    let again = async |enrolment: &str| {
        let body = OfferSecondFactorRequest {
            session_token: session.clone(),
            enrolment: enrolment.into(),
            ..OfferSecondFactorRequest::default()
        };
        bench.sessions().offer_second_factor(body).await.unwrap().into_inner()
    };
    let ask = async |(enrolment, secret): &(String, String)| {
        let body = EnrolSecondFactorRequest {
            session_token: session.clone(),
            enrolment: enrolment.clone(),
            code: code(secret),
            password: PASSWORD.into(),
            ..EnrolSecondFactorRequest::default()
        };
        bench.sessions().enrol_second_factor(body).await
    };
    let late = offered_before(&bench, 16).await;
    let refused = ask(&late).await.unwrap_err();
    assert_eq!((reason(&refused).as_str(), fields(&refused)), ("enrolment_expired", vec!["code".into()]));
    assert_ne!(again(&late.0).await.secret, late.1);
    let good = offered_before(&bench, 14).await;
    let shown = again(&good.0).await;
    assert_eq!((&shown.enrolment, &shown.secret), (&good.0, &good.1), "being shown again does not renew it");
    ask(&good).await.unwrap();
    bench.conclude().await;
}

#[tokio::test]
async fn enrolling_a_second_time_forgives_no_wrong_passwords() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, _) = enrol(&bench, "admin01").await;
    for _ in 0..3 {
        bench.sign_in("admin01", "Wrong-Lantern-42").await.unwrap_err();
    }
    let (enrolment, secret) = offered_before(&bench, 0).await;
    let body = EnrolSecondFactorRequest {
        session_token: session,
        enrolment,
        code: code(&secret),
        password: PASSWORD.into(),
        ..EnrolSecondFactorRequest::default()
    };
    let refused = bench.sessions().enrol_second_factor(body).await.unwrap_err();
    assert_eq!(reason(&refused), "second_factor_enrolled");
    let refused = bench.sign_in("admin01", "Wrong-Lantern-42").await.unwrap_err();
    assert_eq!(fact(&refused, "attempts_left"), "1");
    bench.conclude().await;
}

#[tokio::test]
async fn the_log_names_the_session_in_which_a_second_factor_is_enrolled_shown_and_removed() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    let (session, secret) = enrol(&bench, "admin01").await;
    let id = claims(&bench.token(&session).await.unwrap()).session_id;
    step_up(&bench, &session, &wrong_code(&secret)).await.unwrap_err();
    let session = step_up(&bench, &session, &code(&secret)).await.unwrap().session_token;
    later(&bench).await;
    let body = RemoveSecondFactorRequest {
        session_token: session,
        code: code(&secret),
        client_address: String::new(),
    };
    bench.sessions().remove_second_factor(body).await.unwrap();
    let acts: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT act || refusal FROM audit_log WHERE session_id = $1 ORDER BY 1")
            .bind(id)
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    assert_eq!(
        acts,
        [
            "enrol_second_factor",
            "remove_second_factor",
            "show_second_factor",
            "show_second_factorsecond_factor_wrong",
            "step_up",
        ]
    );
    bench.conclude().await;
}

#[tokio::test]
async fn unlocking_somebody_and_resetting_a_second_factor_want_a_code_of_the_last_five_minutes() {
    let bench = Bench::start().await;
    bench.make_official("admin01", "administrator", true).await;
    enrol(&bench, "admin01").await;
    let user_id: uuid::Uuid = sqlx::query_scalar("SELECT user_id FROM users WHERE login = 'admin01'")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    let unlock = async |session: &str| {
        let body = UnlockUserRequest { request_id: request_id(), user_id: user_id.to_string() };
        bench.users().unlock(by(&bench.token(session).await.unwrap(), body)).await.map(drop)
    };
    let reset = async |session: &str| {
        let body = ResetSecondFactorRequest { request_id: request_id(), user_id: user_id.to_string() };
        bench.users().reset_second_factor(by(&bench.token(session).await.unwrap(), body)).await.map(drop)
    };
    bench.make_official("system01", "system_administrator", true).await;
    let system = bench.session("system01", PASSWORD).await;
    unlock(&system).await.unwrap();
    let (system, system_secret) = enrol(&bench, "system01").await;
    bench.make_official("security01", "security_administrator", true).await;
    let (security, security_secret) = enrol(&bench, "security01").await;
    sqlx::query("UPDATE sessions SET proved_at = now() - interval '6 minutes'")
        .execute(&bench.pool)
        .await
        .unwrap();
    assert_eq!(reason(&unlock(&system).await.unwrap_err()), "step_up_required");
    assert_eq!(reason(&reset(&security).await.unwrap_err()), "step_up_required");
    let system = step_up(&bench, &system, &code(&system_secret)).await.unwrap().session_token;
    let security = step_up(&bench, &security, &code(&security_secret)).await.unwrap().session_token;
    unlock(&system).await.unwrap();
    reset(&security).await.unwrap();
    bench.conclude().await;
}

#[tokio::test]
async fn an_unlock_forgives_no_wrong_codes() {
    let bench = Bench::start().await;
    bench.make_official("system01", "system_administrator", true).await;
    let (session, secret) = enrol(&bench, "system01").await;
    step_up(&bench, &session, &wrong_code(&secret)).await.unwrap_err();
    let user_id: uuid::Uuid =
        sqlx::query_scalar("SELECT user_id FROM users").fetch_one(&bench.pool).await.unwrap();
    let body = UnlockUserRequest { request_id: request_id(), user_id: user_id.to_string() };
    bench.users().unlock(by(&bench.token(&session).await.unwrap(), body)).await.unwrap();
    let refused = step_up(&bench, &session, &wrong_code(&secret)).await.unwrap_err();
    assert_eq!(fact(&refused, "attempts_left"), "3");
    bench.conclude().await;
}
