//! A browser without script: pages over plain HTTP, forms as they were rendered, cookies shared by its tabs.
//!
//! Owns: asking and filling in. Not: what a page must show; that is each test's. Real browsers are in `tests/browser`.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use xtask::services::Service;

use crate::System;

/// Between the parts of a form with a file.
const LINE: &str = "part-of-the-form-7f3a";
/// Longer than any page takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Cookies and the address of a portal.
#[derive(Clone, Debug)]
pub struct Browser {
    address: String,
    patience: Duration,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

/// An open stream of events.
#[derive(Debug)]
pub struct Window {
    path: String,
    stream: TcpStream,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Shown {
    /// HTTP status.
    pub status: u16,
    /// Where a redirect leads; empty for none.
    pub location: String,
    /// The page.
    pub text: String,
    /// Names and values, one a line.
    pub headers: String,
    /// What came, byte by byte.
    pub bytes: Vec<u8>,
    path: String,
}

/// A form of a page, with the values it was rendered with; what is not sent by a browser is left out.
#[derive(Clone, Debug)]
pub struct Filled {
    /// Where it posts to.
    pub action: String,
    /// Names and values, in order.
    pub fields: Vec<(String, String)>,
}

impl Browser {
    /// A fresh browser before a system's portal.
    ///
    /// # Errors
    /// The system has no portal.
    pub fn at(system: &System) -> Result<Self> {
        let address = system.fleet().deployment().address(Service::Portal)?.inlet.clone();
        Ok(Self { address, patience: PATIENCE, cookies: Arc::default() })
    }

    /// Signs in through the page.
    ///
    /// # Errors
    /// The sign-in is refused.
    pub async fn sign_in(&self, login: &str, password: &str) -> Result<Shown> {
        let page = self.get("/login").await?;
        let form = page.form("/login")?.with("login", login).with("password", password);
        let shown = self.post(&form).await?;
        ensure!(shown.status == 303, "{login}: {}", shown.words());
        self.get(&shown.location).await
    }

    /// Opens a page.
    ///
    /// # Errors
    /// The portal does not answer.
    pub async fn get(&self, path: &str) -> Result<Shown> {
        self.ask("GET", path, "", b"").await
    }

    /// Sends a form as a browser does.
    ///
    /// # Errors
    /// The portal does not answer.
    pub async fn post(&self, form: &Filled) -> Result<Shown> {
        let pairs: Vec<_> =
            form.fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        self.ask("POST", &form.action, "application/x-www-form-urlencoded", pairs.join("&").as_bytes()).await
    }

    /// Sends a form with one file, as `multipart/form-data`.
    ///
    /// # Errors
    /// The portal does not answer.
    pub async fn post_file(&self, form: &Filled, field: &str, name: &str, content: &[u8]) -> Result<Shown> {
        let mut body = form.before_file(field, name);
        body.extend(content);
        body.extend(format!("\r\n--{LINE}--\r\n").bytes());
        self.ask("POST", &form.action, &format!("multipart/form-data; boundary={LINE}"), &body).await
    }

    /// Sends a form up to where its file begins, says how long the file is, and sends none of it.
    ///
    /// # Errors
    /// The portal waits for the file.
    pub async fn announce_file(&self, form: &Filled, field: &str, name: &str, bytes: usize) -> Result<Shown> {
        let body = form.before_file(field, name);
        let extra = format!("Content-Type: multipart/form-data; boundary={LINE}\r\n");
        self.exchange_of("POST", &form.action, &extra, &body, body.len() + bytes).await
    }

    /// Sends what a program sends, which is no browser: its own headers, each with a line's end, and no cookie of a visit.
    ///
    /// # Errors
    /// The portal does not answer.
    pub async fn call(&self, path: &str, headers: &str, body: &[u8]) -> Result<Shown> {
        let program = Self { cookies: Arc::default(), ..self.clone() };
        program.exchange("POST", path, headers, body).await
    }

    /// Opens a page as the script does that wants one part of it.
    ///
    /// # Errors
    /// The portal does not answer.
    pub async fn part(&self, path: &str, part: &str) -> Result<Shown> {
        self.exchange("GET", path, &format!("X-Fragment: {part}\r\n"), b"").await
    }

    /// Bytes of an answer as they go over the line to a browser, packed where the portal packs.
    ///
    /// # Errors
    /// The portal does not answer, or not with what was asked for.
    pub async fn weight(&self, path: &str) -> Result<usize> {
        let shown = self.exchange("GET", path, "Accept-Encoding: gzip\r\n", b"").await?;
        ensure!(shown.status == 200, "{path}: {}", shown.status);
        ensure!(shown.headers.to_lowercase().contains("content-encoding: gzip"), "{path} is not packed");
        Ok(shown.bytes.len())
    }

    /// A browser that holds what this one holds now, and nothing that this one gets later: what was on its way before.
    pub fn copied(&self) -> Self {
        let held = self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { cookies: Arc::new(Mutex::new(held)), ..self.clone() }
    }

    /// The same browser, which waits so long for an answer.
    pub fn patient(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Follows a stream of events until `words` have come. Errors: they do not within 30 s.
    pub async fn follow(&self, path: &str, words: &str) -> Result<()> {
        self.window(path).await?.until(words).await
    }

    /// Opens a stream of events, which stays open until it is dropped. Errors: the portal is away.
    pub async fn window(&self, path: &str) -> Result<Window> {
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: {}\r\nCookie: {}\r\n\r\n", self.address, self.cookies());
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(request.as_bytes()).await?;
        Ok(Window { path: path.to_owned(), stream })
    }

    fn cookies(&self) -> String {
        let held = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Shown> {
        let from_our_page = format!(
            "Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: {kind}\r\n",
            self.address
        );
        self.exchange(method, path, if method == "GET" { "" } else { &from_our_page }, body).await
    }

    async fn exchange(&self, method: &str, path: &str, extra: &str, body: &[u8]) -> Result<Shown> {
        self.exchange_of(method, path, extra, body, body.len()).await
    }

    async fn exchange_of(
        &self,
        method: &str,
        path: &str,
        extra: &str,
        body: &[u8],
        length: usize,
    ) -> Result<Shown> {
        let mut request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nCookie: {}\r\n{extra}Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            self.cookies(),
            length
        )
        .into_bytes();
        request.extend(body);
        let answer = timeout(self.patience, async {
            let mut stream = TcpStream::connect(&self.address).await?;
            stream.write_all(&request).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            std::io::Result::Ok(answer)
        })
        .await
        .with_context(|| format!("{method} {path} gave no answer"))??;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("the answer is not HTTP")?;
        let (head, bytes) = (String::from_utf8_lossy(&answer[..end]), answer[end + 4..].to_vec());
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
        let mut location = String::new();
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("location") {
                value.clone_into(&mut location);
            } else if name.eq_ignore_ascii_case("set-cookie") {
                self.keep(value);
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Shown { status, location, text, headers: head.into_owned(), bytes, path: path.to_owned() })
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        let mut held = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        if attributes.contains("Max-Age=0") {
            held.remove(name);
        } else {
            held.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Window {
    /// Reads on until `words` have come. Errors: they do not within 30 s.
    pub async fn until(&mut self, words: &str) -> Result<()> {
        let (path, stream) = (&self.path, &mut self.stream);
        let seen = timeout(PATIENCE, async {
            let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
            while !String::from_utf8_lossy(&seen).contains(words) {
                match stream.read(&mut piece).await? {
                    0 => bail!("{path} ended: {}", String::from_utf8_lossy(&seen)),
                    length => seen.extend(&piece[..length]),
                }
            }
            Ok(())
        });
        seen.await.with_context(|| format!("{path}: no {words}"))?
    }
}

impl Shown {
    /// The form that posts to `action`, with what it was rendered with.
    ///
    /// # Errors
    /// The page has no such form.
    pub fn form(&self, action: &str) -> Result<Filled> {
        let wanted = format!("action=\"{action}\"");
        let posts = |tag: &str| tag.contains("method=\"post\"") && tag.contains(&wanted);
        let forms = self.text.split("<form ").skip(1);
        let found = forms.filter_map(|rest| rest.split_once('>')).find(|(tag, _)| posts(tag));
        let Some((_, rest)) = found else {
            bail!("{} has no form for {action}: {}", self.path, self.words());
        };
        let body = rest.split("</form>").next().unwrap_or_default();
        let fields = body
            .split("<input ")
            .skip(1)
            .filter_map(|rest| {
                let input = rest.split('>').next()?;
                let chosen =
                    !["radio", "checkbox"].iter().any(|kind| input.contains(&format!("type=\"{kind}\"")));
                let sent = (chosen || input.contains(" checked")) && !input.contains("type=\"file\"");
                let field = (attribute(input, "name")?, attribute(input, "value").unwrap_or_default());
                sent.then_some(field)
            })
            .collect();
        Ok(Filled { action: action.to_owned(), fields })
    }

    /// The page without its tags, for messages.
    pub fn words(&self) -> String {
        let main = self.text.split("<main").nth(1).unwrap_or(&self.text);
        let words = main.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text.trim());
        let words: Vec<_> = words.filter(|text| !text.is_empty()).collect();
        format!("{} {}", self.status, words.join(" "))
    }
}

impl Filled {
    /// The multipart body up to the first byte of the file.
    fn before_file(&self, field: &str, name: &str) -> Vec<u8> {
        let texts = self.fields.iter().map(|(name, value)| {
            format!("--{LINE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let file = format!(
            "--{LINE}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        texts.chain([file]).collect::<String>().into_bytes()
    }

    /// Fills in or chooses a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(key, _)| key != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn attribute(input: &str, name: &str) -> Option<String> {
    let value = input.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    Some(
        value
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#38;", "&"),
    )
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
