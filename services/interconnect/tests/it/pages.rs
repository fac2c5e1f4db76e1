//! Pulling stations by pages: what does not come is asked for again, what is interrupted goes on, and what is short or refused begins
//! again.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::Request as HttpRequest,
    http::StatusCode,
    response::{IntoResponse as _, Response as HttpResponse},
};
use chassis::testing::eventually;
use interconnect::domain::envelope;
use proto::stations::{FinishTurnRequest, StationPages};
use serde_json::{Value, json};

use crate::{
    checks::secrets,
    neighbours::Played,
    turns::{Schedule, sealed, turn, working},
};

/// An operator's system of five pages with one station each, whatever size is asked for.
#[derive(Clone, Default)]
struct System {
    /// Pages as they were asked for.
    asked: Arc<Mutex<Vec<i64>>>,
    /// What ItemSize says beside the five.
    missing: i64,
    /// How often the fourth page breaks at first.
    breaks: usize,
    /// Calls, counted from the first, that are answered 4004.
    refuses: &'static [usize],
}

impl System {
    async fn start(&self) -> String {
        let system = self.clone();
        let serve = move |request: HttpRequest| {
            let system = system.clone();
            async move { system.answer(request).await }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
        format!("http://{address}/evcs")
    }

    async fn answer(&self, request: HttpRequest) -> HttpResponse {
        let login = request.uri().path().ends_with("query_token");
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a body");
        if login {
            return sealed(&json!({ "SuccStat": 0, "AccessToken": "t", "TokenAvailableTime": 7_200 }));
        }
        let sent = envelope::read(&body).expect("an envelope");
        let plain = envelope::decrypt(&secrets(), &sent.data).expect("keys");
        let plain: Value = serde_json::from_str(&plain).expect("JSON");
        let number = plain["PageNo"].as_i64().expect("a page");
        let mut asked = self.asked.lock().expect("no test panics inside");
        asked.push(number);
        if self.refuses.contains(&asked.len()) {
            let (ret, msg) = (4004, "PageNo");
            let sig = envelope::sign_answer(&secrets().sig, ret, msg, "");
            return axum::Json(json!({ "Ret": ret, "Msg": msg, "Data": "", "Sig": sig })).into_response();
        }
        if number == 4 && asked.iter().filter(|asked| **asked == 4).count() <= self.breaks {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        sealed(&json!({
            "PageNo": number, "PageCount": 5, "ItemSize": 5 + self.missing,
            "StationInfos": [{ "StationID": format!("S{number}") }],
        }))
    }

    fn asked(&self) -> Vec<i64> {
        self.asked.lock().expect("no test panics inside").clone()
    }
}

/// Turns of stations, each from where the one before has come to; what they said of themselves.
async fn turns(system: &System, turns: usize) -> (Vec<StationPages>, Vec<FinishTurnRequest>) {
    let schedule = Schedule::default();
    let address = system.start().await;
    let edge = working(&schedule, &Played::default(), |_| ()).await;
    for turns in 1..=turns {
        let mut next = turn("stations", &address, &[]);
        next.pages = schedule.plan().come.last().filter(|pages| pages.next_page > 1).cloned();
        schedule.plan().due.push_back(next);
        let ended = || async { schedule.plan().finished.len() == turns };
        eventually("a turn has ended", Duration::from_secs(20), ended).await;
    }
    drop(edge);
    let plan = schedule.plan();
    (plan.come.clone(), plan.finished.clone())
}

fn reasons(finished: &[FinishTurnRequest]) -> Vec<&str> {
    finished.iter().map(|turn| turn.reason.as_str()).collect()
}

#[tokio::test]
async fn a_page_that_does_not_come_is_asked_for_again_within_the_turn() {
    let system = System { breaks: 2, ..System::default() };
    let (_, finished) = turns(&system, 1).await;
    assert_eq!(system.asked(), [1, 2, 3, 4, 4, 4, 5]);
    assert_eq!(reasons(&finished), [""]);
}

#[tokio::test]
async fn a_pull_that_breaks_on_a_page_goes_on_with_it_and_counts_every_station_once() {
    let system = System { breaks: 3, ..System::default() };
    let (come, finished) = turns(&system, 2).await;
    assert_eq!(system.asked(), [1, 2, 3, 4, 4, 4, 4, 5]);
    assert_eq!(reasons(&finished), ["http_status", ""]);
    // A station without more than its code is rejected: the pull is whole all the same.
    assert_eq!((finished[1].taken, finished[1].rejected), (0, 5));
    assert!(finished[1].found.starts_with("S1 "), "the first of all: {}", finished[1].found);
    let said: Vec<_> =
        come.iter().map(|pages| (pages.next_page, pages.came, &pages.last_codes[0][..])).collect();
    assert_eq!(said, [(2, 1, "S1"), (3, 2, "S2"), (4, 3, "S3"), (5, 4, "S4")]);
}

#[tokio::test]
async fn a_pull_that_brings_fewer_stations_than_there_are_begins_again() {
    let system = System { missing: 1, breaks: 3, ..System::default() };
    let (come, finished) = turns(&system, 2).await;
    assert_eq!(system.asked(), [1, 2, 3, 4, 4, 4, 4, 5, 1, 2, 3, 4, 5], "once before it counts");
    assert_eq!(reasons(&finished), ["http_status", "answer_incomplete"]);
    assert_eq!(come.last().map(|pages| pages.next_page), Some(1));
}

#[tokio::test]
async fn a_pull_that_is_refused_where_it_goes_on_begins_again_at_once_and_is_whole() {
    let system = System { breaks: 3, refuses: &[7], ..System::default() };
    let (come, finished) = turns(&system, 2).await;
    assert_eq!(system.asked(), [1, 2, 3, 4, 4, 4, 4, 1, 2, 3, 4, 5]);
    assert_eq!(reasons(&finished), ["http_status", ""]);
    assert_eq!(finished[1].rejected, 5, "what came before it began again is not counted");
    let said: Vec<_> = come.iter().map(|pages| (pages.next_page, pages.came)).collect();
    assert_eq!(said, [(2, 1), (3, 2), (4, 3), (1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]);
}

#[tokio::test]
async fn a_pull_that_is_refused_once_more_after_it_began_again_has_failed() {
    let system = System { breaks: 3, refuses: &[7, 9], ..System::default() };
    let (come, finished) = turns(&system, 3).await;
    assert_eq!(system.asked(), [1, 2, 3, 4, 4, 4, 4, 1, 2, 1, 2, 3, 4, 5]);
    assert_eq!(reasons(&finished), ["http_status", "answer_refused", ""]);
    let stands: Vec<_> = come.iter().map(|pages| pages.next_page).collect();
    assert_eq!(stands, [2, 3, 4, 1, 2, 1, 2, 3, 4, 5]);
}
