//! Claims: one application per connector and round, replaced as a set, released when the application ends.
use std::sync::Arc;

use chassis::consumer::{Applier, Fetch, Outcome};
use proto::{
    common::Envelope,
    reviews::{
        ApplicationFacts, GetApplicationFactsRequest,
        facts_client::FactsClient,
        facts_server::{Facts, FactsServer},
    },
    stations::{ClaimConnectorsRequest, DeactivateStationRequest},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::harness::{Platform, Who, answer, fresh, id, operator, record, refused};

fn application(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0000 + number)
}

async fn claim(
    platform: &Platform,
    station: &str,
    number: u128,
    round: u128,
    codes: &[&str],
) -> Result<i32, (String, String)> {
    let request = ClaimConnectorsRequest {
        application_id: application(number).to_string(),
        round_id: Uuid::from_u128(round).to_string(),
        operator_id: operator(1).to_string(),
        station_id: station.to_owned(),
        connector_ids: codes.iter().map(|code| (*code).to_owned()).collect(),
    };
    let result = answer(platform.evidence().claim_connectors(request).await);
    result.map(|claimed| claimed.claimed).map_err(|refused| (refused.reason, refused.fields.concat()))
}

fn event(number: u128, version: i64, kind: &str) -> Envelope {
    Envelope {
        event_id: fresh(),
        r#type: kind.into(),
        schema_version: 1,
        aggregate_type: "application".into(),
        aggregate_id: application(number).to_string(),
        aggregate_version: version,
        ..Envelope::default()
    }
}

#[tokio::test]
async fn a_connector_serves_one_application_of_a_round_until_it_ends() {
    let platform = Platform::start().await;
    let station = id(&platform.upsert(operator(1), record("S1")).await.expect("registered"));
    assert_eq!(claim(&platform, &station, 1, 1, &["S1-1", "S1-2"]).await, Ok(2));
    assert_eq!(claim(&platform, &station, 1, 1, &["S1-2", "S1-1", "S1-1"]).await, Ok(2));
    assert_eq!(
        claim(&platform, &station, 2, 1, &["S1-2"]).await,
        Err(("connector_claimed".into(), "connector_ids".into()))
    );
    assert_eq!(claim(&platform, &station, 2, 2, &["S1-2"]).await, Ok(1), "another round");
    assert_eq!(claim(&platform, &station, 1, 1, &["S1-1"]).await, Ok(1), "a new set replaces the old");
    assert_eq!(claim(&platform, &station, 3, 1, &["S1-2"]).await, Ok(1));
    let unknown = Err(("unknown_connector".to_owned(), "connector_ids[0]".to_owned()));
    assert_eq!(claim(&platform, &station, 3, 1, &["S9"]).await, unknown);

    let mut less = record("S1");
    less.equipment[0].connectors.truncate(1);
    assert_eq!(refused(platform.upsert(operator(1), less).await).0, "connector_claimed");
    let leave = || DeactivateStationRequest {
        request_id: fresh(),
        station_id: station.clone(),
        expected_version: None,
    };
    let mut registry = platform.registry(Who::Operator(operator(1)));
    assert_eq!(refused(answer(registry.deactivate_station(leave()).await)).0, "station_claimed");

    let process = platform.process().await;
    let fetch: Fetch = Arc::new(|_, _, _| Box::pin(async { Ok(Vec::new()) }));
    let subscription = stations::events::on_application::subscription(fetch);
    let applier = Applier::new(process.units.clone(), process.pool.clone(), subscription);
    assert_eq!(applier.apply(&event(3, 1, "drafted")).await.expect("applied"), Outcome::Applied);
    assert_eq!(platform.count("SELECT count(*) FROM claims WHERE confirmed_at IS NOT NULL").await, 1);
    for (number, version, kind) in [(3, 2, "terminated"), (2, 1, "deleted"), (1, 1, "terminated")] {
        assert_eq!(applier.apply(&event(number, version, kind)).await.expect("applied"), Outcome::Applied);
    }
    assert_eq!(platform.count("SELECT count(*) FROM claims WHERE released_at IS NULL").await, 0);
    answer(registry.deactivate_station(leave()).await).expect("free now");
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn of_many_concurrent_claims_one_wins() {
    let platform = Platform::start().await;
    let station = id(&platform.upsert(operator(1), record("S1")).await.expect("registered"));
    let claims = (1..=8).map(|number| claim(&platform, &station, number, 1, &["S1-1", "S1-2"]));
    let outcomes = futures::future::join_all(claims).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refusal in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refusal.0, "connector_claimed");
    }
    platform.assert_sound().await;
    platform.stop().await;
}

/// Reviews knows application 1 only, and that application 2 has ended.
struct Known;

#[tonic::async_trait]
impl Facts for Known {
    async fn get_application_facts(
        &self,
        request: Request<GetApplicationFactsRequest>,
    ) -> Result<Response<ApplicationFacts>, Status> {
        let stage = match request.into_inner().application_id {
            known if known == application(1).to_string() => "Draft",
            known if known == application(2).to_string() => "Terminated",
            _ => return Err(Status::not_found("no such application")),
        };
        Ok(Response::new(ApplicationFacts { stage: stage.into(), ..ApplicationFacts::default() }))
    }
}

#[tokio::test]
async fn a_claim_whose_application_never_came_to_be_is_let_go() {
    let platform = Platform::start().await;
    let station = id(&platform.upsert(operator(1), record("S1")).await.expect("registered"));
    for (number, round) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(claim(&platform, &station, number, round, &["S1-1"]).await, Ok(1));
    }
    let address = chassis::testing::free_port();
    tokio::spawn(tonic::transport::Server::builder().add_service(FactsServer::new(Known)).serve(address));
    let process = platform.process_with(|peers| {
        peers.insert("reviews".into(), format!("http://{address}"));
    });
    let process = process.await;
    let settle = |age| {
        let reviews = FactsClient::new(process.peer("reviews"));
        stations::background::claims_once(&process.pool, &process.units, reviews, age)
    };
    settle(std::time::Duration::from_secs(900)).await.expect("too young to be asked about");
    assert_eq!(platform.count("SELECT count(*) FROM claims WHERE released_at IS NULL").await, 3);
    chassis::testing::eventually("reviews answers", std::time::Duration::from_secs(5), || async {
        settle(std::time::Duration::ZERO).await.is_ok()
    })
    .await;
    let held = "SELECT count(*) FROM claims WHERE released_at IS NULL AND confirmed_at IS NOT NULL";
    assert_eq!(platform.count(held).await, 1);
    assert_eq!(platform.count("SELECT count(*) FROM claims WHERE released_at IS NOT NULL").await, 2);
    platform.stop().await;
}
