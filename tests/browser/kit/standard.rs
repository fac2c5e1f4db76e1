//! What is judged on every page: complaints of the browser, other hosts, sideways scrolling, accessibility.
//!
//! Owns: the widths and the rule set (WCAG 2.0–2.2, A and AA, and best practices, by axe-core). Source: ui, sections 9, 12.
use std::sync::PoisonError;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    driver::{Driver, Script},
    window::Window,
};

/// Narrowest phones, a usual phone, a desk; CSS pixels.
pub const WIDTHS: [u32; 3] = [320, 390, DESK];
/// A usual desk.
pub const DESK: u32 = 1440;

/// What sticks out of the page.
const WIDE: &str = "
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const wide = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > room + 1);
    return wide.slice(0, 4).map(e => e.outerHTML.slice(0, 120));";

/// Parts that are cut, or that must be scrolled sideways beside the page's own way down. What is typed scrolls in its
/// field; a frame is a document of its own; what only adorns may be cut.
const CUT: &str = "
    const cut = e => {
        const style = getComputedStyle(e);
        return e.clientWidth > 2 && e.scrollWidth > e.clientWidth + 1 && style.overflowX !== 'visible'
            && style.display !== 'inline' && !e.matches('input,select,textarea,iframe,svg,svg *')
            && [...e.querySelectorAll('*')].some(i => i.innerText && i.getBoundingClientRect().right > e.getBoundingClientRect().right + 1);
    };
    return [...document.body.querySelectorAll('*')].filter(cut).slice(0, 4).map(e => e.outerHTML.slice(0, 120));";

/// Names that are given twice: labels, links and parts would find the wrong one. The rules no longer look for it.
const TWICE: &str = "
    const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
    return ids.filter((id, place) => ids.indexOf(id) !== place);";

/// Runs the rules; the last argument is called with the findings.
const AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then(
        found => done(found.violations.map(one => `${one.id} (${one.help}): ` + one.nodes.slice(0, 3).map(
            node => node.html.slice(0, 160) + ' ' + (node.any[0] || node.all[0] || node.none[0] || {}).message).join(' | '))),
        error => done(['the rules failed: ' + error]));";

impl Window {
    /// Judges the page shown and keeps its pictures under this name. What is wrong fails the test at its end, so that
    /// one run names every page.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn judge(&self, page: &str) -> Result<()> {
        let found = self.findings().await?;
        self.keep(page, &found).await
    }

    /// As [`Window::judge`], with the accessibility rules at the narrowest width too. Errors: the browser is gone.
    pub async fn judge_narrow(&self, page: &str) -> Result<()> {
        let mut found = self.findings().await?;
        found.extend(self.narrow_findings().await?);
        self.keep(page, &found).await
    }

    async fn keep(&self, page: &str, found: &[String]) -> Result<()> {
        self.keep_pictures(page).await?;
        if !found.is_empty() {
            let text = format!("{page} at {}:\n  {}", self.client().current_url().await?, found.join("\n  "));
            eprintln!("{text}");
            self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
        Ok(())
    }

    /// Everything that is wrong with the page shown.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn findings(&self) -> Result<Vec<String>> {
        let mut found = self.complaints().await?;
        for width in WIDTHS {
            self.resize(width).await?;
            found.extend(self.wide().await?.iter().map(|text| format!("wider than {width} px: {text}")));
            if width == WIDTHS[0] {
                let cut = self.client().execute(CUT, vec![]).await?;
                found
                    .extend(lines(cut).map(|text| format!("cut or scrolled sideways at {width} px: {text}")));
            } else {
                found.extend(self.violations().await?.into_iter().map(|text| format!("{width} px: {text}")));
            }
        }
        Ok(found)
    }

    /// What the accessibility rules find at the narrowest width, where parts stand one below the other. Errors: the browser
    /// is gone.
    pub async fn narrow_findings(&self) -> Result<Vec<String>> {
        let width = WIDTHS[0];
        self.resize(width).await?;
        Ok(self.violations().await?.into_iter().map(|text| format!("{width} px: {text}")).collect())
    }

    /// What sticks out of the page, which then scrolls sideways. Errors: the browser is gone.
    pub async fn wide(&self) -> Result<Vec<String>> {
        Ok(lines(self.client().execute(WIDE, vec![]).await?).collect())
    }

    async fn violations(&self) -> Result<Vec<String>> {
        let twice = lines(self.client().execute(TWICE, vec![]).await?)
            .map(|id| format!("two elements are called {id}"));
        let mut found: Vec<_> = twice.collect();
        if self.script == Script::Off {
            // The rules are a script with promises of its own; the same pages are judged with scripts on.
            return Ok(found);
        }
        let here = self.client().execute("return !!window.axe", vec![]).await?;
        if here != json!(true) {
            self.client().execute(&Driver::shared().await?.rules()?, vec![]).await?;
        }
        found.extend(lines(self.client().execute_async(AXE, vec![]).await?));
        Ok(found)
    }
}

fn lines(value: Value) -> impl Iterator<Item = String> {
    let Value::Array(texts) = value else { return Vec::new().into_iter() };
    let texts: Vec<_> = texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    texts.into_iter()
}
