//! An operator's system as it calls the platform by T/CEC 102 over real HTTP.
//!
//! Owns: its clock and counter, tokens, pushes, repetition. Not: what the platform makes of them. Source: interconnect protocol.
use std::{
    sync::atomic::{AtomicI64, AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use proto::stations::Secrets;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Mutex,
    time::timeout,
};

use super::envelope::{self, Told};
use crate::{deployment::Deployment, driver::clock, services::Service};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Answers that are kept to be looked at.
const ANSWERS_MAX: usize = 1_000;

/// One operator's system.
pub struct Simulator {
    address: String,
    /// OperatorID on the wire.
    pub organisation: String,
    /// By which it calls the platform.
    pub secrets: Secrets,
    /// Seconds that its clock is ahead of the machine's.
    pub clock_ahead: AtomicI64,
    seq: AtomicU32,
    token: Mutex<Option<String>>,
    /// The latest envelopes that the platform answered with.
    pub answers: Mutex<Vec<Value>>,
}

impl Simulator {
    /// A system before a platform's interconnect. Errors: there is none.
    pub fn at(platform: &impl AsRef<Deployment>, organisation: &str, secrets: Secrets) -> Result<Self> {
        let address = platform.as_ref().address(Service::Interconnect)?.inlet.clone();
        Ok(Self {
            address,
            organisation: organisation.to_owned(),
            secrets,
            clock_ahead: AtomicI64::new(0),
            seq: AtomicU32::new(1),
            token: Mutex::default(),
            answers: Mutex::default(),
        })
    }

    /// The system's clock in seconds since 1970.
    pub fn now(&self) -> i64 {
        clock::now().seconds + self.clock_ahead.load(Ordering::Relaxed)
    }

    /// The envelope of a message, by the system's clock and counter.
    pub fn envelope(&self, body: &Value) -> Value {
        let number = self.seq.fetch_add(1, Ordering::Relaxed);
        envelope::request(&self.secrets, &self.organisation, body, self.now(), number)
    }

    /// Sends an envelope with a token. Errors: no answer, or one that is not signed with the operator's key.
    pub async fn send(&self, method: &str, envelope: &Value, token: Option<&str>) -> Result<Told> {
        let body = envelope.to_string();
        let bearer = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        let head = format!(
            "POST /evcs/v20160701/{method} HTTP/1.0\r\nHost: {}\r\n{bearer}Content-Type: application/json; \
             charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        let answer = timeout(PATIENCE, async {
            let mut stream = TcpStream::connect(&self.address).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        });
        let answer = answer.await.with_context(|| format!("{method} gave no answer"))??;
        let (head, text) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
        ensure!(head.contains(" 200 "), "{head}");
        let envelope: Value = serde_json::from_str(text)?;
        let mut answers = self.answers.lock().await;
        if answers.len() == ANSWERS_MAX {
            answers.remove(0);
        }
        answers.push(envelope.clone());
        drop(answers);
        envelope::told(&self.secrets, &envelope)
    }

    /// A fresh token. Errors: it is refused.
    pub async fn login(&self) -> Result<String> {
        let body = json!({ "OperatorID": self.organisation, "OperatorSecret": self.secrets.operator_secret });
        let told = self.send("query_token", &self.envelope(&body), None).await?;
        let token = told.body["AccessToken"].as_str().filter(|token| !token.is_empty());
        token.map(str::to_owned).with_context(|| format!("no token: {told:?}"))
    }

    /// Sends a message as a good peer does: with a token, once more with a new one after 4002. Errors: no answer.
    pub async fn push(&self, method: &str, body: &Value) -> Result<Told> {
        self.push_envelope(method, &self.envelope(body)).await
    }

    /// The same for an envelope that is made already, e.g. to repeat it.
    ///
    /// # Errors
    /// No answer, or no token.
    pub async fn push_envelope(&self, method: &str, envelope: &Value) -> Result<Told> {
        let held = self.token.lock().await.clone();
        if let Some(token) = held {
            let told = self.send(method, envelope, Some(&token)).await?;
            if told.ret != 4002 {
                return Ok(told);
            }
        }
        let token = self.login().await?;
        *self.token.lock().await = Some(token.clone());
        self.send(method, envelope, Some(&token)).await
    }
}
