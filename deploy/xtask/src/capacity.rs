//! What a province and the nation need, computed from the lines that `bench --json` prints.
//!
//! Owns: the loads, the assumptions and the arithmetic. Not: any measurement (`bench`), nor how it is said (`page`).
//! Source: performance, "Scale to keep in mind"; what that does not say is an assumption, and the page says it in words.
pub mod page;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// Planned with a third of what was measured: other work on the machine, a lost node, growth within the year.
pub const HEADROOM: f64 = 3.0;
/// Provincial divisions of the mainland; each runs a platform of its own.
pub const PROVINCES: f64 = 31.0;
/// Cores that one pod may use: `limits.cpu` of deploy/k8s.
pub const POD_CORES: f64 = 2.0;
/// Fewer are not run: one may be replaced or lost.
pub const PODS_MIN: f64 = 2.0;
/// Connectors of a province.
pub const CONNECTORS: f64 = 500_000.0;
/// Orders of a province a day.
pub const ORDERS_DAY: f64 = 2_000_000.0;
/// Applications of a province a year.
pub const APPLICATIONS_YEAR: f64 = 1_000_000.0;
/// Applications of the largest launch.
pub const LAUNCH_MEMBERS: f64 = 20_000.0;
/// Orders a second in a usual peak.
const ORDERS_PEAK: f64 = 70.0;
/// Changes of a connector's status with each order: taken, charging, finished, free. An assumption.
pub const CHANGES_OF_ORDER: f64 = 4.0;
/// Samples a second, as the mean of a day.
pub const SAMPLES_MEAN: f64 = 4_000.0;
/// Decisions on one application, from its submission to the spot check. An assumption.
pub const DECISIONS_OF_APPLICATION: f64 = 8.0;
const DAY_SECS: f64 = 86_400.0;
const DAYS_OF_YEAR: f64 = 365.0;
/// A working day of eight hours.
const WORKING_SECS: f64 = 28_800.0;

/// One line of a benchmark, as far as it is needed here.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    metric: String,
    median: f64,
    wal_bytes_per_unit: Option<f64>,
    cores: Option<usize>,
    #[serde(default)]
    quick: bool,
}

/// The figures of one machine.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its processors; callers, services, PostgreSQL and broker share them.
    pub cores: usize,
    lines: BTreeMap<String, Line>,
}

impl Measured {
    /// Reads the lines of one or more runs; of two lines of a metric the later one counts.
    ///
    /// Errors: a text has no line of a benchmark, or one of a short run; it is not told on how many processors, or on different
    /// ones.
    pub fn read(texts: &[String], cores: Option<usize>) -> Result<Self> {
        let mut lines = BTreeMap::new();
        for (nth, text) in texts.iter().enumerate() {
            let own: Vec<&str> = text.lines().filter(|text| text.starts_with('{')).collect();
            // A table for people in the place of the lines would be a load that is left out without a word.
            ensure!(!own.is_empty(), "there is no line of `bench --json` in file {}", nth + 1);
            for text in own {
                let line: Line = serde_json::from_str(text)
                    .with_context(|| format!("this is no line of `bench --json`: {text}"))?;
                ensure!(!line.quick, "{} is of a short run; measure without --quick", line.metric);
                lines.insert(line.metric.clone(), line);
            }
        }
        let said: BTreeSet<usize> = lines.values().filter_map(|line| line.cores).chain(cores).collect();
        ensure!(
            said.len() == 1,
            "measured with {said:?} processors: give the lines of one machine, and --cores where they do not say"
        );
        let cores = said.first().copied().unwrap_or(1);
        Ok(Self { cores, lines })
    }

    fn median(&self, metric: &str) -> Option<f64> {
        self.lines.get(metric).map(|line| line.median).filter(|median| *median > 0.0)
    }

    fn wal(&self, metric: &str) -> Option<f64> {
        self.lines.get(metric)?.wal_bytes_per_unit
    }
}

/// What comes in, and how often when it is worst.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What comes.
    pub name: &'static str,
    /// Metrics of its rate; of several the lowest counts.
    pub rates: &'static [&'static str],
    /// Metric of the time, µs, that its service's process spends on one.
    pub processor: Option<&'static str>,
    /// The service that takes it.
    pub service: &'static str,
    /// A second, of one province.
    pub need: f64,
    /// Why so many.
    pub why: &'static str,
}

/// Every load that is measured.
pub const LOADS: [Load; 7] = [
    Load {
        name: "decisions",
        rates: &["reviews.decision.c64"],
        processor: Some("reviews.decision.processor"),
        service: "reviews",
        need: APPLICATIONS_YEAR * DECISIONS_OF_APPLICATION / 10.0 / WORKING_SECS,
        why: "1 M applications a year with 8 decisions each (assumed), a tenth of them on the last day of a round, in 8 hours",
    },
    Load {
        name: "orders",
        rates: &["stations.orders.b1000.c8"],
        processor: Some("stations.orders.processor"),
        service: "stations",
        need: 830.0,
        why: "one large operator catches up; the usual peak of 2 M orders a day is 70/s",
    },
    Load {
        name: "unchanged statuses",
        rates: &["stations.status.seen"],
        processor: Some("stations.status.seen.processor"),
        service: "stations",
        need: CONNECTORS / 60.0,
        why: "500 k connectors, each in a snapshot every minute",
    },
    Load {
        name: "changed statuses",
        rates: &["stations.status.changed"],
        processor: Some("stations.status.changed.processor"),
        service: "stations",
        need: ORDERS_PEAK * CHANGES_OF_ORDER,
        why: "4 changes with each order (assumed), 70 orders/s",
    },
    Load {
        name: "telemetry samples",
        rates: &["stations.telemetry"],
        processor: Some("stations.telemetry.processor"),
        service: "stations",
        need: 17_000.0,
        why: "the most that was reckoned with; the mean of a day is 4 k/s",
    },
    Load {
        name: "pages",
        rates: &[
            "portal.workbench.many.c32",
            "portal.list.many.c32",
            "portal.province.many.c32",
            "portal.detail.many.c32",
        ],
        processor: None,
        service: "portal",
        need: 250.0,
        why: "5,000 people at work at once (assumed), each opens a page every 20 s; the slowest page counts",
    },
    Load {
        name: "statuses by T/CEC 102",
        rates: &["interconnect.push.c32"],
        processor: Some("interconnect.push.processor"),
        service: "interconnect",
        need: ORDERS_PEAK * CHANGES_OF_ORDER,
        why: "every change comes by HTTP, as a message of its own (assumed)",
    },
];

/// What one load needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// A second on the whole measured machine.
    pub rate: f64,
    /// A second and core.
    pub of_core: f64,
    /// Cores of the service's pods, head-room included.
    pub service: f64,
    /// Cores of PostgreSQL, broker and callers together, head-room included; none where they were not told apart, and are in the
    /// service's.
    pub rest: Option<f64>,
}

impl Load {
    /// Its metrics that were not measured.
    pub fn unmeasured(&self, measured: &Measured) -> Vec<&'static str> {
        let metrics = self.rates.iter().copied().chain(self.processor);
        metrics.filter(|metric| measured.median(metric).is_none()).collect()
    }

    /// What one province needs; none where it was not measured.
    pub fn planned(&self, measured: &Measured) -> Option<Planned> {
        let rates = self.rates.iter().filter_map(|metric| measured.median(metric));
        let rate = rates.min_by(f64::total_cmp)?;
        let of_core = rate / measured.cores as f64;
        let whole = 1.0 / of_core;
        // Where the process was not looked at, all counts as the service's: too many pods rather than too few.
        let own = self.processor.and_then(|metric| measured.median(metric)).map(|micros| micros / 1e6);
        let service = own.map_or(whole, |own| own.min(whole));
        let cores = |each: f64| self.need * HEADROOM * each;
        let rest = own.map(|_| cores(whole - service));
        Some(Planned { rate, of_core, service: cores(service), rest })
    }
}

/// What a service needs for all its loads, of one province.
#[derive(Clone, Debug, PartialEq)]
pub struct Needed {
    /// Its name.
    pub service: &'static str,
    /// Cores of its pods; none where none of its loads was measured.
    pub cores: Option<f64>,
    /// Its pods; the same.
    pub pods: Option<f64>,
    /// Cores of the rest for its loads, of its PostgreSQL first of all; none where no load was told apart.
    pub rest: Option<f64>,
    /// Its loads that were not measured: the figures are without them.
    pub without: Vec<&'static str>,
}

/// What each service needs that takes a load, also one of which nothing was measured.
pub fn needed(measured: &Measured) -> Vec<Needed> {
    let services: BTreeSet<&'static str> = LOADS.iter().map(|load| load.service).collect();
    let of = |service: &'static str| {
        let loads: Vec<&Load> = LOADS.iter().filter(|load| load.service == service).collect();
        let planned: Vec<Planned> = loads.iter().filter_map(|load| load.planned(measured)).collect();
        let cores = sum(planned.iter().map(|one| Some(one.service)));
        Needed {
            service,
            cores,
            pods: cores.map(|cores| (cores / POD_CORES).ceil().max(PODS_MIN)),
            rest: sum(planned.iter().map(|one| one.rest)),
            without: loads
                .iter()
                .filter(|load| load.planned(measured).is_none())
                .map(|load| load.name)
                .collect(),
        }
    };
    services.into_iter().map(of).collect()
}

/// The sum of what is known; none where nothing is: that is not zero.
pub fn sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().reduce(|sum, one| sum + one)
}

/// What is written down, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// What it is.
    pub name: &'static str,
    /// Metric of the bytes that one takes on the disk, indexes included.
    pub bytes: &'static str,
    /// Metric whose line has its WAL bytes.
    pub wal: &'static str,
    /// A day, of one province.
    pub daily: f64,
    /// Days until it is dropped; none: for good. Source: services/stations/settings.toml.
    pub days: Option<f64>,
}

/// Everything that grows with the loads. Files of applications are in the object storage and are not measured.
pub const KEPT: [Kept; 4] = [
    Kept {
        name: "decisions",
        bytes: "reviews.decision.bytes",
        wal: "reviews.decision.c64",
        daily: APPLICATIONS_YEAR * DECISIONS_OF_APPLICATION / DAYS_OF_YEAR,
        days: None,
    },
    Kept {
        name: "orders",
        bytes: "stations.orders.bytes",
        wal: "stations.orders.b1000.c8",
        daily: ORDERS_DAY,
        days: None,
    },
    Kept {
        name: "status history",
        bytes: "stations.status.bytes",
        wal: "stations.status.changed",
        daily: ORDERS_DAY * CHANGES_OF_ORDER,
        days: Some(35.0),
    },
    Kept {
        name: "telemetry samples",
        bytes: "stations.telemetry.bytes",
        wal: "stations.telemetry",
        daily: SAMPLES_MEAN * DAY_SECS,
        days: Some(10.0),
    },
];

/// Bytes of one kind of row in one province.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// Of one.
    pub each: f64,
    /// More every day.
    pub day: f64,
    /// Held after a year, or when as much is dropped as comes.
    pub year: f64,
    /// WAL a day; none where the line does not say.
    pub wal: Option<f64>,
}

impl Kept {
    /// What one province stores; none where it was not measured.
    pub fn stored(&self, measured: &Measured) -> Option<Stored> {
        let each = measured.median(self.bytes)?;
        let day = each * self.daily;
        let year = day * self.days.unwrap_or(DAYS_OF_YEAR);
        Some(Stored { each, day, year, wal: measured.wal(self.wal).map(|wal| wal * self.daily) })
    }
}

/// Seconds of the largest launch; none where it was not measured.
pub fn launch_secs(measured: &Measured) -> Option<f64> {
    Some(LAUNCH_MEMBERS / measured.median("reviews.launch")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"
{"metric":"reviews.decision.c64","unit":"1/s","median":2000.0,"min":1.0,"max":1.0,"rounds":5,"better":"higher","wal_bytes_per_unit":5000.0,"cores":2,"quick":false}
{"metric":"reviews.decision.processor","unit":"µs","median":300.0,"min":1.0,"max":1.0,"rounds":5,"better":"lower","cores":2,"quick":false}
{"metric":"stations.orders.b1000.c8","unit":"rows/s","median":100000.0,"min":1.0,"max":1.0,"rounds":3,"better":"higher","wal_bytes_per_unit":400.0,"cores":2,"quick":false}
{"metric":"stations.orders.bytes","unit":"B","median":300.0,"min":1.0,"max":1.0,"rounds":1,"better":"lower","cores":2,"quick":false}
{"metric":"portal.list.many.c32","unit":"pages/s","median":900.0,"min":1.0,"max":1.0,"rounds":5,"better":"higher","cores":2,"quick":false}
{"metric":"portal.detail.many.c32","unit":"pages/s","median":300.0,"min":1.0,"max":1.0,"rounds":5,"better":"higher","cores":2,"quick":false}
{"metric":"reviews.launch","unit":"members/s","median":40000.0,"min":1.0,"max":1.0,"rounds":5,"better":"higher","cores":2,"quick":false}
"#;

    fn measured() -> Measured {
        Measured::read(&[format!("a table for people\n{SAMPLE}")], None).unwrap()
    }

    fn close(value: f64, expected: f64) -> bool {
        (value - expected).abs() < expected.abs() * 1e-9
    }

    #[test]
    fn cores_of_a_service_are_its_own_time_and_the_rest_is_everybody_elses() {
        let decisions = LOADS[0].planned(&measured()).unwrap();
        // 27.8 a second, three times; 300 of the 1,000 µs of a core are the service's.
        assert!(close(decisions.of_core, 1_000.0));
        assert!(close(decisions.service, 8e6 / 10.0 / 28_800.0 * 3.0 * 300e-6));
        assert!(close(decisions.rest.unwrap(), 8e6 / 10.0 / 28_800.0 * 3.0 * 700e-6));
    }

    #[test]
    fn the_slowest_page_counts_and_what_was_not_told_apart_is_the_services() {
        let pages = LOADS[5].planned(&measured()).unwrap();
        assert!(close(pages.rate, 300.0) && close(pages.service, 250.0 * 3.0 / 150.0));
        assert_eq!(pages.rest, None, "it is not nothing");
        assert_eq!(
            LOADS[5].unmeasured(&measured()),
            ["portal.workbench.many.c32", "portal.province.many.c32"]
        );
        let needed = needed(&measured());
        assert_eq!(
            needed.iter().map(|one| (one.service, one.pods)).collect::<Vec<_>>(),
            [("interconnect", None), ("portal", Some(3.0)), ("reviews", Some(2.0)), ("stations", Some(2.0))]
        );
        assert_eq!(needed[3].without, ["unchanged statuses", "changed statuses", "telemetry samples"]);
    }

    #[test]
    fn a_service_of_which_nothing_was_measured_needs_what_is_not_known_rather_than_nothing() {
        let pages = "{\"metric\":\"portal.list.many.c32\",\"median\":900.0,\"cores\":2}";
        let measured = Measured::read(&[pages.to_owned()], None).unwrap();
        let needed = needed(&measured);
        assert_eq!((needed[2].service, needed[2].cores, needed[2].pods), ("reviews", None, None));
        assert_eq!(sum([None, None].into_iter()), None);
        let page = page::of(&measured, None);
        for part in ["| reviews | – | – | – |", "| together |  | – | – |  | – |", "| storage a day | – | – |"]
        {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }

    #[test]
    fn what_arrives_by_http_needs_pods_in_front_of_those_that_take_it() {
        let line = |metric: &str, median: f64| {
            format!("{{\"metric\":\"{metric}\",\"median\":{median},\"cores\":2}}")
        };
        let lines = [line("interconnect.push.c32", 2_000.0), line("interconnect.push.processor", 200.0)];
        let measured = Measured::read(&lines, None).unwrap();
        let pushed = LOADS[6].planned(&measured).unwrap();
        assert!(close(pushed.service, 280.0 * 3.0 * 200e-6));
        assert!(close(pushed.rest.unwrap(), 280.0 * 3.0 * 800e-6));
        let needed = needed(&measured);
        assert_eq!((needed[0].service, needed[0].pods), ("interconnect", Some(2.0)));
        assert!(needed[1..].iter().all(|one| one.pods.is_none()));
    }

    #[test]
    fn storage_grows_by_day_and_stops_where_days_are_dropped() {
        let orders = KEPT[1].stored(&measured()).unwrap();
        assert!(close(orders.day, 600e6) && close(orders.year, 219e9));
        assert_eq!(orders.wal, Some(800e6));
        assert_eq!(KEPT[3].stored(&measured()), None, "what was not measured is not guessed");
    }

    #[test]
    fn short_runs_other_machines_and_foreign_lines_are_refused() {
        let read = |text: &str, cores| Measured::read(&[text.to_owned()], cores).map(|read| read.cores);
        let line = |rest: &str| format!("{{\"metric\":\"m\",\"median\":1.0{rest}}}");
        assert_eq!(read(&line(",\"cores\":4"), None).unwrap(), 4);
        assert_eq!(read(&line(""), Some(8)).unwrap(), 8);
        assert!(read(&line(""), None).is_err() && read(&line(",\"cores\":4"), Some(8)).is_err());
        assert!(read(&line(",\"cores\":4,\"quick\":true"), None).is_err());
        assert!(read("{\"other\":1}", Some(2)).is_err() && read("", Some(2)).is_err());
        let both = [line(",\"cores\":4"), "a table for people".to_owned()];
        let said = Measured::read(&both, None).unwrap_err().to_string();
        assert!(said.contains("in file 2"), "{said}");
    }

    #[test]
    fn the_page_says_figures_assumptions_and_what_is_missing() {
        let page = page::of(&measured(), Some("8 × EPYC, release 0.1.0, 2026-11-27"));
        for part in [
            "2 cores",
            "8 × EPYC, release 0.1.0, 2026-11-27",
            "| decisions | 2000/s | 1000/s |",
            "| portal |",
            "| orders | 300 B | 600 MB |",
            "0.50 s",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        for part in [
            "| pages | 250/s |",
            "| in the service's |",
            "| stations | at least ",
            "without unchanged statuses, changed statuses, telemetry samples",
            "| together |  | at least 600 MB |",
            "Not measured: ",
            "portal.province.many.c32 of pages",
            "bytes of telemetry samples",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        assert!(
            page::of(&measured(), None).contains("Which machine and which release it was, nobody has said")
        );
    }
}
