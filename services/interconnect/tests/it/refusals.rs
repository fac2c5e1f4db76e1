//! What is refused at the door is told to stations, and only what it does not know by itself.
use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chassis::testing::eventually;
use interconnect::client::{CALL, Client, Flaw};
use proto::stations::RefusedMessages;
use serde_json::json;

use crate::{
    checks::{IDLE, NOW, OPERATOR, STATUS, secrets},
    neighbours::OPERATOR as ID,
    stage::Stage,
};

/// What stations has been told, equal ones together, once so many messages have been.
async fn told(stage: &Stage, messages: i32) -> Vec<RefusedMessages> {
    let played = stage.played.clone();
    let all = || -> Vec<RefusedMessages> {
        let state = played.state();
        assert!(state.refused.iter().all(|report| report.operator_id == ID.to_string()));
        state.refused.iter().flat_map(|report| report.refused.clone()).collect()
    };
    eventually("the refusals are told", Duration::from_secs(10), || async {
        all().iter().map(|one| one.times).sum::<i32>() >= messages
    })
    .await;
    let mut together: BTreeMap<String, RefusedMessages> = BTreeMap::new();
    for one in all() {
        let key = format!("{} {} {:?} {}", one.method, one.ret, one.fields, one.station_code);
        together.entry(key).and_modify(|held| held.times += one.times).or_insert(one);
    }
    together.into_values().collect()
}

#[tokio::test]
async fn each_reason_is_told_with_the_members_and_what_the_message_is_about() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let token = stage.token();
    let forged = stage.envelope(IDLE).replace("\"Seq\":\"0001\"", "\"Seq\":\"0002\"");
    stage.post(STATUS, Some(&token), &forged).await;
    stage.post(STATUS, None, &stage.envelope(IDLE)).await;
    stage.post(STATUS, Some(&token), &stage.envelope_at(IDLE, "20260701110000", "0001")).await;
    stage.post("no_such_method", Some(&token), &stage.envelope(IDLE)).await;
    for status in [8, 9] {
        let wrong = json!({ "ConnectorStatusInfo": [{ "ConnectorID": "G1", "Status": status }] });
        assert_eq!(stage.call(STATUS, &wrong.to_string()).await.0, 4004);
    }
    // Nobody's, whoever it says to be.
    stage.post(STATUS, Some(&token), &stage.envelope(IDLE).replace(OPERATOR, "XXXX00027")).await;
    let told = told(&stage, 6).await;
    let short: Vec<_> = told
        .iter()
        .map(|one| (one.kind.as_str(), one.ret, one.fields.join(" "), one.connector_id.as_str(), one.times))
        .collect();
    let path = "ConnectorStatusInfo[].Status".to_owned();
    let expected = [
        ("link", 4003, String::new(), "", 1),
        ("status", 4001, String::new(), "", 1),
        ("status", 4002, String::new(), "", 1),
        ("status", 4003, "TimeStamp".to_owned(), "", 1),
        ("status", 4004, path, "G1", 2),
    ];
    assert_eq!(short, expected);
    stage.stop();
}

#[tokio::test]
async fn stations_that_the_registry_refuses_are_told_and_orders_that_the_ingest_keeps_are_not() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    stage.played.state().rejects.insert("O1".into(), ("amount_mismatch".into(), "total_fen".into()));
    let order = json!({
        "StartChargeSeq": "O1", "ConnectorID": "G1", "StartTime": "2026-07-01 11:00:00", "EndTime": "2026-07-01 11:30:00",
        "TotalPower": 1, "TotalElecMoney": 1, "TotalSeviceMoney": 1, "TotalMoney": 1, "StopReason": 0,
    });
    assert_eq!(stage.call("notification_charge_order_info", &order.to_string()).await.0, 4004);
    let gun = json!({
        "ConnectorID": "G1", "ConnectorType": 4, "VoltageUpperLimits": 1000, "VoltageLowerLimits": 200, "Current": 250,
        "Power": 60, "NationalStandard": 2,
    });
    let device = json!({ "EquipmentID": "E1", "EquipmentType": 1, "Power": 120, "ConnectorInfos": [gun] });
    let station = |code: &str| {
        json!({
            "StationID": code, "OperatorID": OPERATOR, "EquipmentOwnerID": OPERATOR, "StationName": "站", "CountryCode": "CN",
            "AreaCode": "410105", "Address": "路1号", "ServiceTel": "1", "StationType": 1, "StationStatus": 50, "ParkNums": 0,
            "StationLng": 113.668756, "StationLat": 34.798101, "Construction": 1, "EquipmentInfos": [device],
        })
    };
    stage.played.state().rejects.insert("S1".into(), ("code_taken".into(), "station_code".into()));
    for list in [json!([station("S1"), station("S2")]), json!([station("S1")])] {
        stage.call("notification_stationInfo", &json!({ "StationInfos": list }).to_string()).await;
    }
    let told = told(&stage, 2).await;
    let short: Vec<_> = told
        .iter()
        .map(|one| (one.kind.as_str(), one.ret, one.fields.join(" "), one.station_code.as_str(), one.times))
        .collect();
    assert_eq!(short, [("station", 4004, "station_code".to_owned(), "S1", 2)]);
    stage.stop();
}

#[tokio::test]
async fn what_a_joint_test_does_wrong_on_purpose_is_no_fault_of_the_operators_system() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let now = stage.now;
    let client = Client::new(Arc::new(move || now), false).expect("a client");
    let (door, empty) = (stage.door(), json!({}));
    for flaw in [Flaw::Signature, Flaw::None] {
        let sent = client.send(&door, STATUS, &empty, None, flaw, CALL).await;
        sent.expect("answered");
    }
    stage.post(STATUS, None, &stage.envelope(IDLE)).await;
    let told = told(&stage, 1).await;
    let short: Vec<(i32, i32)> = told.iter().map(|one| (one.ret, one.times)).collect();
    assert_eq!(short, [(4002, 1)], "the operator's own");
    stage.stop();
}
