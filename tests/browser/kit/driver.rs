//! The one ChromeDriver of this test process, on a free port, and the browsers that it starts.
//!
//! Owns: its start and its end; a browser that a failed test leaves open ends with it. Not: what is done in a browser.
use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use fantoccini::{
    Client, ClientBuilder,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::OnceCell};
use url::Url;
use xtask::{
    browser::Browser,
    checkout::{binaries, root_user},
    ports, probe,
    process::{Process, Recipe, Signal},
};

static DRIVER: OnceCell<Driver> = OnceCell::const_new();

/// Whether pages may run scripts; the numbers are Chromium's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// As usual.
    On = 1,
    /// Switched off by the person.
    Off = 2,
}

/// A running ChromeDriver.
pub struct Driver {
    programs: Browser,
    address: String,
    _process: Process,
}

impl Driver {
    /// Gives this process's driver; the first call starts it. Errors: it does not start.
    pub async fn shared() -> Result<&'static Self> {
        DRIVER.get_or_try_init(Self::start).await
    }

    async fn start() -> Result<Self> {
        let programs = Browser::find_or_install()?;
        let folder = binaries()?.parent().context("no target folder")?.join("system-tests");
        fs::create_dir_all(&folder)?;
        let port = ports::free()?;
        let recipe = Recipe {
            name: "chromedriver".to_owned(),
            program: programs.driver.clone(),
            arguments: vec![format!("--port={port}").into()],
            environment: vec![],
            bare: false,
            user: None,
            log: folder.join(format!("chromedriver-{}.log", std::process::id())),
            folder,
            orphaned: Signal::Terminate,
        };
        let process = Process::start(&recipe)?;
        let address = format!("127.0.0.1:{port}");
        probe::eventually(Duration::from_secs(30), "chromedriver is ready", || async {
            Ok(TcpStream::connect(&address).await.ok().map(drop))
        })
        .await?;
        Ok(Self { programs, address, _process: process })
    }

    /// The accessibility rules. Errors: the script cannot be read.
    pub fn rules(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.programs.axe)?)
    }

    /// Starts a browser with a fresh profile, which reaches this machine only. Errors: it does not start.
    pub async fn open(&self, script: Script) -> Result<Client> {
        let mut arguments = vec![
            "--headless=new",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--no-first-run",
            // As on a phone: what sticks out is measured against the whole width.
            "--hide-scrollbars",
            "--lang=zh-CN",
            "--window-size=1440,900",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ];
        if root_user() {
            arguments.push("--no-sandbox");
        }
        let wanted = json!({
            "goog:chromeOptions": {
                "binary": self.programs.chromium,
                "args": arguments,
                "prefs": { "profile.managed_default_content_settings.javascript": script as i32 },
            },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "unhandledPromptBehavior": "ignore",
        });
        let Value::Object(wanted) = wanted else { unreachable!("it is written as an object") };
        let wanted: Capabilities = wanted;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted);
        builder.connect(&format!("http://{}", self.address)).await.context("the browser does not start")
    }
}

/// A command of ChromeDriver beyond the standard: `POST /session/<id>/<path>`.
#[derive(Debug)]
pub struct Further {
    /// Below the session.
    pub path: &'static str,
    /// JSON.
    pub body: Value,
}

impl WebDriverCompatibleCommand for Further {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
