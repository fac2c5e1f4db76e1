//! Who acts: a person or a machine with a caller token that renews itself, and how a call is sent and repeated.
//!
//! Owns: tokens, fresh request ids, deadlines and repetition (reliability section 6). Not: the verbs (`people`,
//! `stations`, `dossiers`, `review`, `joint`, `worklist`).
use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::Message as _;
use proto::{
    accounts::{CallerToken, IssueCallerTokenRequest, IssueClientResponse, IssueMachineTokenRequest},
    common::CallerClaims,
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};
use tonic::{Request, Response, Status, metadata::MetadataValue};

use super::{
    platform::{AUDIENCE, Platform},
    refused::{Answer, Refused},
};

/// Longest wait for one answer.
const DEADLINE: Duration = Duration::from_secs(15);
/// Further attempts after the first. Source: reliability section 6.
const REPETITIONS: u32 = 4;
/// Before the first repetition; three times as long before each further one.
const PAUSE: Duration = Duration::from_millis(100);

/// Somebody who calls the services. Cheap to clone; clones share one token.
#[derive(Clone)]
pub struct Actor {
    platform: Platform,
    pass: Arc<Pass>,
    request_id: Option<String>,
    repetitions: u32,
}

/// What an actor proves itself with.
#[derive(Clone)]
pub(crate) enum Proof {
    /// Nobody: the few methods that are open before signing in.
    Nobody,
    /// A signed-in person's session.
    Session(String),
    /// An outside system's credentials.
    Machine { client_id: String, client_secret: String },
}

struct Pass {
    name: String,
    proof: Proof,
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    bearer: MetadataValue<tonic::metadata::Ascii>,
    renew_at: Instant,
}

impl fmt::Debug for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Actor({})", self.pass.name)
    }
}

impl Actor {
    /// Somebody with a proof; `name` is for messages.
    pub(crate) fn new(platform: &Platform, name: impl Into<String>, proof: Proof) -> Self {
        let pass = Pass { name: name.into(), proof, token: Mutex::new(None) };
        Self { platform: platform.clone(), pass: Arc::new(pass), request_id: None, repetitions: REPETITIONS }
    }

    /// Somebody who has not signed in.
    pub fn nobody(platform: &Platform) -> Self {
        Self::new(platform, "nobody", Proof::Nobody)
    }

    /// An outside system with its credentials.
    pub fn machine(platform: &Platform, issued: IssueClientResponse) -> Self {
        let IssueClientResponse { client_id, client_secret } = issued;
        Self::new(platform, client_id.clone(), Proof::Machine { client_id, client_secret })
    }

    /// The login or the client id.
    pub fn name(&self) -> &str {
        &self.pass.name
    }

    /// The platform that it calls.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The same actor whose verbs all carry this request id: a repetition is a replay.
    #[must_use]
    pub fn repeating(&self, request_id: &str) -> Self {
        Self { request_id: Some(request_id.to_owned()), ..self.clone() }
    }

    /// The same actor who sends each request once, whatever comes back: for races and faults.
    #[must_use]
    pub fn once(&self) -> Self {
        Self { repetitions: 0, ..self.clone() }
    }

    /// The session behind a signed-in person.
    pub(crate) fn session(&self) -> Option<&str> {
        match &self.pass.proof {
            Proof::Session(token) => Some(token),
            Proof::Nobody | Proof::Machine { .. } => None,
        }
    }

    /// A request id: fresh, or the one that is being repeated.
    pub fn request_id(&self) -> String {
        self.request_id.clone().unwrap_or_else(fresh_id)
    }

    /// The claims of the present caller token: user id, roles, scope, operator. Errors: no token can be had.
    pub async fn claims(&self) -> Answer<CallerClaims> {
        let Some(bearer) = self.bearer().await? else { return Ok(CallerClaims::default()) };
        let text = bearer.to_str().unwrap_or_default().trim_start_matches("Bearer ");
        claims(text).map_err(|error| Status::internal(error.to_string()).into())
    }

    /// Sends a request until it is answered; each attempt carries the same body and so the same request id.
    ///
    /// Errors: a refusal at once; a passing fault after the last repetition.
    pub async fn ask<Req, Res, Sent>(
        &self,
        body: Req,
        send: impl Fn(Platform, Request<Req>) -> Sent,
    ) -> Answer<Res>
    where
        Req: Clone,
        Sent: Future<Output = Result<Response<Res>, Status>>,
    {
        let mut repetition = 0;
        loop {
            let refused = match self.attempt(body.clone(), &send).await {
                Ok(answer) => return Ok(answer),
                Err(refused) => refused,
            };
            if !refused.passing() || repetition == self.repetitions {
                return Err(refused);
            }
            sleep(jittered(PAUSE * 3_u32.pow(repetition))).await;
            self.platform.note_repetition();
            repetition += 1;
        }
    }

    async fn attempt<Req, Res, Sent>(
        &self,
        body: Req,
        send: &impl Fn(Platform, Request<Req>) -> Sent,
    ) -> Answer<Res>
    where
        Sent: Future<Output = Result<Response<Res>, Status>>,
    {
        let request = self.signed(body).await?;
        match timeout(DEADLINE, send(self.platform.clone(), request)).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(Refused::overdue()),
        }
    }

    /// A request that carries this caller: for streams, whose body is not a message. Errors: no token can be had.
    pub async fn signed<Req>(&self, body: Req) -> Answer<Request<Req>> {
        let mut request = Request::new(body);
        if let Some(bearer) = self.bearer().await? {
            request.metadata_mut().insert("authorization", bearer);
        }
        Ok(request)
    }

    async fn bearer(&self) -> Answer<Option<MetadataValue<tonic::metadata::Ascii>>> {
        if matches!(self.pass.proof, Proof::Nobody) {
            return Ok(None);
        }
        let mut held = self.pass.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.renew_at > Instant::now()) {
            return Ok(Some(token.bearer.clone()));
        }
        let asked = Instant::now();
        let issued = self.issue().await?;
        let token = read(&issued.token, asked).map_err(|error| Status::internal(format!("{error:#}")))?;
        let bearer = token.bearer.clone();
        *held = Some(token);
        Ok(Some(bearer))
    }

    /// Asks for a caller token; repeated like every call, as [`Actor::ask`] cannot be used for its own tokens.
    async fn issue(&self) -> Answer<CallerToken> {
        let audience: Vec<String> = AUDIENCE.iter().map(|name| (*name).to_owned()).collect();
        let mut repetition = 0;
        loop {
            let answer = match &self.pass.proof {
                Proof::Nobody => Ok(Response::new(CallerToken::default())),
                Proof::Session(token) => {
                    let body = IssueCallerTokenRequest {
                        session_token: token.clone(),
                        audience: audience.clone(),
                        export_id: String::new(),
                    };
                    self.platform.sessions().issue_caller_token(body).await
                }
                Proof::Machine { client_id, client_secret } => {
                    let (client_id, client_secret) = (client_id.clone(), client_secret.clone());
                    let body =
                        IssueMachineTokenRequest { client_id, client_secret, audience: audience.clone() };
                    self.platform.machines().issue_machine_token(body).await
                }
            };
            let refused = match answer {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => Refused::from(status),
            };
            if !refused.passing() || repetition == self.repetitions {
                return Err(refused);
            }
            sleep(jittered(PAUSE * 3_u32.pow(repetition))).await;
            self.platform.note_repetition();
            repetition += 1;
        }
    }
}

/// A fresh UUID in text.
pub fn fresh_id() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

/// Between half and one and a half of it, so that many callers do not come back at the same instant.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + rand::random::<f64>())
}

fn claims(token: &str) -> anyhow::Result<CallerClaims> {
    let (claims, _) = token.split_once('.').context("the token has no signature")?;
    let claims = URL_SAFE_NO_PAD.decode(claims).context("the token is not base64url")?;
    CallerClaims::decode(claims.as_slice()).context("the token holds no claims")
}

/// Renews after two thirds of the token's life, so that it never expires under way.
fn read(token: &str, asked: Instant) -> anyhow::Result<Token> {
    let claims = claims(token)?;
    let life = u64::try_from(claims.expires_at - claims.issued_at).unwrap_or_default();
    let bearer =
        MetadataValue::try_from(format!("Bearer {token}")).context("the token is not a header value")?;
    Ok(Token { bearer, renew_at: asked + Duration::from_secs(life * 2 / 3) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_after_two_thirds_of_its_life() {
        let claims = CallerClaims { issued_at: 100, expires_at: 160, ..CallerClaims::default() };
        let text = format!("{}.sig", URL_SAFE_NO_PAD.encode(claims.encode_to_vec()));
        let asked = Instant::now();
        assert_eq!(read(&text, asked).unwrap().renew_at - asked, Duration::from_secs(40));
        assert!(read("nonsense", asked).is_err());
    }

    #[test]
    fn request_ids_differ() {
        assert_ne!(fresh_id(), fresh_id());
        assert_eq!(fresh_id().len(), 36);
    }
}
