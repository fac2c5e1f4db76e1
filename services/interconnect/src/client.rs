//! T/CEC 102 as client: one call of an operator's system, with its token, its limits and its faults.
//!
//! Owns: HTTP, tokens (one for each link, fetched by one call at a time, renewed before they end), TimeStamp and Seq. Not:
//! when to call (`turns`), what answers mean (`domain`), which addresses may be called (`chassis::outbound`). Source: interconnect protocol, sections 3, 6, 7 and 8.
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chassis::outbound;
use reqwest::{
    Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    domain::{
        answer::{self, Answer, Trouble},
        bodies::pulled,
        envelope::{Request, Secrets},
        fields::{stamp, stamp_text},
        json::Members,
        method::NOT_SERVED,
        ret::Ret,
    },
    spelling::spelled,
    tokens::{MARK, Tokens},
    web::Clock,
};

/// Source: interconnect protocol, section 3.
const CONNECT: Duration = Duration::from_secs(5);
/// A whole call.
pub const CALL: Duration = Duration::from_secs(15);
/// A page.
pub const PAGE: Duration = Duration::from_secs(30);
/// Largest answer, bytes.
const ANSWER_MAX: usize = 16 << 20;
/// Calls that one second has numbers for.
const SEQ_MAX: u32 = 9_999;

/// Where one side is, and by which secrets it is called.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whose system.
    pub operator_id: Uuid,
    /// Up to and without the version.
    pub base_url: String,
    /// Text of the version in paths.
    pub version: String,
    /// OperatorID of the caller.
    pub organisation: String,
    /// By which it is called.
    pub secrets: Secrets,
    /// Method to last part of its path; `-`: not served.
    pub paths: BTreeMap<String, String>,
    /// Standard spelling to the one that is sent.
    pub spellings: BTreeMap<String, String>,
    /// Certificates (PEM) that alone are believed; empty: the public ones. Stations takes none that cannot be read.
    pub authority: String,
    /// Of this platform's own door, which may have a private address: marks what is sent there as a joint test's.
    pub own: Option<Tokens>,
}

impl Target {
    /// Whether the link says that its system serves a method.
    #[must_use]
    pub fn serves(&self, method: &str) -> bool {
        self.paths.get(method).is_none_or(|path| path != NOT_SERVED)
    }
}

/// What a joint test does wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The signature is that of another key.
    Signature,
    /// A member of the envelope is missing.
    Without(&'static str),
}

/// What was answered to a call.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The envelope that was sent: it names the batch of what came.
    pub request: Request,
    /// Its TimeStamp.
    pub stamp: OffsetDateTime,
    /// The object that came.
    pub members: Members,
}

#[derive(Clone)]
struct Held {
    token: String,
    secrets: Secrets,
    renew_at: Instant,
}

/// Calls operators' systems.
pub struct Client {
    outside: reqwest::Client,
    inside: reqwest::Client,
    /// Of links with an authority of their own, and which.
    believing: Mutex<HashMap<Uuid, (String, reqwest::Client)>>,
    clock: Clock,
    private_addresses: bool,
    last: Mutex<(i64, u32)>,
    tokens: Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<Option<Held>>>>>,
}

impl Client {
    /// Prepares connections. `private_addresses`: whether operators' systems may be inside this network.
    ///
    /// # Errors
    /// The machine has no usable TLS.
    pub fn new(clock: Clock, private_addresses: bool) -> Result<Self, reqwest::Error> {
        Ok(Self {
            outside: outbound::client(private_addresses, CONNECT)?,
            inside: outbound::client(true, CONNECT)?,
            believing: Mutex::default(),
            clock,
            private_addresses,
            last: Mutex::default(),
            tokens: Mutex::default(),
        })
    }

    /// Calls a method with the link's token; once more with a new one where the token is said to be wrong.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn call(
        &self,
        target: &Target,
        method: &str,
        body: Value,
        patience: Duration,
    ) -> Result<Heard, Trouble> {
        let token = self.token(target, None).await?;
        match self.heard(target, method, &body, &token, patience).await {
            Err(Trouble::Refused { ret: Ret::Token, .. }) => {
                let token = self.token(target, Some(&token)).await?;
                self.heard(target, method, &body, &token, patience).await
            }
            other => other,
        }
    }

    async fn heard(
        &self,
        target: &Target,
        method: &str,
        body: &Value,
        token: &str,
        patience: Duration,
    ) -> Result<Heard, Trouble> {
        let sent = self.send(target, method, body, Some(token), Flaw::None, patience).await;
        let outcome = sent.as_ref().map_or_else(Trouble::reason, |(_, answer)| {
            if answer.ret == Ret::Accepted { "answered" } else { "answer_refused" }
        });
        metrics::counter!("tcec_calls_total", "method" => method.to_owned(), "outcome" => outcome)
            .increment(1);
        let (request, answer) = sent?;
        if answer.ret != Ret::Accepted {
            return Err(Trouble::Refused { ret: answer.ret, msg: answer.msg });
        }
        let stamp = stamp(&request.timestamp).ok_or(Trouble::Data)?;
        Ok(Heard { request, stamp, members: answer.members })
    }

    /// The token of a link; another one than `wrong`. Of several that ask at once one fetches it.
    async fn token(&self, target: &Target, wrong: Option<&str>) -> Result<String, Trouble> {
        let place = {
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.entry(target.operator_id).or_default().clone()
        };
        let mut held = place.lock().await;
        if let Some(held) = held.as_ref()
            && held.secrets == target.secrets
            && held.renew_at > Instant::now()
            && wrong != Some(held.token.as_str())
        {
            return Ok(held.token.clone());
        }
        *held = None;
        let granted = self.login(target, &target.secrets.operator).await?;
        let life = u64::try_from(granted.life_secs).unwrap_or_default();
        // Source: interconnect protocol, section 6: 60 to 300 s before it ends.
        let margin = (life / 4).clamp(60, 300).min(life / 2);
        *held = Some(Held {
            token: granted.token.clone(),
            secrets: target.secrets.clone(),
            renew_at: Instant::now() + Duration::from_secs(life - margin),
        });
        Ok(granted.token)
    }

    /// Fetches a token with a secret.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn login(&self, target: &Target, secret: &str) -> Result<pulled::Granted, Trouble> {
        let body = json!({ "OperatorID": target.organisation, "OperatorSecret": secret });
        let (_, answer) = self.send(target, "query_token", &body, None, Flaw::None, CALL).await?;
        if answer.ret != Ret::Accepted {
            return Err(Trouble::Refused { ret: answer.ret, msg: answer.msg });
        }
        pulled::token(&answer.members).map_err(|reason| Trouble::Login { reason })
    }

    /// Sends one envelope and reads the answer, whatever its Ret.
    ///
    /// # Errors
    /// [`Trouble`], but never [`Trouble::Refused`].
    pub async fn send(
        &self,
        target: &Target,
        method: &str,
        body: &Value,
        token: Option<&str>,
        flaw: Flaw,
        patience: Duration,
    ) -> Result<(Request, Answer), Trouble> {
        let name = target.paths.get(method).map_or(method, String::as_str);
        let base = target.base_url.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/v{}/{name}", target.version)).map_err(|_| Trouble::Address)?;
        if target.own.is_none()
            && !self.private_addresses
            && !(url.scheme() == "https" && outbound::allowed(&url))
        {
            return Err(Trouble::Address);
        }
        let (stamp, seq) = self.number();
        let text = spelled(body.clone(), &target.spellings).to_string();
        let request = answer::seal(&target.secrets, &target.organisation, &stamp, &seq, &text)?;
        let http = if target.own.is_some() { self.inside.clone() } else { self.outside(target)? };
        let mut call = http.post(url).header(CONTENT_TYPE, "application/json; charset=utf-8");
        if let Some(token) = token {
            call = call.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = flawed(&request, flaw);
        if let Some(tokens) = &target.own {
            call = call.header(MARK, tokens.mark(&body));
        }
        let exchange = async { whole(call.body(body).send().await.map_err(unreachable)?).await };
        let answer = timeout(patience, exchange).await.map_err(|_| Trouble::TimedOut)??;
        Ok((request, answer::open(&target.secrets, &answer)?))
    }

    /// Connections to an operator's system, which believe what its link says.
    fn outside(&self, target: &Target) -> Result<reqwest::Client, Trouble> {
        if target.authority.is_empty() {
            return Ok(self.outside.clone());
        }
        let mut all = self.believing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((authority, http)) = all.get(&target.operator_id)
            && *authority == target.authority
        {
            return Ok(http.clone());
        }
        let made = outbound::believing(&target.authority, self.private_addresses, CONNECT);
        let http = made.ok_or(Trouble::Address)?;
        all.insert(target.operator_id, (target.authority.clone(), http.clone()));
        Ok(http)
    }

    /// The time by which envelopes are stamped.
    pub fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// TimeStamp and Seq: never the same twice, also when the clock steps back.
    fn number(&self) -> (String, String) {
        let now = self.now().unix_timestamp();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            (second, seq) if second >= now && seq < SEQ_MAX => (second, seq + 1),
            (second, _) if second >= now => (second + 1, 1),
            _ => (now, 1),
        };
        let at = OffsetDateTime::from_unix_timestamp(last.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        (stamp_text(at), format!("{:04}", last.1))
    }
}

fn flawed(request: &Request, flaw: Flaw) -> String {
    let sig = if flaw == Flaw::Signature { "0".repeat(request.sig.len()) } else { request.sig.clone() };
    let mut envelope = json!({
        "OperatorID": request.operator_id, "Data": request.data, "TimeStamp": request.timestamp, "Seq": request.seq,
        "Sig": sig,
    });
    if let (Flaw::Without(name), Some(members)) = (flaw, envelope.as_object_mut()) {
        members.remove(name);
    }
    envelope.to_string()
}

/// The whole body of an answer with status 200.
async fn whole(mut response: Response) -> Result<Vec<u8>, Trouble> {
    if response.status() != reqwest::StatusCode::OK {
        return Err(Trouble::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Trouble::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreachable(error: reqwest::Error) -> Trouble {
    // Where nobody was reached, what was asked for was not too much.
    if error.is_timeout() && !error.is_connect() { Trouble::TimedOut } else { Trouble::Unreachable }
}
