//! What the script adds for those who type: keys of the review workspace, drafts that save themselves, and a question before
//! what was typed is left behind.
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use system_tests::{cases::Stage, eventually, wait::PATIENCE};

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
    async fn asks(&self) -> Result<bool> {
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
    window.pressed(&[], "", "", false).await?;
    window.pressed(&[NEXT], "item-M1", "", false).await?;
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
    window.sees("已退回").await?;
    assert_eq!(system.steps(case.uuid()).await?.last().map(String::as_str), Some("T12"));
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
    window.press("建设补贴申请").await?;
    window.sees(&case.view.application_no).await?;
    window.close().await?;
    system.finish().await
}
