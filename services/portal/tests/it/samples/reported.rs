//! Samples of what is shown of operators' data: sums of charges, connectors by place, one order.

use portal::{
    case::Fact,
    charge_order::{Content, Period},
    dossier::Change,
    list::Filter,
    web::{
        charge_orders::{self, ChargeOrderPage},
        connectors::{self, ConnectorsPage},
        statistics::{self, StatisticsPage},
    },
};

use super::{
    Kind, Sample,
    administrator::{places, tabs},
    filter, sample,
};

/// All of them.
pub fn of(kind: Kind) -> Vec<Sample> {
    vec![
        sample("statistics.html", kind, statistics(kind)),
        sample("connectors.html", kind, connectors(kind)),
        sample("charge_order.html", kind, charge_order(kind)),
    ]
}

fn charge_order(kind: Kind) -> ChargeOrderPage {
    let period = || Period {
        start_at: "2026-11-22 10:05:30".into(),
        end_at: "2026-11-22 10:35:30".into(),
        energy: "9,223,372,036,854,775.807".into(),
        electricity_price: "0.3125".into(),
        service_price: "—".into(),
        electricity: "92,233,720,368,547,758.07".into(),
        service: "—".into(),
    };
    let (before, after) = (kind.text("15.60"), kind.text("16.60"));
    let change =
        || Change { what: "总金额（元）".into(), before: before.clone(), after: after.clone() };
    let content = |number: usize| Content {
        title: format!("更正前的内容（第 {number} 版）"),
        superseded_at: if number == 0 { String::new() } else { "2026-11-22 10:40:00".into() },
        changes: if kind == Kind::One { Vec::new() } else { vec![change()] },
        facts: vec![Fact { name: "订单号", value: kind.text("XXXX00019202611260001") }],
        periods: vec![period(); 2],
        sums: vec![("各时段合计", period()), ("订单", period())],
        contradictory: kind != Kind::One,
    };
    ChargeOrderPage {
        page: kind.frame("/interconnect"),
        company: kind.text("示例公司"),
        path: charge_orders::OWN.to_owned(),
        // Without a content there is no order of this number.
        order_no: if kind == Kind::Empty { "1".into() } else { kind.text("XXXX00019202611260001") },
        contents: kind.each(content),
    }
}

fn statistics(kind: Kind) -> StatisticsPage {
    let path = "/supervision/statistics";
    let narrowed = Filter::of(path, &[("since", "2026-11-01"), ("until", "2026-11-30"), ("place", "410105")]);
    let filter = if kind == Kind::Many { narrowed } else { filter(kind, path) };
    let row = || statistics::Row {
        day: "2026-11-25".into(),
        place: kind.text("郑州市 / 金水区"),
        company: kind.text("示例公司"),
        orders: "1,000,000".into(),
        energy: "12,345,678.901".into(),
        total: "12,345,678.90".into(),
    };
    let rows = kind.some(row);
    StatisticsPage {
        page: kind.frame(path),
        tabs: tabs(kind),
        places: places(kind),
        place: filter.value("place").to_owned(),
        wrong: if kind == Kind::Longest { kind.text("") } else { String::new() },
        whole: row(),
        pager: filter.pager("next", rows.len()).exported(&filter),
        filter,
        rows,
    }
}

fn connectors(kind: Kind) -> ConnectorsPage {
    let path = "/supervision/statistics/connectors";
    let filter = filter(kind, path);
    let rows = kind.each(|number| connectors::Row {
        station: kind.text("示例充电站"),
        address: kind.text("示例路 1 号"),
        county: kind.text("金水区"),
        company: kind.text("示例公司"),
        distance: if kind == Kind::One { String::new() } else { "2999 米".into() },
        near: format!("{path}?near=113668756_34798101"),
        id: format!("{}{number}", kind.text("410105001")),
        kind: "直流接口 · 120 kW".into(),
        tag: kind.tag(),
        seen: "2026-11-22 10:05".into(),
    });
    ConnectorsPage {
        page: kind.frame("/supervision/statistics"),
        tabs: tabs(kind),
        places: places(kind),
        place: "410105".into(),
        asked: kind != Kind::Empty,
        pager: filter.pager("next", rows.len()).exported(&filter),
        filter,
        rows,
    }
}
