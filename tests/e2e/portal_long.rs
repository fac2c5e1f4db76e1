//! Long lists and full pages at the portal: what they weigh on the line, and a workbook of all rows in bounded memory.
//!
//! Source: ui, section 12; decision 14. The rows are made by one statement, so that only the portal is at work.
use std::{
    io::Cursor,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use calamine::{Reader as _, Xlsx};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use system_tests::{
    PASSWORD, System,
    cases::{Case, Stage},
    pages::Browser,
};
use xtask::{services::Service, trial::Plan};

/// The county that looks, and its list.
const COUNTY: &str = "410105";
const LIST: &str = "/supervision/county-subsidies";
/// More than one workbook took before.
const ROWS: usize = 110_000;
/// What the portal may grow by while it writes them.
const GROWTH_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// What a list of 50 rows, and any page, weigh at most, packed. Source: performance, "Targets"; ui, section 12.
const LIST_BYTES_MAX: usize = 9_000;
const PAGE_BYTES_MAX: usize = 25_000;
/// Every place of a dossier.
const PLACES: [&str; 11] = ["M1", "M2", "M3a", "M3b", "M4a", "M4b", "M5", "M6", "M7", "M8a", "M8b"];

/// A county with so many applications that wait for it, one that was made by its company, and its officer's browser.
async fn long(rows: usize) -> Result<(System, Case, Browser)> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    let case = system.application().at(Stage::CountyReview).await?;
    system.county(COUNTY).await?;
    copy(&system, &case, rows - 1).await?;
    let browser = signed_in(&system, &format!("co_{COUNTY}")).await?;
    Ok((system, case, browser))
}

async fn signed_in(system: &System, login: &str) -> Result<Browser> {
    let browser = Browser::at(system)?;
    browser.sign_in(login, PASSWORD).await?;
    Ok(browser)
}

/// So many rows like an application's.
async fn copy(system: &System, case: &Case, count: usize) -> Result<()> {
    let mut reviews = PgConnection::connect(&system.trial().database_url(Service::Reviews)?).await?;
    // Nobody searches for them.
    sqlx::query("ALTER TABLE applications DISABLE TRIGGER keep_texts").execute(&mut reviews).await?;
    let copies = "INSERT INTO applications (id, application_no, round_id, policy_version, operator_id, operator_name, station_id,
             station_code, station_name, county, prefecture, stage, version, stage_version, last_version, entered_at,
             created_at, submission_version, submission_kind, submission_hash, dossier_hash, work_order_id, last_transition,
             last_actor_id, last_role, last_office, last_at, head_hash)
         SELECT gen_random_uuid(), 'HN2026-' || (900000 + i), round_id, policy_version, operator_id,
             '河南第' || i % 37 || '新能源有限公司', gen_random_uuid(), 'S' || i, '郑州市金水区第' || i || '号充电站', county,
             prefecture, stage, version, stage_version, last_version, entered_at, created_at, submission_version,
             submission_kind, submission_hash, dossier_hash, work_order_id, last_transition, last_actor_id, last_role,
             last_office, last_at - i * interval '1 second', head_hash
         FROM applications, generate_series(1, ";
    let statement = format!("{copies}{count}) AS i WHERE id = '{}'", case.id());
    sqlx::query(AssertSqlSafe(statement)).execute(&mut reviews).await?;
    sqlx::query("ANALYZE applications").execute(&mut reviews).await?;
    Ok(())
}

/// The rows have no tasks, so that the platform's own audit has nothing to say about them.
fn end(system: System) {
    assert!(system.complaints().is_empty(), "{:?}", system.complaints());
    system.abandon();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_style_sheet_and_script_weigh_no_more_than_their_budgets() -> Result<()> {
    let (system, case, browser) = long(300).await?;
    let list = format!("{LIST}?size=50");
    let page = browser.get(&list).await?;
    assert_eq!(page.text.matches("class=\"ttl\"").count(), 50, "{}", page.words());
    let linked = |end: &str| {
        let found = page.text.split('"').find(|part| part.starts_with("/static/") && part.ends_with(end));
        found.map(str::to_owned).with_context(|| format!("the page links no {end}"))
    };
    let (list, style, script) = (
        browser.weight(&list).await?,
        browser.weight(&linked(".css")?).await?,
        browser.weight(&linked(".js")?).await?,
    );
    println!("list {list} B, style sheet {style} B, script {script} B");
    assert!(list <= LIST_BYTES_MAX, "a list of 50 rows weighs {list} B");
    assert!(style <= 11_000, "the style sheet weighs {style} B");
    assert!(script <= 11_000, "the script weighs {script} B");
    for path in ["/workbench", "/messages", "/account/password"] {
        let page = browser.weight(path).await?;
        assert!(page <= PAGE_BYTES_MAX, "{path} weighs {page} B");
    }
    for (login, path) in [
        (case.operator().name(), "/subsidy/applications?size=50"),
        ("admin01", "/supervision/subsidies/applications?size=50"),
    ] {
        let browser = signed_in(&system, login).await?;
        let page = browser.get(path).await?;
        assert_eq!(page.text.matches("class=\"ttl\"").count(), 50, "{}", page.words());
        let list = browser.weight(path).await?;
        assert!(list <= LIST_BYTES_MAX, "{path} of 50 rows weighs {list} B");
    }
    let first = Browser::at(&system)?.weight("/login").await? + style + script;
    assert!(first <= 40_000, "a first visit weighs {first} B");
    end(system);
    Ok(())
}

/// Two files in every place and six invoices.
async fn fill(system: &System, case: &Case) -> Result<()> {
    system.dossier_opens(case).await?;
    for place in PLACES.iter().chain(&PLACES) {
        system.place_paper(case, place).await?;
    }
    for _ in 0..6 {
        let invoice = system.invoice(&case.company, 1_000_000).await?;
        case.operator().allocate(&invoice.invoice_id, case.id(), 500_000).await?;
    }
    Ok(())
}

/// A full dossier that is back at the city's desk with what changed since the city's return.
async fn back_at_the_city(system: &System) -> Result<Case> {
    let mut case = system.application().at(Stage::MaterialsDue).await?;
    fill(system, &case).await?;
    system.advance(&mut case, Stage::CityReview).await?;
    let city = system.city("410100").await?;
    case.view = city.send_back(&case.view, "申请函和验收报告请补正", &["M1", "M5"]).await?;
    system.dossier_opens(&case).await?;
    system.place_paper(&case, "M1").await?;
    case.operator().explain(case.id(), "M5", "原件已盖章，见第二页").await?;
    case.view = case.operator().submit_materials(&case.view, vec![]).await?;
    Ok(case)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_that_show_most_weigh_no_more_than_their_budget() -> Result<()> {
    let system = System::planned(Plan::quick().with(Service::Portal)).await?;
    for number in 1..=8 {
        system.expert(number).await?;
    }
    // A launch takes everything of the city that waits along.
    let member = system.application().at(Stage::ExpertReview).await?;
    let draft = system.application().at(Stage::Draft).await?;
    let due = system.application().at(Stage::MaterialsDue).await?;
    fill(&system, &due).await?;
    let full = back_at_the_city(&system).await?;
    for county in [COUNTY, "410305"] {
        system.application().in_county(county).at(Stage::AwaitingJointReview).await?;
    }
    copy(&system, &member, 49).await?;
    let order = format!("/supervision/subsidies/orders/{}?size=50", member.view.work_order_id);
    let own = |case: &Case, path: String| (case.operator().name().to_owned(), path);
    let of = |login: &str, path: String| (login.to_owned(), path);
    let mut heavy = Vec::new();
    for (login, path) in [
        own(&draft, format!("/subsidy/applications/{}/edit", draft.id())),
        own(&full, format!("/subsidy/applications/{}", full.id())),
        own(&full, format!("/subsidy/applications/{}/print", full.id())),
        own(&due, format!("/subsidy/dossiers/{}", due.id())),
        of("ci_410100", format!("{LIST}/{}/review", full.id())),
        of("admin01", format!("/supervision/subsidies/launch?round={}", member.round.round_id)),
        of("admin01", "/supervision/subsidies".to_owned()),
        of("admin01", order.clone()),
        of("expert_01", order),
    ] {
        let weight = signed_in(&system, &login).await?.weight(&path).await?;
        println!("{path} {weight} B");
        if weight > PAGE_BYTES_MAX {
            heavy.push(format!("{path} weighs {weight} B"));
        }
    }
    assert!(heavy.is_empty(), "{heavy:?}");
    end(system);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_that_wait_for_the_launch_and_for_a_city_are_counted_to_the_last_one() -> Result<()> {
    let (system, _, _) = long(2_600).await?;
    let mut reviews = PgConnection::connect(&system.trial().database_url(Service::Reviews)?).await?;
    // The ten that have waited longest lie in another city; a hundred are still with the city before.
    for moved in [
        "UPDATE applications SET stage = 'AwaitingJointReview', county = '410305', prefecture = '410300'",
        "UPDATE applications SET county = '410202', prefecture = '410200'
         WHERE id IN (SELECT id FROM applications ORDER BY last_at LIMIT 10)",
        "UPDATE applications SET stage = 'CityReview'
         WHERE id IN (SELECT id FROM applications ORDER BY last_at DESC LIMIT 100)",
    ] {
        sqlx::query(moved).execute(&mut reviews).await?;
    }
    system.official("desk01", "administrator", &["410000"]).await?;
    let desk = Browser::at(&system)?;
    desk.sign_in("desk01", PASSWORD).await?;
    let overview = desk.get("/supervision/subsidies").await?;
    assert!(overview.text.contains("（2 市 2500 站）"), "{}", overview.words());
    let launch = desk.get("/supervision/subsidies/launch").await?;
    for city in ["洛阳市（2490 站）", "开封市（10 站）"] {
        assert!(launch.text.contains(city), "{}", launch.words());
    }
    system.city("410300").await?;
    let office = Browser::at(&system)?;
    office.sign_in("ci_410300", PASSWORD).await?;
    let workbench = office.get("/workbench").await?;
    let share = "stage=CityReview&#38;county=410305";
    assert!(workbench.text.contains(share) && workbench.text.contains(">100</td>"), "{}", workbench.words());
    end(system);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_of_more_than_a_hundred_thousand_rows_is_written_in_bounded_memory() -> Result<()> {
    let (system, _, browser) = long(ROWS).await?;
    let browser = browser.patient(Duration::from_secs(300));
    let before = system.fleet().resident_bytes(Service::Portal)?;
    let (ended, mut most) = (AtomicBool::new(false), before);
    let path = format!("{LIST}/export");
    let read = async {
        let shown = browser.get(&path).await;
        ended.store(true, Ordering::Relaxed);
        shown
    };
    let watch = async {
        while !ended.load(Ordering::Relaxed) {
            most = most.max(system.fleet().resident_bytes(Service::Portal)?);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    let (shown, watched) = tokio::join!(read, watch);
    watched?;
    let shown = shown?;
    ensure!(shown.status == 200, "{}", shown.words());
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(shown.bytes))?;
    let name = book.sheet_names().first().context("a sheet")?.clone();
    assert_eq!(book.worksheet_range(&name)?.rows().count(), ROWS + 1);
    let growth = most - before;
    println!("{ROWS} rows: the portal grew by {} KiB", growth / 1024);
    assert!(growth <= GROWTH_BYTES_MAX, "the portal grew by {growth} B");
    let taken = "SELECT detail FROM audit_log WHERE act = 'export_list' ORDER BY happened_at DESC LIMIT 1";
    let detail = system.texts(Service::Accounts, taken).await?;
    assert!(detail[0].starts_with(&format!("rows={ROWS}")), "{detail:?}");
    end(system);
    Ok(())
}
