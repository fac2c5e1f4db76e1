//! Lists at the portal: what their tabs count, what is searched, the same as a workbook, and work given to a colleague.
//!
//! Source: ui, sections 5 and 10; workflow, T26.
use std::io::Cursor;

use anyhow::{Context as _, Result};
use calamine::{Data, Reader as _, Xlsx};
use system_tests::{
    PASSWORD, System,
    cases::{Stage, person_id},
    cast::person,
    pages::{Browser, Shown},
};
use xtask::{services::Service, trial::Plan};

async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Portal)).await
}

/// Rows of a workbook's list below the titles, and its note.
fn read(shown: &Shown) -> Result<(Vec<Vec<Data>>, String)> {
    assert!(shown.status == 200 && shown.headers.contains("spreadsheetml"), "{}", shown.words());
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(shown.bytes.clone()))?;
    let name = book.sheet_names().first().context("a sheet")?.clone();
    let rows = book.worksheet_range(&name)?.rows().skip(1).map(<[Data]>::to_vec).collect();
    let note = book.worksheet_range("说明")?;
    let words: Vec<_> =
        note.rows().map(|row| row.iter().map(ToString::to_string).collect::<String>()).collect();
    Ok((rows, words.join("\n")))
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_count_what_they_lead_to_and_a_search_narrows_list_counts_and_workbook_alike() -> Result<()> {
    let system = system().await?;
    let one = system.application().at(Stage::CountyReview).await?;
    let two = system.application().at(Stage::PaperCheck).await?;
    system.application().at(Stage::CityReview).await?;
    system.application().in_county("410202").at(Stage::CountyReview).await?;
    system.county("410105").await?;
    let browser = Browser::at(&system)?;
    browser.sign_in("co_410105", PASSWORD).await?;
    let list = "/supervision/county-subsidies";
    let whole = browser.get(list).await?;
    assert_eq!(counts(&whole)[..4], ["全部3", "待我办理2", "待县级审核1", "待线下初审1"]);
    assert!(whole.text.contains("共 3 条，本页 3 条") && whole.text.contains("aria-sort=\"descending\""));
    let node = browser.get(&format!("{list}?stage=CountyReview")).await?;
    assert!(node.text.contains("共 1 条，本页 1 条"), "{}", node.words());
    let place = |shown: &Shown, id: &str| shown.text.find(&format!("{list}/{id}/review"));
    let oldest = browser.get(&format!("{list}?order=oldest")).await?;
    assert!(place(&whole, one.id()) > place(&whole, two.id()), "the last changed first: {}", whole.words());
    assert!(place(&oldest, one.id()) < place(&oldest, two.id()), "{}", oldest.words());
    assert!(oldest.text.contains("name=\"order\" value=\"oldest\""), "the filter keeps the order");
    let clocks = browser.get(&format!("{list}?order=deadline")).await?;
    assert!(clocks.text.contains(one.id()) && clocks.text.contains("aria-sort=\"ascending\""));
    let (_, note) = read(&browser.get(&export(&clocks)?).await?)?;
    assert!(note.contains("剩余时间少的在前"), "{note}");
    let (rows, note) = read(&browser.get(&export(&whole)?).await?)?;
    assert_eq!(rows.len(), 3);
    assert!(note.contains("筛选条件全部") && note.contains("记录数3"), "{note}");
    assert!(rows.iter().all(|row| matches!(row[9], Data::DateTime(_))), "{rows:?}");

    let number = two.view.application_no.clone();
    let found = browser.get(&format!("{list}?q={number}")).await?;
    assert!(found.text.contains(two.id()) && !found.text.contains(one.id()), "{}", found.words());
    assert_eq!(counts(&found)[..3], ["全部1", "待我办理1", "待县级审核0"]);
    let (rows, note) = read(&browser.get(&export(&found)?).await?)?;
    assert_eq!((rows.len(), rows[0][1].to_string()), (1, number.clone()));
    assert!(note.contains(&format!("关键词：{number}")), "{note}");

    let short = browser.get(&format!("{list}?q=a")).await?;
    assert!(short.status == 200 && short.text.contains("role=\"alert\""), "{}", short.words());
    assert!(short.text.contains("value=\"a\""), "what was typed stays");
    let later = browser.get(&format!("{list}?from=2999-01-01")).await?;
    assert!(later.text.contains("没有符合条件的记录"), "{}", later.words());
    assert_eq!(browser.get("/system/users/export").await?.status, 404, "another role's list");
    system.finish().await
}

/// Words and counts of the tabs.
fn counts(page: &Shown) -> Vec<String> {
    let tabs = page.text.split("<nav class=\"tabs\"").nth(1).and_then(|rest| rest.split("</nav>").next());
    let tabs = tabs.unwrap_or_default().split("<a ").skip(1);
    let words = |tab: &str| tab.split('<').map(|part| part.split_once('>').unwrap_or(("", "")).1).collect();
    tabs.map(words).collect()
}

/// Where the workbook of a list is.
fn export(page: &Shown) -> Result<String> {
    let found = page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found = found.filter(|path| path.split('?').next().unwrap_or_default().ends_with("/export"));
    Ok(found.last().context("a workbook")?.replace("&#38;", "&"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_a_workbook_with_money_and_dates_that_can_be_reckoned_with() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::ExpertReview).await?;
    let browser = Browser::at(&system)?;
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let (rows, _) = read(&browser.get("/subsidy/invoices/export").await?)?;
    let amount = case.operator().invoices("").await?[0].amount_fen;
    assert_eq!(rows[0][5].to_string(), format!("{}", amount / 100), "{rows:?}");
    assert!(matches!((&rows[0][3], &rows[0][5]), (Data::DateTime(_), Data::Float(_))), "{rows:?}");
    for list in ["/subsidy/applications", "/stations", "/interconnect", "/messages"] {
        let page = browser.get(list).await?;
        let (rows, _) = read(&browser.get(&export(&page)?).await?)?;
        assert!(!rows.is_empty(), "{list}");
    }
    system.official("desk01", "administrator", &["410000"]).await?;
    let office = Browser::at(&system)?;
    office.sign_in("desk01", PASSWORD).await?;
    for list in [
        "/supervision/subsidies",
        "/supervision/subsidies/applications",
        "/system/accounts",
        "/system/users",
        "/system/rounds",
    ] {
        let page = office.get(list).await?;
        let (rows, _) = read(&office.get(&export(&page)?).await?)?;
        assert!(!rows.is_empty(), "{list}");
    }
    let members = format!("/supervision/subsidies/orders/{}/export", case.view.work_order_id);
    let (rows, _) = read(&office.get(&members).await?)?;
    assert_eq!(rows[0][1].to_string(), case.view.application_no);
    office.get("/system/machines").await?;
    let (rows, _) = read(&office.get("/system/machines/export").await?)?;
    assert!(!rows.is_empty(), "no client of an outside system");

    // Who took what stands in the audit log; what was searched for only as its hash.
    let name = case.view.station_name.chars().take(4).collect::<String>();
    let path = format!("/supervision/subsidies/applications/export?q={name}&stage=ExpertReview");
    let (rows, _) = read(&office.get(&path).await?)?;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let taken: Vec<(String, String)> = sqlx::query_as(
        "SELECT a.subject, a.detail FROM audit_log a JOIN users u ON a.actor = 'person:' || u.user_id
         WHERE u.login = 'desk01' AND a.act = 'export_list' ORDER BY a.happened_at",
    )
    .fetch_all(system.database(Service::Accounts)?)
    .await?;
    assert_eq!(taken.len(), 8, "{taken:?}");
    let (list, detail) = taken.last().context("a record")?;
    assert_eq!(list, "supervision/subsidies/applications");
    assert!(detail.starts_with("rows=1 q=sha256:") && detail.ends_with("&stage=ExpertReview"), "{detail}");
    assert!(!detail.contains(&name), "{detail}");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_gives_chosen_work_to_a_colleague_and_the_list_says_who_holds_it() -> Result<()> {
    let system = system().await?;
    let lead = system.county("410105").await?;
    let colleague = system.appointed(&person("co_colleague", "county", &["410105"]).following()).await?;
    let (lead_id, colleague_id) = (person_id(&lead).await?, person_id(&colleague).await?);
    let own = system.application().at(Stage::CountyReview).await?;
    let elsewhere = system.application().at(Stage::CityReview).await?;
    let browser = Browser::at(&system)?;
    browser.sign_in("co_410105", PASSWORD).await?;
    let list = browser.get("/supervision/county-subsidies").await?;
    assert!(list.text.contains("formaction=\"/supervision/county-subsidies/reassign\""), "{}", list.words());
    let path = "/supervision/county-subsidies/reassign";
    let item = |case: &system_tests::cases::Case| format!("{}.{}", case.id(), case.view.version);
    let page = browser.get(&format!("{path}?item={}&item={}", item(&own), item(&elsewhere))).await?;
    assert!(page.text.contains(&lead_id) && page.text.contains(&colleague_id), "{}", page.words());
    let nobody = browser.post(&page.form(path)?).await?;
    assert!(nobody.status == 422 && nobody.text.contains("href=\"#assignee_id\""), "{}", nobody.words());
    let form = page.form(path)?.with("assignee_id", &colleague_id).with("reason", "我出差");
    let half = browser.post(&form).await?;
    assert!(half.status == 422 && half.text.contains("已转办 1 件"), "{}", half.words());
    assert!(half.text.contains(elsewhere.id()) && !half.text.contains(own.id()), "{}", half.words());
    assert_eq!(system.steps(own.uuid()).await?.last().map(String::as_str), Some("T26"));
    let list = browser.get("/supervision/county-subsidies").await?;
    assert!(list.text.contains("承办人 "), "{}", list.words());

    let desk = Browser::at(&system)?;
    desk.sign_in("co_colleague", PASSWORD).await?;
    let list = desk.get("/supervision/county-subsidies").await?;
    assert!(!list.text.contains("转办所选"), "who leads nothing gives nothing away");
    system.finish().await
}
