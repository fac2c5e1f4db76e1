//! What became of an operator's data day by day, as pages print it.

use proto::stations::{QualityCount, QualityDay};

use crate::format;

/// Kinds of data in the order of the page: id and words.
const KINDS: [(&str, &str); 3] = [("status", "接口状态"), ("order", "充电订单"), ("telemetry", "充电过程")];

/// One kind of data on one day, or the connectors of the day.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The day; empty where the row above is of the same.
    pub day: String,
    /// Of what.
    pub kind: &'static str,
    /// Taken.
    pub accepted: i64,
    /// Share of them that came in time; — for none.
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
    let known = KINDS.iter().filter_map(|(id, words)| {
        let count = day.counts.iter().find(|count| count.kind == *id)?;
        Some(row(words, count))
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
        prompt: share(count.prompt, count.accepted),
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
            prompt: 9_996,
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
    fn a_day_without_data_says_so() {
        let day = QualityDay { day: "2026-11-25".into(), looks: 1, connectors: 4, ..QualityDay::default() };
        let rows = rows(&[day]);
        assert_eq!((rows[0].kind, rows[0].online.as_str()), ("未上报数据", "0.0%（4 个接口）"));
    }
}
