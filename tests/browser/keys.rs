//! What the script adds for those who type: keys of the review workspace, drafts that save themselves, and a question before
//! what was typed is left behind.
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    cases::{Case, Stage},
    eventually,
    wait::PATIENCE,
};

use crate::{
    keyboard::{Key, TAB},
    kit::Window,
    system,
};

const ENTER: Key = ("Enter", 13, "");
const NEXT: Key = ("j", 74, "j");
const PREVIOUS: Key = ("k", 75, "k");
const ACCEPT: Key = ("a", 65, "a");
const REJECT: Key = ("r", 82, "r");
const HELP: Key = ("?", 191, "?");
const NEXT_CASE: Key = ("n", 78, "n");

/// The material that is current, the marks by material, and whether the keys are explained.
const DESK: &str = "
    const items = [...document.querySelectorAll('[data-material]')];
    const current = items.find(item => item.hasAttribute('aria-current'));
    const marks = items.map(item => [item.id, item.querySelector('input:checked')]).filter(one => one[1]);
    return [current ? current.id : '', marks.map(([id, mark]) => id + '=' + mark.value).join(), document.querySelector('#keys').open];";

impl Window {
    async fn desk(&self) -> Result<Value> {
        Ok(self.client().execute(DESK, vec![]).await?)
    }

    /// Whether the page has the browser ask before it is left. The driver answers the question itself, so the page is asked.
    /// Errors: the browser is gone.
    pub async fn asks(&self) -> Result<bool> {
        const LEAVE: &str = "
            const leave = new Event('beforeunload', { cancelable: true });
            dispatchEvent(leave);
            return leave.defaultPrevented;";
        Ok(self.client().execute(LEAVE, vec![]).await? == true)
    }

    /// Presses keys one after the other, then the desk stands so.
    async fn pressed(&self, keys: &[Key], current: &str, marks: &str, explained: bool) -> Result<()> {
        for key in keys {
            self.key(*key).await?;
        }
        let found = self.desk().await?;
        ensure!(found == json!([current, marks, explained]), "after {keys:?}: {found}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_marks_materials_and_decides_by_keys_which_rest_while_typing() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CityReview).await?;
    system.city("410100").await?;
    let window = Window::before(&system).await?;
    window.sign_in("ci_410100").await?;
    window.visit(&format!("/supervision/county-subsidies/{}/review", case.id())).await?;
    window.sees("材料预览").await?;
    window.settled().await?;
    // The material that is shown first is the current one.
    window.pressed(&[], "item-M1", "", false).await?;
    window.pressed(&[NEXT], "item-M2", "", false).await?;
    window.pressed(&[PREVIOUS], "item-M1", "", false).await?;
    window.pressed(&[REJECT], "item-M1", "item-M1=bad", false).await?;
    window.pressed(&[ACCEPT], "item-M1", "item-M1=ok", false).await?;
    window.pressed(&[NEXT, REJECT], "item-M2", "item-M1=ok,item-M2=bad", false).await?;
    window.pressed(&[PREVIOUS], "item-M1", "item-M1=ok,item-M2=bad", false).await?;
    window.pressed(&[HELP], "item-M1", "item-M1=ok,item-M2=bad", true).await?;
    window.sees("J / K 下一项、上一项材料").await?;
    window.pressed(&[HELP], "item-M1", "item-M1=ok,item-M2=bad", false).await?;

    // In a field the same letters are letters.
    window.fill("审批意见", "jkar?").await?;
    window.pressed(&[], "item-M1", "item-M1=ok,item-M2=bad", false).await?;
    window.choose("总体结论", "不通过").await?;
    window.fill("审批意见", "承诺书请补交").await?;
    window.key_with_ctrl(ENTER).await?;
    window.sees("）已退回").await?;
    assert_eq!(system.steps(case.uuid()).await?.last().map(String::as_str), Some("T12"));
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_do_nothing_once_somebody_has_switched_them_off_until_they_are_switched_on_again()
-> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::CityReview).await?;
    system.city("410100").await?;
    let window = Window::before(&system).await?;
    window.sign_in("ci_410100").await?;
    window.visit(&format!("/supervision/county-subsidies/{}/review", case.id())).await?;
    window.sees("材料预览").await?;
    window.settled().await?;
    window.pressed(&[HELP], "item-M1", "", true).await?;
    window.choose("", "停用单个字母").await?;
    window.judge("keys-off").await?;
    window.pressed(&[NEXT, REJECT, HELP], "item-M1", "", true).await?;
    // The browser keeps it.
    window.client().refresh().await?;
    window.settled().await?;
    window.pressed(&[NEXT, ACCEPT, HELP], "item-M1", "", false).await?;
    assert!(!window.asks().await?, "a switch is no work that would be lost");
    window.client().execute("document.querySelector('#keys input').click()", vec![]).await?;
    window.pressed(&[NEXT, REJECT], "item-M2", "item-M2=bad", false).await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_and_enter_in_the_form_of_an_own_opinion_does_not_send_the_panels_decision() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::ExpertReview).await?;
    let window = Window::before(&system).await?;
    window.sign_in("expert_01").await?;
    window.visit(&format!("/supervision/subsidies/{}", case.id())).await?;
    window.sees("记入个人意见").await?;
    window.settled().await?;
    window.choose("总体结论", "通过").await?;
    window.fill_at("我的结论", "意见", "写到一半").await?;
    window.key_with_ctrl(ENTER).await?;
    // What is being sent is said at once.
    let button = "return document.querySelector('[data-submit]').textContent";
    assert_eq!(window.client().execute(button, vec![]).await?, "提交审核结论");
    window.fill("审批意见", "同意通过").await?;
    assert_eq!(system.steps(case.uuid()).await?.last().map(String::as_str), Some("T14"));
    window.key_with_ctrl(ENTER).await?;
    eventually(PATIENCE, "the panel has decided", || async {
        Ok((system.steps(case.uuid()).await?.last().map(String::as_str) == Some("T16")).then_some(()))
    })
    .await?;
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_made_decision_asks_before_it_is_left_for_the_next_case() -> Result<()> {
    let system = system().await?;
    let city = system.city("410100").await?;
    let (one, other) = (
        system.application().at(Stage::CityReview).await?,
        system.application().at(Stage::CityReview).await?,
    );
    for case in [&one, &other] {
        city.task_appears(case.id(), "CityReview").await?;
    }
    let review = |case: &Case| format!("/supervision/county-subsidies/{}/review", case.id());
    let window = Window::before(&system).await?;
    window.sign_in("ci_410100").await?;
    window.visit(&review(&one)).await?;
    window.settled().await?;
    // Whichever stands first in the worklist has a next one.
    let first = window.client().execute("return !!document.querySelector('[data-key=n]')", vec![]).await?;
    let (here, next) =
        if first == true { (review(&one), review(&other)) } else { (review(&other), review(&one)) };
    window.visit(&here).await?;
    window.sees("材料预览").await?;
    window.settled().await?;
    assert!(!window.asks().await?, "nothing is begun");
    window.pressed(&[ACCEPT], "item-M1", "item-M1=ok", false).await?;
    assert!(window.asks().await?, "a mark would be lost");
    window.visit(&here).await?;
    window.settled().await?;
    window.fill("审批意见", "写到一半的意见").await?;
    assert!(window.asks().await?, "an opinion would be lost");
    // In the field it is a letter; outside it leads on, and the browser asks, which its driver answers with yes.
    window.key(NEXT_CASE).await?;
    assert_eq!(window.path().await?, here);
    window.client().execute("document.activeElement.blur()", vec![]).await?;
    window.key(NEXT_CASE).await?;
    eventually(PATIENCE, "the next case is open", || async {
        Ok(window.path().await.is_ok_and(|path| path == next).then_some(()))
    })
    .await?;
    window.settled().await?;
    assert!(!window.asks().await?, "nothing is begun");
    // What was refused is not recorded either, though the page shows it as it came.
    window.choose("总体结论", "不通过").await?;
    window.press("提交审核结论").await?;
    window.sees("处需要修改").await?;
    window.settled().await?;
    // A browser asks on pages only that somebody has touched.
    window.choose("总体结论", "通过").await?;
    window.choose("总体结论", "不通过").await?;
    assert!(window.asks().await?, "what was refused would be lost");
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_left_without_a_question_where_another_form_was_refused() -> Result<()> {
    const SAID: &str = "情况说明另附";
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let window = Window::before(&system).await?;
    window.sign_in(case.operator().name()).await?;
    window.visit(&format!("/subsidy/dossiers/{}", case.id())).await?;
    window.settled().await?;
    window.fill("说明（选填）", SAID).await?;
    window.press("保存说明").await?;
    window.sees("说明已保存").await?;
    window.press("提交至").await?;
    window.sees("处需要修改").await?;
    window.settled().await?;
    window.fill("说明（选填）", "写到一半的说明").await?;
    assert!(window.asks().await?, "what was typed would be lost");
    window.fill("说明（选填）", SAID).await?;
    assert!(!window.asks().await?, "it is kept as it stands there");
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_form_saves_itself_and_asks_before_what_was_typed_is_left() -> Result<()> {
    let system = system().await?;
    let case = system.application().at(Stage::Draft).await?;
    let window = Window::before(&system).await?;
    window.sign_in(case.operator().name()).await?;
    let form = format!("/subsidy/applications/{}/edit", case.id());
    window.visit(&form).await?;
    window.fill("场站负责人", "自动保存的站长").await?;
    window.key(TAB).await?;
    window.sees("已自动保存").await?;
    let told =
        "return /已自动保存 ([01]\\d|2[0-3]):[0-5]\\d/.test(document.querySelector('[data-kept]').innerText)";
    assert_eq!(window.client().execute(told, vec![]).await?, true);
    window.client().refresh().await?;
    window.settled().await?;
    let kept = "return document.querySelector('#manager').value";
    assert_eq!(window.client().execute(kept, vec![]).await?, "自动保存的站长");

    assert!(!window.asks().await?, "nothing would be lost");
    // While the field is not left nothing is saved yet.
    window.fill("场站负责人", "还没有保存的站长").await?;
    assert!(window.asks().await?, "what was typed would be lost");
    window.key(TAB).await?;
    eventually(PATIENCE, "it is saved", || async {
        let held = case.operator().application(case.id()).await?.form.unwrap_or_default().manager;
        Ok((held == "还没有保存的站长").then_some(()))
    })
    .await?;
    eventually(PATIENCE, "nothing would be lost", || async { Ok((!window.asks().await?).then_some(())) })
        .await?;
    window.menu("建设补贴申请").await?;
    window.sees(&case.view.application_no).await?;
    window.close().await?;
    system.finish().await
}
