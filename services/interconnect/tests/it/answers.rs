//! What messages become at stations, and what operators are answered.
use proto::stations::{StationRecord, StatusItem};
use serde_json::json;

use crate::{
    checks::{NOW, OPERATOR, STATUS, secrets},
    stage::Stage,
};

const AT: i64 = 1_782_878_412;

fn item(connector: &str, status: i32, seconds: i64) -> StatusItem {
    let source_time = Some(prost_types::Timestamp { seconds, nanos: 0 });
    StatusItem { connector_id: connector.into(), status, source_time }
}

#[tokio::test]
async fn a_status_carries_its_own_time_or_that_of_the_envelope() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let plain = r#"{"ConnectorStatusInfos":[{"ConnectorID":"1","Status":"3"},
        {"ConnectorID":2,"Status":255,"UpdateTime":"2026-07-01 12:00:00"}]}"#;
    assert_eq!(stage.call(STATUS, plain).await, (0, String::new(), json!({ "Status": 0 })));
    // The government profile: no wrapper.
    let bare = r#"{"OperatorID":"XXXX00019","StationID":"S","ConnectorID":"3","Status":0}"#;
    let answer = stage.call("supervise_notification_station_status", bare).await;
    assert_eq!(answer, (0, String::new(), json!({ "Status": 0 })));
    assert_eq!(stage.played.state().statuses, [item("1", 3, AT), item("2", 255, AT - 12), item("3", 0, AT)]);
    stage.stop();
}

#[tokio::test]
async fn what_is_discarded_is_named_and_harms_no_neighbour() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    stage.played.state().rejects.insert("2".into(), ("unknown_connector".into(), "connector_id".into()));
    let plain = r#"{"ConnectorStatusInfo":[{"ConnectorID":"1","Status":1},{"ConnectorID":"2","Status":1}]}"#;
    let (ret, msg, body) = stage.call(STATUS, plain).await;
    assert_eq!((ret, msg.as_str()), (0, "2 unknown_connector 的说明"));
    let named = json!([{ "ConnectorID": "2", "Status": 1, "Reason": "unknown_connector" }]);
    assert_eq!(body, json!({ "Status": 1, "Results": named }));
    assert_eq!(stage.played.state().statuses.len(), 2);
    stage.stop();
}

#[tokio::test]
async fn a_status_contradicted_within_a_second_comes_again_unless_it_names_its_own_time() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    stage.played.state().rejects.insert("1".into(), ("contradiction".into(), "status".into()));
    assert_eq!(stage.call(STATUS, r#"{"ConnectorID":"1","Status":1}"#).await.0, -1);
    let own =
        r#"{"ConnectorStatusInfo":[{"ConnectorID":"1","Status":1,"UpdateTime":"2026-07-01 12:00:00"}]}"#;
    assert_eq!(stage.call(STATUS, own).await.2["Status"], json!(1));
    let twice = r#"{"ConnectorStatusInfo":[{"ConnectorID":"1","Status":1},{"ConnectorID":"1","Status":2}]}"#;
    assert_eq!(stage.call(STATUS, twice).await.2["Status"], json!(1));
    stage.stop();
}

#[tokio::test]
async fn a_message_that_breaks_rules_lists_the_paths_and_reaches_nobody() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let refused = async |plain: &str| {
        let (ret, msg, _) = stage.call(STATUS, plain).await;
        assert_eq!(ret, 4004, "{msg}");
        msg
    };
    let plain = r#"{"ConnectorStatusInfo":[{"Status":1},{"ConnectorID":"1","Status":9},{"ConnectorID":"a\u0000","Status":1}]}"#;
    let msg = refused(plain).await;
    for path in ["[0].ConnectorID 必填", "[1].Status 取值不在标准内", "[2].ConnectorID 含有控制字符"]
    {
        assert!(msg.contains(&format!("ConnectorStatusInfo{path}")), "{msg}");
    }
    assert!(refused("{}").await.contains("ConnectorStatusInfo 必填"));
    assert!(
        refused(r#"{"ConnectorStatusInfo":{"A":1,"A":2}}"#).await.contains("ConnectorStatusInfo.A 字段重复")
    );
    let foreign = r#"{"OperatorID":"XXXX00027","ConnectorID":"3","Status":0}"#;
    assert!(refused(foreign).await.contains("OperatorID 与接入的运营商不一致"));
    // What the registry may hold of hosted operators opens nothing: it would become data of the link's own operator.
    stage.played.state().hosted.push("XXXX00027".into());
    assert!(refused(foreign).await.contains("OperatorID 与接入的运营商不一致"));
    assert!(stage.played.state().statuses.is_empty());
    stage.stop();
}

const ORDER: &str = r#"{"StartChargeSeq":"XXXX00019202607010930150001","ConnectorID":"410105000100101",
    "StartTime":"2026-07-01 09:30:15","EndTime":"2026-07-01T10:30:15","TotalPower":12.3456,"TotalElecMoney":"10.10",
    "TotalServiceMoney":2.005,"TotalMoney":12.11,"StopReason":0,"SumPeriod":0,"ChargeDetails":null}"#;

#[tokio::test]
async fn an_order_is_exact_to_the_fen_and_the_watt_hour() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let confirmed = json!({
        "StartChargeSeq": "XXXX00019202607010930150001", "ConnectorID": "410105000100101", "ConfirmResult": 0,
    });
    let answer = stage.call("notification_charge_order_info", ORDER).await;
    assert_eq!(answer, (0, String::new(), confirmed.clone()));
    {
        let state = stage.played.state();
        let order = &state.orders[0];
        let fen = (order.electricity_fen, order.service_fen, order.total_fen);
        assert_eq!((order.energy_wh, fen), (12_346, (1_010, 201, 1_211)));
        let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| at.seconds);
        assert_eq!(seconds(&order.end_time), seconds(&order.start_time).map(|start| start + 3_600));
        assert_eq!(seconds(&order.source_time), Some(AT));
    }
    let body = stage.envelope(ORDER);
    let token = stage.token();
    let first = stage.post("notification_charge_order_info", Some(&token), &body).await;
    assert_eq!(stage.post("notification_charge_order_info", Some(&token), &body).await, first);
    stage.stop();
}

#[tokio::test]
async fn a_contradictory_order_is_disputed_and_a_wrong_one_is_refused_with_its_member() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let reject = |reason: &str, field: &str| {
        let key = "XXXX00019202607010930150001".to_owned();
        stage.played.state().rejects.insert(key, (reason.into(), field.into()));
    };
    reject("order_conflict", "order_no");
    let (ret, msg, body) = stage.call("notification_charge_order_info", ORDER).await;
    assert_eq!((ret, &body["ConfirmResult"], msg.is_empty()), (0, &json!(1), false));
    reject("amount_mismatch", "total_fen");
    let (ret, msg, _) = stage.call("notification_charge_order_info", ORDER).await;
    assert_eq!((ret, msg.as_str()), (4004, "TotalMoney amount_mismatch 的说明"));
    let (ret, msg, _) = stage.call("notification_charge_order_info", "{}").await;
    assert_eq!(ret, 4004);
    for member in ["StartChargeSeq", "ConnectorID", "StartTime", "TotalPower", "TotalMoney", "StopReason"] {
        assert!(msg.contains(&format!("{member} 必填")), "{msg}");
    }
    stage.stop();
}

#[tokio::test]
async fn an_order_of_the_government_profile_is_answered_in_its_spelling() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let plain = ORDER.replace("StartChargeSeq", "OrderNo").replace("TotalPower", "TotalElect");
    let (ret, _, body) = stage.call("supervise_notification_charge_order_info", &plain).await;
    assert_eq!((ret, &body["OrderNo"]), (0, &json!("XXXX00019202607010930150001")));
    stage.played.state().spellings.insert("ConfirmResult".into(), "confirmResult".into());
    let (_, _, body) = stage.call("notification_charge_order_info", ORDER).await;
    assert_eq!(body["confirmResult"], json!(0));
    stage.stop();
}

#[tokio::test]
async fn a_sample_of_a_charge_says_what_its_connector_is_and_what_was_measured() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let plain = r#"{"StartChargeSeq":"N1","StartChargeSeqStat":2,"ConnectorID":"1","ConnectorStatus":3,"CurrentA":120.5,
        "VoltageA":"401.2","Soc":55,"StartTime":"2026-07-01 11:30:15","EndTime":"2026-07-01 12:00:00","TotalPower":20.15}"#;
    let answer = stage.call("notification_equip_charge_status", plain).await;
    assert_eq!(answer, (0, String::new(), json!({ "StartChargeSeq": "N1", "SuccStat": 0 })));
    assert_eq!(stage.played.state().statuses, [item("1", 3, AT - 12)]);
    let sample = stage.played.state().samples[0].clone();
    assert_eq!((sample.order_no.as_str(), sample.energy_wh, sample.soc_percent), ("N1", 20_150, Some(55)));
    let measured = (sample.current_deciamperes, sample.voltage_decivolts, sample.power_watts);
    assert_eq!(measured, (1_205, 4_012, 48_344));
    stage.played.state().rejects.insert("N1".into(), ("out_of_range".into(), "energy_wh".into()));
    let (ret, _, body) = stage.call("notification_equip_charge_status", plain).await;
    assert_eq!((ret, &body["SuccStat"]), (0, &json!(1)));
    let unknown = plain.replace("\"StartChargeSeqStat\":2", "\"StartChargeSeqStat\":9");
    assert_eq!(stage.call("notification_equip_charge_status", &unknown).await.0, 4004);
    stage.stop();
}

#[tokio::test]
async fn a_station_enters_the_registry_and_what_people_entered_stays() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    stage.played.state().held.push(StationRecord {
        station_code: "4101050001".into(),
        start_date: "2025-10-08".into(),
        manager: "站长".into(),
        name: "旧名".into(),
        version: 4,
        ..StationRecord::default()
    });
    // It stands on the third page of the stations whose codes begin so.
    stage.played.state().pages = 2;
    let plain = r#"{"StationInfo":{"StationID":"4101050001","OperatorID":"XXXX00019","EquipmentOwnerID":"XXXX00019",
        "StationName":"花园路示例充电站","CountryCode":"CN","AreaCode":"410105001002","Address":"示例路1号",
        "ServiceTel":"400-000-0000","StationType":7,"StationStatus":50,"ParkNums":"22","StationLng":"113.668756",
        "StationLat":34.798101,"Construction":1,"EquipmentInfos":[{"EquipmentID":"E1","EquipmentType":1,"Power":120.0,
        "ConnectorInfos":[{"ConnectorID":"1","ConnectorType":4,"VoltageUpperLimits":1000,"VoltageLowerLimits":200.0,
        "Current":250,"Power":60.5,"NationalStandard":2}]}]}}"#;
    assert_eq!(stage.call("notification_stationInfo", plain).await.2, json!({ "Status": 0 }));
    let upserts = stage.played.state().upserts.clone();
    let record = upserts[0].station.as_ref().expect("a station");
    assert_eq!((record.manager.as_str(), record.start_date.as_str()), ("站长", "2025-10-08"));
    assert_eq!((record.name.as_str(), record.county.as_str()), ("花园路示例充电站", "410105"));
    assert_eq!((record.station_type, record.park_nums), (255, 22));
    assert_eq!((record.longitude_e6, record.latitude_e6), (113_668_756, 34_798_101));
    assert_eq!(record.equipment[0].connectors[0].power_watts, 60_500);
    assert_eq!((upserts[0].expected_version, record.equipment[0].power_watts), (Some(4), 120_000));
    stage
        .played
        .state()
        .rejects
        .insert("4101050001".into(), ("coordinates_outside".into(), "longitude_e6".into()));
    let (ret, msg, _) = stage.call("notification_stationInfo", plain).await;
    assert!(ret == 4004 && msg.contains("coordinates_outside"), "{msg}");
    stage.played.state().rejects.insert("4101050001".into(), ("stale_version".into(), String::new()));
    assert_eq!(stage.call("notification_stationInfo", plain).await.0, -1, "others change it all the time");
    stage.stop();
}

#[tokio::test]
async fn a_days_orders_are_compared_and_the_differing_ones_come_back() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let refuse = |number: &str, why: &str| {
        stage.played.state().rejects.insert(number.into(), (why.into(), String::new()));
    };
    refuse("2", "amount");
    refuse("3", "not_held");
    let plain = r#"{"CheckOrderSeq":"C1","StartTime":"2026-06-30 00:00:00","EndTime":"2026-06-30 23:59:59","OrderCount":3,
        "TotalOrderPower":60.5,"TotalOrderMoney":60.06,"ChargeOrders":[{"StartChargeSeq":"1","TotalPower":20,"TotalMoney":20},
        {"StartChargeSeq":"2","TotalPower":"20.25","TotalMoney":20.02},{"StartChargeSeq":"3","TotalPower":20.25,"TotalMoney":20.04}]}"#;
    let disputes = json!([
        { "StartChargeSeq": "2", "TotalPower": 9.99, "TotalMoney": 9.99, "DisputeReason": 2 },
        { "StartChargeSeq": "3", "TotalPower": 20.25, "TotalMoney": 20.04, "DisputeReason": 1 },
    ]);
    let expected = json!({
        "CheckOrderSeq": "C1", "StartTime": "2026-06-30 00:00:00", "EndTime": "2026-06-30 23:59:59",
        "TotalDisputeOrder": 2, "TotalDisputePower": 40.5, "TotalDisputeMoney": 40.06, "DisputeOrders": disputes,
    });
    assert_eq!(stage.call("check_charge_orders", plain).await, (0, String::new(), expected));
    let (ret, msg, _) = stage.call("check_charge_orders", "{}").await;
    assert!(ret == 4004 && msg.contains("OrderCount 必填"), "{msg}");
    stage.stop();
}
