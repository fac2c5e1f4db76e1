//! The client against a small server: one token for many calls at once, limits, and what is not followed.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chassis::testing::eventually;
use interconnect::{
    client::{CALL, Client, Target},
    domain::{
        answer::Trouble,
        envelope::{self, Secrets},
    },
};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::checks::secrets;

/// What the server has seen, and how it answers.
struct Peer {
    secrets: Secrets,
    logins: AtomicUsize,
    calls: Mutex<Vec<(String, String)>>,
    /// The token that is good now.
    token: AtomicUsize,
    life: AtomicI64,
}

impl Peer {
    fn answer(&self, ret: i32, body: &str) -> Response {
        let data = if body.is_empty() {
            String::new()
        } else {
            envelope::encrypt(&self.secrets, body).expect("keys")
        };
        let sig = envelope::sign_answer(&self.secrets.sig, ret, "", &data);
        axum::Json(json!({ "Ret": ret, "Msg": "", "Data": data, "Sig": sig })).into_response()
    }
}

async fn serve(State(peer): State<Arc<Peer>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let bearer =
        request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let envelope = envelope::read(&body).expect("an envelope");
    assert!(envelope.signed_with(&peer.secrets.sig));
    peer.calls.lock().expect("whole").push((envelope.timestamp, envelope.seq));
    match path.rsplit('/').next().unwrap_or_default() {
        "query_token" => {
            peer.logins.fetch_add(1, Ordering::SeqCst);
            // Long enough that everybody who would ask has asked.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let (token, life) = (peer.token.load(Ordering::SeqCst), peer.life.load(Ordering::SeqCst));
            peer.answer(
                0,
                &json!({ "SuccStat": 0, "AccessToken": format!("t{token}"), "TokenAvailableTime": life })
                    .to_string(),
            )
        }
        "redirected" => (StatusCode::FOUND, [(header::LOCATION, "/evcs/v1/query_token")]).into_response(),
        "large" => axum::body::Body::from(vec![b' '; (16 << 20) + 1]).into_response(),
        _ if bearer == Some(format!("Bearer t{}", peer.token.load(Ordering::SeqCst))) => peer.answer(0, "{}"),
        _ => peer.answer(4002, ""),
    }
}

struct Stage {
    peer: Arc<Peer>,
    client: Arc<Client>,
    target: Target,
    now: Arc<AtomicI64>,
}

async fn stage() -> Stage {
    let peer = Arc::new(Peer {
        secrets: secrets(),
        logins: AtomicUsize::new(0),
        calls: Mutex::default(),
        token: AtomicUsize::new(1),
        life: AtomicI64::new(7_200),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(serve).with_state(peer.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let read = now.clone();
    let clock = move || OffsetDateTime::from_unix_timestamp(read.load(Ordering::SeqCst)).expect("a moment");
    let target = Target {
        operator_id: Uuid::from_u128(1),
        base_url: format!("http://{address}/evcs"),
        version: "1".into(),
        organisation: "123456789".into(),
        secrets: secrets(),
        paths: Default::default(),
        spellings: Default::default(),
        authority: String::new(),
        own: None,
    };
    let client = Arc::new(Client::new(Arc::new(clock), true).expect("a client"));
    Stage { peer, client, target, now }
}

async fn together(stage: &Stage, calls: usize) {
    let all = (0..calls).map(|_| stage.client.call(&stage.target, "anything", json!({}), CALL));
    for answered in futures::future::join_all(all).await {
        answered.expect("answered");
    }
}

#[tokio::test]
async fn many_calls_at_once_fetch_one_token_and_again_one_when_it_is_said_to_be_wrong() {
    let stage = stage().await;
    together(&stage, 20).await;
    assert_eq!(stage.peer.logins.load(Ordering::SeqCst), 1);
    stage.peer.token.store(2, Ordering::SeqCst);
    together(&stage, 20).await;
    assert_eq!(
        stage.peer.logins.load(Ordering::SeqCst),
        2,
        "all but one took the token that another fetched"
    );
}

#[tokio::test]
async fn a_token_with_little_life_left_is_renewed_and_a_numbered_second_is_never_used_twice() {
    let stage = stage().await;
    stage.peer.life.store(1, Ordering::SeqCst);
    together(&stage, 1).await;
    stage.now.fetch_sub(3_600, Ordering::SeqCst);
    eventually("the token is renewed", Duration::from_secs(10), || async {
        together(&stage, 1).await;
        stage.peer.logins.load(Ordering::SeqCst) >= 2
    })
    .await;
    together(&stage, 30).await;
    let mut calls = stage.peer.calls.lock().expect("whole").clone();
    let all = calls.len();
    calls.sort_unstable();
    calls.dedup();
    assert_eq!(calls.len(), all, "the clock stepped back by an hour");
}

#[tokio::test]
async fn redirects_are_not_followed_and_answers_beyond_the_limit_not_read() {
    let stage = stage().await;
    let call = |method: &'static str| stage.client.call(&stage.target, method, json!({}), CALL);
    assert_eq!(call("redirected").await.expect_err("refused"), Trouble::Status(302));
    assert_eq!(call("large").await.expect_err("refused"), Trouble::TooLarge);
    stage.peer.token.store(3, Ordering::SeqCst);
    let strict = Client::new(Arc::new(|| OffsetDateTime::UNIX_EPOCH), false).expect("a client");
    let refused = strict.call(&stage.target, "anything", json!({}), CALL).await.expect_err("refused");
    assert_eq!(refused, Trouble::Address, "an address inside this network");
    let open = Target { base_url: "http://operator.example/evcs".into(), ..stage.target.clone() };
    let refused = strict.call(&open, "anything", json!({}), CALL).await.expect_err("refused");
    assert_eq!(refused, Trouble::Address, "without TLS");
}

#[tokio::test]
async fn a_link_with_an_authority_of_its_own_is_called_with_connections_that_believe_it() {
    let stage = stage().await;
    let authority = include_str!("../../../chassis/tests/certificates/authority.crt");
    let believing = |authority: &str| Target { authority: authority.into(), ..stage.target.clone() };
    for _ in 0..2 {
        stage.client.call(&believing(authority), "anything", json!({}), CALL).await.expect("answered");
    }
    let unreadable = stage.client.call(&believing("none"), "anything", json!({}), CALL).await;
    assert_eq!(unreadable.expect_err("refused"), Trouble::Address);
}
