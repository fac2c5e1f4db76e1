//! A station of the registry in words: connection, equipment, connectors, what is missing.

use std::collections::BTreeMap;

use proto::stations::{ConnectionFact, ConnectorState, EquipmentRecord, QualityItem, Station, StationGuide};

use crate::{case::Fact, divisions::Known, format, labels, list::encoded, quality, stage::Tag};

/// Kinds of equipment. Source: T/CEC 102, EquipmentType.
pub const EQUIPMENT: [(&str, &str); 5] =
    [("1", "直流设备"), ("2", "交流设备"), ("3", "交直流一体"), ("4", "无线设备"), ("5", "其他")];
/// Kinds of connectors. Source: T/CEC 102, ConnectorType.
pub const CONNECTORS: [(&str, &str); 6] = [
    ("1", "家用插座"),
    ("2", "交流插座"),
    ("3", "交流接口"),
    ("4", "直流接口"),
    ("5", "无线充电座"),
    ("6", "其他"),
];
/// Kinds of stations. Source: T/CEC 102, StationType.
const STATIONS: [(&str, &str); 7] = [
    ("1", "公共"),
    ("50", "个人"),
    ("100", "公交专用"),
    ("101", "环卫专用"),
    ("102", "物流专用"),
    ("103", "出租车专用"),
    ("255", "其他"),
];

/// How a station is connected: words and tag class. Source: ui, section 4.
pub fn connection(state: &str) -> Tag {
    let (text, class) = match state {
        "connected" => ("已接入", "ok"),
        "offline" => ("离线", "danger"),
        "not_connected" => ("未接入", "warn"),
        _ => (format::EMPTY, ""),
    };
    Tag { text: text.to_owned(), class }
}

/// The live state of a connector. Source: T/CEC 102, ConnectorStatus.
fn status(state: Option<&ConnectorState>) -> Tag {
    let (text, class) = match state.map(|state| state.status) {
        None => ("尚未上报", "warn"),
        Some(0) => ("离线", "draft"),
        Some(1) => ("空闲", "ok"),
        Some(2) => ("占用（未充电）", "info"),
        Some(3) => ("充电中", "info"),
        Some(4) => ("占用（预约）", "info"),
        Some(255) => ("故障", "danger"),
        Some(_) => ("未知", ""),
    };
    Tag { text: text.to_owned(), class }
}

/// What a connector is shown as where one looks for it. Source: `stations.v1.FoundConnector`.
pub fn found(state: &str) -> Tag {
    let (text, class) = match state {
        "available" => ("空闲", "ok"),
        "occupied" => ("占用（未充电）", "info"),
        "charging" => ("充电中", "info"),
        "reserved" => ("占用（预约）", "info"),
        "fault" => ("故障", "danger"),
        "offline" => ("离线", "draft"),
        "closed" => ("停止服务", "draft"),
        "silent" => ("失联", "warn"),
        _ => ("未知", ""),
    };
    Tag { text: text.to_owned(), class }
}

/// The words of a code; — for one that says nothing.
fn coded(choices: &[(&str, &'static str)], code: i32) -> String {
    if code == 0 { format::empty() } else { labels::chosen(choices, &code.to_string()) }
}

/// What a connector is called.
pub fn connector_kind(code: i32) -> String {
    coded(&CONNECTORS, code)
}

/// One station in a list.
#[derive(Debug, Clone, Default)]
pub struct StationRow {
    /// Its name.
    pub name: String,
    /// The operator's own code.
    pub code: String,
    /// City and county.
    pub place: String,
    /// How many connectors.
    pub connectors: i32,
    /// kW.
    pub power: String,
    /// How it is connected.
    pub tag: Tag,
    /// Since when.
    pub since: String,
    /// The latest report.
    pub last_report: String,
    /// What to do; empty where nothing is missing.
    pub missing: &'static str,
    /// Its page.
    pub path: String,
    /// Where a subsidy is applied for; empty where it is out of force.
    pub apply: String,
}

impl StationRow {
    /// A station as its operator reads it.
    pub fn of(station: &Station, names: &Known) -> StationRow {
        let record = station.record.clone().unwrap_or_default();
        let apply = format!(
            "/subsidy/applications/new?q={0}&station={1}",
            encoded(&record.name),
            encoded(&record.station_id)
        );
        StationRow {
            place: names.place(&record.prefecture, &record.county),
            connectors: station.connector_count,
            power: format::kilowatts(record.total_power_watts),
            tag: if station.active {
                connection(&station.connection)
            } else {
                Tag { text: "已停用".to_owned(), class: "draft" }
            },
            since: format::or_dash(&station.connected_since),
            last_report: format::short(station.last_report_at.as_ref()),
            missing: missing(&station.connection),
            path: format!("/stations/{}", record.station_id),
            apply: if station.active { apply } else { String::new() },
            name: record.name,
            code: record.station_code,
        }
    }
}

/// What a station's operator does next.
pub fn missing(connection: &str) -> &'static str {
    match connection {
        "connected" => "",
        "offline" => "已超时未上报，请检查运营系统与平台的连接，恢复上报后自动变为已接入",
        _ => "还没有收到接口状态，请由运营系统推送充电站信息和全部接口的状态",
    }
}

/// One connector of a station.
#[derive(Debug, Clone, Default)]
pub struct Connector {
    /// The operator's own code.
    pub id: String,
    /// Device that holds it.
    pub equipment: String,
    /// What kind of device.
    pub equipment_kind: String,
    /// What kind of connector.
    pub kind: String,
    /// kW.
    pub power: String,
    /// Its live state.
    pub tag: Tag,
    /// The latest report.
    pub seen: String,
}

/// The connectors of a station, device by device.
pub fn connectors(station: &Station) -> Vec<Connector> {
    let states: BTreeMap<&str, &ConnectorState> =
        station.connectors.iter().map(|state| (state.connector_id.as_str(), state)).collect();
    let record = station.record.clone().unwrap_or_default();
    let of_device = |device: &EquipmentRecord| {
        let row = |one: &proto::stations::ConnectorRecord| {
            let state = states.get(one.connector_id.as_str()).copied();
            Connector {
                id: one.connector_id.clone(),
                equipment: device.equipment_id.clone(),
                equipment_kind: coded(&EQUIPMENT, device.equipment_type),
                kind: connector_kind(one.connector_type),
                power: format::kilowatts(one.power_watts),
                tag: status(state),
                seen: format::moment(state.and_then(|state| state.seen_at.as_ref())),
            }
        };
        device.connectors.iter().map(row).collect::<Vec<_>>()
    };
    record.equipment.iter().flat_map(of_device).collect()
}

/// The registry record in words.
pub fn facts(station: &Station, names: &Known) -> Vec<Fact> {
    let record = station.record.clone().unwrap_or_default();
    let fact = |name: &'static str, value: String| Fact { name, value: format::or_dash(&value) };
    let place = format!(
        "{}, {}",
        crate::entry::degrees(record.longitude_e6),
        crate::entry::degrees(record.latitude_e6)
    );
    let mut facts = vec![
        fact("充电站编号", record.station_code.clone()),
        fact("所在区县", names.place(&record.prefecture, &record.county)),
        fact("站点类型", coded(&STATIONS, record.station_type)),
        fact("详细地址", record.address.clone()),
        fact("经纬度（GCJ-02）", place),
        fact("总功率", format!("{} kW", format::kilowatts(record.total_power_watts))),
        fact("充电设备", format!("{} 台", record.equipment.len())),
        fact("充电接口", format!("{} 个", station.connector_count)),
        fact("车位", if record.park_nums == 0 { String::new() } else { format!("{} 个", record.park_nums) }),
        fact("开工时间", record.start_date.clone()),
        fact("完工时间", record.finish_date.clone()),
        fact("正式投运时间", record.open_date.clone()),
        fact("场站负责人", record.manager.clone()),
        fact("负责人电话", record.manager_phone.clone()),
        fact("服务电话", record.service_phone.clone()),
    ];
    let told = told(record.guide.unwrap_or_default());
    facts.extend(
        told.into_iter().filter(|(_, words)| !words.is_empty()).map(|(name, words)| fact(name, words)),
    );
    facts.push(fact("信息更新时间", format::moment(station.updated_at.as_ref())));
    facts
}

/// What drivers are told, in the operator's words; empty where nothing was said. Addresses of pictures are words too: no page leads to
/// another host, or has a browser call it.
fn told(guide: StationGuide) -> [(&'static str, String); 12] {
    [
        ("场站电话", guide.station_phone),
        ("营业时间", guide.business_hours),
        ("电费", guide.electricity_fee),
        ("服务费", guide.service_fee),
        ("支付方式", guide.payment),
        ("停车费", guide.park_fee),
        ("停车说明", guide.park_info),
        ("位置指引", guide.directions),
        ("适用车型", guide.vehicles),
        ("预约充电", if guide.bookable { "支持".to_owned() } else { String::new() }),
        ("备注", guide.remark),
        ("场站图片", guide.pictures.join(" ")),
    ]
}

/// One dated fact of the connection: what, and when.
pub fn history(fact: &ConnectionFact) -> (Tag, String) {
    (connection(&fact.connection), format::moment(fact.recorded_at.as_ref()))
}

/// Something of the operator's data that was rejected or corrected.
#[derive(Debug, Clone, Default)]
pub struct Defect {
    /// In words.
    pub kind: &'static str,
    /// The connector; empty where it is about none.
    pub about: String,
    /// The order; empty where it is about none.
    pub order_no: String,
    /// Its page; empty for samples of a charge, whose order may not have come yet.
    pub order: String,
    /// What is wrong.
    pub text: String,
    /// The last time.
    pub at: String,
    /// How often.
    pub times: i64,
}

impl Defect {
    /// An item as stations sent it; `orders`: where an order of its operator is asked for.
    pub fn of(item: &QualityItem, orders: &str) -> Defect {
        let asked_for = !item.order_no.is_empty() && matches!(item.kind.as_str(), "order" | "order_check");
        let order = format!("{orders}?order_no={}", encoded(&item.order_no));
        Defect {
            kind: quality::kind(&item.kind),
            about: item.connector_id.clone(),
            order_no: item.order_no.clone(),
            order: if asked_for { order } else { String::new() },
            text: if item.example.is_empty() {
                item.text.clone()
            } else {
                format!("{}：{}", item.text, item.example)
            },
            at: format::moment(item.last_at.as_ref()),
            times: item.times,
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::stations::{ConnectorRecord, StationRecord};

    use super::*;

    #[test]
    fn a_connector_that_is_lost_never_looks_available() {
        let free = found("available");
        for lost in ["silent", "offline", "closed", "fault", "a state of tomorrow"] {
            let shown = found(lost);
            assert!(shown.text != free.text && shown.class != free.class, "{lost}");
        }
    }

    #[test]
    fn what_drivers_are_told_is_shown_where_something_was_said() {
        let guide = StationGuide {
            business_hours: "00:00-24:00".into(),
            bookable: true,
            pictures: ["https://host/1.jpg", "https://host/2.jpg"].map(str::to_owned).into(),
            ..StationGuide::default()
        };
        let station = |guide| Station {
            record: Some(StationRecord { guide, ..StationRecord::default() }),
            ..Station::default()
        };
        let shown = |station: &Station| {
            facts(station, &Known::default())
                .into_iter()
                .map(|fact| (fact.name, fact.value))
                .collect::<Vec<_>>()
        };
        let (told, silent) = (shown(&station(Some(guide))), shown(&station(None)));
        let more: Vec<_> = told.iter().filter(|fact| !silent.contains(fact)).cloned().collect();
        let expected = [
            ("营业时间", "00:00-24:00"),
            ("预约充电", "支持"),
            ("场站图片", "https://host/1.jpg https://host/2.jpg"),
        ];
        assert_eq!(more, expected.map(|(name, words)| (name, words.to_owned())));
        assert_eq!(told.len(), silent.len() + 3);
    }

    #[test]
    fn what_is_wrong_with_an_order_leads_to_it() {
        let order = |kind: &str, number: &str| {
            let item = QualityItem { kind: kind.into(), order_no: number.into(), ..QualityItem::default() };
            Defect::of(&item, "/interconnect/orders").order
        };
        let found =
            [order("order", "A/1"), order("order_check", "2"), order("telemetry", "3"), order("order", "")];
        assert_eq!(found, ["/interconnect/orders?order_no=A%2F1", "/interconnect/orders?order_no=2", "", ""]);
    }

    #[test]
    fn a_connector_that_never_reported_says_so() {
        let connector = |id: &str| ConnectorRecord {
            connector_id: id.into(),
            connector_type: 4,
            ..ConnectorRecord::default()
        };
        let device = EquipmentRecord {
            connectors: vec![connector("A"), connector("B")],
            ..EquipmentRecord::default()
        };
        let state = ConnectorState { connector_id: "A".into(), status: 255, ..ConnectorState::default() };
        let station = Station {
            record: Some(StationRecord { equipment: vec![device], ..StationRecord::default() }),
            connectors: vec![state],
            ..Station::default()
        };
        let seen: Vec<_> = connectors(&station).into_iter().map(|one| (one.kind, one.tag.text)).collect();
        let dc = || "直流接口".to_owned();
        assert_eq!(seen, [(dc(), "故障".to_owned()), (dc(), "尚未上报".to_owned())]);
    }
}
