//! An operator's work in the portal by forms alone: from a new application to a submitted one, from due materials to handed-in
//! ones, with uploads and an invoice.
//!
//! Source: ui, sections 3, 6 and 7; workflow, walk-throughs G6, G7.
use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use system_tests::{
    PASSWORD, System,
    cases::Stage,
    pages::{Browser, Filled, Shown},
};
use xtask::{driver::samples::Samples, services::Service, trial::Plan};

async fn system() -> Result<System> {
    System::planned(Plan::quick().with(Service::Portal)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_applies_keeps_an_incomplete_draft_and_submits_it_to_the_county() -> Result<()> {
    let system = system().await?;
    let company = system.company(system.number(), "410105").await?;
    let station = system.station(&company, "410105").await?.record.context("a record")?;
    let round = system.round().await?;
    let browser = Browser::at(&system)?;
    browser.sign_in(company.actor.name(), PASSWORD).await?;

    let page = browser.get("/subsidy/applications/new").await?;
    assert!(page.text.contains(&station.name), "{}", page.words());
    let nothing = browser.post(&page.form("/subsidy/applications/new")?).await?;
    assert!(nothing.status == 422 && nothing.text.contains("href=\"#station_id\""), "{}", nothing.words());
    let chosen = page.form("/subsidy/applications/new")?;
    let chosen = chosen.with("round_id", &round.round_id).with("station_id", &station.station_id);
    let created = browser.post(&chosen).await?;
    assert_eq!(created.status, 303, "{}", created.words());
    assert!(created.location.ends_with("/edit"), "{}", created.location);
    let edit = created.location;

    let page = browser.get(&edit).await?;
    assert!(page.text.contains("金水区主管部门"), "{}", page.words());
    let draft = page.form(&edit)?.with("manager", "").with("manager_phone", "123").with("act", "save");
    let kept = browser.post(&draft).await?;
    assert_eq!((kept.status, kept.location.as_str()), (303, edit.as_str()), "{}", kept.words());

    let page = browser.get(&edit).await?;
    let connector = &station.equipment[0].connectors[0].connector_id;
    let early = page.form(&edit)?.with("connectors", connector).with("act", "submit");
    let early = early.with("longitude", "112.686875");
    let refused = browser.post(&early).await?;
    assert_eq!(refused.status, 422, "{}", refused.words());
    assert!(refused.text.contains("href=\"#manager\"") && refused.text.contains("当前 3 位"));
    assert!(refused.text.contains("坐标不在金水区附近，请核对经纬度是否填反"), "{}", refused.words());
    let swapped = refused.form(&edit)?.with("longitude", "十度").with("manager", "王五").with("act", "save");
    let refused = browser.post(&swapped).await?;
    assert!(refused.status == 422 && refused.text.contains("value=\"十度\""), "{}", refused.words());
    assert!(refused.text.contains("经纬度暂未保存"), "{}", refused.words());
    let stored = browser.get(&edit).await?;
    assert!(stored.text.contains("value=\"王五\""), "everything else is kept: {}", stored.words());

    let whole = [
        ("longitude", "113.６68756"),
        ("start_date", "2024-03-01"),
        ("finish_date", "2024-09-30"),
        ("manager", "站长示例"),
        ("manager_phone", "199 0001 0001"),
        ("act", "submit"),
    ];
    let form = whole.into_iter().fold(refused.form(&edit)?, |form, (name, value)| form.with(name, value));
    let done = browser.post(&form).await?;
    assert_eq!(done.status, 303, "{}", done.words());
    let shown = browser.get(&done.location).await?;
    assert!(shown.text.contains("回执编号") && shown.text.contains("县级审核中"), "{}", shown.words());
    let twice = browser.post(&form).await?;
    assert_eq!(twice.status, 303, "{}", twice.words());
    let listed = browser.get("/subsidy/applications?tab=reviewing").await?;
    assert!(listed.text.contains(&done.location), "{}", listed.words());
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_uploads_materials_enters_an_invoice_and_hands_them_in() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let (browser, samples) = (Browser::at(&system)?, Samples::load()?);
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let desk = format!("/subsidy/dossiers/{}", case.id());
    let (files, invoices) = (format!("{desk}/files"), format!("{desk}/invoices/new"));

    let page = browser.get(&desk).await?;
    assert!(page.text.contains("请上传省级奖补资金项目申请函"), "{}", page.words());
    let early = browser.post(&page.form(&format!("{desk}/submit"))?).await?;
    assert!(early.status == 409 || early.status == 422, "{}", early.words());
    assert!(early.text.contains("请上传省级奖补资金项目申请函"), "{}", early.words());

    let hostile = samples.upload("bad_截断.pdf")?;
    let refused = browser.post_file(&page.form(&files)?, "file", &hostile.name, &hostile.content).await?;
    assert!(refused.status == 422 && refused.text.contains("文件不完整"), "{}", refused.words());
    let large = browser.announce_file(&refused.form(&files)?, "file", "大.pdf", 300 * 1024 * 1024).await?;
    assert!(large.status == 422 && large.text.contains("超过 20 MB"), "{}", large.words());
    let paper = system.paper()?;
    let placed = browser.post_file(&large.form(&files)?, "file", "<b>申请函.pdf", &paper.content).await?;
    assert_eq!((placed.status, placed.location), (303, format!("{desk}#M1")), "{}", placed.text);
    let page = browser.get(&desk).await?;
    assert!(page.text.contains("申请函") && !page.text.contains("<b>申请函"), "{}", page.words());

    let entry = browser.get(&invoices).await?;
    assert!(entry.text.contains(&case.company.profile.uscc), "{}", entry.words());
    let typed = [
        ("type", "digital_special"),
        ("number", &format!("24{:018}", system.number())),
        ("amount_fen", "100,000.00"),
        ("issued_on", "2024-08-01"),
        ("seller", "中原桩造示例设备有限公司"),
    ];
    let typed = typed.into_iter().fold(entry.form(&invoices)?, |form, (name, value)| form.with(name, value));
    let wrong = browser.post(&typed.clone().with("used_fen", "1.234")).await?;
    assert!(wrong.status == 422 && wrong.text.contains("href=\"#used_fen\""), "{}", wrong.words());
    let original = samples.invoice_file()?;
    let over = typed.with("used_fen", "100000.01");
    let over = browser.post_file(&over, "file", &original.name, &original.content).await?;
    assert!(over.status == 422 && over.text.contains("使用金额不能大于发票金额"), "{}", over.words());
    let allocate = action(&over, "/allocate")?;
    let used = over.form(&allocate)?.with("application_id", case.id()).with("used_fen", "６0,000");
    let used = browser.post(&used).await?;
    assert_eq!(used.status, 303, "{}", used.words());

    let page = browser.get(&desk).await?;
    assert!(page.text.contains("60,000.00") && page.text.contains("材料检查通过"), "{}", page.words());
    let done = browser.post(&page.form(&format!("{desk}/submit"))?).await?;
    assert_eq!(done.status, 303, "{}", done.words());
    let shown = browser.get(&done.location).await?;
    assert!(shown.text.contains("市级审核中") && shown.text.contains("回执编号"), "{}", shown.words());
    // What was handed in opens in the page, in a frame that is a sandbox.
    assert!(shown.text.contains("<iframe name=\"viewer\" sandbox=\"allow-same-origin"), "{}", shown.words());
    assert!(shown.text.contains("target=\"viewer\">"), "{}", shown.words());
    let locked = browser.get(&desk).await?;
    assert!(locked.text.contains("材料已提交") && locked.form(&files).is_err(), "{}", locked.words());
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_a_return_is_kept_with_the_draft_and_there_when_it_is_opened_again() -> Result<()> {
    const SAID: &str = "门牌号以公安部门登记为准";
    let system = system().await?;
    let mut case = system.application().at(Stage::CountyReview).await?;
    case.view = system.county("410105").await?.send_back(&case.view, "地址与现场不符", &["address"]).await?;
    let browser = Browser::at(&system)?;
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let edit = format!("/subsidy/applications/{}/edit", case.id());
    let draft = browser.get(&edit).await?.form(&edit)?.with("answer_address", SAID).with("act", "save");
    let kept = browser.post(&draft).await?;
    assert_eq!((kept.status, kept.location.as_str()), (303, edit.as_str()), "{}", kept.words());
    let again = browser.get(&edit).await?;
    assert!(again.text.contains(SAID), "{}", again.words());
    let whole = again.form(&edit)?.with("answer_address", SAID).with("act", "submit");
    let done = browser.post(&whole).await?;
    assert_eq!(done.status, 303, "{}", done.words());

    // The same where the materials are handed in: what is said stands under section three.
    let mut case = system.application().of(&case.company).at(Stage::CityReview).await?;
    case.view = system.city("410100").await?.send_back(&case.view, "请说明地址", &["address"]).await?;
    system.dossier_opens(&case).await?;
    let desk = format!("/subsidy/dossiers/{}", case.id());
    let submit = format!("{desk}/submit");
    let draft = browser.get(&desk).await?.form(&submit)?.with("answer_address", SAID).with("act", "save");
    let kept = browser.post(&draft).await?;
    assert_eq!((kept.status, kept.location), (303, format!("{desk}#hand-in")), "{}", kept.text);
    let again = browser.get(&desk).await?;
    assert!(again.text.contains(SAID), "{}", again.words());
    // Emptied and sent, it is refused and empty again.
    let refused = browser.post(&again.form(&submit)?).await?;
    assert!(refused.status == 422 || refused.status == 409, "{}", refused.words());
    assert!(refused.text.contains("href=\"#answer_address\"") && !refused.text.contains(SAID));
    let done = browser.post(&refused.form(&submit)?.with("answer_address", SAID)).await?;
    assert_eq!(done.status, 303, "{}", done.words());
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_tab_has_kept_is_shown_and_refuses_the_form_once_not_for_ever() -> Result<()> {
    let (mine, theirs) = ("门牌号以公安部门登记为准", "另一页面先保存的说明");
    let system = system().await?;
    let mut case = system.application().at(Stage::CityReview).await?;
    case.view = system.city("410100").await?.send_back(&case.view, "请说明地址", &["address"]).await?;
    system.dossier_opens(&case).await?;
    let browser = Browser::at(&system)?;
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let desk = format!("/subsidy/dossiers/{}", case.id());
    let submit = format!("{desk}/submit");
    let (tab, other) = (browser.get(&desk).await?, browser.get(&desk).await?);
    let says = |page: &Shown, text: &str| {
        page.form(&submit).map(|form| form.with("answer_address", text).with("act", "save"))
    };
    assert_eq!(browser.post(&says(&other, theirs)?).await?.status, 303);

    let late = browser.post(&says(&tab, mine)?).await?;
    assert_eq!(late.status, 409, "{}", late.words());
    for words in ["保存了表单", theirs, mine] {
        assert!(late.text.contains(words), "{words}: {}", late.words());
    }
    let kept = browser.post(&says(&late, mine)?).await?;
    assert_eq!(kept.status, 303, "{}", kept.words());
    let again = browser.get(&desk).await?;
    assert!(again.text.contains(mine) && !again.text.contains(theirs), "{}", again.words());
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_comes_in_parts_and_goes_on_where_the_connection_was_lost() -> Result<()> {
    const MIB: usize = 1 << 20;
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let browser = Browser::at(&system)?;
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let desk = format!("/subsidy/dossiers/{}", case.id());
    let page = browser.get(&desk).await?;
    // The end of a document is looked for near the end of its file.
    let content = system.paper()?.marked(&format!("{}\n%%EOF\n", "大".repeat(500_000))).content;
    assert_eq!(content.len().div_ceil(MIB), 2);
    let form = page.form(&format!("{desk}/files"))?;
    let form = Filled { action: format!("{desk}/parts"), ..form }
        .with("file_name", "申请函.pdf")
        .with("size_bytes", &content.len().to_string())
        .with("sha256", &hex::encode(Sha256::digest(&content)));
    let at = |offset: usize| form.clone().with("offset", &offset.to_string());
    let asked = browser.post(&at(0)).await?;
    assert_eq!((asked.status, asked.text.as_str()), (202, "0"), "{}", asked.words());
    let first = browser.post_file(&at(0), "part", "part", &content[..MIB]).await?;
    assert_eq!((first.status, first.text.as_str()), (202, "1048576"), "{}", first.words());
    let again = Browser::at(&system)?;
    again.sign_in(case.operator().name(), PASSWORD).await?;
    let token = again.get(&desk).await?.form(&format!("{desk}/files"))?;
    let token = token.fields.iter().find(|(name, _)| name == "form_token").context("a token")?.1.clone();
    let asked = again.post(&at(0).with("form_token", &token)).await?;
    assert_eq!((asked.status, asked.text.as_str()), (202, "1048576"), "another browser of the same company");
    let bent = again.post_file(&at(7).with("form_token", &token), "part", "part", &content[..MIB]).await?;
    assert_eq!(bent.status, 422, "{}", bent.words());
    let last = again.post_file(&at(MIB).with("form_token", &token), "part", "part", &content[MIB..]).await?;
    assert_eq!(last.status, 303, "{}", last.words());
    let shown = again.get(&desk).await?;
    assert!(shown.text.contains("申请函.pdf") && shown.text.contains("1.5 MB"), "{}", shown.words());
    system.finish().await
}

/// The action of the form of a page that ends in `end`.
fn action(page: &Shown, end: &str) -> Result<String> {
    let mut actions = page.text.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found = actions.find(|action| action.ends_with(end));
    Ok(found.with_context(|| page.words())?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_two_hundred_came_after_is_shown_with_its_sums_and_found_by_its_number() -> Result<()>
{
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let enter = async |amount_fen| {
        let entry = system.invoice_entry(&case.company, amount_fen);
        anyhow::Ok(case.company.actor.enter_invoice(entry).await?)
    };
    let (used, free) = (enter(123_400).await?, enter(567_800).await?);
    case.operator().allocate(&used.invoice_id, case.id(), 23_400).await?;
    for _ in 0..201 {
        enter(100).await?;
    }
    let browser = Browser::at(&system)?;
    browser.sign_in(case.operator().name(), PASSWORD).await?;
    let desk = format!("/subsidy/dossiers/{}", case.id());
    let option = format!("<option value=\"{}\"", free.invoice_id);
    let page = browser.get(&desk).await?;
    assert!(page.text.contains("data-l=\"剩余可用\">1,234.00</td>"), "{}", page.words());
    assert!(page.text.contains("仅列出前 200 张") && !page.text.contains(&option), "{}", page.words());
    let found = browser.get(&format!("{desk}?q={}", free.number)).await?;
    assert!(found.text.contains(&option) && !found.text.contains("仅列出前"), "{}", found.words());
    let use_it = found.form(&format!("{desk}/invoices/use"))?.with("invoice_id", &free.invoice_id);
    let unsaid = browser.post(&use_it).await?;
    assert!(unsaid.status == 422 && unsaid.text.contains(&option), "the search stays: {}", unsaid.words());
    assert_eq!(browser.post(&use_it.with("used_fen", "100")).await?.status, 303);
    let nothing = browser.get(&format!("{desk}?q=99999")).await?;
    assert!(nothing.text.contains("没有符合条件、还有余额的发票"), "{}", nothing.words());
    system.finish().await
}
