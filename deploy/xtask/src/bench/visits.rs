//! A browser's requests without the browser: one kept connection, times to the first byte, and the session's cookie.
//!
//! Owns: HTTP as far as visits need it. Not: which pages are visited.
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::{field::PASSWORD, figures::Round, raw::rate};

/// A page, and who looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The server.
    pub at: SocketAddr,
    /// Of a session; empty for none.
    pub cookie: &'a str,
    /// The page.
    pub path: &'a str,
}

impl Target<'_> {
    /// One visitor, so many visits after one that does not count: times to the first byte with their median as the value,
    /// and the bytes of the last body. Errors: the page does not come.
    pub async fn alone(&self, visits: usize) -> Result<(Round, f64)> {
        let mut connection = Connection::open(self.at).await?;
        let mut bytes = connection.visit(self).await?.body.len();
        let mut took = Vec::with_capacity(visits);
        for _ in 0..visits {
            let answer = connection.visit(self).await?;
            took.push(answer.first_byte);
            bytes = answer.body.len();
        }
        took.sort_unstable();
        let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
        Ok((Round { value: p50.as_secs_f64() * 1e6, took, cost: None }, bytes as f64))
    }

    /// So many visitors at once for so long: pages a second. Errors: as before.
    pub async fn together(&self, visitors: usize, time: Duration) -> Result<Round> {
        let start = Instant::now();
        let visitors = (0..visitors).map(|_| async {
            let mut connection = Connection::open(self.at).await?;
            let mut took = Vec::new();
            while start.elapsed() < time {
                took.push(connection.visit(self).await?.first_byte);
            }
            anyhow::Ok(took)
        });
        let took = try_join_all(visitors).await?.concat();
        Ok(Round { value: rate(took.len(), start.elapsed()), took, cost: None })
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    head: Vec<String>,
    pub(super) body: Vec<u8>,
    first_byte: Duration,
}

/// One that is kept.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    to: SocketAddr,
}

impl Connection {
    pub(super) async fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), to })
    }

    /// The page as a browser takes it. Errors: it does not come.
    async fn visit(&mut self, page: &Target<'_>) -> Result<Answer> {
        let answer = self.ask("GET", page.path, page.cookie, "Accept-Encoding: gzip\r\n", "").await?;
        ensure!(
            answer.status == 200,
            "{}: {} {}",
            page.path,
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(answer)
    }

    /// One request; the clock runs from sending it. `more`: whole lines of the head.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        cookie: &str,
        more: &str,
        form: &str,
    ) -> Result<Answer> {
        let to = self.to;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {to}\r\nOrigin: http://{to}\r\nCookie: {cookie}\r\n{more}Content-Length: {}\r\n\
             \r\n{form}",
            form.len()
        );
        let start = Instant::now();
        self.stream.write_all(request.as_bytes()).await?;
        ensure!(!self.stream.fill_buf().await?.is_empty(), "{path} gave no answer");
        let first_byte = start.elapsed();
        let mut head = Vec::new();
        loop {
            match self.line().await? {
                line if line.is_empty() => break,
                line => head.push(line),
            }
        }
        let status =
            head.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("no status")?;
        let body = self.body(&head).await?;
        Ok(Answer { status, head, body, first_byte })
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line).await? > 0, "the answer ends in its head");
        Ok(line.trim_end().to_owned())
    }

    async fn body(&mut self, head: &[String]) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = value(head, "content-length").next() {
            body.resize(length.parse()?, 0);
            self.stream.read_exact(&mut body).await?;
            return Ok(body);
        }
        ensure!(value(head, "transfer-encoding").next() == Some("chunked"), "the answer has no length");
        loop {
            let length = usize::from_str_radix(&self.line().await?, 16)?;
            let from = body.len();
            body.resize(from + length, 0);
            self.stream.read_exact(&mut body[from..]).await?;
            self.line().await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}

/// The values of a header.
fn value<'h>(head: &'h [String], name: &'h str) -> impl DoubleEndedIterator<Item = &'h str> {
    let named = head.iter().filter_map(|line| line.split_once(": "));
    named.filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Signs in by the form; gives the cookie. Errors: the sign-in is refused.
pub async fn sign_in(portal: SocketAddr, login: &str) -> Result<String> {
    let mut connection = Connection::open(portal).await?;
    let first = connection.ask("GET", "/login", "", "", "").await?;
    let visit = cookie(&first.head).context("no cookie of the visit")?;
    let page = connection.ask("GET", "/login", &visit, "", "").await?;
    let page = String::from_utf8_lossy(&page.body);
    let field = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        page.split(&start).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    };
    let form = format!(
        "form_token={}&request_id={}&login={login}&password={PASSWORD}",
        field("form_token").replace('+', "%2B").replace('=', "%3D"),
        field("request_id")
    );
    let typed = "Content-Type: application/x-www-form-urlencoded\r\n";
    let signed_in = connection.ask("POST", "/login", &visit, typed, &form).await?;
    ensure!(signed_in.status == 303, "{login}: {}", String::from_utf8_lossy(&signed_in.body));
    cookie(&signed_in.head).context("no cookie of the session")
}

/// The last cookie that an answer sets.
fn cookie(head: &[String]) -> Option<String> {
    let set = value(head, "set-cookie").rev().find(|value| !value.contains("Max-Age=0"))?;
    Some(set.split(';').next().unwrap_or_default().to_owned())
}
