//! The capacity page: the figures in tables, every assumption in words.
//!
//! Owns: how it is said. Not: the arithmetic.
use std::fmt::Write as _;

use super::{
    APPLICATIONS_YEAR, CHANGES_OF_ORDER, CONNECTORS, DECISIONS_OF_APPLICATION, HEADROOM, KEPT,
    LAUNCH_MEMBERS, LOADS, Measured, ORDERS_DAY, POD_CORES, PODS_MIN, PROVINCES, SAMPLES_MEAN, Stored,
    launch_secs, needed, sum,
};

/// What is not known: never a zero.
const UNKNOWN: &str = "–";

/// The page of these figures; `of` says which machine and release they are of.
pub fn of(measured: &Measured, of: Option<&str>) -> String {
    [
        head(measured, of),
        machine(measured),
        province(measured),
        storage(measured),
        nation(measured),
        missing(measured),
    ]
    .concat()
}

fn head(measured: &Measured, of: Option<&str>) -> String {
    let of = of.map_or_else(
        || "Which machine and which release it was, nobody has said (`--of`).".to_owned(),
        |said| format!("Measured on: {said}."),
    );
    format!(
        "# Capacity: one machine, a province, the nation

Written by `cargo xtask capacity FILES` from what `cargo xtask bench review|ingest|portal --json` printed; measure and write it again rather than
edit it. {of} The machine had {} cores; the callers, every service, PostgreSQL and NATS shared them, everything was switched on, and every
commit was on the disk. Absolute figures of such a machine move by a factor within minutes, so they are for planning, not for judging; what is judged are
the ratios of the benchmark.

How to read it: \"One machine\" is measured, all else is reckoned from it with the assumptions below. {UNKNOWN} is not known, and \"at least\" is a sum from
which something is missing that was not measured; the last section names it.

## What is assumed

- A province: {} connectors, {} orders a day, {} applications a year, {} in the largest launch.
- {CHANGES_OF_ORDER} changes of status with an order, {DECISIONS_OF_APPLICATION} decisions on an application, {} telemetry samples a second as the mean of a day. Check these three
  against the first month of a new province.
- Rates grow with cores: the measured loads share no lock and no hot row; orders and statuses of one operator go through one writer at a time.
- Head-room {HEADROOM}: a third of the measured rate is planned with. All loads come at their worst at the same time.
- Cores of a service are those that its process spent; \"the rest\" is PostgreSQL, NATS, the other services and the callers themselves together, so it
  is more than the database needs. Where the process was not looked at, all counts as the service's.
- A service may have any number of pods, its PostgreSQL is one machine: the rest of a service has to fit into one.
- A pod may use {POD_CORES} cores (deploy/k8s), and fewer than {PODS_MIN} are not run.
- The nation is {PROVINCES} platforms, one in each province, each taken to be as large as this one: nothing is shared between them, so needs add up.

",
        measured.cores,
        number(CONNECTORS),
        number(ORDERS_DAY),
        number(APPLICATIONS_YEAR),
        number(LAUNCH_MEMBERS),
        number(SAMPLES_MEAN),
    )
}

fn machine(measured: &Measured) -> String {
    let mut text = "## One machine\n\n| load | whole machine | of one core |\n|---|---|---|\n".to_owned();
    for load in &LOADS {
        let planned = load.planned(measured);
        let rate = known(planned.map(|one| one.rate), per_second);
        line(&mut text, &[load.name, &rate, &known(planned.map(|one| one.of_core), per_second)]);
    }
    let launch = match launch_secs(measured) {
        Some(secs) => format!("takes {} s at the measured rate", number(secs)),
        None => "was not measured".to_owned(),
    };
    text.push_str(&format!("\nA launch of {} applications {launch}.\n\n", number(LAUNCH_MEMBERS)));
    text
}

fn province(measured: &Measured) -> String {
    let mut text =
        "## A province\n\n| load | at worst | because | cores of the service | cores of the rest |\n|---|---|---|---|---|\n"
            .to_owned();
    for load in &LOADS {
        let planned = load.planned(measured);
        let service = known(planned.map(|one| one.service), number);
        let rest = match planned {
            Some(planned) => planned.rest.map_or("in the service's".to_owned(), number),
            None => UNKNOWN.to_owned(),
        };
        line(&mut text, &[load.name, &per_second(load.need), load.why, &service, &rest]);
    }
    text.push_str("\n| service | cores | pods | cores of the rest | |\n|---|---|---|---|---|\n");
    for one in needed(measured) {
        let whole = one.without.is_empty();
        let without = if whole { String::new() } else { format!("without {}", one.without.join(", ")) };
        let cells = [
            bounded(one.cores, whole, number),
            bounded(one.pods, whole, number),
            bounded(one.rest, whole, number),
        ];
        let [cores, pods, rest] = &cells;
        line(&mut text, &[one.service, cores, pods, rest, &without]);
    }
    text.push('\n');
    text
}

fn storage(measured: &Measured) -> String {
    let mut text = "## Storage of a province\n\nTables with their indexes, as the benchmark left them, once: standbys, backups and the archive come on top. Files of \
                    applications are in the object storage: their size is the operators', and is not measured here.\n\n\
                    | rows | each | a day | after a year | kept | WAL a day |\n|---|---|---|---|---|---|\n"
        .to_owned();
    let stored: Vec<_> = KEPT.iter().map(|kept| kept.stored(measured)).collect();
    for (kept, stored) in KEPT.iter().zip(&stored) {
        let days = kept.days.map_or("for good".to_owned(), |days| format!("{days} days"));
        let cell = |of: fn(&Stored) -> Option<f64>| known(stored.as_ref().and_then(of), bytes);
        let (each, day) = (cell(|one| Some(one.each)), cell(|one| Some(one.day)));
        let (year, wal) = (cell(|one| Some(one.year)), cell(|one| one.wal));
        line(&mut text, &[kept.name, &each, &day, &year, &days, &wal]);
    }
    let together = |of: fn(&Stored) -> Option<f64>| {
        let values: Vec<_> = stored.iter().map(|one| one.as_ref().and_then(of)).collect();
        let whole = values.iter().all(Option::is_some);
        bounded(sum(values.into_iter()), whole, bytes)
    };
    let (day, year) = (together(|one| Some(one.day)), together(|one| Some(one.year)));
    line(&mut text, &["together", "", &day, &year, "", &together(|one| one.wal)]);
    text.push_str(
        "\nThe WAL is what an archive for recovery to any instant takes before it is compressed.\n\n",
    );
    text
}

fn nation(measured: &Measured) -> String {
    let needed = needed(measured);
    let whole = needed.iter().all(|one| one.without.is_empty());
    let mut text =
        format!("## The nation: {PROVINCES} provinces\n\n| | a province | the nation |\n|---|---|---|\n");
    let mut row = |name: &str, value: Option<f64>, whole: bool, said: fn(f64) -> String| {
        let nation = bounded(value.map(|value| value * PROVINCES), whole, said);
        line(&mut text, &[name, &bounded(value, whole, said), &nation]);
    };
    row("cores of services", sum(needed.iter().map(|one| one.cores)), whole, number);
    row("cores of the rest", sum(needed.iter().map(|one| one.rest)), whole, number);
    row("pods that take the loads", sum(needed.iter().map(|one| one.pods)), whole, number);
    let stored: Vec<_> = KEPT.iter().map(|kept| kept.stored(measured)).collect();
    let whole = stored.iter().all(Option::is_some);
    row("storage a day", sum(stored.iter().map(|one| one.map(|one| one.day))), whole, bytes);
    row("storage after a year", sum(stored.iter().map(|one| one.map(|one| one.year))), whole, bytes);
    text.push('\n');
    text
}

/// What a reader must not take for nothing.
fn missing(measured: &Measured) -> String {
    let metrics = LOADS.iter().flat_map(|load| {
        load.unmeasured(measured).into_iter().map(move |metric| format!("{metric} of {}", load.name))
    });
    let rows = KEPT.iter().flat_map(|kept| match kept.stored(measured) {
        None => vec![format!("bytes of {}", kept.name)],
        Some(Stored { wal: None, .. }) => vec![format!("WAL of {}", kept.name)],
        Some(Stored { wal: Some(_), .. }) => vec![],
    });
    let launch = launch_secs(measured).is_none().then(|| "the launch".to_owned());
    let names: Vec<String> = metrics.chain(rows).chain(launch).collect();
    let mut text = "## Not in these figures\n\n".to_owned();
    if !names.is_empty() {
        text.push_str(&format!("Not measured: {}.\n\n", names.join(", ")));
    }
    text.push_str(
        "`accounts` and `notifications` take part in the loads above and are in \"the rest\". Sign-ins, uploads (`documents`), webhooks and all that T/CEC 102\n\
         carries beside statuses have no benchmark of their own. Memory, networks and the disks' syncs a second are not told: look at them on the first\n\
         machine of the place. Each service runs at least as many pods as deploy/k8s says.\n",
    );
    text
}

/// A figure in words, or that it is not known.
fn known(value: Option<f64>, said: fn(f64) -> String) -> String {
    value.map_or(UNKNOWN.to_owned(), said)
}

/// The same of a sum from which something is missing.
fn bounded(value: Option<f64>, whole: bool, said: fn(f64) -> String) -> String {
    match value {
        Some(value) if !whole => format!("at least {}", said(value)),
        Some(_) | None => known(value, said),
    }
}

fn line(text: &mut String, cells: &[&str]) {
    // Writing into a text does not fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn per_second(value: f64) -> String {
    format!("{}/s", number(value))
}

/// Not more digits than the figures deserve.
fn number(value: f64) -> String {
    if value > 0.0 && value < 0.005 {
        return "< 0.01".to_owned();
    }
    let (value, unit) = if value >= 1e6 {
        (value / 1e6, " M")
    } else if value >= 1e4 {
        (value / 1e3, " k")
    } else {
        (value, "")
    };
    if value >= 100.0 || value == value.trunc() {
        format!("{value:.0}{unit}")
    } else if value >= 10.0 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.2}{unit}")
    }
}

/// Decimal: 1 kB is 1,000 bytes.
fn bytes(value: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut value, mut unit) = (value, 0);
    while value >= 1_000.0 && unit + 1 < units.len() {
        value /= 1_000.0;
        unit += 1;
    }
    let unit = units[unit];
    if value >= 10.0 || value == value.trunc() {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}
