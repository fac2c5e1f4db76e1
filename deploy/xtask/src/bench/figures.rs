//! What is measured: values of interleaved rounds, their median and range, one JSON line and one table row a metric.
//!
//! Owns: arithmetic and form. Not: any measurement. Source: performance, "The benchmark".
use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

/// One round of one case.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// The figure itself, in the metric's unit.
    pub value: f64,
    /// How long single units took, where that was looked at.
    pub took: Vec<Duration>,
    /// WAL bytes and statements of one unit, where that was looked at.
    pub cost: Option<Cost>,
}

/// What one unit cost the database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// WAL bytes a unit.
    pub wal_bytes: f64,
    /// Statements a unit.
    pub statements: f64,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// A rate.
    Higher,
    /// A time or size.
    Lower,
}

/// One metric as it is printed. Absent fields are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    metric: &'static str,
    unit: &'static str,
    median: f64,
    min: f64,
    max: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_us: Option<u64>,
    rounds: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor_median: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
    better: Better,
    #[serde(skip_serializing_if = "Option::is_none")]
    wal_bytes_per_unit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statements_per_unit: Option<f64>,
}

/// What every line says of its run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// Processors of the machine; callers, services and servers share them.
    pub cores: usize,
    /// Short rounds on a debug build: no figures to plan with.
    pub quick: bool,
}

#[derive(Serialize)]
struct Printed<'l> {
    #[serde(flatten)]
    line: &'l Line,
    #[serde(flatten)]
    run: Run,
}

/// What a metric is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    /// The raw limit's metric.
    pub metric: &'static str,
    /// Ratio that is asked for: at least where a higher value is better, at most where a lower one is; none is only shown.
    pub target: Option<f64>,
}

/// The rounds of every case.
#[derive(Debug, Default)]
pub struct Figures {
    rounds: BTreeMap<&'static str, Vec<Round>>,
    lines: Vec<Line>,
}

impl Figures {
    /// Keeps one round of a case.
    pub fn keep(&mut self, metric: &'static str, round: Round) {
        self.rounds.entry(metric).or_default().push(round);
    }

    /// Closes a metric: its median and range, beside its anchor's. A metric without rounds is left out.
    pub fn close(
        &mut self,
        metric: &'static str,
        unit: &'static str,
        better: Better,
        anchor: Option<Anchor>,
    ) {
        let Some(rounds) = self.rounds.get(metric) else { return };
        let values: Vec<f64> = rounds.iter().map(|round| round.value).collect();
        let mut took: Vec<Duration> = rounds.iter().flat_map(|round| round.took.iter().copied()).collect();
        took.sort_unstable();
        let costs: Vec<Cost> = rounds.iter().filter_map(|round| round.cost).collect();
        let cost = |part: fn(&Cost) -> f64| median(&costs.iter().map(part).collect::<Vec<_>>()).map(rounded);
        let own = median(&values).unwrap_or_default();
        let beside = anchor.and_then(|anchor| {
            let values: Vec<f64> = self.rounds.get(anchor.metric)?.iter().map(|round| round.value).collect();
            median(&values)
        });
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.lines.push(Line {
            metric,
            unit,
            median: rounded(own),
            min: rounded(lowest),
            max: rounded(highest),
            p50_us: percentile(&took, 50),
            p99_us: percentile(&took, 99),
            rounds: values.len(),
            anchor: beside.and(anchor).map(|anchor| anchor.metric),
            anchor_median: beside.map(rounded),
            ratio: beside.filter(|beside| *beside > 0.0).map(|beside| rounded(own / beside)),
            target: beside.and(anchor).and_then(|anchor| anchor.target),
            better,
            wal_bytes_per_unit: cost(|cost| cost.wal_bytes),
            statements_per_unit: cost(|cost| cost.statements),
        });
    }

    /// Every closed metric as a JSON line.
    pub fn json(&self, run: Run) -> Vec<String> {
        self.lines.iter().filter_map(|line| serde_json::to_string(&Printed { line, run }).ok()).collect()
    }

    /// Every closed metric as a table for people.
    pub fn table(&self) -> String {
        let head = format!(
            "{:<38} {:>11} {:>23} {:>9} {:>9} {:>7} {:>8} {:>8} {:>6}  unit",
            "metric", "median", "range", "p50 µs", "p99 µs", "ratio", "target", "WAL B", "stmts"
        );
        let rows = self.lines.iter().map(|line| {
            let whole = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
            let part = |value: Option<f64>| value.map(|value| format!("{value}")).unwrap_or_default();
            let sign = if line.better == Better::Higher { "≥" } else { "≤" };
            let target = line.target.map(|target| format!("{sign} {target}")).unwrap_or_default();
            format!(
                "{:<38} {:>11} {:>23} {:>9} {:>9} {:>7} {:>8} {:>8} {:>6}  {}",
                line.metric,
                line.median,
                format!("{} – {}", line.min, line.max),
                whole(line.p50_us),
                whole(line.p99_us),
                part(line.ratio),
                target,
                part(line.wal_bytes_per_unit),
                part(line.statements_per_unit),
                line.unit
            )
        });
        std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
    }
}

/// The middle value; the mean of the middle two. None of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The n-th percentile of sorted times in microseconds (nearest rank).
pub fn percentile(sorted: &[Duration], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
    u64::try_from(sorted.get(rank)?.as_micros()).ok()
}

/// Three significant digits are more than such a machine can tell apart.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powf(2.0 - value.abs().log10().floor());
    if scale >= 1.0 { (value * scale).round() / scale } else { value.round() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_range_ratio_and_percentiles() {
        let mut figures = Figures::default();
        for value in [1000.0, 3000.0, 2000.0] {
            figures.keep("raw.x", Round { value, ..Round::default() });
            let took = (1..=100).map(Duration::from_micros).collect();
            let cost = Some(Cost { wal_bytes: 900.0, statements: 2.0 });
            figures.keep("own.x", Round { value: value / 2.0, took, cost });
        }
        figures.close("raw.x", "1/s", Better::Higher, None);
        figures.close("own.x", "1/s", Better::Higher, Some(Anchor { metric: "raw.x", target: Some(0.5) }));
        let printed = figures.json(Run { cores: 2, quick: true });
        let own: serde_json::Value = serde_json::from_str(&printed[1]).unwrap();
        assert_eq!((own["median"].as_f64(), own["ratio"].as_f64()), (Some(1000.0), Some(0.5)));
        assert_eq!((own["p50_us"].as_u64(), own["p99_us"].as_u64()), (Some(50), Some(99)));
        assert_eq!(own["wal_bytes_per_unit"].as_f64(), Some(900.0));
        assert!(figures.table().contains("≥ 0.5"));
        assert!(!printed[0].contains("ratio"));
        assert_eq!((own["cores"].as_u64(), own["quick"].as_bool()), (Some(2), Some(true)));
    }

    #[test]
    fn values_are_rounded_to_what_can_be_told_apart() {
        assert_eq!((rounded(1234.5), rounded(0.012_345), rounded(12.345)), (1235.0, 0.0123, 12.3));
        assert_eq!(median(&[]), None);
        assert_eq!(percentile(&[], 99), None);
    }
}
