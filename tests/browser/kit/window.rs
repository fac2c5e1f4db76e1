//! One browser of one person: pages are found, pressed and filled in by what is read on them.
//!
//! Owns: waiting for what must come. Not: judging a page (`standard`).
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use fantoccini::{
    Client,
    elements::{Element, ElementRef},
    key::Key,
};
use serde_json::{Value, json};
use system_tests::{PASSWORD, System, eventually, wait::PATIENCE};
use xtask::services::Service;

use super::driver::{Driver, Script};

const FIND: &str = include_str!("find.js");
/// How WebDriver names an element in an answer.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser before a portal. Call [`Window::close`] at the end; one left open ends with the test process.
pub struct Window {
    client: Client,
    origin: String,
    pub(super) script: Script,
    pub(super) wrongs: Mutex<Vec<String>>,
}

impl Window {
    /// A fresh browser before a system's portal. Errors: the system has no portal, the browser does not start.
    pub async fn before(system: &System) -> Result<Self> {
        Self::before_with(system, Script::On).await
    }

    /// The same, with scripts on or switched off. Errors: as [`Window::before`].
    pub async fn before_with(system: &System, script: Script) -> Result<Self> {
        Self::at(&system.fleet().deployment().url(Service::Portal)?, script).await
    }

    /// A fresh browser before any site. Errors: the browser does not start.
    pub async fn at(origin: &str, script: Script) -> Result<Self> {
        let client = Driver::shared().await?.open(script).await?;
        Ok(Self { client, origin: origin.to_owned(), script, wrongs: Mutex::default() })
    }

    /// The browser's own handle.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Ends it. Errors: the browser is gone, or a page was found wanting on the way.
    pub async fn close(self) -> Result<()> {
        let late = self.complaints().await?;
        self.client.close().await?;
        let mut wrongs = self.wrongs.into_inner().unwrap_or_else(PoisonError::into_inner);
        wrongs.extend(late);
        ensure!(wrongs.is_empty(), "{} pages are found wanting:\n{}", wrongs.len(), wrongs.join("\n"));
        Ok(())
    }

    /// Opens a page by its path. Errors: the browser is gone.
    pub async fn visit(&self, path: &str) -> Result<()> {
        self.client.goto(&format!("{}{path}", self.origin)).await.with_context(|| path.to_owned())
    }

    /// Signs in by the page; ends at the workbench. Errors: it is refused.
    pub async fn sign_in(&self, login: &str) -> Result<()> {
        self.visit("/login").await?;
        self.enter(login, PASSWORD).await?;
        self.sees("工作台").await
    }

    /// Becomes another person, in the same browser. Errors: as [`Window::sign_in`].
    pub async fn sign_in_anew(&self, login: &str) -> Result<()> {
        self.visit("/login").await?;
        self.client.delete_all_cookies().await?;
        self.sign_in(login).await
    }

    /// Fills in the sign-in page that is shown and sends it. Errors: it is another page.
    pub async fn enter(&self, login: &str, password: &str) -> Result<()> {
        self.fill("账号名称", login).await?;
        self.fill("密码", password).await?;
        self.press("登录").await
    }

    /// Waits until these words are on the page. Errors: they do not come; the message has what came.
    pub async fn sees(&self, words: &str) -> Result<()> {
        let seen = eventually(PATIENCE, words, || async {
            Ok(self.text().await.ok().filter(|text| text.contains(words)).map(drop))
        })
        .await;
        self.explained(seen).await
    }

    /// Waits until these words are no longer on the page. Errors: they stay.
    pub async fn gone(&self, words: &str) -> Result<()> {
        let gone = eventually(PATIENCE, words, || async {
            Ok(self.text().await.ok().filter(|text| !text.contains(words)).map(drop))
        })
        .await;
        self.explained(gone).await
    }

    /// Whether these words come within two seconds. Errors: the browser is gone.
    pub async fn sees_soon(&self, words: &str) -> Result<bool> {
        let soon = eventually(Duration::from_secs(2), words, || async {
            Ok(self.text().await.ok().filter(|text| text.contains(words)).map(drop))
        });
        Ok(soon.await.is_ok())
    }

    /// What is read once no page is being loaded. Errors: the browser is gone.
    pub async fn settled(&self) -> Result<String> {
        let done = "return document.readyState === 'complete' && document.body.innerText";
        eventually(PATIENCE, "the page is there", || async {
            let text = self.client.execute(done, vec![]).await.unwrap_or(Value::Null);
            Ok(text.as_str().map(str::to_owned))
        })
        .await
    }

    /// Waits for these words, then judges the page and keeps its pictures. Errors: as both.
    pub async fn shows(&self, page: &str, words: &str) -> Result<()> {
        self.sees(words).await.with_context(|| page.to_owned())?;
        self.judge(page).await
    }

    /// What a person reads on the page. Errors: a page is just being loaded.
    pub async fn text(&self) -> Result<String> {
        let text = self.client.execute("return document.body.innerText", vec![]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The path of the page shown. Errors: the browser is gone.
    pub async fn path(&self) -> Result<String> {
        Ok(self.client.current_url().await?.path().to_owned())
    }

    /// Presses a button, link or fold by its words. Errors: there is none that can be pressed.
    pub async fn press(&self, words: &str) -> Result<()> {
        self.press_at("", words).await
    }

    /// Presses a button or link inside the row, card or form in which `near` is read. Errors: as [`Window::press`].
    pub async fn press_at(&self, near: &str, words: &str) -> Result<()> {
        let pressed = eventually(PATIENCE, words, || async {
            // Between finding and pressing, a part of the page may be replaced.
            let Some(element) = self.find("press", words, near).await? else { return Ok(None) };
            Ok(self.click(&element).await.ok())
        })
        .await;
        self.explained(pressed).await
    }

    /// Puts a text into a field, by its label, in place of what it holds. Errors: there is no such field.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        self.fill_at("", label, text).await
    }

    /// Fills a field inside the row, card or form in which `near` is read. Errors: as [`Window::fill`].
    pub async fn fill_at(&self, near: &str, label: &str, text: &str) -> Result<()> {
        let field = self.wait_for("field", label, near).await?;
        let kind = field.attr("type").await?.unwrap_or_default();
        if kind == "date" {
            // What is typed into a date depends on the browser's language; its value does not.
            let set = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', { bubbles: true }));";
            self.client.execute(set, vec![serde_json::to_value(&field)?, json!(text)]).await?;
            return Ok(());
        }
        let all = format!("{}a{}", char::from(Key::Control), char::from(Key::Null));
        field.send_keys(&all).await?;
        if text.is_empty() {
            field.send_keys(&char::from(Key::Delete).to_string()).await?;
        }
        Ok(field.send_keys(text).await?)
    }

    /// Chooses the entry of a list in which these words are read. Errors: there is no such list or entry.
    pub async fn select(&self, label: &str, entry: &str) -> Result<()> {
        const ENTRY: &str = "
            const all = [...arguments[0].options];
            return all.find(one => one.text.trim() === arguments[1]) || all.find(one => one.text.includes(arguments[1]));";
        let chosen = eventually(PATIENCE, entry, || async {
            let Some(list) = self.find("field", label, "").await? else { return Ok(None) };
            let asked = vec![serde_json::to_value(&list)?, json!(entry)];
            let found = self.client.execute(ENTRY, asked).await.unwrap_or(Value::Null);
            let Some(option) = self.element(&found) else { return Ok(None) };
            Ok(option.click().await.ok())
        })
        .await;
        self.explained(chosen).await
    }

    /// Chooses the first entry of a list that means something. Errors: there is no such list.
    pub async fn select_first(&self, label: &str) -> Result<()> {
        Ok(self.wait_for("field", label, "").await?.select_by_index(1).await?)
    }

    /// Ticks or chooses what these words stand beside, inside what `near` is read in. Errors: there is none.
    pub async fn choose(&self, near: &str, words: &str) -> Result<()> {
        let choice = self.wait_for("choice", words, near).await?;
        if choice.is_selected().await? { Ok(()) } else { self.click(&choice).await }
    }

    /// In the middle of the window nothing that sticks to its edges is in the way.
    async fn click(&self, element: &Element) -> Result<()> {
        let middle = "arguments[0].scrollIntoView({ block: 'center' })";
        self.client.execute(middle, vec![serde_json::to_value(element)?]).await?;
        Ok(element.click().await?)
    }

    /// Attaches files. Errors: there is no such field.
    pub async fn attach(&self, label: &str, files: &[&Path]) -> Result<()> {
        let paths = files.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n");
        let attached = eventually(PATIENCE, label, || async {
            // Between finding and choosing, a part of the page may be replaced.
            let Some(field) = self.find("field", label, "").await? else { return Ok(None) };
            Ok(field.send_keys(&paths).await.ok())
        })
        .await;
        self.explained(attached).await
    }

    async fn wait_for(&self, kind: &str, words: &str, near: &str) -> Result<Element> {
        let found = eventually(PATIENCE, words, || self.find(kind, words, near)).await;
        self.explained(found).await
    }

    async fn find(&self, kind: &str, words: &str, near: &str) -> Result<Option<Element>> {
        let asked = vec![json!(kind), json!(words), json!(near)];
        // While a page is being loaded there is nothing to ask.
        let found = self.client.execute(FIND, asked).await.unwrap_or(Value::Null);
        Ok(self.element(&found))
    }

    /// The element that a script answered.
    fn element(&self, found: &Value) -> Option<Element> {
        let id = found.get(ELEMENT)?.as_str()?;
        Some(Element::from_element_id(self.client.clone(), ElementRef::from(id.to_owned())))
    }

    /// Adds to a failure what the page looked like.
    pub(super) async fn explained<T>(&self, outcome: Result<T>) -> Result<T> {
        let Err(error) = outcome else { return outcome };
        let test = std::thread::current().name().unwrap_or("test").replace("::", ".");
        let picture = self.keep_picture(&format!("failed-{test}")).await;
        let (url, text) = (self.client.current_url().await?, self.text().await.unwrap_or_default());
        bail!("{error:#}\nat {url}, picture failed-{test} ({picture:?}):\n{text}")
    }
}
