//! What stands around every page: span, origin check, the frame of a refusal, headers. Source: ui, section 1.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use askama::Template;
use axum::{
    Router,
    extract::{MatchedPath, Query, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use chassis::{connections::client_address, error::Kind, telemetry};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate as _},
    },
};
use tracing::Instrument as _;

use crate::{
    Guest, Page, Portal, Refused,
    cookies::Cookie,
    csrf, frame,
    refused::{FORM_FOREIGN, STEP_UP},
    unsent::{self, Unsent},
    visitor,
    web::{files, login, second_factor},
};

/// No inline script or style, nothing from another host, no frame around us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; frame-src 'self'; \
    require-trusted-types-for 'script'; trusted-types portal";

/// Type of a workbook.
pub const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// On every answer that does not set its own.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), "geolocation=(self), camera=(), microphone=()"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Set by the form's extractor once the token has been checked.
#[derive(Clone, Default)]
pub struct Proved(Arc<AtomicBool>);

impl Proved {
    /// The form belongs to this browser.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Puts the guards around all pages.
pub fn around(pages: Router<Arc<Portal>>, portal: Arc<Portal>) -> Router {
    pages
        .fallback(|| async { Refused::not_found() })
        .method_not_allowed_fallback(|| async { Refused::not_found() })
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("handler panicked");
            Refused::fault(&std::io::Error::other("handler panicked")).into_response()
        }))
        .layer(middleware::from_fn_with_state(portal.clone(), guard))
        .layer(
            CompressionLayer::new().compress_when(
                // Workbooks and packages are compressed already.
                DefaultPredicate::new()
                    .and(NotForContentType::const_new("application/zip"))
                    .and(NotForContentType::const_new(WORKBOOK)),
            ),
        )
        .with_state(portal)
}

async fn guard(State(portal): State<Arc<Portal>>, request: Request, next: Next) -> Response {
    let span = tracing::info_span!("page", otel.kind = "server", http.method = %request.method(), http.path = request.uri().path());
    if let Some(parent) = request.headers().get(telemetry::TRACEPARENT).and_then(|value| value.to_str().ok())
    {
        telemetry::continue_trace(&span, parent);
    }
    guarded(portal, request, next).instrument(span).await
}

async fn guarded(portal: Arc<Portal>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let address = client_address(&parts, portal.config.server.forwarded_hops);
    let mut request = Request::from_parts(parts, body);
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let asked = Asked {
        // A path that a stranger made up must not become a metric of its own.
        route: route.unwrap_or_else(|| "unknown".to_owned()),
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: request.headers().clone(),
        address,
    };
    let proved = Proved::default();
    request.extensions_mut().insert(proved.clone());
    let mut unsent = Unsent::default();
    let response =
        if asked.changes() && !csrf::same_origin(&asked.headers, &portal.config.server.public_origin) {
            Refused::foreign_form().into_response()
        } else if asked.opens() && !csrf::own_or_typed(&asked.headers) {
            Refused::foreign_reason().into_response()
        } else {
            match unsent::aside(request).await {
                Ok((request, kept)) => {
                    unsent = kept;
                    next.run(request).await
                }
                Err(refused) => refused.into_response(),
            }
        };
    let refused = response.extensions().get::<Refused>().is_some();
    let response = if asked.changes() && !refused && !proved.0.load(Ordering::Relaxed) {
        tracing::error!(path = asked.uri.path(), "a handler changes something without taking its form");
        // It may have been done: it is not offered again.
        unsent = Unsent::default();
        Refused::foreign_form().into_response()
    } else {
        response
    };
    let mut response = framed(&portal, &asked, &unsent, response).await;
    add_headers(response.headers_mut(), portal.config.cookies.secure);
    let status = response.status().as_u16().to_string();
    metrics::counter!("http_requests_total", "route" => asked.route.clone(), "status" => status).increment(1);
    metrics::histogram!("http_duration_seconds", "route" => asked.route)
        .record(started.elapsed().as_secs_f64());
    response
}

/// What of a request is needed after it has been handled.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    address: IpAddr,
    route: String,
}

impl Asked {
    fn changes(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Whether it names why somebody opens what asks for a reason: that goes on record, and must be the person's own words.
    fn opens(&self) -> bool {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&self.uri);
        pairs.is_ok_and(|Query(pairs)| pairs.iter().any(|(name, _)| name == "reason"))
    }

    /// Whether the browser says that this form comes from our own pages, so that only its session is another one by now.
    fn renews(&self, unsent: &Unsent) -> bool {
        let told = self.headers.contains_key(header::ORIGIN) || self.headers.contains_key("sec-fetch-site");
        told && !unsent.is_empty()
    }

    /// Whether a page asks for the live stream.
    fn follows(&self) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        accept.is_some_and(|accept| accept.starts_with("text/event-stream"))
    }

    /// Whether a page of ours shows it in a frame.
    fn framed(&self) -> bool {
        visitor::framed(&self.headers)
    }

    /// Where the person goes on after signing in: the page that showed the form or the frame, not what was asked for.
    fn way_back(&self) -> String {
        let own = self.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        if !self.changes() && !self.framed() {
            return own;
        }
        let text = |name| self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let (Some(referer), Some(host)) = (text(header::REFERER), text(header::HOST)) else { return own };
        match referer.split_once("://").and_then(|(_, rest)| rest.strip_prefix(host)) {
            Some(path) if path.starts_with('/') => path.to_owned(),
            Some(_) | None => own,
        }
    }
}

/// A refusal in the person's own frame.
#[derive(Template)]
#[template(path = "refused.html")]
pub struct RefusedPage {
    /// The frame.
    pub page: Page,
    /// What to say.
    pub refused: Refused,
}

/// A refusal for somebody who has not signed in.
#[derive(Template)]
#[template(path = "refused_public.html")]
pub struct RefusedPublicPage {
    /// The frame.
    pub page: Page,
    /// What to say.
    pub refused: Refused,
}

async fn framed(portal: &Arc<Portal>, asked: &Asked, unsent: &Unsent, mut response: Response) -> Response {
    let Some(refused) = response.extensions_mut().remove::<Refused>() else { return response };
    if refused.kind == Kind::Unauthenticated && asked.follows() {
        // A page left open stops asking; a redirect would only fail in its console.
        return StatusCode::NO_CONTENT.into_response();
    }
    if refused.kind == Kind::Unauthenticated {
        let way_back = asked.way_back();
        // No answer ends the session's cookie here: it may come late, when the browser has another one. The sign-in page looks.
        return if asked.framed() {
            files::signed_out(portal, login::with_return(&way_back))
                .unwrap_or_else(IntoResponse::into_response)
        } else if unsent.is_empty() {
            let known = portal.jar.read(&asked.headers, Cookie::Session).is_some();
            frame::see_other(&if known { login::ended(&way_back) } else { login::with_return(&way_back) })
        } else {
            let guest = Guest::of(portal, &asked.headers, asked.address);
            login::timed_out(&guest, &way_back, unsent).unwrap_or_else(IntoResponse::into_response)
        };
    }
    if refused.reason == STEP_UP {
        let guest = Guest::of(portal, &asked.headers, asked.address);
        return second_factor::asked_again(&guest, &asked.way_back(), unsent)
            .unwrap_or_else(IntoResponse::into_response);
    }
    let title = match refused.kind {
        Kind::NotFound => "页面不存在",
        Kind::Forbidden | Kind::Unauthenticated => "没有权限",
        Kind::Internal | Kind::Unavailable => "系统暂时无法处理",
        Kind::Invalid | Kind::Reused | Kind::Refused | Kind::Conflict | Kind::Busy => "操作未成功",
    };
    let status = refused.status();
    let shown = match visitor::find(portal, &asked.headers).await {
        Ok(visitor) if refused.reason == FORM_FOREIGN && asked.renews(unsent) => {
            let guest = Guest::of(portal, &asked.headers, asked.address);
            login::renewed(&guest, &visitor.view.display_name, &asked.way_back(), unsent)
        }
        Ok(visitor) => frame::show(status, &RefusedPage { page: visitor.page("", title).await, refused }),
        Err(_) => {
            let large = portal.jar.read(&asked.headers, Cookie::Large).is_some();
            let site = portal.config.site.clone();
            let page = Page { title: title.to_owned(), site, large, ..Page::default() };
            frame::show(status, &RefusedPublicPage { page, refused })
        }
    };
    shown.unwrap_or_else(|refused| refused.status().into_response())
}

fn add_headers(headers: &mut HeaderMap, secure: bool) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.append(header::VARY, HeaderValue::from_static("X-Fragment"));
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
