//! What messages become at stations, and what operators are answered.
use proto::stations::{StationGuide, StationRecord, StatusItem};
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
    assert_eq!(stage.played.state().pulled, [false]);
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
async fn the_details_of_an_order_are_delivered_with_it() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let details = r#"[{"DetailStartTime":"2026-07-01 09:30:15","DetailEndTime":"2026-07-01 10:00:00","ElecPrice":0.3125,
        "SevicePrice":"0.2","DetailPower":6.1,"DetailElecMoney":1.91,"DetailSeviceMoney":1.22},
        {"DetailStartTime":"2026-07-01 10:00:00","DetailEndTime":"2026-07-01 10:30:15","DetailPower":6.2456}]"#;
    let order = ORDER.replace(r#""ChargeDetails":null"#, &format!(r#""ChargeDetails":{details}"#));
    assert_eq!(stage.call("notification_charge_order_info", &order).await.0, 0);
    let said = stage.played.state().orders[0].details.clone();
    let first = (said[0].electricity_price_e6, said[0].service_price_e6, said[0].electricity_fen);
    assert_eq!((first, said[0].service_fen), ((Some(312_500), Some(200_000), Some(191)), Some(122)));
    assert_eq!(said.iter().map(|one| one.energy_wh).collect::<Vec<_>>(), [6_100, 6_246]);
    assert_eq!((said[1].electricity_price_e6, said[1].service_fen), (None, None));
    let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().map(|at| at.seconds);
    assert_eq!(seconds(&said[0].end_time), seconds(&said[1].start_time));
    let broken = order.replace("\"DetailPower\":6.1,", "");
    let (ret, msg, _) = stage.call("notification_charge_order_info", &broken).await;
    assert_eq!((ret, msg.contains("ChargeDetails[0].DetailPower 必填")), (4004, true), "{msg}");
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
async fn an_order_that_was_corrected_since_is_disputed_when_it_comes_again() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let key = "XXXX00019202607010930150001".to_owned();
    stage.played.state().rejects.insert(key, ("stale".into(), String::new()));
    let (ret, msg, body) = stage.call("notification_charge_order_info", ORDER).await;
    assert_eq!((ret, &body["ConfirmResult"], msg.is_empty()), (0, &json!(1), false));
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
async fn what_drivers_are_told_of_a_station_is_taken_as_far_as_it_can_be_shown() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let plain = json!({ "StationInfo": {
        "StationID": "4101050001", "OperatorID": "XXXX00019", "EquipmentOwnerID": "XXXX00019", "StationName": "花园路示例充电站",
        "AreaCode": "410105", "Address": "示例路1号", "ServiceTel": "400-000-0000", "StationType": 1, "StationStatus": 50,
        "ParkNums": 22, "StationLng": 113.668_756, "StationLat": 34.798_101, "Construction": 1, "EquipmentInfos": [{
            "EquipmentID": "E1", "EquipmentType": 1, "Power": 120.0, "ManufacturerID": "MA0000019", "ConnectorInfos": [{
                "ConnectorID": "1", "ConnectorType": 4, "VoltageUpperLimits": 1000, "VoltageLowerLimits": 200,
                "Current": 250, "Power": 60.5, "NationalStandard": 2 }] }],
        "BusinessHours": "00:00-24:00", "ElectricityFee": "峰 1.00\n谷 0.31", "ServiceFee": 0.4, "ParkFee": "前两小时免费",
        "Payment": "刷卡、线上", "ParkInfo": null, "SiteGuide": "长".repeat(401), "MatchCars": ["小型车"], "SupportOrder": "1",
        "Remark": "夜间\n请走西门", "Pictures": ["https://cdn.example/1.jpg", "data:image/png;base64,AAAA", 7],
    } });
    assert_eq!(stage.call("notification_stationInfo", &plain.to_string()).await.0, 0);
    let told = StationGuide {
        business_hours: "00:00-24:00".into(),
        electricity_fee: "峰 1.00 谷 0.31".into(),
        service_fee: "0.4".into(),
        park_fee: "前两小时免费".into(),
        payment: "刷卡、线上".into(),
        bookable: true,
        remark: "夜间 请走西门".into(),
        pictures: vec!["https://cdn.example/1.jpg".into()],
        ..StationGuide::default()
    };
    let upserts = stage.played.state().upserts.clone();
    let record = upserts[0].station.as_ref().expect("a station");
    assert_eq!(record.guide, Some(told));
    assert_eq!(record.equipment[0].manufacturer_code, "MA0000019");
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
    // What drivers are told belongs to the station's own words: a message that says nothing of it takes it back.
    assert_eq!(record.guide, Some(StationGuide::default()));
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
    {
        let state = stage.played.state();
        let [listed] = &state.listed[..] else { panic!("what was listed is told once: {:?}", state.listed) };
        assert_eq!(listed.order_nos, ["1", "2", "3"]);
        assert_eq!(listed.disputed_order_nos, ["2", "3"], "they do not agree");
        assert_eq!(listed.operator_id, crate::neighbours::OPERATOR.to_string());
        let [start, end] = [&listed.start_time, &listed.end_time].map(|at| at.as_ref().map(|at| at.seconds));
        assert_eq!(
            end.zip(start).map(|(end, start)| end - start),
            Some(86_400),
            "the last second is included"
        );
    }
    assert_eq!(stage.call("check_charge_orders", plain).await.0, 0);
    stage.played.state().rejects.remove("3");
    assert_eq!(stage.call("check_charge_orders", plain).await.0, 0);
    {
        let state = stage.played.state();
        let [first, again, later] = &state.listed[..] else { panic!("each is told: {:?}", state.listed) };
        assert_eq!(first, again, "the same envelope, the same report");
        assert_eq!(later.disputed_order_nos, ["2"]);
        assert_ne!(first.request_id, later.request_id, "another answer is another report");
    }
    let month = plain.replacen("06-30", "06-01", 1);
    assert_eq!(stage.call("check_charge_orders", &month).await.0, 0);
    assert_eq!(stage.played.state().listed.len(), 3, "a month is no window of a check");
    stage.played.state().of_before = true;
    assert_eq!(
        stage.call("check_charge_orders", plain).await.0,
        0,
        "the answer does not wait for the update of stations"
    );
    stage.played.state().of_before = false;
    let (ret, msg, _) = stage.call("check_charge_orders", "{}").await;
    assert!(ret == 4004 && msg.contains("OrderCount 必填"), "{msg}");
    stage.stop();
}

#[tokio::test]
async fn the_power_of_each_connector_is_a_sample_with_the_nearest_time() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let plain = r#"{"SupStationPowerInfos":[{"OperatorID":"XXXX00019","StationID":"S1","DataTime":"2026-07-01 12:00:00",
        "EquipmentPowerInfos":[{"EquipmentID":"E1","ConnectorPowerInfos":[
            {"ConnectorID":"1","DataTime":"2026-07-01 12:00:02","ConnectorRealTimePower":120.3},
            {"ConnectorID":"2","ConnectorRealTimePower":"0"}]}]}]}"#;
    let answer = stage.call("supervise_notification_realtime_power_info", plain).await;
    assert_eq!(answer, (0, String::new(), json!({ "Status": 0 })));
    let samples = stage.played.state().samples.clone();
    let kept: Vec<(&str, i64, i32)> = samples
        .iter()
        .map(|one| {
            (one.connector_id.as_str(), one.sample_time.as_ref().map_or(0, |at| at.seconds), one.power_watts)
        })
        .collect();
    assert_eq!(kept, [("1", AT - 10, 120_300), ("2", AT - 12, 0)]);
    let without = r#"{"SupStationPowerInfos":[{"StationID":"S1","EquipmentPowerInfos":[{"ConnectorPowerInfos":[
        {"ConnectorID":"1"}]}]}]}"#;
    let (ret, msg, _) = stage.call("notification_realtime_power_info", without).await;
    let gun = "SupStationPowerInfos[0].EquipmentPowerInfos[0].ConnectorPowerInfos[0]";
    for name in ["DataTime", "ConnectorRealTimePower"] {
        assert!(ret == 4004 && msg.contains(&format!("{gun}.{name} 必填")), "{msg}");
    }
    stage.stop();
}

#[tokio::test]
async fn what_came_of_a_start_or_a_stop_is_acknowledged() {
    let stage = Stage::start(OPERATOR, secrets(), NOW).await;
    let taken = json!({ "StartChargeSeq": "O1", "SuccStat": 0, "FailReason": 0 });
    let start = r#"{"StartChargeSeq":"O1","StartChargeSeqStat":2,"ConnectorID":"1","StartTime":"2026-07-01 11:00:00"}"#;
    let stop =
        r#"{"StartChargeSeq":"O1","StartChargeSeqStat":4,"ConnectorID":"1","SuccStat":1,"FailReason":2}"#;
    for (method, plain) in
        [("notification_start_charge_result", start), ("notification_stop_charge_result", stop)]
    {
        assert_eq!(stage.call(method, plain).await, (0, String::new(), taken.clone()), "{method}");
    }
    assert_eq!(stage.call("notification_start_charge_result", stop).await.0, 4004, "without its StartTime");
    stage.stop();
}
