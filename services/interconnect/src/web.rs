//! The HTTP inlet: one path for each method, the checks in their order, the signed answer.
//!
//! Source: interconnect protocol, sections 3 and 7. The first failing check answers; every answer from the signature check
//! on is signed with the key by which the request was signed.
use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method as Verb, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    app::{self, Call, Done, Refused},
    config::Config,
    domain::{
        bodies::{self, Body as Message},
        envelope::{self, Request as Envelope, Secrets},
        fields::stamp,
        json as text,
        link::{Keys, Link},
        method::Method,
        ret::Ret,
    },
    labels,
    neighbours::{Neighbours, Voice},
    spelling::spelled,
    tokens::Tokens,
};

/// How long a body may take to arrive.
const READ_TIME: Duration = Duration::from_secs(10);

/// The time by which envelopes are judged.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// Everything that answers share.
pub struct Server {
    neighbours: Neighbours,
    tokens: Tokens,
    clock: Clock,
    prefix: String,
    body_bytes_max: usize,
    places: Semaphore,
    logins: DefaultKeyedRateLimiter<String>,
}

impl Server {
    /// Puts the parts together; nobody has to be there.
    #[must_use]
    pub fn new(config: &Config, neighbours: Neighbours, tokens: Tokens, clock: Clock) -> Self {
        let per_minute = NonZeroU32::new(config.tokens.per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            neighbours,
            tokens,
            clock,
            prefix: format!("/{}/v", config.server.prefix),
            body_bytes_max: config.limits.body_bytes_max,
            places: Semaphore::new(config.limits.in_flight_max),
            logins: RateLimiter::keyed(Quota::per_minute(per_minute)),
        }
    }
}

/// Every path of the protocol.
pub fn router(server: Arc<Server>) -> Router {
    Router::new().fallback(serve).with_state(server)
}

async fn serve(State(server): State<Arc<Server>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let named = path.strip_prefix(&server.prefix).and_then(|rest| rest.split_once('/'));
    let Some((_version, name)) = named.filter(|(_, name)| !name.contains('/')) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if request.method() != Verb::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    if !is_json(request.headers()) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = timeout(READ_TIME, received(body, server.body_bytes_max)).await else {
        return StatusCode::REQUEST_TIMEOUT.into_response();
    };
    let Some(body) = body else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let method = Method::named(name);
    let Some(answer) = server.answer(method, bearer.unwrap_or_default(), &body).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let label = method.map_or("unknown", Method::name);
    metrics::counter!("tcec_requests_total", "method" => label, "ret" => answer.ret.code().to_string())
        .increment(1);
    if answer.ret != Ret::Accepted {
        tracing::info!(method = label, ret = answer.ret.code(), bytes = body.len(), operator = %answer.operator, "refused: {}", answer.msg);
    }
    answer.signed()
}

/// `application/json`; another charset than UTF-8 is another media type.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(said) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let said = said.to_ascii_lowercase();
    let mut parts = said.split(';').map(str::trim);
    let charset = |part: &str| part.strip_prefix("charset=").map(|set| set.trim_matches('"').to_owned());
    parts.next() == Some("application/json")
        && parts.filter_map(charset).all(|set| set == "utf-8" || set == "utf8")
}

/// The whole body; `None` when it is larger than allowed, or breaks off.
async fn received(body: Body, max: usize) -> Option<Vec<u8>> {
    to_bytes(body, max).await.ok().map(Into::into)
}

/// An answer before it is signed.
struct Answer {
    ret: Ret,
    msg: String,
    /// Plaintext of Data; none where there is nothing to say.
    body: Option<Value>,
    /// The keys of the request; none where the operator is not known.
    keys: Option<Secrets>,
    /// OperatorID as said, for the log.
    operator: String,
}

impl Answer {
    fn signed(self) -> Response {
        let keys = self.keys;
        let text = self.body.map(|body| body.to_string());
        let data = match (&keys, text) {
            (Some(keys), Some(text)) => envelope::encrypt(keys, &text),
            _ => Ok(String::new()),
        };
        // Keys that are not 16 bytes never leave stations; should they, nothing is answered in clear.
        let Ok(data) = data else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
        let ret = self.ret.code();
        let sig = keys.map_or(String::new(), |keys| envelope::sign_answer(&keys.sig, ret, &self.msg, &data));
        Json(json!({ "Ret": ret, "Msg": self.msg, "Data": data, "Sig": sig })).into_response()
    }
}

impl Server {
    /// The answer to an envelope; `None` when it cannot be told whose it is, since stations is away.
    async fn answer(&self, method: Option<Method>, bearer: &str, body: &[u8]) -> Option<Answer> {
        let refused = |operator: &str, keys: Option<&Keys>, refused: Refused| Answer {
            ret: refused.ret,
            msg: refused.msg,
            body: None,
            keys: keys.map(|keys| keys.secrets.clone()),
            operator: operator.to_owned(),
        };
        let request = match envelope::read(body) {
            Ok(request) => request,
            Err(fault) => {
                return Some(refused("", None, Refused::new(Ret::Envelope, labels::malformed(&fault))));
            }
        };
        let operator = request.operator_id.as_str();
        let unknown = || Some(refused("", None, Refused::new(Ret::Envelope, labels::UNKNOWN_OPERATOR)));
        let link = match self.neighbours.link(operator).await {
            Ok(Some(link)) => link,
            Ok(None) => return unknown(),
            Err(failure) => {
                tracing::warn!(error = %failure, "stations is away: {}", chassis::error::chain(&failure));
                return None;
            }
        };
        let Some(newest) = link.inbound.first() else { return unknown() };
        let Some(keys) = link.inbound.iter().find(|keys| request.signed_with(&keys.secrets.sig)) else {
            return Some(refused(operator, Some(newest), Refused::new(Ret::Signature, labels::SIGNATURE)));
        };
        let done = self.checked(method, bearer, &request, &link, keys).await;
        Some(match done {
            Ok(done) => Answer {
                ret: Ret::Accepted,
                msg: done.msg,
                body: Some(spelled(done.body, &link.spellings)),
                keys: Some(keys.secrets.clone()),
                operator: operator.to_owned(),
            },
            Err(why) => refused(operator, Some(keys), why),
        })
    }

    /// Checks 5 to 10, then the method.
    async fn checked(
        &self,
        method: Option<Method>,
        bearer: &str,
        request: &Envelope,
        link: &Link,
        keys: &Keys,
    ) -> Result<Done, Refused> {
        let method = method.ok_or_else(|| Refused::new(Ret::Envelope, labels::METHOD))?;
        if !link.open {
            return Err(Refused::new(Ret::Envelope, labels::CLOSED));
        }
        let voice = self.neighbours.voice(link.operator_id).await.map_err(tonic::Status::from)?;
        let now = (self.clock)();
        let token = bearer.strip_prefix("Bearer ").unwrap_or_default();
        if method != Method::Token && !self.tokens.holds(token, link, now) {
            return Err(Refused::new(Ret::Token, labels::TOKEN));
        }
        let stamp = stamp(&request.timestamp).ok_or_else(|| Refused::new(Ret::Envelope, labels::NO_DATE))?;
        if (stamp - now).abs() > link.window {
            return Err(Refused::new(Ret::Envelope, labels::clock(link.window.whole_seconds())));
        }
        let message = message(method, request, link, keys)?;
        let place = self.places.try_acquire().map_err(|_| Refused::new(Ret::Busy, labels::BUSY))?;
        let often = method == Method::Token && self.logins.check_key(&link.organisation).is_err();
        if often {
            return Err(Refused::new(Ret::Busy, labels::BUSY));
        }
        let call = Call { link, request, stamp };
        let done = self.execute(&call, keys, &voice, &message).await;
        drop(place);
        done
    }

    async fn execute(
        &self,
        call: &Call<'_>,
        keys: &Keys,
        voice: &Voice,
        message: &Message,
    ) -> Result<Done, Refused> {
        match message {
            Message::Token(login) => Ok(app::token::execute(call, keys, &self.tokens, login)),
            Message::Status(reports) => app::status::execute(call, voice, reports).await,
            Message::Stations(stations) => app::stations::execute(call, voice, stations).await,
            Message::Charging(sample) => app::charging::execute(call, voice, sample).await,
            Message::Order(order) => app::order::execute(call, voice, order).await,
            Message::Check(check) => app::check::execute(voice, check).await,
        }
    }
}

/// Checks 8 and 9: Data gives a text, the text a message of the method.
fn message(method: Method, request: &Envelope, link: &Link, keys: &Keys) -> Result<Message, Refused> {
    let plain = envelope::decrypt(&keys.secrets, &request.data)
        .map_err(|fault| Refused::new(Ret::Envelope, labels::undecodable(fault)))?;
    let value = text::parse(&plain).map_err(|fault| Refused::new(Ret::Business, labels::json(&fault)))?;
    let text::Value::Object(members) = value else {
        return Err(Refused::new(Ret::Business, labels::NO_OBJECT));
    };
    match bodies::read(method, &members, link) {
        Ok((message, findings)) => {
            for odd in findings.oddities {
                metrics::counter!("tcec_oddities_total", "method" => method.name(), "what" => odd.what)
                    .increment(1);
                tracing::debug!(operator = %link.organisation, path = %odd.path, "taken, though odd: {}", odd.what);
            }
            Ok(message)
        }
        Err(findings) => Err(Refused::new(Ret::Business, labels::faults(&findings.faults))),
    }
}
