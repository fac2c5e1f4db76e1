//! What became of an operator's data day by day, as pages print it.

use proto::stations::{QualityCount, QualityDay};

use crate::format;

/// Kinds of data in the order of the page: id, words, and whether its operator's system has a time to deliver it in.
const KINDS: [(&str, &str, bool); 7] = [
    ("station", "场站资料", false),
    ("status", "接口状态", true),
    ("order", "充电订单", true),
    ("telemetry", "充电过程", true),
    ("statistics", "日电量统计", false),
    ("order_check", "订单对账", false),
    ("link", "接入请求", false),
];

/// Every kind of data with what people call it.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|(id, words, _)| (*id, *words))
}

/// What people call a kind of data.
pub fn kind(id: &str) -> &'static str {
    KINDS.iter().find(|(known, ..)| *known == id).map_or("其他数据", |(_, words, _)| words)
}

/// One kind of data on one day, or the connectors of the day.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The day; empty where the row above is of the same.
    pub day: String,
    /// Of what.
    pub kind: &'static str,
    /// Taken.
    pub accepted: i64,
    /// Share of those sent by the operator's system that came in time; — for none.
    pub prompt: String,
    /// Held already.
    pub duplicate: i64,
    /// Older than what was held.
    pub late: i64,
    /// Replaced by other content.
    pub corrected: i64,
    /// Not taken.
    pub rejected: i64,
    /// Share of the connectors that were online, at the first row of a day; — where nobody looked.
    pub online: String,
}

/// Rows of these days, in their order.
pub fn rows(days: &[QualityDay]) -> Vec<Row> {
    days.iter().flat_map(of_day).collect()
}

fn of_day(day: &QualityDay) -> Vec<Row> {
    let online = format!("{}（{} 个接口）", share(day.online, day.connectors), mean(day));
    let online = if day.connectors == 0 { format::empty() } else { online };
    let known = KINDS.iter().filter_map(|(id, words, timed)| {
        let count = day.counts.iter().find(|count| count.kind == *id)?;
        let row = row(words, count);
        Some(if *timed { row } else { Row { prompt: format::empty(), ..row } })
    });
    let mut rows: Vec<_> = known.collect();
    if rows.is_empty() {
        rows.push(Row { kind: "未上报数据", prompt: format::empty(), ..Row::default() });
    }
    if let Some(first) = rows.first_mut() {
        first.day.clone_from(&day.day);
        first.online = online;
    }
    rows
}

fn row(kind: &'static str, count: &QualityCount) -> Row {
    Row {
        day: String::new(),
        kind,
        accepted: count.accepted,
        prompt: share(count.prompt, count.accepted - count.pulled),
        duplicate: count.duplicate,
        late: count.late,
        corrected: count.corrected,
        rejected: count.rejected,
        online: String::new(),
    }
}

/// Connectors of a day, on the average of its looks.
fn mean(day: &QualityDay) -> i64 {
    day.connectors / i64::from(day.looks).max(1)
}

/// A share in percent, one digit behind the point, cut off: 99.96 % are no 100 %.
fn share(part: i64, whole: i64) -> String {
    if whole == 0 {
        return format::empty();
    }
    let permille = i128::from(part) * 1_000 / i128::from(whole);
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_prints_each_kind_that_came_and_its_online_rate_once() {
        let count = |kind: &str| QualityCount {
            kind: kind.into(),
            accepted: 10_000,
            prompt: 4_998,
            // What the platform asked for itself is no part of it.
            pulled: 5_000,
            ..QualityCount::default()
        };
        let day = QualityDay {
            day: "2026-11-25".into(),
            counts: vec![count("order"), count("status")],
            looks: 24,
            connectors: 240,
            online: 228,
        };
        let rows = rows(&[day]);
        let printed: Vec<_> = rows
            .iter()
            .map(|row| (row.day.as_str(), row.kind, row.prompt.as_str(), row.online.as_str()))
            .collect();
        assert_eq!(
            printed,
            [("2026-11-25", "接口状态", "99.9%", "95.0%（10 个接口）"), ("", "充电订单", "99.9%", "")]
        );
    }

    #[test]
    fn what_the_platform_asks_for_by_itself_has_no_time_to_come() {
        let count =
            QualityCount { kind: "statistics".into(), accepted: 9, rejected: 1, ..QualityCount::default() };
        let day = QualityDay { day: "2026-11-25".into(), counts: vec![count], ..QualityDay::default() };
        let row = &rows(&[day])[0];
        assert_eq!((row.kind, row.prompt.as_str(), row.rejected), ("日电量统计", "—", 1));
        assert_eq!((kind("order_check"), kind("a kind of tomorrow")), ("订单对账", "其他数据"));
    }

    #[test]
    fn a_day_without_data_says_so() {
        let day = QualityDay { day: "2026-11-25".into(), looks: 1, connectors: 4, ..QualityDay::default() };
        let rows = rows(&[day]);
        assert_eq!((rows[0].kind, rows[0].online.as_str()), ("未上报数据", "0.0%（4 个接口）"));
    }
}
