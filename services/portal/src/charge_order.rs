//! A charge order (充电订单) in words: each content that an operator's system said under its number, its periods, what a correction
//! changed. What agrees is judged by stations; here it is only said.

use prost_types::Timestamp;
use proto::stations::{ChargePeriod, OrderContent, OrderItem};

use crate::{case::Fact, dossier::Change, format};

/// Why a charge stopped. Source: T/CEC 102, StopReason.
const STOP_REASONS: [(i32, &str); 5] = [
    (0, "用户手动停止充电"),
    (1, "客户归属平台停止充电"),
    (2, "电池管理系统（BMS）停止充电"),
    (3, "充电设备故障"),
    (4, "充电接口断开"),
];

/// A period of the charge, or the sums of all.
#[derive(Debug, Clone, Default)]
pub struct Period {
    /// When it began.
    pub start_at: String,
    /// When it ended.
    pub end_at: String,
    /// kWh.
    pub energy: String,
    /// Yuan for one kWh; — where not said, as all below.
    pub electricity_price: String,
    /// Likewise.
    pub service_price: String,
    /// Yuan.
    pub electricity: String,
    /// Yuan.
    pub service: String,
}

/// One content of an order.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Which of them.
    pub title: String,
    /// When another content took its place; empty for what is held.
    pub superseded_at: String,
    /// What the correction changed; nothing for what is held.
    pub changes: Vec<Change>,
    /// As the operator's system said it.
    pub facts: Vec<Fact>,
    /// Its periods, in the order said.
    pub periods: Vec<Period>,
    /// Their sums, and the order's own totals beside them; none without periods.
    pub sums: Vec<(&'static str, Period)>,
    /// Whether the sums contradict the totals.
    pub contradictory: bool,
}

/// Every content of an order, the held one first, each other with what took its place.
pub fn contents(said: &[OrderContent]) -> Vec<Content> {
    let successors = [None].into_iter().chain(said.iter().map(Some));
    let pairs = said.iter().zip(successors).enumerate();
    pairs.map(|(place, (content, successor))| one(content, successor, said.len() - place)).collect()
}

fn one(content: &OrderContent, successor: Option<&OrderContent>, number: usize) -> Content {
    let order = content.order.clone().unwrap_or_default();
    let said = facts(content);
    let changes = successor.map(|successor| changes(&said, &facts(successor))).unwrap_or_default();
    Content {
        title: match &content.superseded_at {
            None => "现行内容".to_owned(),
            Some(_) => format!("更正前的内容（第 {number} 版）"),
        },
        superseded_at: content.superseded_at.as_ref().map(|at| format::exact(Some(at))).unwrap_or_default(),
        changes,
        facts: said,
        periods: order.details.iter().map(period).collect(),
        sums: sums(&order),
        contradictory: content.contradictory,
    }
}

fn facts(content: &OrderContent) -> Vec<Fact> {
    let order = content.order.clone().unwrap_or_default();
    let at = |at: &Option<Timestamp>| format::exact(at.as_ref());
    vec![
        Fact { name: "订单号", value: format::or_dash(&order.order_no) },
        Fact { name: "充电接口", value: format::or_dash(&order.connector_id) },
        Fact { name: "充电开始", value: at(&order.start_time) },
        Fact { name: "充电结束", value: at(&order.end_time) },
        Fact { name: "电量（kWh）", value: energy(order.energy_wh) },
        Fact { name: "电费（元）", value: format::yuan(order.electricity_fen) },
        Fact { name: "服务费（元）", value: format::yuan(order.service_fen) },
        Fact { name: "总金额（元）", value: format::yuan(order.total_fen) },
        Fact { name: "停止原因", value: stop_reason(order.stop_reason) },
        Fact { name: "时段明细", value: periods(&order) },
        Fact { name: "运营商系统时间", value: at(&order.source_time) },
        Fact { name: "平台收到时间", value: at(&content.received_at) },
    ]
}

/// Different at every correction, and no part of what was corrected.
const TIMES: [&str; 2] = ["运营商系统时间", "平台收到时间"];

/// What differs, fact by fact.
fn changes(before: &[Fact], after: &[Fact]) -> Vec<Change> {
    let pairs = before
        .iter()
        .zip(after)
        .filter(|(before, after)| before.value != after.value && !TIMES.contains(&before.name));
    let change = |(before, after): (&Fact, &Fact)| Change {
        what: before.name.to_owned(),
        before: before.value.clone(),
        after: after.value.clone(),
    };
    pairs.map(change).collect()
}

/// The periods in short.
fn periods(order: &OrderItem) -> String {
    if order.details.is_empty() {
        return "未上报".to_owned();
    }
    let sum = sum(&order.details);
    format!(
        "{} 个时段，合计 {} kWh，电费 {}，服务费 {}",
        order.details.len(),
        sum.energy,
        sum.electricity,
        sum.service
    )
}

fn period(said: &ChargePeriod) -> Period {
    let money = |fen: Option<i64>| fen.map_or_else(format::empty, format::yuan);
    let price = |e6: Option<i64>| e6.map_or_else(format::empty, price);
    Period {
        start_at: format::exact(said.start_time.as_ref()),
        end_at: format::exact(said.end_time.as_ref()),
        energy: energy(said.energy_wh),
        electricity_price: price(said.electricity_price_e6),
        service_price: price(said.service_price_e6),
        electricity: money(said.electricity_fen),
        service: money(said.service_fen),
    }
}

fn blank() -> Period {
    Period {
        start_at: format::empty(),
        end_at: format::empty(),
        energy: format::empty(),
        electricity_price: format::empty(),
        service_price: format::empty(),
        electricity: format::empty(),
        service: format::empty(),
    }
}

fn sums(order: &OrderItem) -> Vec<(&'static str, Period)> {
    if order.details.is_empty() {
        return Vec::new();
    }
    let totals = Period {
        energy: energy(order.energy_wh),
        electricity: format::yuan(order.electricity_fen),
        service: format::yuan(order.service_fen),
        ..blank()
    };
    vec![("各时段合计", sum(&order.details)), ("订单", totals)]
}

/// The sums of periods; money that is not said of every period has none.
fn sum(periods: &[ChargePeriod]) -> Period {
    let money = |fen: Option<i64>| fen.map_or_else(format::empty, format::yuan);
    Period {
        energy: total(periods, |period| Some(period.energy_wh)).map_or_else(format::empty, energy),
        electricity: money(total(periods, |period| period.electricity_fen)),
        service: money(total(periods, |period| period.service_fen)),
        ..blank()
    }
}

fn total(periods: &[ChargePeriod], part: fn(&ChargePeriod) -> Option<i64>) -> Option<i64> {
    periods.iter().try_fold(0_i64, |sum, period| Some(sum.saturating_add(part(period)?)))
}

/// Wh as kWh; periods are kept as said, also below zero.
fn energy(wh: i64) -> String {
    format!("{}{}", if wh < 0 { "-" } else { "" }, format::kilowatts(wh))
}

/// Millionths of a yuan as yuan, without needless decimals.
fn price(e6: i64) -> String {
    let (sign, e6) = (if e6 < 0 { "-" } else { "" }, e6.unsigned_abs());
    let digits = format!("{sign}{}.{:06}", format::thousands(e6 / 1_000_000), e6 % 1_000_000);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn stop_reason(code: i32) -> String {
    let known = STOP_REASONS.iter().find(|(known, _)| *known == code);
    format!("{}（{code}）", known.map_or("运营商自定义", |(_, words)| words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(energy_wh: i64, electricity_fen: Option<i64>) -> ChargePeriod {
        ChargePeriod {
            energy_wh,
            electricity_price_e6: Some(312_500),
            electricity_fen,
            ..ChargePeriod::default()
        }
    }

    fn said(total_fen: i64, superseded: bool) -> OrderContent {
        let at = Timestamp { seconds: 1_767_225_600, nanos: 0 };
        OrderContent {
            order: Some(OrderItem { order_no: "1".into(), total_fen, ..OrderItem::default() }),
            superseded_at: superseded.then_some(at),
            ..OrderContent::default()
        }
    }

    #[test]
    fn a_correction_is_told_at_the_content_that_it_took_the_place_of() {
        let contents = contents(&[said(300, false), said(200, true), said(100, true)]);
        let told: Vec<_> = contents
            .iter()
            .map(|one| {
                let changes = one.changes.iter();
                let changes = changes
                    .map(|change| (change.what.as_str(), change.before.as_str(), change.after.as_str()));
                (one.title.as_str(), one.superseded_at.as_str(), changes.collect::<Vec<_>>())
            })
            .collect();
        let at = "2026-01-01 08:00:00";
        assert_eq!(
            told,
            [
                ("现行内容", "", vec![]),
                ("更正前的内容（第 2 版）", at, vec![("总金额（元）", "2.00", "3.00")]),
                ("更正前的内容（第 1 版）", at, vec![("总金额（元）", "1.00", "2.00")]),
            ]
        );
    }

    #[test]
    fn money_that_is_not_said_of_every_period_has_no_sum() {
        let whole = sum(&[period(1_500, Some(50)), period(500, Some(51))]);
        assert_eq!([whole.energy, whole.electricity, whole.service], ["2", "1.01", "—"]);
        assert_eq!(sum(&[period(1, Some(50)), period(1, None)]).electricity, "—");
        // Kept as said, whatever that is.
        assert_eq!(sum(&[period(i64::MAX, None), period(i64::MAX, None)]).energy, energy(i64::MAX));
        assert_eq!([energy(-1_500), price(312_500), price(1_000_000)], ["-1.5", "0.3125", "1"]);
    }

    #[test]
    fn a_stop_reason_of_the_operators_own_is_told_by_its_code() {
        assert_eq!([stop_reason(3), stop_reason(99)], ["充电设备故障（3）", "运营商自定义（99）"]);
    }
}
