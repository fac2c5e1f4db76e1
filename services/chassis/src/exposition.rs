//! Metrics as the admin port shows them, read back into those of OTLP: the same names, labels and numbers on both ways out.
//!
//! Owns: what of the text becomes what of OTLP. Not: sending (`push`), nor what is counted.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
        metric::Data, number_data_point::Value,
    },
};

/// Labels of one series, in the order shown.
type Labels = Vec<(String, String)>;

/// When counting began, and now: nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// When every counter stood at 0.
    pub(crate) since: u64,
    /// When the text was made.
    pub(crate) until: u64,
}

/// One line: a name, its labels, its value as it is written.
struct Sample<'t> {
    name: &'t str,
    labels: Labels,
    value: &'t str,
}

/// A histogram's lines put together.
#[derive(Default)]
struct Buckets {
    /// Upper bounds with the count of all below; the last without a bound.
    below: Vec<(f64, u64)>,
    sum: f64,
    count: u64,
}

/// Every counter, gauge and histogram of the text. Summaries are left out: no recorder of ours makes them.
pub(crate) fn read(text: &str, span: Span) -> Vec<Metric> {
    // Each family begins with its type.
    text.split("# TYPE ").skip(1).filter_map(|family| metric(family, span)).collect()
}

fn metric(family: &str, span: Span) -> Option<Metric> {
    let mut lines = family.lines();
    let (name, kind) = lines.next()?.split_once(' ')?;
    let samples = lines.filter(|line| !line.starts_with('#')).filter_map(sample);
    let temporality = i32::from(AggregationTemporality::Cumulative);
    let data = match kind {
        "counter" => Data::Sum(Sum {
            data_points: samples.filter_map(|sample| point(sample, span)).collect(),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        "gauge" => {
            Data::Gauge(Gauge { data_points: samples.filter_map(|sample| point(sample, span)).collect() })
        }
        "histogram" => Data::Histogram(Histogram {
            data_points: histogram(samples, span),
            aggregation_temporality: temporality,
        }),
        _ => return None,
    };
    Some(Metric { name: name.to_owned(), data: Some(data), ..Metric::default() })
}

/// `name{label="value",…} 1` or `name 1`.
fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Labels::new(), rest),
    };
    Some(Sample { name, labels, value: rest.trim() })
}

/// Labels up to the closing brace, and what follows it.
fn labels(text: &str) -> Option<(Labels, &str)> {
    let (mut labels, mut rest) = (Labels::new(), text);
    loop {
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, behind) = rest.split_once("=\"")?;
        let (value, behind) = unquoted(behind)?;
        labels.push((name.to_owned(), value));
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
}

/// A value up to its closing quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()? {
                (_, 'n') => value.push('\n'),
                (_, escaped) => value.push(escaped),
            },
            plain => value.push(plain),
        }
    }
    None
}

fn point(sample: Sample<'_>, span: Span) -> Option<NumberDataPoint> {
    let whole = sample.value.parse().map(Value::AsInt);
    let value = whole.or_else(|_| sample.value.parse().map(Value::AsDouble)).ok()?;
    Some(NumberDataPoint {
        attributes: attributes(sample.labels),
        start_time_unix_nano: span.since,
        time_unix_nano: span.until,
        value: Some(value),
        ..NumberDataPoint::default()
    })
}

fn histogram<'t>(samples: impl Iterator<Item = Sample<'t>>, span: Span) -> Vec<HistogramDataPoint> {
    let mut series: BTreeMap<Labels, Buckets> = BTreeMap::new();
    for mut sample in samples {
        let bound = sample.labels.iter().position(|(name, _)| name == "le");
        let bound = bound.map(|at| sample.labels.remove(at).1);
        let buckets = series.entry(sample.labels).or_default();
        match bound {
            Some(bound) => {
                let pair = bound.parse().ok().zip(sample.value.parse().ok());
                buckets.below.extend(pair);
            }
            None if sample.name.ends_with("_sum") => buckets.sum = sample.value.parse().unwrap_or_default(),
            None => buckets.count = sample.value.parse().unwrap_or_default(),
        }
    }
    series.into_iter().map(|(labels, buckets)| buckets.point(labels, span)).collect()
}

impl Buckets {
    fn point(self, labels: Labels, span: Span) -> HistogramDataPoint {
        let mut before = 0;
        // The text counts everything below a bound, OTLP what is between two.
        let between = |(_, below): &(f64, u64)| below - std::mem::replace(&mut before, *below).min(*below);
        let bucket_counts = self.below.iter().map(between).collect();
        HistogramDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: span.since,
            time_unix_nano: span.until,
            count: self.count,
            sum: Some(self.sum),
            bucket_counts,
            explicit_bounds: self
                .below
                .iter()
                .map(|(bound, _)| *bound)
                .filter(|bound| bound.is_finite())
                .collect(),
            ..HistogramDataPoint::default()
        }
    }
}

fn attributes(labels: Labels) -> Vec<KeyValue> {
    labels.into_iter().map(|(name, value)| attribute(&name, value)).collect()
}

/// A text under a key.
pub(crate) fn attribute(key: &str, value: String) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value)) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { since: 1, until: 2 };

    #[test]
    fn labels_are_read_as_they_were_before_they_were_escaped() {
        let line = r#"calls_total{method="/a,b}",why="\"no\"\\\n"} 12"#;
        let sample = sample(line).expect("a sample");
        let labels = [("method", "/a,b}"), ("why", "\"no\"\\\n")];
        assert_eq!(sample.labels, labels.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((sample.name, sample.value), ("calls_total", "12"));
    }

    #[test]
    fn every_kind_becomes_its_own_and_buckets_count_what_is_between() {
        let text = "# HELP a_total what\n# TYPE a_total counter\na_total 7\n\n# TYPE b gauge\nb{x=\"1\"} 0.5\n\n\
                    # TYPE c histogram\nc_bucket{x=\"1\",le=\"0.1\"} 2\nc_bucket{x=\"1\",le=\"1\"} 5\n\
                    c_bucket{x=\"1\",le=\"+Inf\"} 6\nc_sum{x=\"1\"} 3.5\nc_count{x=\"1\"} 6\n\n\
                    # TYPE d summary\nd{quantile=\"0.5\"} 1\n";
        let read = read(text, SPAN);
        let names: Vec<&str> = read.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["a_total", "b", "c"]);
        let Some(Data::Sum(sum)) = &read[0].data else { panic!("a counter") };
        assert_eq!((sum.is_monotonic, sum.data_points[0].value), (true, Some(Value::AsInt(7))));
        assert_eq!((sum.data_points[0].start_time_unix_nano, sum.data_points[0].time_unix_nano), (1, 2));
        let Some(Data::Gauge(gauge)) = &read[1].data else { panic!("a gauge") };
        assert_eq!(gauge.data_points[0].value, Some(Value::AsDouble(0.5)));
        let Some(Data::Histogram(histogram)) = &read[2].data else { panic!("a histogram") };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.sum), (6, Some(3.5)));
        assert_eq!((&point.bucket_counts[..], &point.explicit_bounds[..]), (&[2, 3, 1][..], &[0.1, 1.0][..]));
        assert_eq!(point.attributes, [attribute("x", "1".to_owned())]);
    }
}
