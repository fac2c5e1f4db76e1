//! Where one can charge: nearest first, honest about what is silent, within the caller's scope, and by the tree of places.
use std::time::Duration;

use chassis::testing::eventually;
use proto::{
    common::Page,
    stations::{Circle, FindConnectorsRequest, FindConnectorsResponse, StationRecord, StatusBatch},
};

use crate::harness::{Platform, Who, answer, operator, record, refused};

const MIDDLE: (i64, i64) = (113_668_756, 34_798_101);

fn at(code: &str, east_e6: i64, north_e6: i64) -> StationRecord {
    StationRecord { longitude_e6: MIDDLE.0 + east_e6, latitude_e6: MIDDLE.1 + north_e6, ..record(code) }
}

fn near(radius_metres: i32) -> FindConnectorsRequest {
    let near = Some(Circle { longitude_e6: MIDDLE.0, latitude_e6: MIDDLE.1, radius_metres });
    FindConnectorsRequest { near, ..FindConnectorsRequest::default() }
}

/// Connectors with their state, by station and distance.
fn shown(found: &FindConnectorsResponse) -> Vec<String> {
    let line = |station: &proto::stations::FoundStation| {
        let guns: Vec<String> =
            station.connectors.iter().map(|gun| format!("{} {}", gun.connector_id, gun.state)).collect();
        format!("{} m: {}", station.distance_metres, guns.join(", "))
    };
    found.stations.iter().map(line).collect()
}

async fn find(platform: &Platform, who: Who, body: FindConnectorsRequest) -> Vec<String> {
    shown(&answer(platform.search(who).find_connectors(body).await).expect("found"))
}

#[tokio::test]
async fn the_nearest_come_first_and_a_silent_connector_is_never_available() {
    let platform = Platform::start().await;
    for (owner, station) in [(1, at("S1", 0, 0)), (2, at("S2", 10_000, 0)), (1, at("S3", 0, 180_000))] {
        platform.upsert(operator(owner), station).await.expect("registered");
    }
    // Longer than three heartbeats of ten minutes.
    let long_ago = 31 * 60;
    platform.push(operator(1), vec![platform.item("S1-1", 1, 60), platform.item("S1-2", 1, long_ago)]).await;
    platform.push(operator(2), vec![platform.item("S2-1", 3, 60), platform.item("S2-2", 1, 60)]).await;
    let office = Who::Administrator;
    let both = ["0 m: S1-1 available, S1-2 silent", "913 m: S2-1 charging, S2-2 available"];
    assert_eq!(find(&platform, office, near(5_000)).await, both);
    assert_eq!(find(&platform, office, near(912)).await, both[..1]);
    // 20 km to the north; nothing was ever heard of it.
    assert_eq!(find(&platform, office, near(21_000)).await[2..], ["20015 m: S3-1 silent, S3-2 silent"]);
    let free = FindConnectorsRequest { available_only: true, ..near(50_000) };
    assert_eq!(find(&platform, office, free.clone()).await, ["0 m: S1-1 available", "913 m: S2-2 available"]);
    let strong = FindConnectorsRequest { power_watts_min: 120_001, ..near(50_000) };
    assert!(find(&platform, office, strong).await.is_empty());
    let closed = StationRecord { station_status: 6, ..at("S1", 0, 0) };
    platform.upsert(operator(1), closed).await.expect("in maintenance");
    assert_eq!(find(&platform, office, free).await, ["913 m: S2-2 available"]);
    assert_eq!(find(&platform, office, near(100)).await, ["0 m: S1-1 closed, S1-2 closed"]);
    platform.stop().await;
}

#[tokio::test]
async fn a_repetition_of_the_last_change_keeps_a_connector_online_unless_it_was_pulled() {
    let platform = Platform::start().await;
    platform.upsert(operator(1), at("S1", 0, 0)).await.expect("registered");
    let idle = |secs| vec![platform.item("S1-1", 1, secs)];
    let send = async |secs, pulled| {
        let batch = StatusBatch { batch_id: "b".into(), items: idle(secs), pulled };
        let sent = platform.ingest(operator(1)).send_status(tokio_stream::iter([batch])).await;
        answer(sent).expect("taken").receipts[0].results[0].outcome.clone()
    };
    let seen = async || find(&platform, Who::Administrator, near(100)).await.remove(0);
    assert_eq!(send(7_200, false).await, "accepted");
    assert_eq!(seen().await, "0 m: S1-1 silent, S1-2 silent");
    assert_eq!(send(7_200, true).await, "duplicate");
    assert_eq!(seen().await, "0 m: S1-1 silent, S1-2 silent");
    assert_eq!(send(7_200, false).await, "duplicate");
    assert_eq!(seen().await, "0 m: S1-1 available, S1-2 silent");
    let free = FindConnectorsRequest { available_only: true, ..near(100) };
    assert_eq!(find(&platform, Who::Administrator, free).await, ["0 m: S1-1 available"]);
    // Once in some minutes is enough.
    let heard = "SELECT (extract(epoch FROM heard_at) * 1000000)::bigint FROM connector_state WHERE heard_at IS NOT NULL";
    let before = platform.count(heard).await;
    assert_eq!(send(7_200, false).await, "duplicate");
    assert_eq!(platform.count(heard).await, before);
    // What it still is may be said again however long it has been so.
    sqlx::query("UPDATE connector_state SET heard_at = NULL, seen_at = seen_at - interval '78 hours', changed_at = changed_at - interval '78 hours'")
        .execute(&platform.pool)
        .await
        .expect("aged");
    assert_eq!(send(80 * 3_600, false).await, "duplicate");
    assert_eq!(seen().await, "0 m: S1-1 available, S1-2 silent");
    platform.stop().await;
}

#[tokio::test]
async fn one_sees_what_is_ones_own_or_in_scope_page_by_page() {
    let platform = Platform::start().await;
    let elsewhere = StationRecord { county: "410122".into(), ..at("S3", 30_000, 0) };
    let other_city = StationRecord { county: "419001".into(), ..at("S4", 40_000, 0) };
    for (owner, station) in
        [(1, at("S1", 10_000, 0)), (2, at("S2", 20_000, 0)), (1, elsewhere), (1, other_city)]
    {
        platform.upsert(operator(owner), station).await.expect("registered");
    }
    let codes = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.split(": ").last().unwrap_or_default()[..2].to_owned()).collect()
    };
    let of = |division: &str, near| FindConnectorsRequest {
        division: division.into(),
        near,
        ..Default::default()
    };
    // What one sees within the circle, and of it in the city.
    for (who, seen, of_city) in [
        (Who::Administrator, vec!["S1", "S2", "S3", "S4"], vec!["S1", "S2", "S3"]),
        (Who::County("410105"), vec!["S1", "S2"], vec!["S1", "S2"]),
        (Who::County("410122"), vec!["S3"], vec!["S3"]),
        // A city's office.
        (Who::County("410100"), vec!["S1", "S2", "S3"], vec!["S1", "S2", "S3"]),
        (Who::County("419001"), vec!["S4"], vec![]),
        (Who::County(""), vec![], vec![]),
        (Who::Operator(operator(1)), vec!["S1", "S3", "S4"], vec!["S1", "S3"]),
        (Who::Operator(operator(2)), vec!["S2"], vec!["S2"]),
    ] {
        let circle = near(10_000);
        assert_eq!(codes(find(&platform, who, circle.clone()).await), seen);
        assert_eq!(codes(find(&platform, who, of("410100", circle.near)).await), of_city);
        assert_eq!(codes(find(&platform, who, of("410100", None)).await), of_city);
    }
    // A division that is asked for narrows the scope, and never widens it.
    for circle in [None, near(10_000).near] {
        assert_eq!(codes(find(&platform, Who::Administrator, of("410122", circle)).await), ["S3"]);
        assert!(find(&platform, Who::County("410105"), of("410122", circle)).await.is_empty());
        assert!(find(&platform, Who::Operator(operator(2)), of("410122", circle)).await.is_empty());
    }
    // Machines and services have no business here.
    for who in [Who::Ingest(operator(1)), Who::Reviews, Who::Interconnect] {
        let asked = platform.search(who).find_connectors(near(10_000)).await;
        assert_eq!(refused(answer(asked)).0, "not_permitted");
    }
    // Page by page, by place and by division.
    for first in [of("410100", near(10_000).near), of("410100", None)] {
        let (mut seen, mut body) = (Vec::new(), first);
        loop {
            let page_token = body.page.take().map_or(String::new(), |page| page.page_token);
            body.page = Some(Page { page_size: 1, page_token });
            let found = platform.search(Who::Administrator).find_connectors(body.clone()).await;
            let found = answer(found).expect("found");
            seen.extend(codes(shown(&found)));
            if found.next_page_token.is_empty() {
                break;
            }
            body.page = Some(Page { page_size: 1, page_token: found.next_page_token });
        }
        assert_eq!(seen, ["S1", "S2", "S3"]);
    }
    let refuse =
        async |body| refused(answer(platform.search(Who::Administrator).find_connectors(body).await));
    let said = |reason: &str, field: &str| (reason.to_owned(), field.to_owned());
    assert_eq!(refuse(FindConnectorsRequest::default()).await, said("required", "near"));
    assert_eq!(refuse(near(0)).await, said("out_of_range", "near.radius_metres"));
    platform.stop().await;
}

#[tokio::test]
async fn an_operator_finds_its_silent_connectors_wherever_they_are_and_a_closed_station_has_none() {
    let platform = Platform::start().await;
    let closed = StationRecord { station_status: 6, ..at("S3", 20_000, 0) };
    for (owner, station) in [(1, at("S1", 0, 0)), (2, at("S2", 10_000, 0)), (1, closed)] {
        platform.upsert(operator(owner), station).await.expect("registered");
    }
    let long_ago = 4 * 3_600;
    platform.push(operator(1), vec![platform.item("S1-1", 1, 60), platform.item("S1-2", 1, long_ago)]).await;
    let silent = FindConnectorsRequest { silent_only: true, ..FindConnectorsRequest::default() };
    assert_eq!(find(&platform, Who::Operator(operator(1)), silent.clone()).await, ["0 m: S1-2 silent"]);
    let all = ["0 m: S2-1 silent, S2-2 silent"];
    assert_eq!(find(&platform, Who::Operator(operator(2)), silent.clone()).await, all);
    let around = FindConnectorsRequest { silent_only: true, ..near(100) };
    assert_eq!(find(&platform, Who::Administrator, around).await, ["0 m: S1-2 silent"]);
    let asked = platform.search(Who::Administrator).find_connectors(silent).await;
    assert_eq!(refused(answer(asked)), ("required".to_owned(), "near".to_owned()));
    platform.stop().await;
}

/// Metres on the sphere, worked out another way than in the service: by the angle between two directions.
fn metres(from: (i64, i64), to: (i64, i64)) -> f64 {
    let direction = |(longitude, latitude): (i64, i64)| {
        let (wide, high) = ((longitude as f64 / 1e6).to_radians(), (latitude as f64 / 1e6).to_radians());
        [high.cos() * wide.cos(), high.cos() * wide.sin(), high.sin()]
    };
    let (a, b) = (direction(from), direction(to));
    let apart: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    2.0 * 6_371_008.8 * (apart.sqrt() / 2.0).asin()
}

const MANY: &str = "
    INSERT INTO stations (station_id, operator_id, code, name, address, county, prefecture, longitude_e6, latitude_e6,
        total_power_watts, connector_count, station_type, station_status, construction, park_nums, manager, manager_phone,
        service_phone, active, version, event_version, connection, created_at, updated_at)
    SELECT gen_random_uuid(), gen_random_uuid(), 'Q' || number, '场站', '示例路', '410105', '410100',
        113668756 + number * 7919 % 1000003 - 500000, 34798101 + number * 104729 % 800011 - 400000,
        120000, 2, 1, 50, 0, 0, '站长', '', '', true, 1, 1, 'not_connected', now(), now()
    FROM generate_series(1, 20000) AS number;
    INSERT INTO equipment (station_id, operator_id, code, position, equipment_type, power_watts, name, model, manufacturer)
    SELECT station_id, operator_id, code, 1, 1, 120000, '', '', '' FROM stations;
    INSERT INTO connectors (station_id, operator_id, equipment_code, code, position, connector_type, power_watts, name,
        voltage_upper, voltage_lower, current, national_standard, park_no)
    SELECT station_id, operator_id, code, code || '-' || place, place, 4, 120000, '', 750, 200, 250, 2, ''
    FROM stations, generate_series(1, 2) AS place;
    INSERT INTO connector_state (connector_key, status, changed_at, seen_at)
    SELECT connector_key, CASE WHEN connector_key % 3 = 0 THEN 1 ELSE 3 END, now(), now() FROM connectors;
    ANALYZE stations, connectors, connector_state";

#[tokio::test]
async fn of_many_stations_exactly_those_of_the_circle_are_found_without_reading_all() {
    let platform = Platform::start().await;
    sqlx::raw_sql(MANY).execute(&platform.pool).await.expect("filled");
    let places: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT station_id::text, longitude_e6, latitude_e6 FROM stations")
            .fetch_all(&platform.pool)
            .await
            .expect("read");
    // Scans of the tree, and places read by them.
    let read = async || -> (i64, i64) {
        let count =
            "SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'stations_place'";
        sqlx::query_as(count).fetch_one(&platform.pool).await.expect("counted")
    };
    let before = read().await;
    let (mut pages, mut most) = (0, 0);
    for radius in [700, 3_000, 20_000] {
        let mut expected: Vec<(i64, &str)> = places
            .iter()
            .map(|(id, longitude, latitude)| {
                (metres(MIDDLE, (*longitude, *latitude)).round() as i64, id.as_str())
            })
            .filter(|(distance, _)| *distance <= i64::from(radius))
            .collect();
        expected.sort_unstable();
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let body =
                FindConnectorsRequest { page: Some(Page { page_size: 200, page_token }), ..near(radius) };
            let page =
                answer(platform.search(Who::Administrator).find_connectors(body).await).expect("found");
            found.extend(
                page.stations.into_iter().map(|one| (i64::from(one.distance_metres), one.station_id)),
            );
            page_token = page.next_page_token;
            pages += 1;
            // Of the box around a circle a fifth lies outside.
            most += 2 * expected.len() as i64;
            if page_token.is_empty() {
                break;
            }
        }
        let found: Vec<(i64, &str)> = found.iter().map(|(distance, id)| (*distance, id.as_str())).collect();
        println!("{} of {} stations within {radius} m", found.len(), places.len());
        assert!(!found.is_empty() && found.len() < places.len());
        assert_eq!(found, expected);
    }
    let counted = async || read().await.0 - before.0 >= pages;
    eventually("every page was looked up in the tree", Duration::from_secs(30), counted).await;
    let places_read = read().await.1 - before.1;
    println!("{places_read} places read for {pages} pages");
    assert!(places_read <= most, "{places_read} places were read, the boxes hold {most} at most");
    platform.stop().await;
}
