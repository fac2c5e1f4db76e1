//! What a browser complains of, and whom it asks.
//!
//! Owns: reading both logs of ChromeDriver. Not: judging looks and structure (`standard`).
use anyhow::Result;
use serde_json::{Value, json};

use super::{driver::Further, window::Window};

/// The browser's own word for what is answered with 4xx or 5xx. Of a page, and of what a script sends, that answer is the test's
/// business; a style, a script or a picture has to be there.
const ANSWERED: &str = "Failed to load resource: the server responded with a status of";
const ANSWERS: [&str; 3] = ["Document", "XHR", "Fetch"];

/// The browser's own viewer of PDF files is a part of it, not a host.
const VIEWER: &str = "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/";

impl Window {
    /// What has come up since the last call: errors and warnings of the console (so every violation of the content
    /// security policy), and requests to another host.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let (mut found, mut answers) = (Vec::new(), Vec::new());
        for entry in self.entries("performance").await? {
            let told: Value = serde_json::from_str(words(&entry["message"]))?;
            let told = &told["message"];
            if told["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let url = words(&told["params"]["request"]["url"]);
            let own = [&format!("{}/", self.origin()), "data:", "blob:", VIEWER];
            if !own.iter().any(|start| url.starts_with(start)) {
                found.push(format!("another host is asked: {url}"));
            }
            if ANSWERS.contains(&words(&told["params"]["type"])) {
                answers.push(url.to_owned());
            }
        }
        for entry in self.entries("browser").await? {
            let (level, text) = (words(&entry["level"]), words(&entry["message"]));
            let answered = text.contains(ANSWERED) && answers.iter().any(|url| text.starts_with(url));
            if ["SEVERE", "WARNING"].contains(&level) && !answered {
                found.push(format!("console: {text}"));
            }
        }
        Ok(found)
    }

    async fn entries(&self, log: &str) -> Result<Vec<Value>> {
        let command = Further { path: "se/log", body: json!({ "type": log }) };
        let Value::Array(entries) = self.client().issue_cmd(command).await? else { return Ok(Vec::new()) };
        Ok(entries)
    }
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
