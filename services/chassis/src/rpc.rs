//! The gRPC boundary: who may call what (one table per service), the verified caller, the span, and calls to peers.
//!
//! Every handler runs in a spawned task: a client that leaves cannot cut a unit of work in half (reliability 7).

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use tonic::{
    Code, Request, Status,
    body::Body,
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::{
    Failure, clock,
    identity::{Caller, Identity, Kind},
    places::{Place, Places},
    secure::Material,
    telemetry,
};

/// One row of a service's access table. A method without a row is refused for everybody (reliability R9).
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Full path, e.g. `/yuchong.reviews.v1.Applications/Pass`.
    pub method: &'static str,
    /// Anyone of these.
    pub who: &'static [Who],
}

/// Who may call a method. Scope and relation are checked by the service that owns the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Also somebody who has not signed in.
    Anyone,
    /// A person with this role; `"*"` is any signed-in person.
    Person(&'static str),
    /// The same, who with a second factor enrolled has shown it in the last five minutes.
    StepUp(&'static str),
    /// An outside system with this role.
    Machine(&'static str),
    /// A service of this name; `"*"` is any service of the platform.
    Service(&'static str),
}

impl Who {
    fn admits(self, caller: &Caller) -> bool {
        match self {
            Who::Anyone => true,
            Who::Person(role) | Who::StepUp(role) => {
                caller.kind == Kind::Person && (role == "*" || caller.has_role(role))
            }
            Who::Machine(role) => caller.kind == Kind::Machine && caller.has_role(role),
            Who::Service(name) => caller.kind == Kind::Service && (name == "*" || caller.subject == name),
        }
    }
}

/// What is open to callers from outside: the path of a gRPC service with its last slash, or of one method. Who may call it
/// is the access table's affair all the same.
pub type Open = &'static [&'static str];

/// Rows that every service has.
pub(crate) const SHARED: &[Access] = &[
    Access { method: "/grpc.health.v1.Health/Check", who: &[Who::Anyone] },
    Access { method: "/grpc.health.v1.Health/Watch", who: &[Who::Anyone] },
    Access { method: "/yuchong.common.v1.Events/ListEvents", who: &[Who::Service("*")] },
];

/// The path of the method being called; part of the idempotency key.
#[derive(Debug, Clone)]
pub(crate) struct Method(pub(crate) String);

/// The verified caller of a request.
///
/// # Errors
/// Internal when the request did not come through the server of this module.
pub fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    request.extensions().get::<Caller>().cloned().ok_or_else(|| Status::internal("no caller in the request"))
}

/// Checks each call against the access table, continues the caller's trace, and runs the handler to its end.
#[derive(Clone)]
pub(crate) struct GateLayer {
    table: Arc<HashMap<&'static str, &'static [Who]>>,
    places: Places,
    identity: Arc<Identity>,
}

impl GateLayer {
    pub(crate) fn new(access: &'static [Access], identity: Arc<Identity>) -> Self {
        let table = SHARED.iter().chain(access).map(|row| (row.method, row.who)).collect();
        Self { table: Arc::new(table), places: Places::inside(), identity }
    }

    /// The same rules for callers from outside: only rows of what is open to them, and places of their own, so that they
    /// take none from the platform's services.
    pub(crate) fn outside(&self, open: Open) -> Self {
        let rows = self.table.iter().filter(|(method, _)| open.iter().any(|one| method.starts_with(one)));
        Self {
            table: Arc::new(rows.map(|(method, who)| (*method, *who)).collect()),
            places: Places::outside(),
            identity: self.identity.clone(),
        }
    }

    fn admit(&self, request: &http::Request<Body>) -> Result<Caller, Failure> {
        let path = request.uri().path();
        let who = self.table.get(path).ok_or_else(|| Failure::forbidden("not_permitted", "该操作未开放"))?;
        let Some(header) = request.headers().get(http::header::AUTHORIZATION) else {
            if who.contains(&Who::Anyone) {
                return Ok(Caller::anonymous());
            }
            return Err(Failure::unauthenticated("caller_missing", "请先登录"));
        };
        let token = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
        let caller = self.identity.verify(token).map_err(|error| {
            tracing::info!(%error, path, "caller token refused");
            Failure::unauthenticated("caller_invalid", "登录已失效，请重新登录")
        })?;
        judge(who, &caller, clock::unix_seconds()).map_err(|failure| failure.with("method", path))?;
        Ok(caller)
    }

    /// A place for a caller that was admitted; whoever shows a token where none is needed is a stranger all the same.
    fn place(&self, path: &str, caller: &Caller) -> Result<Place, Failure> {
        let open = self.table.get(path).is_none_or(|who| who.contains(&Who::Anyone));
        self.places.take((!open).then_some(caller))
    }
}

/// Whether a row of the table admits a caller; `now` in unix seconds.
fn judge(who: &[Who], caller: &Caller, now: i64) -> Result<(), Failure> {
    let fitting: Vec<_> = who.iter().filter(|who| who.admits(caller)).collect();
    if fitting.is_empty() {
        return Err(Failure::forbidden("not_permitted", "您的账号没有进行此操作的权限"));
    }
    if fitting.iter().all(|who| matches!(who, Who::StepUp(_))) && caller.must_step_up(now) {
        let text = "此操作需要 5 分钟内的动态口令验证，请输入动态口令后继续";
        return Err(Failure::forbidden("step_up_required", text));
    }
    Ok(())
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;
    fn layer(&self, inner: S) -> Gate<S> {
        Gate { rules: self.clone(), inner }
    }
}

/// See [`GateLayer`].
#[derive(Clone)]
pub(crate) struct Gate<S> {
    rules: GateLayer,
    inner: S,
}

impl<S> Service<http::Request<Body>> for Gate<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let method = label(&self.rules, &path);
        let span = tracing::info_span!("rpc", otel.name = %path, otel.kind = "server", rpc.method = %path);
        if let Some(parent) =
            request.headers().get(telemetry::TRACEPARENT).and_then(|value| value.to_str().ok())
        {
            telemetry::continue_trace(&span, parent);
        }
        let admitted = span.in_scope(|| self.rules.admit(&request)).and_then(|caller| {
            let place = self.rules.place(&path, &caller)?;
            Ok((caller, place))
        });
        let started = Instant::now();
        let (caller, place) = match admitted {
            Ok(admitted) => admitted,
            Err(failure) => {
                let response = Status::from(failure).into_http();
                observe(method, &response, started);
                return Box::pin(async move { Ok(response) });
            }
        };
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(Method(path.clone()));
        let fresh = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, fresh);
        let held = async move { place.hold(request, |request| ready.call(request)).await };
        let handler = tokio::spawn(held.instrument(span));
        Box::pin(async move {
            let response = match handler.await {
                Ok(answer) => answer?,
                Err(error) => {
                    tracing::error!(%error, path, "handler panicked");
                    Status::internal("internal").into_http()
                }
            };
            observe(method, &response, started);
            Ok(response)
        })
    }
}

/// A label from the table: a path that a stranger made up must not become a metric of its own.
fn label(rules: &GateLayer, path: &str) -> &'static str {
    rules.table.get_key_value(path).map_or("unknown", |(known, _)| known)
}

/// The code by its name, as alerts and dashboards spell it: "Ok", "Internal".
fn code_name(headers: &http::HeaderMap) -> String {
    let code = headers.get("grpc-status").map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()));
    format!("{code:?}")
}

/// Rate, errors and duration per method. The code of an error stands in the headers; a success has none yet.
fn observe(method: &'static str, response: &http::Response<Body>, started: Instant) {
    metrics::counter!("rpc_server_requests_total", "method" => method, "code" => code_name(response.headers())).increment(1);
    metrics::histogram!("rpc_server_duration_seconds", "method" => method)
        .record(started.elapsed().as_secs_f64());
}

/// A connection to another service of the platform: says who calls, carries the trace, has a deadline.
pub type Peer = InterceptedService<Channel, Signer>;

/// Adds the caller's token, the trace and a deadline to each outgoing call.
#[derive(Clone)]
pub struct Signer(Voice);

/// In whose name a call is made.
#[derive(Clone)]
enum Voice {
    /// This process itself.
    Service { identity: Arc<Identity>, audience: String },
    /// A person, by the caller token that accounts issued for the session.
    Person(Arc<str>),
}

/// Outgoing calls end before the caller's own deadline would.
const PEER_DEADLINE: Duration = Duration::from_secs(8);

impl Interceptor for Signer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let bearer = match &self.0 {
            Voice::Service { identity, audience } => format!("Bearer {}", identity.service_token(audience)),
            Voice::Person(token) => format!("Bearer {token}"),
        };
        let bearer =
            MetadataValue::try_from(bearer).map_err(|_| Status::internal("token is not a header value"))?;
        request.metadata_mut().insert("authorization", bearer);
        if let Ok(parent) = MetadataValue::try_from(telemetry::traceparent()) {
            request.metadata_mut().insert(telemetry::TRACEPARENT, parent);
        }
        if request.metadata().get("grpc-timeout").is_none() {
            request.set_timeout(PEER_DEADLINE);
        }
        Ok(request)
    }
}

/// Calls and streams that a server lets one connection have at a time. Source: reliability 14.
pub const STREAMS_MAX: u32 = 100;

/// Where a service is; its channels connect when they are first used, and again after they broke.
///
/// # Errors
/// An address that is not a URL.
pub(crate) fn endpoint(url: &str, tls: Option<&Material>) -> Result<Endpoint, tonic::transport::Error> {
    let mut endpoint = Endpoint::from_shared(url.to_owned())?;
    if let Some(tls) = tls.filter(|_| endpoint.uri().scheme_str() == Some("https")) {
        endpoint = endpoint.tls_config(tls.client())?;
    }
    Ok(endpoint
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_while_idle(true))
}

/// Speaks as this process to the service named.
pub(crate) fn peer(channel: Channel, name: &str, identity: Arc<Identity>) -> Peer {
    InterceptedService::new(channel, Signer(Voice::Service { identity, audience: name.to_owned() }))
}

/// Speaks for a person: `token` is the caller token that accounts issued. Only edges do this.
pub fn speaking_for(channel: Channel, token: Arc<str>) -> Peer {
    InterceptedService::new(channel, Signer(Voice::Person(token)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn official(second_factor_at: i64) -> Caller {
        Caller {
            kind: Kind::Person,
            roles: vec!["county".to_owned()],
            second_factor_at,
            ..Caller::anonymous()
        }
    }

    #[test]
    fn a_second_factor_shown_more_than_five_minutes_ago_has_to_be_shown_again_before_a_decision() {
        let reason = |who: &[Who], second_factor_at| match judge(who, &official(second_factor_at), 10_000) {
            Ok(()) => String::new(),
            Err(failure) => failure.reason().to_owned(),
        };
        let decides = [Who::StepUp("county")];
        assert_eq!(reason(&decides, 9_700), "");
        assert_eq!(reason(&decides, 9_699), "step_up_required");
        assert_eq!(reason(&[Who::Person("county")], 9_699), "", "reading needs no fresh proof");
        assert_eq!(reason(&[Who::StepUp("city")], 10_000), "not_permitted");
    }

    #[test]
    fn nobody_without_a_second_factor_is_asked_for_one() {
        assert!(judge(&[Who::StepUp("county")], &official(0), 10_000).is_ok());
    }

    #[test]
    fn a_code_is_counted_by_the_name_that_alerts_look_for() {
        let answered = |status: Option<&'static str>| {
            let status = status.map(|status| ("grpc-status", status));
            let pairs = status.into_iter().map(|(name, value)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            });
            code_name(&pairs.collect())
        };
        assert_eq!(answered(None), "Ok");
        for (status, name) in [("2", "Unknown"), ("4", "DeadlineExceeded"), ("8", "ResourceExhausted")] {
            assert_eq!(answered(Some(status)), name);
        }
        for (status, name) in [("13", "Internal"), ("14", "Unavailable")] {
            assert_eq!(answered(Some(status)), name);
        }
    }
}
