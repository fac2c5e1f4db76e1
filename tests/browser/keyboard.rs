//! A county officer at work without a mouse: Tab, Enter and arrows only, the place always in sight.
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use system_tests::{PASSWORD, cases::Stage, eventually, wait::PATIENCE};

use crate::{kit::Window, system};

/// More than any page has to go past.
const STEPS_MAX: usize = 80;

/// Where the keyboard is: its words, whether it comes after where it was, whether it is seen, and what lies upon it.
const PLACE: &str = "
    const e = document.activeElement, before = window.place;
    window.place = e;
    const label = e.labels && e.labels.length ? e.labels[0].innerText : e.getAttribute('aria-label') || e.innerText || '';
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    const after = !before || !before.isConnected || before === e
        || !!(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING);
    const top = document.elementFromPoint(box.left + box.width / 2, Math.max(box.top, 0) + Math.min(box.height, 20) / 2);
    return {
        words: label.replace(/\\s+/g, ' ').trim(),
        after,
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        inside: box.width > 0 && box.top < innerHeight && box.bottom > 0,
        covered: !(top && (e.contains(top) || top.contains(e) || (e.labels && e.labels[0] && e.labels[0].contains(top)))),
    };";

/// A key as Chromium's protocol wants it: name, number, and what it types.
pub type Key = (&'static str, u8, &'static str);
/// The next place.
pub const TAB: Key = ("Tab", 9, "");
const ENTER: Key = ("Enter", 13, "\r");
const UP: Key = ("ArrowUp", 38, "");
const DOWN: Key = ("ArrowDown", 40, "");

impl Window {
    /// Presses a key; it goes wherever the keyboard is. Errors: the browser is gone.
    pub async fn key(&self, key: Key) -> Result<()> {
        self.key_with(key, 0).await
    }

    /// The same while Ctrl is held. Errors: the browser is gone.
    pub async fn key_with_ctrl(&self, (key, code, _): Key) -> Result<()> {
        self.key_with((key, code, ""), 2).await
    }

    async fn key_with(&self, (key, code, text): Key, modifiers: u8) -> Result<()> {
        let pressed = json!({ "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": key, "code": key,
            "windowsVirtualKeyCode": code, "text": text, "modifiers": modifiers });
        self.devtools("Input.dispatchKeyEvent", pressed).await?;
        let released = json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code });
        self.devtools("Input.dispatchKeyEvent", released).await.map(drop)
    }

    /// Types a text where the keyboard is.
    async fn keys(&self, text: &str) -> Result<()> {
        self.devtools("Input.insertText", json!({ "text": text })).await.map(drop)
    }

    /// Goes on by Tab to what these words are read on; every stop on the way must be seen, and lie after the last one.
    async fn tab_to(&self, words: &str) -> Result<()> {
        self.settled().await?;
        for _ in 0..STEPS_MAX {
            self.key(TAB).await?;
            let place = self.client().execute(PLACE, vec![]).await?;
            let here = place["words"].as_str().context("words")?;
            ensure!(!here.contains("主办："), "nothing on the way says {words}");
            ensure!(place["ring"] == true, "the focus is not seen: {place}");
            ensure!(
                place["inside"] == true && place["covered"] == false,
                "the focus is out of sight: {place}"
            );
            ensure!(place["after"] == true, "the focus goes back: {place}");
            if here.contains(words) {
                return Ok(());
            }
        }
        let text = self.text().await?;
        anyhow::bail!("nothing on the way says {words}\n{text}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_officer_decides_one_task_after_the_other_by_keyboard() -> Result<()> {
    let system = system().await?;
    let cases = [
        system.application().at(Stage::CountyReview).await?,
        system.application().at(Stage::CountyReview).await?,
    ];
    let county = system.county("410105").await?;
    for case in &cases {
        county.task_appears(case.id(), "CountyReview").await?;
    }
    let window = Window::before(&system).await?;
    window.visit("/login").await?;
    window.tab_to("账号名称").await?;
    window.keys("co_410105").await?;
    window.tab_to("密码").await?;
    window.keys(PASSWORD).await?;
    window.key(ENTER).await?;
    window.sees("待办事项").await?;
    // The list is told in order of its deadlines: whichever comes first is decided first.
    window.tab_to("办理 ：").await?;
    window.key(ENTER).await?;
    window.sees("审核意见").await?;
    let first = window.path().await?;

    window.tab_to("提交审核结论").await?;
    window.key(ENTER).await?;
    window.sees("请选择总体结论").await?;
    let focus = "return document.activeElement.className";
    eventually(PATIENCE, "the focus is on the summary of what is wrong", || async {
        Ok((window.client().execute(focus, vec![]).await? == "errsum").then_some(()))
    })
    .await?;
    window.tab_to("请选择总体结论").await?;
    window.key(ENTER).await?;
    window.tab_to("通过").await?;
    for key in [DOWN, UP] {
        window.key(key).await?;
    }
    let chosen = "return document.querySelector('input[name=decision]:checked').labels[0].innerText.trim()";
    assert_eq!(window.client().execute(chosen, vec![]).await?, "通过");
    window.tab_to("提交审核结论").await?;
    window.key(ENTER).await?;
    window.sees("）已通过").await?;
    let second = window.path().await?;
    assert!(second != first && second.ends_with("/review"), "after {first} comes {second}");

    window.close().await?;
    let steps = [system.steps(cases[0].uuid()).await?, system.steps(cases[1].uuid()).await?];
    assert!(steps.iter().any(|steps| steps.last().is_some_and(|last| last == "T04")), "{steps:?}");
    system.finish().await
}
