//! Pictures of pages, kept for people to look at: `target/screenshots/<page>-<desktop|390>.png`.
use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use xtask::checkout::binaries;

use super::{driver::Further, standard::DESK, window::Window};

/// Longer pages are cut; CSS pixels.
const HEIGHT_MAX: f64 = 6000.0;

impl Window {
    /// Keeps both pictures of the page shown. Errors: they cannot be taken or written.
    pub async fn keep_pictures(&self, page: &str) -> Result<()> {
        for (width, name) in [(390, "390"), (DESK, "desktop")] {
            self.resize(width).await?;
            self.keep_picture(&format!("{page}-{name}")).await?;
        }
        Ok(())
    }

    /// Keeps one picture of the whole page as wide as it is. Errors: as above.
    pub async fn keep_picture(&self, name: &str) -> Result<()> {
        let sizes = self.devtools("Page.getLayoutMetrics", json!({})).await?;
        let size = &sizes["cssContentSize"];
        let height = size["height"].as_f64().unwrap_or(900.0).min(HEIGHT_MAX);
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
        let taken = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", taken).await?;
        let picture = STANDARD.decode(picture["data"].as_str().context("no picture")?)?;
        fs::write(folder()?.join(format!("{name}.png")), picture)?;
        Ok(())
    }

    /// Makes the window this wide, CSS pixels. Errors: the browser is gone.
    pub async fn resize(&self, width: u32) -> Result<()> {
        let height = if width == DESK { 900 } else { 844 };
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await.map(drop)
    }

    /// Calls Chromium's own protocol. Errors: the browser is gone or refuses.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        Ok(self.client().issue_cmd(Further { path: "goog/cdp/execute", body }).await?)
    }
}

fn folder() -> Result<PathBuf> {
    let folder = binaries()?.parent().context("no target folder")?.join("screenshots");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
