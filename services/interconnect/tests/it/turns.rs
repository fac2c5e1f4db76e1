//! The turns of links: their places, and the days that are said one by one. Stations hands out what a test has made due.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    extract::Request as HttpRequest,
    http::StatusCode,
    response::{IntoResponse as _, Response as HttpResponse},
};
use chassis::{Edge, Failure, testing::eventually};
use interconnect::{config::Config, domain::envelope};
use proto::stations::{
    self, FinishTurnRequest, FinishTurnResponse, JointTest, Lease, LeaseTurnRequest, Link,
    ListJointTestsRequest, ListJointTestsResponse, ListTurnsRequest, ListTurnsResponse, RenewLeaseRequest,
    RenewLeaseResponse, ResolvedLink, StartJointTestRequest, StationPages, turns_server::TurnsServer,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};

use crate::{
    checks::{OPERATOR as ORGANISATION, secrets},
    neighbours::{OPERATOR, Played},
    stage::{behind, neighbours},
};

/// What is due, and what has come of it.
#[derive(Clone, Default)]
pub(crate) struct Schedule(Arc<Mutex<Plan>>);

#[derive(Default)]
pub(crate) struct Plan {
    pub due: VecDeque<Lease>,
    /// Kinds, as they were leased.
    leased: Vec<String>,
    compared: Vec<String>,
    /// How far pulls of stations have come.
    pub come: Vec<StationPages>,
    pub finished: Vec<FinishTurnRequest>,
    /// Nobody is answered who keeps a lease.
    stuck: bool,
}

impl Schedule {
    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().expect("no test panics inside")
    }

    fn leased(&self, kind: &str) -> usize {
        self.plan().leased.iter().filter(|leased| *leased == kind).count()
    }
}

#[tonic::async_trait]
impl stations::turns_server::Turns for Schedule {
    async fn lease_turn(&self, request: Request<LeaseTurnRequest>) -> Result<Response<Lease>, Status> {
        let kinds = request.into_inner().kinds;
        let mut plan = self.plan();
        let at = plan.due.iter().position(|turn| kinds.is_empty() || kinds.contains(&turn.kind));
        let turn = at.and_then(|at| plan.due.remove(at)).ok_or_else(Failure::not_found)?;
        plan.leased.push(turn.kind.clone());
        Ok(Response::new(turn))
    }

    async fn renew_lease(
        &self,
        request: Request<RenewLeaseRequest>,
    ) -> Result<Response<RenewLeaseResponse>, Status> {
        let stuck = self.plan().stuck;
        if stuck {
            std::future::pending::<()>().await;
        }
        let said = request.into_inner();
        let mut plan = self.plan();
        plan.compared.push(said.day_compared);
        plan.come.extend(said.pages);
        Ok(Response::new(RenewLeaseResponse {}))
    }

    async fn finish_turn(
        &self,
        request: Request<FinishTurnRequest>,
    ) -> Result<Response<FinishTurnResponse>, Status> {
        self.plan().finished.push(request.into_inner());
        Ok(Response::new(FinishTurnResponse {}))
    }

    async fn start_joint_test(
        &self,
        _: Request<StartJointTestRequest>,
    ) -> Result<Response<JointTest>, Status> {
        Err(Status::unimplemented("nobody asks this here"))
    }

    async fn list_joint_tests(
        &self,
        _: Request<ListJointTestsRequest>,
    ) -> Result<Response<ListJointTestsResponse>, Status> {
        Err(Status::unimplemented("nobody asks this here"))
    }

    async fn list_turns(&self, _: Request<ListTurnsRequest>) -> Result<Response<ListTurnsResponse>, Status> {
        Err(Status::unimplemented("nobody asks this here"))
    }
}

/// A turn of the operator, whose system is at the address.
pub(crate) fn turn(kind: &str, base_url: &str, days: &[&str]) -> Lease {
    let link = Link {
        operator_id: OPERATOR.to_string(),
        organisation_code: ORGANISATION.into(),
        state: "active".into(),
        open: true,
        window_secs: 300,
        base_url: base_url.into(),
        protocol_version: "1".into(),
        ..Link::default()
    };
    let outbound = stations::Secrets {
        operator_secret: secrets().operator,
        data_secret: secrets().data,
        data_secret_iv: secrets().data_iv,
        sig_secret: secrets().sig,
    };
    Lease {
        lease_id: kind.into(),
        kind: kind.into(),
        link: Some(ResolvedLink { link: Some(link), outbound: Some(outbound) }),
        lease_secs: 150,
        days: days.iter().map(|day| (*day).to_owned()).collect(),
        ..Lease::default()
    }
}

/// A worker that works off a schedule, beside played neighbours; it works for as long as the edge is held.
pub(crate) async fn working(schedule: &Schedule, played: &Played, change: impl FnOnce(&mut Config)) -> Edge {
    let served = neighbours(played).add_service(TurnsServer::new(schedule.clone()));
    let (config, edge, _) = behind(served, |config| {
        config.client.idle_millis = 100;
        change(config);
    })
    .await;
    let clock = || OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a moment");
    let worker = interconnect::worker(&config, &edge, Arc::new(clock)).expect("a worker");
    tokio::spawn(Arc::new(worker).run());
    edge
}

/// An operator's system that tells the statistics of every day but one.
async fn system(broken: &'static str) -> String {
    let serve = move |request: HttpRequest| async move { answered(request, broken).await };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
    format!("http://{address}/evcs")
}

async fn answered(request: HttpRequest, broken: &str) -> HttpResponse {
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let Ok(asked) = envelope::read(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let plain = envelope::decrypt(&secrets(), &asked.data).expect("keys");
    let asked: Value = serde_json::from_str(&plain).expect("JSON");
    if asked["StartTime"] == json!(broken) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let told = match path.rsplit('/').next() {
        Some("query_token") => json!({ "SuccStat": 0, "AccessToken": "t", "TokenAvailableTime": 7_200 }),
        Some("query_station_status") => json!({ "StationStatusInfos": [
            { "StationID": "S1", "ConnectorStatusInfos": [{ "ConnectorID": "S1-1", "Status": 1 }] },
        ] }),
        Some("query_stations_info") => json!({
            "PageNo": 1, "PageCount": 1, "ItemSize": 1, "StationInfos": [{ "StationID": "S1" }],
        }),
        Some("operators") => json!({ "OperatorInfos": [
            { "OperatorID": ORGANISATION, "OperatorName": "示例", "OperatorUSCID": "91410105XXXX00019G" },
        ] }),
        Some("check_charge_orders") => json!({
            "CheckOrderSeq": asked["CheckOrderSeq"], "TotalDisputeOrder": 1, "DisputeOrders": [{
                "StartChargeSeq": asked["ChargeOrders"][0]["StartChargeSeq"], "TotalPower": 1, "TotalMoney": 1,
                "DisputeReason": 1,
            }],
        }),
        Some(_) | None => json!({ "StationStats": {
            "StationID": asked["StationID"], "StartTime": asked["StartTime"], "EndTime": asked["EndTime"],
            "StationElectricity": 100.3, "EquipmentStatsInfos": [],
        } }),
    };
    sealed(&told)
}

/// An answer of an operator's system.
pub(crate) fn sealed(told: &Value) -> HttpResponse {
    let data = envelope::encrypt(&secrets(), &told.to_string()).expect("keys");
    let sig = envelope::sign_answer(&secrets().sig, 0, "", &data);
    axum::Json(json!({ "Ret": 0, "Msg": "", "Data": data, "Sig": sig })).into_response()
}

#[tokio::test]
async fn a_morning_of_statistics_leaves_the_places_of_the_pulls_to_them() {
    let schedule = Schedule::default();
    {
        let mut plan = schedule.plan();
        plan.stuck = true;
        let morning = (0..8).map(|_| turn("statistics", "http://127.0.0.1:9", &["2026-06-30"]));
        let minute = (0..8).map(|_| turn("status", "http://127.0.0.1:9", &[]));
        plan.due = morning.chain(minute).collect();
    }
    let edge = working(&schedule, &Played::default(), |config| {
        config.client.at_once = 1;
        config.client.daily_at_once = 2;
    })
    .await;
    eventually("every status is pulled while the statistics hang", Duration::from_secs(5), || async {
        schedule.plan().finished.iter().filter(|done| done.lease_id == "status").count() == 8
    })
    .await;
    assert!(schedule.leased("statistics") <= 2, "as many as have places");
    drop(edge);
}

/// An operator's system that takes a call and never answers it.
async fn silent() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let never = || async { std::future::pending::<HttpResponse>().await };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(never)).await });
    format!("http://{address}/evcs")
}

#[tokio::test]
async fn joint_tests_have_places_of_their_own() {
    let schedule = Schedule::default();
    let address = silent().await;
    {
        let mut plan = schedule.plan();
        let tests = (0..8).map(|_| turn("joint_test", &address, &[]));
        let minute = (0..8).map(|_| turn("status", "http://127.0.0.1:9", &[]));
        plan.due = tests.chain(minute).collect();
    }
    let edge = working(&schedule, &Played::default(), |config| {
        config.client.at_once = 1;
        config.client.joint_at_once = 1;
    })
    .await;
    eventually("every status is pulled while a joint test waits", Duration::from_secs(5), || async {
        schedule.plan().finished.iter().filter(|done| done.lease_id == "status").count() == 8
    })
    .await;
    assert!(schedule.leased("joint_test") <= 1, "as many as have places");
    drop(edge);
}

#[tokio::test]
async fn a_turn_makes_no_call_after_its_deadline_and_a_joint_test_ends_with_what_it_found() {
    let (schedule, played) = (Schedule::default(), Played::default());
    played.state().held = vec![stations::StationRecord { station_code: "S1".into(), ..Default::default() }];
    let address = system("").await;
    {
        let mut plan = schedule.plan();
        plan.due = ["status", "joint_test"].map(|kind| turn(kind, &address, &[])).into();
    }
    let clock = || OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a moment");
    let served = neighbours(&played).add_service(TurnsServer::new(schedule.clone()));
    let (config, edge, _) = behind(served, |config| config.client.idle_millis = 100).await;
    let mut worker = interconnect::worker(&config, &edge, Arc::new(clock)).expect("a worker");
    (worker.deadlines.status_secs, worker.deadlines.joint_test_secs) = (0, 0);
    tokio::spawn(Arc::new(worker).run());
    eventually("both have ended", Duration::from_secs(10), || async { schedule.plan().finished.len() == 2 })
        .await;
    let plan = schedule.plan();
    let of = |kind: &str| plan.finished.iter().find(|done| done.lease_id == kind).expect("ended");
    assert_eq!(of("status").reason, "turn_overdue");
    let test = of("joint_test");
    let steps: Vec<(&str, &str)> =
        test.steps.iter().map(|step| (step.step.as_str(), step.outcome.as_str())).collect();
    let received = [("received_status", "failed"), ("received_order", "failed")];
    assert_eq!(
        (test.reason.as_str(), steps),
        ("", [vec![("deadline", "failed")], received.to_vec()].concat())
    );
    drop(edge);
}

/// Has the link of a turn name a path for a method.
fn goes_by(turn: &mut Lease, method: &str, path: &str) {
    let resolved = turn.link.as_mut().expect("a link");
    resolved.link.as_mut().expect("a link").paths.insert(method.into(), path.into());
}

/// What the first test that has ended tells of each step.
async fn steps_of_the_first(schedule: &Schedule) -> Vec<stations::TestStep> {
    eventually("the test has ended", Duration::from_secs(10), || async {
        !schedule.plan().finished.is_empty()
    })
    .await;
    schedule.plan().finished[0].steps.clone()
}

#[tokio::test]
async fn a_step_that_the_link_leaves_out_is_told_as_such_with_its_reason() {
    let schedule = Schedule::default();
    let mut test = turn("joint_test", &system("").await, &[]);
    goes_by(&mut test, "query_station_stats", "-");
    schedule.plan().due.push_back(test);
    let edge = working(&schedule, &Played::default(), |_| ()).await;
    let steps = steps_of_the_first(&schedule).await;
    let step = steps.iter().find(|step| step.step == "statistics").expect("a step");
    assert_eq!((step.outcome.as_str(), step.way_out.as_str()), ("left_out", ""));
    assert!(step.found.contains("设置"), "{}", step.found);
    assert!(!steps.iter().any(|step| step.step == "operator_info"), "the link does not name the method");
    drop(edge);
}

#[tokio::test]
async fn a_joint_test_asks_whether_the_operators_system_knows_the_orders_of_a_day() {
    let (schedule, played) = (Schedule::default(), Played::default());
    let order = |number: &str| stations::CheckedOrder {
        order_no: number.into(),
        energy_wh: 30_250,
        total_fen: 3_015,
    };
    played.state().ended = vec![order("O1"), order("O2")];
    let address = system("").await;
    schedule.plan().due.push_back(turn("joint_test", &address, &[]));
    let mut left_out = turn("joint_test", &address, &[]);
    goes_by(&mut left_out, "check_charge_orders", "-");
    let edge = working(&schedule, &played, |config| config.client.joint_at_once = 1).await;
    eventually("the test has ended", Duration::from_secs(10), || async {
        schedule.plan().finished.len() == 1
    })
    .await;
    schedule.plan().due.push_back(left_out);
    eventually("the other has ended", Duration::from_secs(10), || async {
        schedule.plan().finished.len() == 2
    })
    .await;
    let step = |at: usize| {
        let steps = schedule.plan().finished[at].steps.clone();
        steps.into_iter().find(|step| step.step == "order_check").expect("a step")
    };
    assert_eq!(step(0).outcome, "failed");
    let found = step(0).found;
    assert!(found.contains("订单 2 笔") && found.contains("O1（DisputeReason 1）"), "{found}");
    assert_eq!((step(1).outcome.as_str(), step(1).way_out.as_str()), ("left_out", ""));
    drop(edge);
}

#[tokio::test]
async fn an_operators_own_entry_is_asked_for_where_the_link_names_the_method() {
    let schedule = Schedule::default();
    let mut test = turn("joint_test", &system("").await, &[]);
    goes_by(&mut test, "supervise_query_operator_info", "operators");
    schedule.plan().due.push_back(test);
    let edge = working(&schedule, &Played::default(), |_| ()).await;
    let steps = steps_of_the_first(&schedule).await;
    let step = steps.iter().find(|step| step.step == "operator_info").expect("a step");
    assert_eq!(step.outcome, "passed", "{step:?}");
    drop(edge);
}

#[tokio::test]
async fn what_is_pulled_is_handed_on_as_pulled() {
    let (schedule, played) = (Schedule::default(), Played::default());
    played.state().held = vec![stations::StationRecord { station_code: "S1".into(), ..Default::default() }];
    let address = system("").await;
    schedule.plan().due.push_back(turn("status", &address, &[]));
    let edge = working(&schedule, &played, |_| ()).await;
    eventually("the turn has ended", Duration::from_secs(10), || async {
        !schedule.plan().finished.is_empty()
    })
    .await;
    assert_eq!(played.state().statuses.len(), 1);
    assert_eq!(played.state().pulled, [true]);
    drop(edge);
}

#[tokio::test]
async fn each_day_is_said_when_it_has_been_compared_and_a_failure_in_the_middle_takes_none_back() {
    let (schedule, played) = (Schedule::default(), Played::default());
    let station = stations::StationRecord { station_code: "S1".into(), ..Default::default() };
    played.state().held = vec![station];
    let days = ["2026-06-27", "2026-06-28", "2026-06-29", "2026-06-30"];
    let address = system(days[2]).await;
    schedule.plan().due.push_back(turn("statistics", &address, &days));
    let edge = working(&schedule, &played, |_| ()).await;
    eventually("the turn has ended", Duration::from_secs(10), || async {
        !schedule.plan().finished.is_empty()
    })
    .await;
    let reasons: Vec<String> =
        schedule.plan().finished.iter().map(|finished| finished.reason.clone()).collect();
    assert_eq!(reasons, ["http_status"]);
    assert_eq!(schedule.plan().compared, days[..2]);
    let reported = played.state().statistics.clone();
    let told: Vec<_> =
        reported.iter().map(|report| (report.operator_id.clone(), report.day.as_str())).collect();
    assert_eq!(told, days[..2].iter().map(|day| (OPERATOR.to_string(), *day)).collect::<Vec<_>>());
    drop(edge);
}
