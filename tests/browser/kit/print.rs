//! A page as the printer gets it.
//!
//! Owns: the sheets of Chromium's own PDF. Not: what must stand on them.
use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::window::Window;

/// A4 in points, the nearest whole ones.
const A4: &str = "595 842";
/// A4 without its margins, CSS pixels.
const SHEET: u32 = 688;

impl Window {
    /// Prints the page shown; answers its words on paper and how many sheets it takes.
    ///
    /// # Errors
    /// It sticks out of the sheet, or a sheet is not A4.
    pub async fn print(&self) -> Result<(String, usize)> {
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": "print" })).await?;
        self.resize(SHEET).await?;
        let wide = self.wide().await?;
        let text = self.text().await?;
        let asked = json!({ "preferCSSPageSize": true, "printBackground": true });
        let printed = self.devtools("Page.printToPDF", asked).await?;
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": "" })).await?;
        let file = STANDARD.decode(printed["data"].as_str().context("nothing is printed")?)?;
        let file = String::from_utf8_lossy(&file);
        let sheets: Vec<_> = file.split("/MediaBox [").skip(1).filter_map(size).collect();
        ensure!(wide.is_empty(), "wider than a sheet: {wide:?}");
        ensure!(!sheets.is_empty() && sheets.iter().all(|size| size == A4), "sheets of {sheets:?}");
        ensure!(file.matches("/Type /Page\n").count() == sheets.len(), "every sheet is a page");
        Ok((text, sheets.len()))
    }
}

/// Width and height of a sheet.
fn size(rest: &str) -> Option<String> {
    let mut numbers = rest.split(']').next()?.split_whitespace().skip(2);
    let mut whole = || numbers.next()?.parse::<f64>().ok().map(|number| format!("{number:.0}"));
    Some(format!("{} {}", whole()?, whole()?))
}
