//! What a browser complains of, and whom it asks.
//!
//! Owns: reading both logs of ChromeDriver. Not: judging looks and structure (`standard`).
use std::{collections::BTreeMap, sync::PoisonError};

use anyhow::Result;
use serde_json::{Value, json};

use super::{driver::Further, window::Window};

/// The browser's own word for what is answered with 4xx or 5xx. Of a page, and of what a script sends, that answer is the test's
/// business; a style, a script or a picture has to be there.
const ANSWERED: &str = "Failed to load resource: the server responded with a status of ";
const ANSWERS: [&str; 3] = ["Document", "XHR", "Fetch"];

/// The browser's own viewer of PDF files is a part of it, not a host.
const VIEWER: &str = "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/";

/// What was asked for since the window was opened, by address: an answer may be told of long after its request.
pub type Asked = BTreeMap<String, Request>;

/// How something was asked for.
#[derive(Default)]
pub struct Request {
    /// Whether a refusal is the test's business.
    excused: bool,
    kind: String,
    page: String,
}

impl Window {
    /// What has come up since the last call: errors and warnings of the console (so every violation of the content
    /// security policy), requests to another host, and what a page needs and did not get, with the page.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        // In this order: whatever is complained of was asked for before.
        let complaints = self.entries("browser").await?;
        let requests = self.entries("performance").await?;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for entry in requests {
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
            let request = asked.entry(url.to_owned()).or_default();
            words(&told["params"]["type"]).clone_into(&mut request.kind);
            words(&told["params"]["documentURL"]).clone_into(&mut request.page);
            request.excused |= ANSWERS.contains(&request.kind.as_str());
        }
        for entry in complaints {
            let (level, text) = (words(&entry["level"]), words(&entry["message"]));
            if ["SEVERE", "WARNING"].contains(&level) {
                found.extend(complaint(text, &asked));
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

/// What is wrong by a line of the console; nothing where an answer is the test's business.
fn complaint(text: &str, asked: &Asked) -> Option<String> {
    let Some((before, status)) = text.split_once(ANSWERED) else { return Some(format!("console: {text}")) };
    let url = before.split([' ', '#']).next().unwrap_or_default();
    match asked.get(url) {
        Some(request) if request.excused => None,
        Some(Request { kind, page, .. }) => {
            Some(format!("{url} ({kind} of {page}) is answered with {status}"))
        }
        None => Some(format!("{url} is answered with {status}")),
    }
}

#[test]
fn a_refused_picture_is_named_with_its_page_and_a_refused_page_is_excused() {
    let request = |kind: &str| Request {
        excused: ANSWERS.contains(&kind),
        kind: kind.to_owned(),
        page: "http://h/files/1/preview".to_owned(),
    };
    let asked = Asked::from([
        ("http://h/".to_owned(), request("Document")),
        ("http://h/files/1/pages/1".to_owned(), request("Image")),
    ]);
    let told = |url: &str| complaint(&format!("{url} - {ANSWERED}503 (Service Unavailable)"), &asked);
    let named = "http://h/files/1/pages/1 (Image of http://h/files/1/preview) is answered with 503 (Service Unavailable)";
    assert_eq!(told("http://h/files/1/pages/1").as_deref(), Some(named));
    assert_eq!(told("http://h/#main"), None);
    assert_eq!(complaint("a violation", &asked).as_deref(), Some("console: a violation"));
}
