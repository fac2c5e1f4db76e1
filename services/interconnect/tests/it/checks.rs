//! The checks in their order: each alone, and the first of several answers.
use interconnect::domain::envelope::Secrets;
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::stage::Stage;

pub const NOW: OffsetDateTime = datetime!(2026-07-01 12:00:12 +8);
pub const OPERATOR: &str = "XXXX00019";
pub const STATUS: &str = "notification_stationStatus";
pub const IDLE: &str = r#"{"ConnectorStatusInfo":{"ConnectorID":"410105000100101","Status":1}}"#;

pub fn secrets() -> Secrets {
    Secrets {
        operator: "Op#Secret-河南-2026".into(),
        data: "Kx7!pQ2@mZ9#rT4$".into(),
        data_iv: "v1Lw8Nc3Yb6Hd0Js".into(),
        sig: "8fK2sQ9wZr5TnB1v".into(),
    }
}

fn ret(answer: &Value) -> (i64, String) {
    (answer["Ret"].as_i64().expect("a number"), answer["Msg"].as_str().expect("a text").to_owned())
}

#[tokio::test]
async fn only_json_by_post_of_bounded_size_is_read() {
    let stage =
        Stage::start_with(OPERATOR, secrets(), NOW, |config| config.limits.body_bytes_max = 1024).await;
    let json = "application/json; charset=utf-8";
    let post = reqwest::Method::POST;
    assert_eq!(stage.send(reqwest::Method::GET, STATUS, None, json, "{}").await.0, 405);
    assert_eq!(stage.send(post.clone(), STATUS, None, "text/plain", "{}").await.0, 415);
    assert_eq!(stage.send(post.clone(), STATUS, None, "application/json;charset=GBK", "{}").await.0, 415);
    assert_eq!(stage.send(post.clone(), STATUS, None, json, "x".repeat(1025)).await.0, 413);
    assert_eq!(stage.send(post.clone(), STATUS, None, json, "x".repeat(1024)).await.0, 200);
    assert_eq!(stage.send(post, "a/b", None, json, "{}").await.0, 404);
    stage.stop();
}

#[tokio::test]
async fn each_missing_member_is_named_and_an_unknown_operator_gets_no_signature() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let whole = stage.envelope(IDLE);
    for name in ["OperatorID", "Data", "TimeStamp", "Seq", "Sig"] {
        let body = whole.replace(&format!("\"{name}\""), "\"Other\"");
        let answer = stage.post(STATUS, Some(&stage.token()), &body).await;
        let (code, msg) = ret(&answer);
        assert!(code == 4003 && msg.contains(name), "{answer}");
    }
    let answer = stage.post(STATUS, Some(&stage.token()), &whole.replace(OPERATOR, "XXXX00027")).await;
    assert_eq!((ret(&answer).0, answer["Sig"].as_str()), (4003, Some("")));
    stage.stop();
}

#[tokio::test]
async fn the_first_failing_check_answers() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let late = stage.envelope_at("not JSON", "20260701110000", "0001");
    let wrong_sig = late.replace("\"Seq\":\"0001\"", "\"Seq\":\"0002\"");
    let token = stage.token();
    let code = |answer: Value| answer["Ret"].as_i64().expect("a number");
    // signature, switch, token, clock, content
    stage.played.state().closed = true;
    assert_eq!(code(stage.post(STATUS, None, &wrong_sig).await), 4001);
    assert_eq!(code(stage.post(STATUS, None, &late).await), 4003);
    stage.played.state().closed = false;
    assert_eq!(code(stage.post("no_such_method", None, &late).await), 4003);
    assert_eq!(code(stage.post(STATUS, None, &late).await), 4002);
    assert_eq!(code(stage.post(STATUS, Some("wrong"), &late).await), 4002);
    let (code_of_clock, msg) = ret(&stage.post(STATUS, Some(&token), &late).await);
    assert!(code_of_clock == 4003 && msg.contains("300"), "{msg}");
    assert_eq!(stage.call(STATUS, "not JSON").await.0, 4004);
    assert_eq!(stage.call(STATUS, "[]").await.0, 4004);
    stage.stop();
}

#[tokio::test]
async fn a_method_is_known_by_the_name_that_the_link_gives_it() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    assert_eq!(stage.call("pushStationStatus", IDLE).await.0, 4003);
    stage.played.state().paths.insert(STATUS.into(), "pushStationStatus".into());
    assert_eq!(stage.call("pushStationStatus", IDLE).await.0, 0);
    assert_eq!(stage.call(STATUS, IDLE).await.0, 0, "the standard's name goes on");
    stage.stop();
}

#[tokio::test]
async fn the_window_of_the_link_decides_about_the_clock() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let early = stage.envelope_at(IDLE, "20260701115512", "0001");
    let earlier = stage.envelope_at(IDLE, "20260701115511", "0001");
    let token = stage.token();
    assert_eq!(stage.read(&stage.post(STATUS, Some(&token), &early).await).0, 0);
    assert_eq!(stage.read(&stage.post(STATUS, Some(&token), &earlier).await).0, 4003);
    stage.played.state().window_secs = 86_400;
    assert_eq!(stage.read(&stage.post(STATUS, Some(&token), &earlier).await).0, 0);
    let no_date = stage.envelope_at(IDLE, "20260231120000", "0001");
    assert_eq!(stage.read(&stage.post(STATUS, Some(&token), &no_date).await).0, 4003);
    stage.stop();
}

#[tokio::test]
async fn a_suspended_operator_may_not_speak_and_unavailable_neighbours_mean_later() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    stage.played.state().suspended = true;
    assert_eq!(stage.call(STATUS, IDLE).await.0, 4003);
    stage.played.state().suspended = false;
    stage.played.state().busy = true;
    assert_eq!(stage.call(STATUS, IDLE).await.0, -1);
    stage.played.state().busy = false;
    assert_eq!(stage.call(STATUS, IDLE).await.0, 0);
    stage.stop();
}

#[tokio::test]
async fn faults_of_the_platform_are_told_as_such_and_the_message_comes_again() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    stage.played.state().forbidden = true;
    assert_eq!(stage.call(STATUS, IDLE).await.0, 500);
    stage.played.state().forbidden = false;
    stage.played.state().mute = true;
    assert_eq!(stage.call(STATUS, IDLE).await.0, 500);
    stage.stop();
}

#[tokio::test]
async fn during_a_rotation_both_sets_serve_and_the_answer_is_signed_with_the_one_used() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let newer = Secrets { sig: "another signing key".into(), data: "0123456789abcdef".into(), ..secrets() };
    let token = stage.token();
    stage.played.state().sets.insert(0, (Uuid::from_u128(2), Some(newer)));
    assert_eq!(stage.call(STATUS, IDLE).await.0, 0);
    // The set ends, and its tokens with it.
    stage.played.state().sets.pop();
    let answer = stage.post(STATUS, Some(&token), &stage.envelope(IDLE)).await;
    assert_eq!(answer["Ret"], json!(4001));
    stage.stop();
}

#[tokio::test]
async fn tokens_are_asked_for_with_the_operators_secret() {
    let stage = Stage::start_with(OPERATOR, secrets(), NOW, |config| config.tokens.per_minute = 3).await;
    let login = |secret: &str| json!({ "OperatorID": OPERATOR, "OperatorSecret": secret }).to_string();
    let right = stage.envelope(&login(&secrets().operator));
    let first = stage.post("query_token", None, &right).await;
    let (code, _, body) = stage.read(&first);
    assert_eq!((code, &body["SuccStat"], &body["TokenAvailableTime"]), (0, &json!(0), &json!(7200)));
    let token = body["AccessToken"].as_str().expect("a token");
    let status = stage.post(STATUS, Some(token), &stage.envelope(IDLE)).await;
    assert_eq!(stage.read(&status).0, 0);
    assert_eq!(stage.post("query_token", None, &right).await, first, "the same envelope, the same answer");
    let (code, _, body) = stage.call("query_token", &login("wrong")).await;
    assert_eq!(code, 0);
    assert_eq!(
        (&body["SuccStat"], &body["FailReason"], &body["AccessToken"]),
        (&json!(1), &json!(2), &json!(""))
    );
    assert_eq!(stage.call("query_token", &login("wrong")).await.0, -1, "the fourth within a minute");
    stage.stop();
}
