//! The HTTP inlet: one path for each method, the checks in their order, the signed answer.
//!
//! Source: interconnect protocol, sections 3 and 7. The first failing check answers; every answer from the signature check
//! on is signed with the key by which the request was signed. What is not known to come from an operator has few places, and one
//! address names only so many codes that nobody has (decision record 36).
use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method as Verb, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chassis::{
    connections::client_address,
    turns::{Turn, Turns},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};
use uuid::Uuid;

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
    refusals::{Refusals, about},
    spelling::spelled,
    tokens::{MARK, Tokens},
};

/// How long a body may take to arrive.
const READ_TIME: Duration = Duration::from_secs(10);
/// Addresses that are remembered before those that have rested are forgotten.
const ADDRESSES_MAX: usize = 50_000;

/// The time by which envelopes are judged.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// Everything that answers share.
pub struct Server {
    neighbours: Neighbours,
    tokens: Tokens,
    clock: Clock,
    prefix: String,
    body_bytes_max: usize,
    forwarded_hops: usize,
    arrivals: Turns,
    strangers: DefaultKeyedRateLimiter<IpAddr>,
    places: Semaphore,
    logins: DefaultKeyedRateLimiter<String>,
    refusals: Refusals,
}

impl Server {
    /// Puts the parts together; nobody has to be there.
    #[must_use]
    pub fn new(config: &Config, neighbours: Neighbours, tokens: Tokens, clock: Clock) -> Self {
        let per_minute = |number| Quota::per_minute(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN));
        Self {
            neighbours,
            tokens,
            clock,
            prefix: format!("/{}/v", config.server.prefix),
            body_bytes_max: config.limits.body_bytes_max,
            forwarded_hops: config.server.forwarded_hops,
            // One address cannot take them all.
            arrivals: Turns::new(config.limits.arrivals_max, config.limits.arrivals_max.div_ceil(2)),
            strangers: RateLimiter::keyed(per_minute(config.limits.strangers_per_minute)),
            places: Semaphore::new(config.limits.in_flight_max),
            logins: RateLimiter::keyed(per_minute(config.tokens.per_minute)),
            refusals: Refusals::default(),
        }
    }

    /// Tells stations what has been refused, for as long as the process lives.
    pub async fn report(self: Arc<Self>) {
        self.refusals.run(&self.neighbours).await;
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
    let address = client_address(&parts, server.forwarded_hops);
    let Ok(arrival) = server.arrivals.turn(&address.to_string()) else {
        return later(StatusCode::SERVICE_UNAVAILABLE);
    };
    let Ok(body) = timeout(READ_TIME, received(body, server.body_bytes_max)).await else {
        return StatusCode::REQUEST_TIMEOUT.into_response();
    };
    let Some(body) = body else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let answer = match server.answer(name, bearer.unwrap_or_default(), &body, address, arrival).await {
        Ok(answer) => answer,
        Err(status) => return later(status),
    };
    let label = answer.method.map_or("unknown", Method::name);
    metrics::counter!("tcec_requests_total", "method" => label, "ret" => answer.ret.code().to_string())
        .increment(1);
    if answer.ret != Ret::Accepted {
        tracing::info!(method = label, ret = answer.ret.code(), bytes = body.len(), operator = %answer.operator, "refused: {}", answer.msg);
    }
    // What a joint test of ours does wrong on purpose is no fault of the operator's system.
    let mark = parts.headers.get(MARK).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some((operator_id, refused)) = &answer.untold
        && !server.tokens.marked(mark, &body)
    {
        server.refusals.note(*operator_id, answer.method, refused);
    }
    answer.signed()
}

/// An answer without an envelope that says when to come again. Source: interconnect protocol, section 3.
fn later(status: StatusCode) -> Response {
    let after = if status == StatusCode::TOO_MANY_REQUESTS { "60" } else { "1" };
    metrics::counter!("tcec_turned_away_total", "status" => status.as_u16().to_string()).increment(1);
    (status, [(header::RETRY_AFTER, after)]).into_response()
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
async fn received(body: Body, max: usize) -> Option<Bytes> {
    to_bytes(body, max).await.ok()
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
    /// The method that the path means.
    method: Option<Method>,
    /// A refusal that stations does not know of, and whose message it was.
    untold: Option<(Uuid, Refused)>,
}

/// An answer on the wire.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Signed<'a> {
    data: &'a str,
    msg: &'a str,
    ret: i32,
    sig: &'a str,
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
        Json(Signed { data: &data, msg: &self.msg, ret, sig: &sig }).into_response()
    }
}

impl Server {
    /// The answer to an envelope. It gives up its place among the arrivals when it is known whose it is.
    ///
    /// # Errors
    /// The status where that cannot be told: stations is away, or the address has named too many that nobody knows.
    async fn answer(
        &self,
        name: &str,
        bearer: &str,
        body: &[u8],
        address: IpAddr,
        arrival: Turn,
    ) -> Result<Answer, StatusCode> {
        let nobodys = |msg: String| Answer {
            ret: Ret::Envelope,
            msg,
            body: None,
            keys: None,
            operator: String::new(),
            method: Method::named(name),
            untold: None,
        };
        let request = match envelope::read(body) {
            Ok(request) => request,
            Err(fault) => return Ok(nobodys(labels::malformed(&fault))),
        };
        let operator = request.operator_id.as_str();
        let unknown = || Ok(nobodys(labels::UNKNOWN_OPERATOR.to_owned()));
        if !self.neighbours.remembers(operator) && self.asks_too_often(address) {
            return Err(StatusCode::TOO_MANY_REQUESTS);
        }
        let link = match self.neighbours.link(operator).await {
            Ok(Some(link)) => link,
            Ok(None) => return unknown(),
            Err(failure) => {
                tracing::warn!(error = %failure, "stations is away: {}", chassis::error::chain(&failure));
                return Err(StatusCode::SERVICE_UNAVAILABLE);
            }
        };
        let Some(newest) = link.inbound.first() else { return unknown() };
        let method = Method::on_link(name, &link.paths);
        let refused = |keys: &Keys, why: &Refused| Answer {
            ret: why.ret,
            msg: why.msg.clone(),
            body: None,
            keys: Some(keys.secrets.clone()),
            operator: operator.to_owned(),
            method,
            untold: None,
        };
        let untold = |keys: &Keys, why: Refused| {
            let answer = refused(keys, &why);
            Ok(Answer { untold: Some((link.operator_id, why)), ..answer })
        };
        let Some(keys) = link.inbound.iter().find(|keys| request.signed_with(&keys.secrets.sig)) else {
            return untold(newest, Refused::new(Ret::Signature, labels::SIGNATURE));
        };
        drop(arrival);
        let admitted = match self.admitted(method, bearer, &request, &link, keys).await {
            Ok(admitted) => admitted,
            Err(why) => return untold(keys, why),
        };
        let call = Call { link: &link, request: &request, stamp: admitted.stamp };
        Ok(match self.execute(&call, keys, &admitted).await {
            Ok(done) => Answer {
                ret: Ret::Accepted,
                msg: done.msg,
                body: Some(spelled(done.body, &link.spellings)),
                keys: Some(keys.secrets.clone()),
                operator: operator.to_owned(),
                method,
                untold: None,
            },
            Err(why) => refused(keys, &why),
        })
    }

    /// Whether an address has named more codes within a minute than one may that stations had to be asked for.
    fn asks_too_often(&self, address: IpAddr) -> bool {
        if self.strangers.len() > ADDRESSES_MAX {
            self.strangers.retain_recent();
        }
        self.strangers.check_key(&address).is_err()
    }

    /// Checks 5 to 10.
    async fn admitted(
        &self,
        method: Option<Method>,
        bearer: &str,
        request: &Envelope,
        link: &Link,
        keys: &Keys,
    ) -> Result<Admitted<'_>, Refused> {
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
        let clock = |msg: String| Refused::new(Ret::Envelope, msg).naming(vec!["TimeStamp".to_owned()]);
        let stamp = stamp(&request.timestamp).ok_or_else(|| clock(labels::NO_DATE.to_owned()))?;
        if (stamp - now).abs() > link.window {
            return Err(clock(labels::clock(link.window.whole_seconds())));
        }
        let message = message(method, request, link, keys)?;
        let place = self.places.try_acquire().map_err(|_| Refused::new(Ret::Busy, labels::BUSY))?;
        let often = method == Method::Token && self.logins.check_key(&link.organisation).is_err();
        if often {
            return Err(Refused::new(Ret::Busy, labels::BUSY));
        }
        Ok(Admitted { voice, message, stamp, _place: place })
    }

    async fn execute(&self, call: &Call<'_>, keys: &Keys, admitted: &Admitted<'_>) -> Result<Done, Refused> {
        let voice = &admitted.voice;
        match &admitted.message {
            Message::Token(login) => Ok(app::token::execute(call, keys, &self.tokens, login)),
            Message::Status(reports) => app::status::execute(call, voice, reports).await,
            Message::Stations(stations) => {
                app::stations::execute(call, voice, stations, &self.refusals).await
            }
            Message::Charging(sample) => app::charging::execute(call, voice, sample).await,
            Message::Order(order) => app::order::execute(call, voice, order).await,
            Message::Check(check) => app::check::execute(call, voice, check).await,
            Message::Power(measured) => app::power::execute(call, voice, measured).await,
            Message::Outcome(outcome) => Ok(app::outcome::execute(outcome)),
        }
    }
}

/// A message that may be acted upon.
struct Admitted<'s> {
    voice: Voice,
    message: Message,
    /// TimeStamp of its envelope.
    stamp: OffsetDateTime,
    /// Held until it is answered.
    _place: SemaphorePermit<'s>,
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
        Err(findings) => {
            let fields = findings.faults.iter().map(|fault| fault.path.clone()).collect();
            let refused = Refused::new(Ret::Business, labels::faults(&findings.faults));
            Err(refused.naming(fields).about(about(&members)))
        }
    }
}
