//! Lists: what each filter leaves, pages without a gap, counts for the tabs, and the same answers among very many rows.

use proto::{
    common,
    reviews::{
        ApplicationView, CountApplicationsRequest, CountByPlaceRequest, ListApplicationsRequest,
        SaveAcceptanceRequest,
    },
};
use reviews::{
    domain::stage::Stage,
    store::lists::{self, Filter, Order, Page, Part, Place},
};
use uuid::Uuid;

use crate::harness::{
    ADMINISTRATOR, Answer, CITY, COUNTY, LEAD, OPERATOR, Platform, Who, answer, fresh, operator,
};

impl Platform {
    async fn list(
        &self,
        who: Who,
        request: ListApplicationsRequest,
    ) -> Answer<(Vec<ApplicationView>, String)> {
        let listed = answer(self.applications(who).list_applications(request).await)?;
        Ok((listed.applications, listed.next_page_token))
    }

    /// Ids of all pages of this size.
    async fn pages(&self, who: Who, request: &ListApplicationsRequest, page_size: i32) -> Vec<String> {
        let (mut ids, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = Some(common::Page { page_size, page_token });
            let request = ListApplicationsRequest { page, ..request.clone() };
            let (rows, next) = self.list(who, request).await.expect("listed");
            ids.extend(rows.into_iter().map(|row| row.application_id));
            if next.is_empty() {
                return ids;
            }
            page_token = next;
        }
    }

    /// Nodes with their counts, and all together.
    async fn counted(&self, who: Who, filter: ListApplicationsRequest) -> (Vec<(String, i32)>, i32) {
        let request = CountApplicationsRequest { filter: Some(filter) };
        let counted = answer(self.applications(who).count_applications(request).await).expect("counted");
        (counted.counts.into_iter().map(|one| (one.stage, one.count)).collect(), counted.total)
    }

    /// Round, city, county and how many, in ascending order.
    async fn places(&self, who: Who, stage: &str, by: &str) -> Answer<Vec<(String, String, String, i32)>> {
        let request = CountByPlaceRequest { stage: stage.into(), by: by.into() };
        let counted = answer(self.applications(who).count_by_place(request).await)?.counts;
        let rows = counted.into_iter().map(|one| (one.round_id, one.prefecture, one.county, one.count));
        let mut rows: Vec<_> = rows.collect();
        rows.sort();
        Ok(rows)
    }

    /// A draft whose station is called like this.
    async fn called(&self, round: &str, station: u128, name: &str) -> ApplicationView {
        let draft = self.create(OPERATOR, round, station).await.expect("drafted");
        let request = SaveAcceptanceRequest {
            request_id: fresh(),
            application_id: draft.application_id,
            edit_version: 1,
            station_name: Some(name.into()),
            ..SaveAcceptanceRequest::default()
        };
        answer(self.applications(OPERATOR).save_acceptance(request).await).expect("saved")
    }
}

fn all() -> ListApplicationsRequest {
    ListApplicationsRequest::default()
}

#[tokio::test]
async fn each_filter_leaves_what_it_names() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let garden = platform.called(&round, 1, "花园路A区充电站").await;
    let garden = platform.submit(OPERATOR, &garden).await.expect("submitted");
    let river = platform.called(&round, 2, "大河路充电站").await;
    let river = platform.submit(OPERATOR, &river).await.expect("submitted");
    platform.pass(COUNTY, &river).await.expect("passed");
    platform.called(&round, 3, "北环_50%充电站").await;
    let other = Who("operator", 2, "");
    platform.create(other, &round, 4).await.expect("drafted");

    let number = garden.application_no.clone();
    let tail = river.application_no[number.len() - 3..].to_owned();
    let today: String =
        sqlx::query_scalar("SELECT to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')")
            .fetch_one(&platform.pool)
            .await
            .expect("a day");
    let text = |text: &str| ListApplicationsRequest { text: text.into(), ..all() };
    let named = |views: &[&ApplicationView]| {
        let application_ids = views.iter().map(|view| view.application_id.clone()).collect();
        ListApplicationsRequest { application_ids, ..all() }
    };
    for (filter, found) in [
        (all(), 3),
        (text("花园"), 1),
        (text("充电站"), 3),
        (text(" a区 "), 1),
        (text("Ａ区"), 1),
        (text("花园路充电站"), 0),
        (text("_5"), 1),
        (text("%充"), 1),
        (text("__"), 0),
        (text("company"), 3),
        (text(&number), 1),
        (text(&number[..number.len() - 3].to_lowercase()), 3),
        (text(&tail), 1),
        (text("S1"), 3),
        (ListApplicationsRequest { stages: vec!["PaperCheck".into()], ..all() }, 1),
        (ListApplicationsRequest { waits_for: "operator".into(), ..text("充电站") }, 1),
        (ListApplicationsRequest { county: "410122".into(), ..text("充电站") }, 3),
        (ListApplicationsRequest { county: "410105".into(), ..all() }, 0),
        (ListApplicationsRequest { prefecture: "410100".into(), ..all() }, 3),
        (ListApplicationsRequest { operator_id: operator(1).to_string(), ..all() }, 3),
        (ListApplicationsRequest { operator_id: operator(2).to_string(), ..all() }, 0),
        (ListApplicationsRequest { round_id: round.clone(), ..all() }, 3),
        (ListApplicationsRequest { round_id: fresh(), ..all() }, 0),
        (ListApplicationsRequest { application_ids: vec![fresh()], ..all() }, 0),
        (named(&[&garden, &river]), 2),
        (ListApplicationsRequest { county: "410105".into(), ..named(&[&garden]) }, 0),
        (ListApplicationsRequest { work_order_id: fresh(), ..all() }, 0),
        (ListApplicationsRequest { station_id: Uuid::from_u128(2).to_string(), ..all() }, 1),
        (ListApplicationsRequest { order: "deadline".into(), ..text("充电站") }, 2),
        (ListApplicationsRequest { overdue: true, ..all() }, 0),
        (ListApplicationsRequest { light: "red".into(), ..text("充电站") }, 0),
        (ListApplicationsRequest { submitted_from: today.clone(), ..all() }, 2),
        (ListApplicationsRequest { submitted_to: today.clone(), ..all() }, 2),
        (ListApplicationsRequest { submitted_to: "2020-01-01".into(), ..all() }, 0),
        (ListApplicationsRequest { submitted_from: today.clone(), ..text("大河") }, 1),
    ] {
        let (rows, _) = platform.list(OPERATOR, filter.clone()).await.expect("listed");
        assert_eq!(rows.len(), found, "{filter:?}");
        let (counts, total) = platform.counted(OPERATOR, filter.clone()).await;
        assert!(usize::try_from(total) == Ok(found) || filter.order == "deadline", "{filter:?}");
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<i32>(), total);
    }
    // Others see the same within their scope only, and no drafts.
    for (who, found) in
        [(COUNTY, 2), (CITY, 2), (ADMINISTRATOR, 2), (Who("county", 14, "410105"), 0), (other, 1)]
    {
        let (rows, _) = platform.list(who, all()).await.expect("listed");
        assert_eq!((rows.len(), platform.counted(who, all()).await.1), (found, found as i32), "{who:?}");
        for filter in [text("花园"), named(&[&garden])] {
            let rows = platform.list(who, filter).await.expect("listed").0.len();
            assert_eq!(rows, usize::from(found == 2), "{who:?}");
        }
    }
    let (counts, _) = platform.counted(COUNTY, all()).await;
    assert_eq!(counts, [("CountyReview".to_owned(), 1), ("PaperCheck".to_owned(), 1)]);
    let (rows, _) = platform.list(COUNTY, all()).await.expect("listed");
    assert!(rows.iter().all(|row| row.submitted_at.is_some()));
    // Two connectors of one pile, whether the row is walked to or gathered, submitted or a draft.
    for filter in [all(), text("充电站")] {
        let (rows, _) = platform.list(OPERATOR, filter).await.expect("listed");
        let size = |row: &ApplicationView| (row.dc_piles, row.ac_piles, row.power_watts);
        assert!(rows.iter().map(size).eq([(1, 0, 120_000); 3]), "{rows:?}");
    }
    platform.stop().await;
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_with_its_field() {
    let platform = Platform::start().await;
    for (request, reason, field) in [
        (ListApplicationsRequest { text: "园".into(), ..all() }, "search_length", "text"),
        (ListApplicationsRequest { text: "园".repeat(51), ..all() }, "search_length", "text"),
        (ListApplicationsRequest { text: "花\u{0}园".into(), ..all() }, "unknown_value", "text"),
        (
            ListApplicationsRequest { submitted_from: "昨天".into(), ..all() },
            "unknown_value",
            "submitted_from",
        ),
        (ListApplicationsRequest { operator_id: "one".into(), ..all() }, "unknown_value", "operator_id"),
        (ListApplicationsRequest { order: "random".into(), ..all() }, "unknown_value", "order"),
    ] {
        let refused = platform.list(OPERATOR, request).await.expect_err("refused");
        assert_eq!((refused.reason.as_str(), refused.fields), (reason, vec![field.to_owned()]));
    }
    platform.stop().await;
}

#[tokio::test]
async fn pages_follow_the_last_change_in_both_directions_without_a_gap() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let mut views = Vec::new();
    for station in 1..=5 {
        views.push(platform.called(&round, station, "示例充电站").await);
    }
    // The second one changes last.
    platform.submit(OPERATOR, &views[1]).await.expect("submitted");
    let ids: Vec<_> = [1, 4, 3, 2, 0].into_iter().map(|at: usize| views[at].application_id.clone()).collect();
    let named = ListApplicationsRequest { text: "示例".into(), ..all() };
    for request in [all(), named] {
        for size in [1, 2, 5] {
            assert_eq!(platform.pages(OPERATOR, &request, size).await, ids, "{size} {request:?}");
            let oldest_first = ListApplicationsRequest { order: "oldest".into(), ..request.clone() };
            let back: Vec<_> = ids.iter().rev().cloned().collect();
            assert_eq!(platform.pages(OPERATOR, &oldest_first, size).await, back, "{size} {request:?}");
        }
    }
    platform.stop().await;
}

#[tokio::test]
async fn a_search_that_leaves_very_many_is_answered_as_exactly() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    sqlx::query(
        "INSERT INTO applications (id, application_no, round_id, policy_version, operator_id, operator_name, station_id,
             station_code, station_name, county, prefecture, stage, version, stage_version, entered_at, created_at,
             submission_version, submission_kind, submission_hash, last_transition, last_actor_id, last_role,
             last_office, last_at, head_hash)
         SELECT gen_random_uuid(), 'HN2026-' || lpad(i::text, 6, '0'), $1, 1, $2, '示例公司', gen_random_uuid(), 'S' || i,
             CASE WHEN i % 1000 = 0 THEN '花园' ELSE '大河' END || '示例充电站', CASE WHEN i % 2 = 0 THEN '410122' ELSE '410105' END,
             '410100', CASE WHEN i % 4 = 0 THEN 'PaperCheck' ELSE 'CountyReview' END, 1, 1, now(), now(),
             1, 'acceptance', 'x', 'T02', $2, 'operator', '', now() - i * interval '1 minute', decode(repeat('00', 32), 'hex')
         FROM generate_series(1, 12000) i",
    )
    .bind(Uuid::parse_str(&round).expect("an id"))
    .bind(operator(1))
    .execute(&platform.pool)
    .await
    .expect("filled");
    sqlx::query("ANALYZE applications, application_texts").execute(&platform.pool).await.expect("analysed");
    let text = |text: &str| ListApplicationsRequest { text: text.into(), ..all() };
    for (who, filter, total) in [
        (CITY, text("示例充"), 1_001),
        (CITY, text("花园"), 12),
        (COUNTY, text("示例充"), 1_001),
        (COUNTY, ListApplicationsRequest { stages: vec!["CountyReview".into()], ..text("花园") }, 0),
        (ADMINISTRATOR, ListApplicationsRequest { county: "410122".into(), ..text("花园") }, 12),
        (ADMINISTRATOR, text("00120"), 1),
        (ADMINISTRATOR, text("hn2026-0001"), 100),
        (ADMINISTRATOR, all(), 1_001),
    ] {
        assert_eq!(platform.counted(who, filter.clone()).await.1, total, "{who:?} {filter:?}");
        let page = Some(common::Page { page_size: 20, page_token: String::new() });
        let first = ListApplicationsRequest { page, ..filter.clone() };
        let (rows, next) = platform.list(who, first).await.expect("listed");
        assert_eq!((rows.len() == 20, next.is_empty()), (total >= 20, total < 20), "{who:?} {filter:?}");
        let at = |row: &ApplicationView| {
            row.last_step.as_ref().and_then(|step| step.at).map(|at| (at.seconds, at.nanos))
        };
        assert!(rows.windows(2).all(|pair| at(&pair[0]) >= at(&pair[1])), "{who:?} {filter:?}");
        if total > 1_000 {
            let page = Some(common::Page { page_size: 20, page_token: next });
            let second = ListApplicationsRequest { page, ..filter.clone() };
            let (more, _) = platform.list(who, second).await.expect("listed");
            assert!(at(&rows[19]) > at(&more[0]), "{who:?} {filter:?}");
        }
    }
    platform.abandon().await;
}

/// Applications at nodes of counties: county, city, node, how many.
async fn fill(platform: &Platform, round: &str, rows: &[(&str, &str, &str, i32)]) {
    for (county, city, stage, count) in rows {
        sqlx::query(
            "INSERT INTO applications (id, application_no, round_id, policy_version, operator_id, operator_name, station_id,
                 station_code, station_name, county, prefecture, stage, version, stage_version, entered_at, created_at,
                 submission_version, submission_kind, submission_hash, last_transition, last_actor_id, last_role,
                 last_office, last_at, head_hash)
             SELECT gen_random_uuid(), $3 || $5 || i, $1, 1, $2, '示例公司', gen_random_uuid(), 'S' || i, '示例充电站', $3, $4,
                 $5, 1, 1, now(), now(), 1, 'acceptance', 'x', 'T02', $2, 'operator', '', now() - i * interval '1 minute',
                 decode(repeat('00', 32), 'hex')
             FROM generate_series(1, $6) i",
        )
        .bind(Uuid::parse_str(round).expect("an id"))
        .bind(operator(1))
        .bind(county)
        .bind(city)
        .bind(stage)
        .bind(count)
        .execute(&platform.pool)
        .await
        .expect("filled");
    }
    sqlx::query("ANALYZE applications").execute(&platform.pool).await.expect("analysed");
}

/// Rows of the table and entries of its indexes that this transaction has read.
const READ: &str = "SELECT (pg_stat_get_xact_tuples_returned('applications'::regclass)
     + (SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index WHERE indrelid = 'applications'::regclass))::bigint";

#[tokio::test]
async fn a_page_and_its_counts_read_no_more_than_they_show_whatever_stands_elsewhere() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    // One county has half of everything, at two of the nodes; another has little, at a node that the first has not.
    let rows = [
        ("410105", "410100", "CountyReview", 9_000),
        ("410105", "410100", "PaperCheck", 3_000),
        ("410302", "410300", "CountyReview", 9_000),
        ("410303", "410300", "MaterialsDue", 30),
    ];
    fill(&platform, &round, &rows).await;
    let county = |code: &str| vec![Part::Counties(vec![code.to_owned()])];
    let city = |code: &str| vec![Part::Prefectures(vec![code.to_owned()])];
    let of = |code: &str| Filter { county: Some(code.to_owned()), ..Filter::default() };
    let page = Page { order: Order::Newest, after: None, size: 50 };
    for (scope, filter, total, shown) in [
        (county("410105"), Filter::default(), 2_002, 50),
        (county("410303"), Filter::default(), 30, 30),
        (county("410304"), Filter::default(), 0, 0),
        (county("410105"), of("410303"), 0, 0),
        (city("410300"), of("410303"), 30, 30),
        (city("410100"), of("410303"), 0, 0),
        (city("410300"), Filter::default(), 1_031, 50),
        (vec![Part::Province], of("410303"), 30, 30),
        (vec![Part::Province], Filter::default(), 2_032, 50),
        (vec![Part::Operator(operator(1))], Filter::default(), 2_032, 50),
        // What two parts hold counts once.
        ([county("410303"), city("410300")].concat(), Filter::default(), 1_031, 50),
        ([county("410303"), county("410105")].concat(), Filter::default(), 2_032, 50),
    ] {
        let parts = i64::try_from(scope.len()).expect("few");
        let mut work = platform.pool.begin().await.expect("a transaction");
        // A plan is kept after five times; it must be as good.
        for _ in 0..8 {
            let before: i64 = sqlx::query_scalar(READ).fetch_one(&mut *work).await.expect("read");
            let counted = lists::counts(&mut work, &scope, &filter).await.expect("counted");
            assert_eq!(counted.values().sum::<i32>(), total, "{scope:?} {filter:?}");
            let between: i64 = sqlx::query_scalar(READ).fetch_one(&mut *work).await.expect("read");
            assert!(
                between - before <= 2 * parts * i64::from(total) + 100,
                "{scope:?} {filter:?}: {}",
                between - before
            );
            let listed = lists::applications(&mut work, &scope, &filter, page).await.expect("listed");
            assert_eq!(listed.len(), shown, "{scope:?} {filter:?}");
            let after: i64 = sqlx::query_scalar(READ).fetch_one(&mut *work).await.expect("read");
            // Up to a page of each node is looked at, and the page itself is fetched.
            assert!(after - between <= 350 * parts, "{scope:?} {filter:?}: {}", after - between);
        }
        work.rollback().await.expect("ended");
    }
    platform.abandon().await;
}

#[tokio::test]
async fn what_waits_for_offices_is_counted_by_round_and_place_to_the_last_one() {
    let platform = Platform::start().await;
    let (first, second) = (platform.round(|_| ()).await, platform.round(|_| ()).await);
    let rows = [
        ("410105", "410100", "AwaitingJointReview", 2_300),
        ("410122", "410100", "AwaitingJointReview", 200),
        ("410302", "410300", "AwaitingJointReview", 1),
        ("410105", "410100", "CityReview", 1_500),
        ("410122", "410100", "CityReview", 30),
        ("410303", "410300", "CityReview", 40),
        ("410302", "410300", "CountyReview", 16_000),
    ];
    fill(&platform, &first, &rows).await;
    fill(&platform, &second, &[("410202", "410200", "AwaitingJointReview", 5)]).await;
    // As autovacuum leaves a table after so many insertions.
    sqlx::query("VACUUM (ANALYZE) applications").execute(&platform.pool).await.expect("vacuumed");
    let row = |round: &str, city: &str, county: &str, count: i32| {
        (round.to_owned(), city.to_owned(), county.to_owned(), count)
    };
    let waiting = "AwaitingJointReview";
    let to_launch =
        [row(&first, "410100", "", 2_500), row(&first, "410300", "", 1), row(&second, "410200", "", 5)];
    let of_city = [row(&first, "410100", "410105", 1_500), row(&first, "410100", "410122", 30)];
    for (who, stage, by, expected) in [
        (ADMINISTRATOR, waiting, "prefecture", &to_launch[..]),
        (CITY, waiting, "prefecture", &to_launch[..1]),
        (LEAD, waiting, "prefecture", &to_launch[..0]),
        (CITY, "CityReview", "county", &of_city[..]),
        (COUNTY, "CityReview", "county", &of_city[1..]),
        (CITY, "PaperCheck", "county", &of_city[..0]),
    ] {
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(platform.places(who, stage, by).await.expect("counted"), expected, "{who:?} {stage}");
    }
    for (stage, by, field) in [
        ("Approved", "prefecture", "stage"),
        ("MaterialsDue", "county", "stage"),
        ("", "county", "stage"),
        (waiting, "", "by"),
    ] {
        let refused = platform.places(ADMINISTRATOR, stage, by).await.expect_err("refused");
        assert_eq!((refused.reason.as_str(), refused.fields), ("unknown_value", vec![field.to_owned()]));
    }
    // Nothing is read but what is counted.
    for (part, stage, by, total) in [
        (Part::Province, Stage::AwaitingJointReview, Place::Prefecture, 2_506),
        (Part::Prefectures(vec!["410100".into()]), Stage::CityReview, Place::County, 1_530),
    ] {
        let mut work = platform.pool.begin().await.expect("a transaction");
        let before: i64 = sqlx::query_scalar(READ).fetch_one(&mut *work).await.expect("read");
        let parts = [part];
        let counted = lists::by_place(&mut work, &parts, stage, by).await.expect("counted");
        assert_eq!(counted.iter().map(|one| i64::from(one.count)).sum::<i64>(), total);
        let after: i64 = sqlx::query_scalar(READ).fetch_one(&mut *work).await.expect("read");
        assert!(after - before <= 2 * total + 100, "{parts:?}: {}", after - before);
        work.rollback().await.expect("ended");
    }
    platform.abandon().await;
}
