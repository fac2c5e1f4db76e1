//! What the reads of the service cost among many rows: each of its own statements, as often as it takes until its plan is kept, may
//! read only so much more than its answer is about.
use chassis::{Caller, Process, Work};
use stations::{
    domain::{day, search::Circle},
    store::{
        self, charge_days, checks, connections, evidence, orders, quality, quality_days, retention, search,
        states,
    },
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::harness::{Platform, operator};

/// Rows and index entries that may be read for one that the answer is about: an entry in each of two indexes, the row, and the row
/// of a connector's state beside it.
const FACTOR: i64 = 4;
/// Entries and rows at the edges: of a page's first and last, of tables of one row.
const EDGES: i64 = 100;
/// Pages of a range of the index over the ends of orders, and orders of one page.
const RANGE: i64 = 32 * 50;
/// Stations of a province with 500,000 connectors, as they are counted here.
const LARGE: i64 = 100_000;
const MIDDLE: (i64, i64) = (113_668_756, 34_798_101);
const COUNTY: &str = "410301";
const CITY: &str = "410300";

/// $1 stations of five connectors each. Fifty operators; a province's counties; four orders, changes of status and days with reports
/// of each connector. Orders are held in the order of their arrival, one in a hundred days late.
const FILL: [&str; 9] = [
    "INSERT INTO stations (station_id, operator_id, code, name, address, county, prefecture, longitude_e6, latitude_e6,
         total_power_watts, connector_count, station_type, station_status, construction, park_nums, manager, manager_phone,
         service_phone, active, version, event_version, connection, connected_since, created_at, updated_at)
     SELECT gen_random_uuid(), ('01900000-0000-7000-8000-' || lpad(to_hex(1 + number % 50), 12, '0'))::uuid, 'Q' || number, '场站',
         '示例路', (410101 + number % 18 * 100 + number / 18 % 9)::text, (410100 + number % 18 * 100)::text,
         113668756 + number * 7919 % 1000003 - 500000, 34798101 + number * 104729 % 800011 - 400000,
         120000, 5, 1, 50, 0, 0, '站长', '', '', true, 1, 1, 'connected', current_date, now() - interval '1 day', now() - interval '1 day'
     FROM generate_series(1, $1::bigint) AS number",
    "INSERT INTO equipment (station_id, operator_id, code, position, equipment_type, power_watts, name, model, manufacturer)
     SELECT station_id, operator_id, code, 1, 1, 120000, '', '', '' FROM stations WHERE $1 > 0",
    "INSERT INTO connectors (station_id, operator_id, equipment_code, code, position, connector_type, power_watts, name,
         voltage_upper, voltage_lower, current, national_standard, park_no)
     SELECT station_id, operator_id, code, code || '-' || place, place, 4, 120000, '', 750, 200, 250, 2, ''
     FROM stations, generate_series(1, 5) AS place WHERE $1 > 0",
    "INSERT INTO connector_state (connector_key, status, changed_at, seen_at)
     SELECT connector_key, CASE WHEN connector_key % 3 = 0 THEN 1 ELSE 3 END, now(), now() FROM connectors WHERE $1 > 0",
    "INSERT INTO charge_orders (operator_id, order_no, connector_key, start_at, end_at, energy_wh, electricity_fen, service_fen,
         total_fen, stop_reason, source_time, content_hash, received_at, county, prefecture)
     SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(1 + number % 50), 12, '0'))::uuid, lpad(number::text, 24, '0'),
         1 + number % ($1 * 5), end_at - interval '1 hour', end_at, 60000, 4700, 100, 4800, 0, at,
         '\\x00000000000000000000000000000000', at, 410105, 410100
     FROM generate_series(1, $1 * 20) AS number,
         LATERAL (SELECT now() - interval '30 days' + number * interval '30 days' / ($1 * 20) AS at) AS moment,
         LATERAL (SELECT at - CASE WHEN number % 100 = 1 THEN interval '3 days' ELSE interval '5 minutes' END AS end_at) AS late",
    "INSERT INTO status_history (connector_key, source_time, status, late, received_at)
     SELECT 1 + number % ($1 * 5), now() - interval '3 days' + number * interval '3 days' / ($1 * 20), 1 + number % 3, false, now()
     FROM generate_series(1, $1 * 20) AS number",
    "INSERT INTO connector_days (connector_key, day, first_seen_at, last_seen_at, reports)
     SELECT connector_key, current_date - days, now(), now(), 288 FROM connectors, generate_series(1, 4) AS days WHERE $1 > 0",
    "INSERT INTO quality_items (operator_id, kind, connector_code, order_no, reason, field, content, batch_id, fingerprint, first_at,
         last_at, times)
     SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(1 + number % 50), 12, '0'))::uuid, 'order', 'x', 'y', 'r', 'f', '{}', 'b',
         decode(md5(number::text), 'hex'), at, at, 1
     FROM generate_series(1, $1 * 5) AS number, LATERAL (SELECT now() - number % 300 * interval '1 day' AS at) AS moment",
    "WITH place AS (
         SELECT DISTINCT day::date AS day, operator_id, county::integer AS county, prefecture::integer AS prefecture
         FROM generate_series(current_date - 119, current_date, interval '1 day') AS day,
             (SELECT * FROM stations WHERE $1 > 0 ORDER BY code LIMIT 500) AS sampled),
     online AS (INSERT INTO online_days (operator_id, day, county, prefecture, looks, connectors, online)
         SELECT operator_id, day, county, prefecture, 24, 240, 200 FROM place),
     quality AS (INSERT INTO quality_days (operator_id, day, kind, accepted, duplicate, late, rejected, corrected, prompt)
         SELECT DISTINCT operator_id, day, 'order', 1, 1, 1, 1, 1, 1 FROM place)
     INSERT INTO charge_days SELECT day, operator_id, county, prefecture, shard, 10, 600000, 47000, 1000, 48000, 36000
     FROM place, generate_series(0, 1) AS shard",
];

/// Rows and index entries of all tables that this transaction has read.
const READ: &str = "SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::bigint FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')";

/// One kind of read: its name, how many rows its answer is about, and the read itself, which a function cannot repeat.
macro_rules! reads {
    ($work:ident, $name:expr, $about:expr, $read:expr) => {{
        let about: i64 = $about;
        // A plan is kept after five times, and judged: before, among few rows, a whole table may be the cheaper way.
        for turn in 0..8 {
            let before: i64 = sqlx::query_scalar(READ).fetch_one($work.db()).await.expect("read");
            $read.await.expect($name);
            let after: i64 = sqlx::query_scalar(READ).fetch_one($work.db()).await.expect("read");
            let (read, most) = (after - before, FACTOR * about + EDGES);
            if turn == 7 {
                println!("{}: {read} read for {about}", $name);
                assert!(read <= most, "{}: {read} read for {about}, at most {most}", $name);
            }
        }
    }};
}

/// How many rows an answer is about.
async fn about(work: &mut Work, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(work.db()).await.expect("counted")
}

async fn begun(process: &Process) -> Work {
    let mut work = process.units.begin(Caller::system("plans")).await.expect("begun");
    // What others read for this process would not be counted here.
    let alone = "SET LOCAL max_parallel_workers_per_gather = 0";
    sqlx::query(alone).execute(work.db()).await.expect("set");
    work
}

async fn few_rows_are_read_for_each_answer_among(stations: i64) {
    let platform = Platform::start().await;
    for statement in FILL {
        sqlx::query(statement).bind(stations).execute(&platform.pool).await.expect("filled");
    }
    // As autovacuum leaves tables after so many insertions.
    sqlx::query("VACUUM (ANALYZE)").execute(&platform.pool).await.expect("vacuumed");
    let process = platform.process().await;
    places(&mut begun(&process).await).await;
    sums(&mut begun(&process).await).await;
    days(&mut begun(&process).await).await;
    if stations >= LARGE {
        forgotten(&mut begun(&process).await).await;
    }
    registry(&mut begun(&process).await, stations).await;
    history(&mut begun(&process).await).await;
    checked(&mut begun(&process).await).await;
    process.pool.close().await;
    platform.stop().await;
}

#[tokio::test]
async fn few_rows_are_read_for_each_answer_among_fifty_thousand_connectors() {
    few_rows_are_read_for_each_answer_among(10_000).await;
}

#[tokio::test]
#[ignore = "fills a province; `cargo xtask test --long` runs it"]
async fn few_rows_are_read_for_each_answer_among_five_hundred_thousand_connectors() {
    few_rows_are_read_for_each_answer_among(LARGE).await;
}

fn filter() -> search::Filter {
    search::Filter {
        operator_id: None,
        scope: None,
        division: String::new(),
        available_since: None,
        silent_since: None,
        power_watts_min: 0,
    }
}

/// A page is 50 stations, each looked at with its five connectors and their states.
const PAGE: i64 = 50 * (5 + 5);

async fn places(work: &mut Work) {
    let circle = Circle { longitude_e6: MIDDLE.0, latitude_e6: MIDDLE.1, radius_metres: 10_000 };
    let [west, south, east, north] = circle.corners();
    let boxed: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM stations WHERE longitude_e6 BETWEEN $1 AND $2 AND latitude_e6 BETWEEN $3 AND $4",
    )
    .bind(west)
    .bind(east)
    .bind(south)
    .bind(north)
    .fetch_one(work.db())
    .await
    .expect("counted");
    let free = search::Filter { available_since: Some(work.now() - Duration::HOUR), ..filter() };
    let scoped = search::Filter { scope: Some(vec![CITY.to_owned()]), ..filter() };
    let own = search::Filter { operator_id: Some(operator(1)), ..filter() };
    for (name, filter) in
        [("near", filter()), ("near, available", free), ("near, of a city", scoped), ("near, own", own)]
    {
        reads!(work, name, boxed + PAGE, search::near(work.db(), &circle, &filter, None, 50));
    }
    let county = search::Filter { division: COUNTY.to_owned(), ..filter() };
    let here = about(work, "SELECT count(*) FROM stations WHERE county = '410301'").await;
    reads!(work, "within a county", here + PAGE, search::within(work.db(), &county, None, 50));
    let nowhere = search::Filter { division: "499999".to_owned(), ..filter() };
    reads!(work, "within nothing", 0, search::within(work.db(), &nowhere, None, 50));
    let found = search::near(work.db(), &circle, &filter(), None, 50).await.expect("found");
    let ids: Vec<Uuid> = found.iter().map(|place| place.station_id).collect();
    reads!(work, "connectors of a page", PAGE, search::connectors(work.db(), &ids, &filter()));
}

/// Of 92 days: all by county and operator, then one operator's, one county's, one city's.
async fn sums(work: &mut Work) {
    let last = day::of(work.now());
    let days = Some((last - Duration::days(91), last));
    let by = |by: [bool; 4]| charge_days::Filter { days, by, ..charge_days::Filter::default() };
    let daily = by([true, false, false, false]);
    let kept = "SELECT count(*) FROM (SELECT day, operator_id, county, prefecture FROM charge_days UNION ALL
                    SELECT day, operator_id, county, prefecture FROM online_days) AS kept
                WHERE day BETWEEN (now() AT TIME ZONE 'Asia/Shanghai')::date - 91 AND (now() AT TIME ZONE 'Asia/Shanghai')::date";
    let all = by([false, false, true, true]);
    let own = charge_days::Filter { operator_id: Some(operator(1)), ..daily.clone() };
    let county = charge_days::Filter { scope: Some(vec![410_301]), ..daily.clone() };
    let city = charge_days::Filter { division: Some(410_300), ..daily };
    for (name, filter, condition) in [
        ("sums", all, ""),
        ("sums, own", own, " AND operator_id = '01900000-0000-7000-8000-000000000001'"),
        ("sums of a county", county, " AND county = 410301"),
        ("sums of a city", city, " AND prefecture = 410300"),
    ] {
        let counted = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{kept}{condition}")));
        let rows: i64 = counted.fetch_one(work.db()).await.expect("counted");
        reads!(work, name, rows, charge_days::list(work.db(), &filter, 5_001));
    }
}

async fn days(work: &mut Work) {
    let last = day::of(work.now());
    let (own, days) = (operator(1), (last - Duration::days(91), last));
    reads!(work, "quality by day", 92, quality_days::list(work.db(), own, days));
    let looks = about(
        work,
        "SELECT count(*) FROM online_days WHERE operator_id = '01900000-0000-7000-8000-000000000001'",
    )
    .await;
    reads!(work, "online by day", looks, quality_days::online(work.db(), own, days));
    reads!(work, "quality items", 50, quality::list(work.db(), own, "", None, 50));
}

async fn forgotten(work: &mut Work) {
    // What the turns before have removed is in the index until the transaction ends.
    reads!(work, "forgotten items", 8 * 1_000, retention::forget_quality(work.db(), 180));
}

async fn registry(work: &mut Work, stations: i64) {
    let own =
        store::stations::Filter { operator_id: Some(operator(1)), ..store::stations::Filter::default() };
    let scope = Some(vec![COUNTY.to_owned()]);
    let county = store::stations::Filter { scope, ..store::stations::Filter::default() };
    let owned = about(
        work,
        "SELECT count(*) FROM stations WHERE operator_id = '01900000-0000-7000-8000-000000000001'",
    )
    .await;
    let here = about(work, "SELECT count(*) FROM stations WHERE county = '410301'").await;
    reads!(work, "stations, own", owned, store::stations::list(work.db(), &own, None, 50));
    // Or all stations in their order, until the page is full.
    let walked = here.max(50 * stations / here);
    reads!(work, "stations of a county", walked, store::stations::list(work.db(), &county, None, 50));
    reads!(work, "counts, own", owned, store::stations::counts(work.db(), &own));
    reads!(work, "counts of a county", here, store::stations::counts(work.db(), &county));
    let station: Uuid = sqlx::query_scalar("SELECT station_id FROM stations WHERE code = 'Q77'")
        .fetch_one(work.db())
        .await
        .expect("one");
    let codes: Vec<String> = (1..=5).map(|place| format!("Q77-{place}")).collect();
    reads!(work, "states", 5 + 5, states::of_station(work.db(), station));
    reads!(work, "evidence", 5 + 5 * 4, evidence::of_connectors(work.db(), station, &codes));
    reads!(work, "facts", 0, connections::list(work.db(), station, None, 50));
    reads!(work, "gone lately", 0, store::connectors::gone(work, Duration::minutes(2)));
}

async fn history(work: &mut Work) {
    let changes = "SELECT connector_key, source_time FROM status_history WHERE source_time < now() - interval '1 day' LIMIT 1000";
    let changes: Vec<(i64, OffsetDateTime)> =
        sqlx::query_as(changes).fetch_all(work.db()).await.expect("read");
    let (keys, times): (Vec<i64>, Vec<OffsetDateTime>) = changes.into_iter().unzip();
    reads!(work, "changes at instants", 1_000, states::at_instants(work, &keys, &times));
    let numbers = "SELECT order_no FROM charge_orders
                   WHERE operator_id = '01900000-0000-7000-8000-000000000001' LIMIT 100";
    let numbers: Vec<String> = sqlx::query_scalar(numbers).fetch_all(work.db()).await.expect("read");
    reads!(work, "orders by number", 100, orders::totals(work.db(), operator(1), &numbers));
    reads!(work, "contents of an order", 1, orders::versions(work.db(), operator(1), &numbers[0]));
}

/// The index over ends finds what came since the beginning of the window in the partition of the operator; its key, the operator's own.
async fn checked(work: &mut Work) {
    let came = "SELECT count(*) FROM charge_orders WHERE tableoid = (SELECT tableoid FROM charge_orders
                    WHERE operator_id = '01900000-0000-7000-8000-000000000001' LIMIT 1)
                AND (received_at >= now() - interval '1 day' OR operator_id = '01900000-0000-7000-8000-000000000001')";
    let came = about(work, came).await + 2 * RANGE;
    let (own, start) = (operator(1), work.now() - Duration::DAY);
    let window = (start, start + Duration::hours(12));
    let codes = ["Q50".to_owned(), "Q100".to_owned()];
    reads!(work, "ended orders", came, checks::ended(work.db(), own, window, 5_001));
    reads!(work, "unlisted orders", came, checks::unlisted(work, own, window, &[], 5_001));
    reads!(work, "sums of a day", came, checks::sums(work, own, start, &codes));
}
