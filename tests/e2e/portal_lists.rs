//! Lists at the portal: what their tabs count, what is searched, the same as a workbook, and work given to a colleague.
//!
//! Source: ui, sections 5 and 10; workflow, T26.
use std::io::Cursor;

use anyhow::{Context as _, Result};
use calamine::{Data, Reader as _, Xlsx};
use proto::stations::{OrderItem, StatusItem};
use system_tests::{
    PASSWORD, System,
    cases::{Stage, person_id},
    cast::person,
    pages::{Browser, Shown},
};
use xtask::{
    driver::{clock, stations::connector_ids},
    services::Service,
    trial::Plan,
};

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
    assert!(rows.iter().all(|row| matches!(row[12], Data::DateTime(_))), "{rows:?}");
    // What a tile counts is what its list holds: two of them were passed by the county, this month.
    let desk = browser.get("/workbench").await?;
    assert!(desk.text.contains("<b>2</b><span>本月已办</span>"), "{}", desk.words());
    assert!(desk.text.contains("<b>0</b><span>已超期</span>"), "{}", desk.words());
    let month = browser.get(&format!("{list}?own=month")).await?;
    assert!(month.text.contains("共 2 条，本页 2 条"), "{}", month.words());

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
    for list in ["/subsidy/applications", "/stations", "/interconnect", "/messages", "/account/members"] {
        let page = browser.get(list).await?;
        let (rows, _) = read(&browser.get(&export(&page)?).await?)?;
        assert!(!rows.is_empty(), "{list}");
    }
    system.official("desk01", "administrator", &["410000"]).await?;
    let office = Browser::at(&system)?;
    office.sign_in("desk01", PASSWORD).await?;
    let administrator = system.administrator().await?;
    let hook =
        administrator.subscribe("省财政厅", "https://hooks.example/", &["reviews.*"]).await?.subscription_id;
    administrator.send_test(&hook).await?;
    for list in [
        "/supervision/subsidies",
        "/supervision/subsidies/applications",
        "/system/accounts",
        "/system/users",
        "/system/rounds",
        "/system/subscriptions",
    ] {
        let page = office.get(list).await?;
        let (rows, _) = read(&office.get(&export(&page)?).await?)?;
        assert!(!rows.is_empty(), "{list}");
    }
    let (rows, _) = read(&office.get(&format!("/system/subscriptions/{hook}/export")).await?)?;
    assert!(rows.iter().any(|row| row[0] == "测试"), "{rows:?}");
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
    assert_eq!(taken.len(), 10, "{taken:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_of_an_operators_data_is_turned_over_to_its_end_by_operator_and_administrator()
-> Result<()> {
    let system = system().await?;
    let company = system.company(1, "410105").await?;
    let item = |number: usize| StatusItem {
        connector_id: format!("unknown-{number}"),
        status: 1,
        source_time: Some(clock::now()),
    };
    let receipts = company.machine.push_status((0..45).map(item).collect()).await?;
    assert_eq!(receipts[0].rejected, 45, "{receipts:?}");
    system.official("desk01", "administrator", &["410000"]).await?;
    let of_link = format!("/system/links/{}", company.operator_id);
    for (login, page, list) in [
        (company.actor.name(), "/interconnect", "/interconnect/defects".to_owned()),
        ("desk01", of_link.as_str(), format!("{of_link}/defects")),
    ] {
        let browser = Browser::at(&system)?;
        browser.sign_in(login, PASSWORD).await?;
        let shown = browser.get(page).await?;
        assert!(shown.text.contains(&format!("href=\"{list}\"")), "{}", shown.words());
        let (mut rows, mut path) = (Vec::new(), list.clone());
        loop {
            let shown = browser.get(&path).await?;
            rows.push(shown.text.matches("data-l=\"充电接口\">unknown-").count());
            let next = shown.text.split("<a href=\"").skip(1).find(|link| link.contains("rel=\"next\""));
            let Some(next) = next.and_then(|link| link.split('"').next()) else { break };
            path = next.replace("&#38;", "&");
        }
        assert_eq!(rows, [20, 20, 5], "{login}");
        let orders = browser.get(&format!("{list}?kind=order")).await?;
        assert!(orders.text.contains("没有符合条件的记录"), "{}", orders.words());
        let (rows, note) = read(&browser.get(&format!("{list}/export?kind=status")).await?)?;
        assert_eq!(rows.len(), 45, "{login}");
        assert!(note.contains("数据：接口状态"), "{note}");
    }
    system.finish().await
}

/// A finished charge of 12.34 kWh, which ended now.
fn order(connector_id: &str, service_fen: i64) -> OrderItem {
    let end = clock::now();
    OrderItem {
        order_no: "XXXX00019/0001".to_owned(),
        connector_id: connector_id.to_owned(),
        start_time: Some(prost_types::Timestamp { seconds: end.seconds - 600, ..end }),
        end_time: Some(end),
        energy_wh: 12_340,
        electricity_fen: 1_060,
        service_fen,
        total_fen: 1_060 + service_fen,
        stop_reason: 3,
        source_time: Some(end),
        details: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_with_what_it_replaced_to_its_operator_and_an_administrator_and_to_no_other()
-> Result<()> {
    let system = system().await?;
    let company = system.company(1, "410105").await?;
    let other = system.company(2, "410105").await?;
    let station = system.station(&company, "410105").await?.record.context("a record")?;
    let first = order(&connector_ids(&station)[0], 500);
    let at = first.source_time.context("a time")?;
    let source_time = Some(prost_types::Timestamp { seconds: at.seconds + 1, ..at });
    let later = OrderItem { service_fen: 600, total_fen: 1_660, source_time, ..first.clone() };
    for item in [first, later] {
        let receipts = company.machine.push_orders(vec![item]).await?;
        assert_eq!(receipts[0].accepted, 1, "{receipts:?}");
    }
    system.official("desk01", "administrator", &["410000"]).await?;
    let of_link = |id: &str| format!("/system/links/{id}");
    let link = of_link(&company.operator_id);
    for (login, way, list) in
        [(company.actor.name(), "/interconnect", "/interconnect"), ("desk01", link.as_str(), link.as_str())]
    {
        let browser = Browser::at(&system)?;
        browser.sign_in(login, PASSWORD).await?;
        let page = browser.get(way).await?;
        assert!(page.text.contains(&format!("href=\"{list}/orders\"")), "{}", page.words());
        // The correction stands in the list, and leads to its order.
        let path = format!("{list}/orders?order_no=XXXX00019%2F0001");
        let defects = browser.get(&format!("{list}/defects")).await?;
        assert!(defects.text.contains(&format!("href=\"{path}\"")), "{}", defects.words());
        let shown = browser.get(&path).await?;
        for words in
            ["现行内容", "更正前的内容（第 1 版）", "<del>15.60</del>", "<ins>16.60</ins>", "充电设备故障"]
        {
            assert!(shown.text.contains(words), "{login} {words}: {}", shown.words());
        }
        let none = browser.get(&format!("{list}/orders?order_no=XXXX00019%2F0002")).await?;
        assert!(none.text.contains("没有该订单号的充电订单"), "{login}: {}", none.words());
    }
    let theirs = of_link(&other.operator_id);
    for (login, list) in [(other.actor.name(), "/interconnect"), ("desk01", theirs.as_str())] {
        let browser = Browser::at(&system)?;
        browser.sign_in(login, PASSWORD).await?;
        let shown = browser.get(&format!("{list}/orders?order_no=XXXX00019%2F0001")).await?;
        assert!(shown.status == 200 && shown.text.contains("没有该订单号的充电订单"), "{}", shown.words());
    }
    system.finish().await
}
