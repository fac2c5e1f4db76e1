//! One browser of one person: pages are found, pressed and filled in by what is read on them.
//!
//! Owns: waiting for what must come. Not: judging a page (`standard`).
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use fantoccini::{
    Client,
    elements::{Element, ElementRef},
    error::{CmdError, ErrorStatus},
    key::Key,
};
use serde_json::{Value, json};
use system_tests::{PASSWORD, System, eventually, wait::PATIENCE};
use xtask::services::Service;

use super::{
    driver::{Driver, Script},
    log::Asked,
};

const FIND: &str = include_str!("find.js");
/// How long a part of its words is not enough to press something: what has just these words may still come.
const WHOLE_FIRST: Duration = Duration::from_secs(2);
/// After one of these nothing was pressed or typed: the page was just replaced, or the part is hidden or covered.
const UNTOUCHED: [ErrorStatus; 4] = [
    ErrorStatus::StaleElementReference,
    ErrorStatus::ElementNotInteractable,
    ErrorStatus::ElementClickIntercepted,
    ErrorStatus::NoSuchElement,
];
/// How WebDriver names an element in an answer.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser before a portal. Call [`Window::close`] at the end; one left open ends with the test process.
pub struct Window {
    client: Client,
    origin: String,
    pub(super) script: Script,
    pub(super) wrongs: Mutex<Vec<String>>,
    pub(super) asked: Mutex<Asked>,
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
        let (wrongs, asked) = (Mutex::default(), Mutex::default());
        Ok(Self { client, origin: origin.to_owned(), script, wrongs, asked })
    }

    /// The browser's own handle.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether pages run scripts here.
    pub fn scripted(&self) -> bool {
        self.script == Script::On
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
        self.sees_one(&[words]).await.map(drop)
    }

    /// Waits until one of these is on the page; answers which, counted from 0. Errors: as [`Window::sees`].
    pub async fn sees_one(&self, choices: &[&str]) -> Result<usize> {
        let seen = eventually(PATIENCE, &choices.join(" / "), || async {
            let text = self.text().await.unwrap_or_default();
            let found = choices.iter().position(|words| text.contains(*words));
            if found.is_none() {
                self.reread().await?;
            }
            Ok(found)
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
        let start = Instant::now();
        let pressed = eventually(PATIENCE, words, || async {
            let whole = start.elapsed() < WHOLE_FIRST;
            let Some(element) = self.find_as("press", words, near, whole).await? else { return Ok(None) };
            self.click(&element, true).await
        })
        .await;
        self.explained(pressed).await
    }

    /// Goes where an entry of the menu leads, and waits until that page is there: the one before may have the same words.
    /// Errors: there is no such entry, or it leads elsewhere.
    pub async fn menu(&self, entry: &str) -> Result<()> {
        let pressed = eventually(PATIENCE, entry, || async {
            let Some(link) = self.find("menu", entry, "").await? else { return Ok(None) };
            let path = match link.attr("href").await {
                Ok(path) => path.unwrap_or_default(),
                Err(error) => return again(error.into()),
            };
            Ok(self.click(&link, true).await?.map(|()| path))
        })
        .await;
        let path = self.explained(pressed).await?;
        let there = eventually(PATIENCE, &path, || async {
            Ok(self.client.current_url().await.ok().filter(|url| url.as_str().ends_with(&path)).map(drop))
        })
        .await;
        self.explained(there).await
    }

    /// Puts a text into a field, by its label, in place of what it holds. Errors: there is no such field.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        self.fill_at("", label, text).await
    }

    /// Fills a field inside the row, card or form in which `near` is read. Errors: as [`Window::fill`].
    pub async fn fill_at(&self, near: &str, label: &str, text: &str) -> Result<()> {
        let filled = eventually(PATIENCE, label, || async {
            let Some(field) = self.find("field", label, near).await? else { return Ok(None) };
            self.put(&field, text).await.map(Some).or_else(again)
        })
        .await;
        self.explained(filled).await
    }

    async fn put(&self, field: &Element, text: &str) -> Result<()> {
        let kind = field.attr("type").await?.unwrap_or_default();
        if kind == "date" {
            // What is typed into a date depends on the browser's language; its value does not.
            let set = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', { bubbles: true }));";
            self.client.execute(set, vec![serde_json::to_value(field)?, json!(text)]).await?;
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
        let chosen = eventually(PATIENCE, label, || async {
            let Some(list) = self.find("field", label, "").await? else { return Ok(None) };
            list.select_by_index(1).await.map(Some).or_else(|error| again(error.into()))
        })
        .await;
        self.explained(chosen).await
    }

    /// Ticks or chooses what these words stand beside, inside what `near` is read in. Errors: there is none.
    pub async fn choose(&self, near: &str, words: &str) -> Result<()> {
        let chosen = eventually(PATIENCE, words, || async {
            let Some(choice) = self.find("choice", words, near).await? else { return Ok(None) };
            match choice.is_selected().await {
                Ok(true) => Ok(Some(())),
                Ok(false) => self.click(&choice, false).await,
                Err(error) => again(error.into()),
            }
        })
        .await;
        self.explained(chosen).await
    }

    /// Presses in the middle of the window, where nothing that sticks to its edges is in the way; `None` where nothing was
    /// pressed. What may lead away marks the page, see [`Window::reread`].
    async fn click(&self, element: &Element, leads: bool) -> Result<Option<()>> {
        const MIDDLE: &str = "
            arguments[0].scrollIntoView({ block: 'center' });
            if (arguments[1]) document.documentElement.dataset.pressed = '';";
        let asked = vec![serde_json::to_value(element)?, json!(leads)];
        if self.client.execute(MIDDLE, asked).await.is_err() {
            return Ok(None);
        }
        match element.click().await {
            Ok(()) => Ok(Some(())),
            // The page went away while the driver waited for it: pressing again would press on the next one.
            Err(error) if error.is_unexpected_alert_open() || left(&error) => Ok(Some(())),
            Err(error) => again(error.into()),
        }
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

    /// Waits until a file that was attached is among those of its place. Errors: the place says why it is not.
    pub async fn takes(&self, file: &str) -> Result<()> {
        const PLACED: &str = "
            const refused = document.querySelector('.files > [id$=-wrong], .uploading .t-danger');
            const files = [...document.querySelectorAll('.files > .file:not(.uploading)')];
            return refused ? refused.innerText : files.some(one => one.innerText.includes(arguments[0])) ? '' : null;";
        let taken = eventually(PATIENCE, file, || async {
            let told = self.client.execute(PLACED, vec![json!(file)]).await.unwrap_or(Value::Null);
            let refused = told.as_str().filter(|reason| !reason.is_empty());
            ensure!(refused.is_none(), "{file} is refused: {}", refused.unwrap_or_default());
            if told.is_null() {
                self.reread().await?;
            }
            Ok(told.is_string().then_some(()))
        })
        .await;
        self.explained(taken).await
    }

    async fn find(&self, kind: &str, words: &str, near: &str) -> Result<Option<Element>> {
        self.find_as(kind, words, near, false).await
    }

    /// As [`Window::find`]; `whole` leaves out what has more words than these.
    async fn find_as(&self, kind: &str, words: &str, near: &str, whole: bool) -> Result<Option<Element>> {
        let asked = vec![json!(kind), json!(words), json!(near), json!(whole)];
        // While a page is being loaded there is nothing to ask.
        let found = self.element(&self.client.execute(FIND, asked).await.unwrap_or(Value::Null));
        if found.is_none() {
            self.reread().await?;
        }
        Ok(found)
    }

    /// Where no script fills in later what could not be read, the page is asked for again. Not one that refuses a form, which
    /// would lose what was entered, and not one that is being left.
    async fn reread(&self) -> Result<()> {
        const AWAY: &str = "
            const [page] = performance.getEntriesByType('navigation');
            return document.body.innerText.includes('暂时无法读取') && page.responseStatus === 200
                && document.documentElement.dataset.pressed === undefined && location.href.split('#')[0];";
        if self.scripted() {
            return Ok(());
        }
        let away = self.client.execute(AWAY, vec![]).await.unwrap_or(Value::Null);
        let Some(page) = away.as_str() else { return Ok(()) };
        Ok(self.client.goto(page).await?)
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
        // A browser that died must not hide what came before.
        let url = self.client.current_url().await.map_or_else(|gone| gone.to_string(), String::from);
        let text = self.text().await.unwrap_or_default();
        bail!("{error:#}\nat {url}, picture failed-{test} ({picture:?}):\n{text}")
    }
}

/// Nothing yet where nothing was touched: it is tried again. Any other error ends the wait.
fn again<T>(error: anyhow::Error) -> Result<Option<T>> {
    let untouched = match error.downcast_ref::<CmdError>() {
        Some(CmdError::Standard(told)) => UNTOUCHED.contains(&told.error) || outside(&told.message),
        Some(_) | None => false,
    };
    if untouched { Ok(None) } else { Err(error) }
}

/// Whether the driver lost the page after it had pressed.
fn left(error: &CmdError) -> bool {
    matches!(error, CmdError::Standard(told) if told.error == ErrorStatus::UnknownError && !outside(&told.message))
}

/// The driver's other word for a part of a page that is gone.
fn outside(message: &str) -> bool {
    message.contains("does not belong to the document")
}
