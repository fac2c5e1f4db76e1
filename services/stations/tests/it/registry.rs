//! Registration: idempotent by content, versioned, codes unique within the operator, readable within scope only.
use proto::stations::{
    DeactivateStationRequest, GetStationRequest, ListQualityItemsRequest, ListStationsRequest, Station,
    StationGuide, UpsertStationRequest,
};

use crate::harness::{Platform, Refused, Who, answer, fresh, id, operator, record, refused, version};

#[tokio::test]
async fn the_same_content_again_changes_nothing_and_a_change_makes_a_version() {
    let platform = Platform::start().await;
    let first = platform.upsert(operator(1), record("S1")).await.expect("registered");
    assert_eq!((version(&first), first.connector_count), (1, 2));
    assert_eq!(first.record.as_ref().expect("a record").prefecture, "410100");
    assert_eq!(first.record.as_ref().expect("a record").total_power_watts, 240_000);
    let again = platform.upsert(operator(1), record("S1")).await.expect("known");
    assert_eq!((id(&again), version(&again)), (id(&first), 1));
    let mut changed = record("S1");
    changed.name = "新名称".into();
    changed.equipment[0].connectors.truncate(1);
    assert_eq!(refused(platform.upsert_as(operator(1), changed.clone(), Some(0)).await).0, "stale_version");
    let second = platform.upsert_as(operator(1), changed, Some(1)).await.expect("changed");
    assert_eq!((version(&second), second.connector_count), (2, 1));
    assert_eq!(platform.count("SELECT count(*) FROM outbox WHERE kind = 'registry_changed'").await, 2);
    assert_eq!(platform.count("SELECT count(*) FROM station_revisions").await, 2);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_request_is_replayed_and_refusals_name_every_field() {
    let platform = Platform::start().await;
    let mut registry = platform.registry(Who::Operator(operator(1)));
    let request =
        UpsertStationRequest { request_id: fresh(), station: Some(record("S1")), ..Default::default() };
    let first = registry.upsert_station(request.clone()).await.expect("registered");
    let again = registry.upsert_station(request.clone()).await.expect("replayed");
    assert_eq!(first.into_inner(), again.into_inner());
    let other = UpsertStationRequest { station: Some(record("S2")), ..request };
    assert_eq!(refused(answer(registry.upsert_station(other).await)).0, "request_reused");

    let mut wrong = record("S3");
    wrong.county = "410199".into();
    wrong.name.clear();
    wrong.finish_date = "2026-02-30".into();
    assert_eq!(
        refused(platform.upsert(operator(1), wrong.clone()).await),
        ("bad_time".into(), "finish_date".into())
    );
    wrong.finish_date.clear();
    let refusal = platform.upsert(operator(1), wrong).await.expect_err("refused");
    assert_eq!(refusal, Refused { reason: "required".into(), fields: vec!["name".into(), "county".into()] });
    assert_eq!(platform.count("SELECT count(*) FROM stations").await, 1);
    assert_eq!(platform.count("SELECT count(*) FROM refusals").await, 3);
    platform.stop().await;
}

#[tokio::test]
async fn a_station_far_from_its_county_is_taken_and_its_operator_is_told() {
    let platform = Platform::start().await;
    let mut far = record("S1");
    far.longitude_e6 -= 1_000_000;
    platform.upsert(operator(1), far.clone()).await.expect("registered");
    platform.upsert(operator(1), far).await.expect("known");
    platform.upsert(operator(1), record("S2")).await.expect("registered");
    let asked = ListQualityItemsRequest { kind: "station".into(), ..ListQualityItemsRequest::default() };
    let mut registry = platform.registry(Who::Operator(operator(1)));
    let items = answer(registry.list_quality_items(asked).await).expect("listed").items;
    let said: Vec<_> =
        items.iter().map(|item| (item.reason.as_str(), item.example.as_str(), item.times)).collect();
    assert_eq!(said, [("far_from_county", "场站 S1（112.668756, 34.798101）", 1)]);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn two_operators_may_choose_the_same_codes() {
    let platform = Platform::start().await;
    let first = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let second = platform.upsert(operator(2), record("S1")).await.expect("its own choice");
    assert_ne!(id(&first), id(&second));
    assert_eq!(second.connector_count, 2);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn a_code_names_one_thing_of_its_operator_until_it_is_let_go() {
    let platform = Platform::start().await;
    let first = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let mut other = record("S2");
    other.equipment[0].equipment_id = "S1-E".into();
    other.equipment[0].connectors[1].connector_id = "S1-1".into();
    let taken = platform.upsert(operator(1), other.clone()).await.expect_err("taken");
    assert_eq!(taken.reason, "code_taken");
    assert_eq!(taken.fields, ["equipment[0].equipment_id", "equipment[0].connectors[1].connector_id"]);

    let mut registry = platform.registry(Who::Operator(operator(1)));
    let leave = |station_id: String| DeactivateStationRequest {
        request_id: fresh(),
        station_id,
        expected_version: None,
    };
    let foreign = platform.registry(Who::Operator(operator(2))).deactivate_station(leave(id(&first))).await;
    assert_eq!(refused(answer(foreign)).0, "not_found");
    let gone = answer(registry.deactivate_station(leave(id(&first))).await).expect("deactivated");
    assert!(!gone.active);
    platform.upsert(operator(1), other).await.expect("free again");
    let back = refused(platform.upsert(operator(1), record("S1")).await);
    assert_eq!(back, ("code_taken".into(), "equipment[0].equipment_id".into()));
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn readers_see_their_scope_and_a_foreign_station_does_not_exist() {
    let platform = Platform::start().await;
    let near = platform.upsert(operator(1), record("S1")).await.expect("registered");
    let mut far = record("S2");
    far.county = "419001".into();
    platform.upsert(operator(2), far).await.expect("registered");
    let get = || GetStationRequest { station_id: id(&near) };
    let seen = answer(platform.registry(Who::County("410105")).get_station(get()).await).expect("in scope");
    assert_eq!(seen.record.expect("a record").manager_phone, "199******01");
    let own = answer(platform.registry(Who::Operator(operator(1))).get_station(get()).await).expect("own");
    assert_eq!(own.record.expect("a record").manager_phone, "19900010001");
    let none = || GetStationRequest { station_id: "S1".into() };
    for who in [Who::County("410122"), Who::Operator(operator(2))] {
        let foreign = answer(platform.registry(who).get_station(get()).await).expect_err("foreign");
        assert_eq!(foreign.reason, "not_found");
        assert_eq!(answer(platform.registry(who).get_station(none()).await).expect_err("no id"), foreign);
    }
    for (who, expected) in [
        (Who::County("410000"), 2),
        (Who::County("410100"), 1),
        (Who::County("410105"), 1),
        (Who::County("410122"), 0),
        (Who::County(""), 0),
        (Who::Operator(operator(2)), 1),
        (Who::Operator(operator(3)), 0),
    ] {
        let list = answer(platform.registry(who).list_stations(ListStationsRequest::default()).await)
            .expect("listed");
        assert_eq!(list.stations.len(), expected);
        let counts = answer(platform.registry(who).count_stations(ListStationsRequest::default()).await)
            .expect("counted")
            .counts;
        assert_eq!(counts.iter().map(|one| one.count).sum::<i32>(), expected as i32);
    }
    for (search, found) in [("示例充", 2), ("s1", 1), ("S2", 1), ("1示", 1), ("2S", 0)] {
        let list = ListStationsRequest { search: search.into(), ..Default::default() };
        let list = platform.registry(Who::County("410000")).list_stations(list).await;
        assert_eq!(answer(list).expect("listed").stations.len(), found, "{search}");
    }
    let of = |prefecture: &str| ListStationsRequest { prefecture: prefecture.into(), ..Default::default() };
    for (prefecture, found) in [("", 2), ("410100", 1), ("410200", 0)] {
        let counted = platform.registry(Who::County("410000")).count_stations(of(prefecture)).await;
        let counted = answer(counted).expect("counted").counts;
        assert_eq!(counted.iter().map(|one| one.count).sum::<i32>(), found, "{prefecture}");
        assert!(counted.iter().all(|one| one.connection == "not_connected"));
    }
    assert_eq!(refused(answer(platform.registry(Who::Reviews).get_station(get()).await)).0, "not_permitted");
    platform.stop().await;
}

#[tokio::test]
async fn concurrent_registrations_of_one_station_end_as_one() {
    let platform = Platform::start().await;
    let attempts = (0..8).map(|_| platform.upsert(operator(1), record("S1")));
    let outcomes = futures::future::join_all(attempts).await;
    for outcome in outcomes {
        assert_eq!(version(&outcome.expect("registered or known")), 1);
    }
    assert_eq!(platform.count("SELECT count(*) FROM stations").await, 1);
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn the_code_of_a_maker_is_kept_with_the_device_and_makes_a_version() {
    let platform = Platform::start().await;
    let made_by = |code: &str| {
        let mut said = record("S1");
        said.equipment[0].manufacturer_code = code.into();
        said
    };
    let held =
        |station: &Station| station.record.as_ref().expect("a record").equipment[0].manufacturer_code.clone();
    let first = platform.upsert(operator(1), made_by("MA0000019")).await.expect("registered");
    assert_eq!(held(&first), "MA0000019");
    let same = platform.upsert(operator(1), made_by("MA0000019")).await.expect("known");
    assert_eq!(version(&same), version(&first));
    let other = platform.upsert(operator(1), made_by("MA0000027")).await.expect("changed");
    assert_eq!((held(&other).as_str(), version(&other)), ("MA0000027", version(&first) + 1));
    platform.assert_sound().await;
    platform.stop().await;
}

#[tokio::test]
async fn what_drivers_are_told_stays_until_something_else_is_said() {
    let platform = Platform::start().await;
    let told = StationGuide {
        business_hours: "00:00-24:00".into(),
        electricity_fee: "峰 1.00 谷 0.31".into(),
        bookable: true,
        remark: "节假日照常营业".into(),
        pictures: ["https://cdn.example/1.jpg", "http://cdn.example/2.jpg"].map(str::to_owned).into(),
        ..StationGuide::default()
    };
    let said = |guide: Option<StationGuide>| proto::stations::StationRecord { guide, ..record("S1") };
    let held = |station: &Station| station.record.as_ref().and_then(|record| record.guide.clone());
    let first = platform.upsert(operator(1), said(Some(told.clone()))).await.expect("registered");
    let silent = platform.upsert(operator(1), said(None)).await.expect("known");
    assert_eq!((held(&silent), version(&silent)), (Some(told), version(&first)));
    let taken_back =
        platform.upsert(operator(1), said(Some(StationGuide::default()))).await.expect("changed");
    assert_eq!((held(&taken_back), version(&taken_back)), (None, version(&first) + 1));
    let long = StationGuide { payment: "付".repeat(81), ..StationGuide::default() };
    let refusal = platform.upsert(operator(1), said(Some(long))).await;
    assert_eq!(refused(refusal), ("too_long".into(), "guide.payment".into()));
    let elsewhere =
        StationGuide { pictures: vec!["ftp://cdn.example/1.jpg".into()], ..StationGuide::default() };
    let refusal = platform.upsert(operator(1), said(Some(elsewhere))).await;
    assert_eq!(refused(refusal), ("unknown_value".into(), "guide.pictures[0]".into()));
    platform.assert_sound().await;
    platform.stop().await;
}
