//! What the portal's script adds to pages that work without it: lists that follow the address, signs of work, warnings,
//! keys, boxes, money in words. That nothing typed becomes a script is in `script`.
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use system_tests::{System, cases::Stage, eventually, wait::PATIENCE};

use crate::{
    kit::{Window, driver::Script},
    system,
};

/// The list of counties and cities.
const LIST: &str = "/supervision/county-subsidies";

impl Window {
    /// What a script on the page answers. Errors: the page is gone.
    async fn evaluates(&self, script: &str) -> Result<Value> {
        Ok(self.client().execute(script, vec![]).await?)
    }

    /// Waits until a condition on the page holds. Errors: it does not come to hold; the message names it.
    async fn comes(&self, condition: &str) -> Result<()> {
        let asked = format!("return Boolean({condition})");
        eventually(PATIENCE, condition, || async {
            Ok((self.client().execute(&asked, vec![]).await.ok() == Some(json!(true))).then_some(()))
        })
        .await
    }

    /// Moves the pointer.
    async fn points(&self, x: u32, y: u32) -> Result<()> {
        let moved = json!({ "type": "mouseMoved", "x": x, "y": y });
        self.devtools("Input.dispatchMouseEvent", moved).await.map(drop)
    }

    /// Types one letter where no field is.
    async fn types(&self, letter: &str) -> Result<()> {
        for kind in ["keyDown", "keyUp"] {
            let key =
                json!({ "type": kind, "key": letter, "text": if kind == "keyDown" { letter } else { "" } });
            self.devtools("Input.dispatchKeyEvent", key).await?;
        }
        Ok(())
    }

    /// The line comes back; the browser may have complained of nothing else.
    async fn online(&self) -> Result<()> {
        let complaints = self.complaints().await?;
        ensure!(
            complaints.iter().all(|one| one.contains("net::ERR_INTERNET_DISCONNECTED")),
            "{complaints:?}"
        );
        self.network(false, 0).await
    }

    /// How slowly answers come, in milliseconds.
    async fn slow(&self, latency: u32) -> Result<()> {
        self.network(false, latency).await
    }

    /// Whether nothing comes at all, or after how many milliseconds.
    async fn network(&self, offline: bool, latency: u32) -> Result<()> {
        self.devtools("Network.enable", json!({})).await?;
        let conditions = json!({ "offline": offline, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.devtools("Network.emulateNetworkConditions", conditions).await.map(drop)
    }
}

/// Two applications that wait for the county, and its officer before the list.
async fn two(system: &System) -> Result<[String; 2]> {
    let county = system.county("410105").await?;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let case = system.application().at(Stage::CountyReview).await?;
        county.task_appears(case.id(), "CountyReview").await?;
        numbers.push(case.view.application_no);
    }
    numbers.try_into().map_err(|_| anyhow::anyhow!("two"))
}

const ROWS: &str = "document.querySelectorAll('#list tbody tr').length";
const ALL: &str = "document.querySelector('.tabs a .n').textContent";

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_list_follows_the_address_its_tabs_and_boxes_count_and_slow_answers_are_announced()
-> Result<()> {
    let system = system().await?;
    let [one, _] = two(&system).await?;
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    window.visit(LIST).await?;
    window.comes(&format!("{ROWS} === 2 && {ALL} === '2'")).await?;

    window.choose("", "全选本页").await?;
    window.sees("已选 2 件").await?;
    window.choose(&one, "选择").await?;
    let tick = "document.querySelector('#list input[name=item]').click()";
    window.evaluates(tick).await?;
    window.sees("已选 1 件").await?;
    window.comes("document.querySelector('th input').indeterminate").await?;

    window.evaluates("document.body.dataset.same = 1").await?;
    window.slow(1500).await?;
    window.fill("充电站 / 企业 / 申请编号", &one).await?;
    window.press("查询").await?;
    window
        .comes("document.querySelector('#list[aria-busy=true]') && document.querySelector('#list .sk')")
        .await?;
    window.comes(&format!("{ROWS} === 1")).await?;
    window.slow(0).await?;
    let kept = "[...document.querySelectorAll('.tabs a')].every(a => a.href.includes('q='))";
    window.comes(&format!("{ALL} === '1' && {kept} && !document.querySelector('.sk,[aria-busy]')")).await?;
    window.sees("已选 0 件").await?;

    window.client().back().await?;
    let field = "document.querySelector('#q').value";
    window.comes(&format!("{ROWS} === 2 && {ALL} === '2' && {field} === ''")).await?;
    window.client().forward().await?;
    window.comes(&format!("{ROWS} === 1 && {ALL} === '1' && {field} === '{one}'")).await?;
    assert_eq!(window.evaluates("return document.body.dataset.same").await?, "1", "the page was loaded anew");
    window.shows("list-filtered", &one).await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_lead_to_the_neighbours_and_a_form_that_is_sent_says_so_and_cannot_be_sent_twice() -> Result<()>
{
    let system = system().await?;
    two(&system).await?;
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    window.press("开始办理第一项").await?;
    window.sees("审核意见").await?;
    let first = window.path().await?;
    window.types("?").await?;
    window.comes("document.querySelector('#keys').open").await?;
    window.sees("N / P 下一件、上一件").await?;
    window.types("n").await?;
    window.comes(&format!("location.pathname !== '{first}' && document.readyState === 'complete'")).await?;
    window.sees("审核意见").await?;
    window.types("p").await?;
    window.comes(&format!("location.pathname === '{first}' && document.readyState === 'complete'")).await?;
    // A letter that is typed is a letter.
    window.fill("审批意见", "n p").await?;
    assert_eq!(window.path().await?, first);

    let sent = "
        const b = document.querySelector('[data-submit]'), wide = b.offsetWidth;
        b.click();
        const said = b.textContent, width = b.offsetWidth;
        b.form.requestSubmit();
        return [said, width >= wide];";
    assert_eq!(window.evaluates(sent).await?, json!(["正在提交…", true]));
    window.sees("请选择总体结论").await?;
    window.comes("!document.querySelector('[data-submit]').disabled").await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_minutes_before_the_session_ends_a_note_offers_to_go_on() -> Result<()> {
    let system = system().await?;
    system.county("410105").await?;
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    let span = window.evaluates("return Number(document.body.dataset.session)").await?;
    let span = span.as_i64().context("seconds")?;
    ensure!((27 * 60..=30 * 60).contains(&span), "accounts lets a session idle for 30 minutes: {span}");
    // Another page of the same session says when it was used last.
    let near = "
        const at = String(Date.now() + 119000);
        localStorage.setItem('session', at);
        dispatchEvent(new StorageEvent('storage', { key: 'session', newValue: at }));";
    window.evaluates(near).await?;
    window.shows("session-ends", "登录将在 2 分钟后超时").await?;
    window.press("继续使用").await?;
    window.comes("!document.querySelector('.tell')").await?;
    window.comes("Number(localStorage.getItem('session')) > Date.now() + 27 * 60000").await?;
    window.evaluates(&near.replace("119000", "-1")).await?;
    window.sees("登录已超时，请重新登录后继续").await?;
    window.close().await?;
    system.finish().await
}

const LARGE: &str = "document.documentElement.classList.contains('large')";

#[tokio::test(flavor = "multi_thread")]
async fn large_letters_need_no_script_are_found_on_a_phone_and_are_remembered() -> Result<()> {
    let system = system().await?;
    system.county("410105").await?;
    for script in [Script::Off, Script::On] {
        let window = Window::before_with(&system, script).await?;
        window.visit("/login").await?;
        window.press("大字版").await?;
        window.comes(LARGE).await?;
        window.sign_in("co_410105").await?;
        window.comes(&format!("{LARGE} && document.querySelector('[aria-pressed=true]')")).await?;
        window.resize(390).await?;
        window.press("金水区审核员").await?;
        window.press("大字版").await?;
        window.comes(&format!("!{LARGE}")).await?;
        window.visit("/workbench").await?;
        window.comes(&format!("!{LARGE} && document.querySelector('[aria-pressed=false]')")).await?;
        window.close().await?;
    }
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workbench_takes_in_what_comes_unless_somebody_is_about_to_press_something() -> Result<()> {
    let system = system().await?;
    system.county("410105").await?;
    let window = Window::before(&system).await?;
    window.sign_in("co_410105").await?;
    window.points(5, 5).await?;
    window.sees("没有待办事项").await?;
    window.evaluates("document.body.dataset.same = 1").await?;
    let first = system.application().at(Stage::CountyReview).await?;
    window.sees(&first.view.station_name).await?;

    window.points(800, 300).await?;
    let second = system.application().at(Stage::CountyReview).await?;
    window.shows("workbench-news", "有新的待办或消息").await?;
    ensure!(!window.text().await?.contains(&second.view.station_name), "the list moved under the pointer");
    window.press("点击刷新").await?;
    window.sees(&second.view.station_name).await?;
    assert_eq!(window.evaluates("return document.body.dataset.same").await?, "1", "the page was loaded anew");
    window.close().await?;
    system.finish().await
}

/// What the script writes beneath the field while somebody types.
const TYPED: &str = "return document.querySelector('#amount_fen-capitals').textContent";

#[tokio::test(flavor = "multi_thread")]
async fn money_is_written_out_alike_while_it_is_typed_and_when_the_form_is_shown_again() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let window = Window::before(&system).await?;
    window.sign_in(case.operator().name()).await?;
    window.visit(&format!("/subsidy/dossiers/{}/invoices/new", case.id())).await?;
    for (amount, words) in [
        ("0", "大写：零元整"),
        ("0.01", "大写：壹分"),
        ("100.05", "大写：壹佰元零伍分"),
        ("123.45", "大写：壹佰贰拾叁元肆角伍分"),
        ("10,050", "大写：壹万零伍拾元整"),
        ("１００００００００。１", "大写：壹亿元壹角整"),
        ("100050000.1", "大写：壹亿零伍万元壹角整"),
        ("1234567", "大写：壹佰贰拾叁万肆仟伍佰陆拾柒元整"),
        ("1000000000000", "大写：壹万亿元整"),
        ("1001000100010", "大写：壹万亿零壹拾亿零壹拾万零壹拾元整"),
        ("-5", "大写：负伍元整"),
        ("5.", "大写：伍元整"),
        (".5", ""),
        ("1.234", ""),
        ("十", ""),
    ] {
        window.fill("价税合计", amount).await?;
        let typed = window.evaluates(TYPED).await?;
        assert_eq!(typed, words, "{amount}");
        window.evaluates("document.body.dataset.before = 1").await?;
        window.press("保存发票").await?;
        window.comes("!document.body.dataset.before && document.readyState === 'complete'").await?;
        let shown = window.evaluates(TYPED).await?;
        assert_eq!(shown, typed, "{amount}: what the script says, beside what the server says");
    }
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_not_kept_says_why_and_a_lost_line_leaves_the_choice_of_a_county_open() -> Result<()>
{
    let system = system().await?;
    let case = system.application().at(Stage::Draft).await?;
    let window = Window::before(&system).await?;
    window.visit("/register").await?;
    window.network(true, 0).await?;
    window.select_first("地市").await?;
    window.comes("!document.querySelector('[data-cascade-button]').hidden").await?;
    window
        .comes("!document.querySelector(document.querySelector('[data-cascade]').dataset.cascade).disabled")
        .await?;
    window.online().await?;

    window.sign_in(case.operator().name()).await?;
    window.visit(&format!("/subsidy/applications/{}/edit", case.id())).await?;
    let leave = "document.activeElement.blur()";
    window.fill("经度", "甲").await?;
    window.evaluates(leave).await?;
    window.comes("document.querySelector('[data-kept] a[href=\"#coordinates\"]')").await?;
    window.shows("autosave-wrong", "其余内容已保存，经纬度暂未保存").await?;
    window.network(true, 0).await?;
    window.fill("经度", "113.8").await?;
    window.evaluates(leave).await?;
    window.sees("未自动保存：网络中断，稍后自动重试").await?;
    window.online().await?;
    window.fill("场站负责人", "新站长").await?;
    window.evaluates(leave).await?;
    window.sees("已自动保存").await?;

    window.client().delete_all_cookies().await?;
    window.fill("场站负责人", "李站长").await?;
    window.evaluates(leave).await?;
    window.sees("未自动保存：登录已超时，").await?;
    window.press("请重新登录").await?;
    window.sees("填写的内容仍然保留").await?;
    window.close().await?;
    system.finish().await
}
