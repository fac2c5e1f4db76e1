//! What stands around every page: headers, foreign forms, ways back, tries, services that are away.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use futures::{StreamExt as _, stream};
use portal::{Portal, config::Config};
use secrecy::SecretString;
use tower::ServiceExt as _;

/// A portal whose services are all away.
pub(crate) fn portal(change: impl FnOnce(&mut Config)) -> Router {
    let mut config: Config =
        chassis::config::load("portal_test", include_str!("../../settings.toml")).expect("the defaults");
    let key = SigningKey::from_bytes(&[7; 32]);
    config.identity.signing_key = SecretString::from(STANDARD.encode(key.to_bytes()));
    config.identity.verifying_keys = format!("portal:{}", STANDARD.encode(key.verifying_key().to_bytes()));
    config.telemetry.filter = "off".into();
    for url in config.peers.values_mut() {
        *url = "http://127.0.0.1:9".into();
    }
    change(&mut config);
    let edge = chassis::Edge::start("portal", &config.edge()).expect("it starts");
    portal::router(Arc::new(Portal::new(&config, &edge)))
}

pub(crate) struct Answer {
    pub status: StatusCode,
    headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.text.split_once(&start).unwrap_or_else(|| panic!("no field {name}")).1;
        rest.split('"').next().unwrap_or_default()
    }
}

pub(crate) async fn ask(portal: &Router, request: Request<Body>) -> Answer {
    let response = portal.clone().oneshot(request).await.expect("a router never fails");
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

pub(crate) async fn get(portal: &Router, path: &str) -> Answer {
    ask(portal, Request::get(path).body(Body::empty()).expect("a request")).await
}

/// The sign-in page, and the cookie of its visit.
async fn sign_in_page(portal: &Router) -> (Answer, String) {
    let page = get(portal, "/login").await;
    let cookie = page.header(header::SET_COOKIE).split(';').next().unwrap_or_default().to_owned();
    (page, cookie)
}

async fn post(portal: &Router, cookie: &str, extra: &[(&str, &str)], body: String) -> Answer {
    post_to(portal, "/login", cookie, extra, body).await
}

async fn post_to(portal: &Router, path: &str, cookie: &str, extra: &[(&str, &str)], body: String) -> Answer {
    let mut request = Request::post(path)
        .header(header::HOST, "portal.example")
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in extra {
        request = request.header(*name, *value);
    }
    ask(portal, request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn every_answer_carries_the_headers_and_no_page_is_kept() {
    let portal = portal(|_| {});
    for path in ["/login", "/nothing/here", "/", "/workbench", "/register"] {
        let answer = get(&portal, path).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(policy.contains("trusted-types portal") && !policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin", "{path}");
        assert_eq!(answer.header("permissions-policy"), "geolocation=(self), camera=(), microphone=()");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        assert!(answer.headers.get_all(header::VARY).iter().any(|value| value == "X-Fragment"), "{path}");
    }
    assert_eq!(get(&portal, "/nothing/here").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn style_and_script_are_kept_for_a_year_under_their_hash() {
    let portal = portal(|_| {});
    for path in [portal::assets::ASSETS.style.path.as_str(), &portal::assets::ASSETS.script.path] {
        let answer = get(&portal, path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    }
}

#[tokio::test]
async fn a_form_that_is_not_this_browsers_is_refused() {
    let portal = portal(|_| {});
    let (page, cookie) = sign_in_page(&portal).await;
    let (_, other_cookie) = sign_in_page(&portal).await;
    let token = page.hidden("form_token");
    let body = |token: &str| format!("form_token={token}&login=op01&password=x");
    assert_eq!(post(&portal, &cookie, &[], "login=op01".into()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(&portal, &cookie, &[], body("AAAA")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(&portal, &other_cookie, &[], body(token)).await.status, StatusCode::FORBIDDEN);
    for said in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")] {
        let refused = post(&portal, &cookie, &[said], body(token)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{said:?}");
        assert!(refused.text.contains("页面已过期"));
    }
    let own = post(&portal, &cookie, &[("origin", "http://portal.example")], body(token)).await;
    assert_ne!(own.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_reason_that_another_site_put_into_a_link_is_refused() {
    let portal = portal(|_| {});
    let paths = [
        "/files/7/original?reason=ab",
        "/files/7/preview?size=page&reason=",
        "/supervision/subsidies/7/package?reason=ab",
    ];
    for path in paths {
        for (site, status) in [
            (Some("cross-site"), StatusCode::FORBIDDEN),
            (Some("same-site"), StatusCode::FORBIDDEN),
            (Some("same-origin"), StatusCode::SEE_OTHER),
            (Some("none"), StatusCode::SEE_OTHER),
            (None, StatusCode::SEE_OTHER),
        ] {
            let request = Request::get(path);
            let request = match site {
                Some(site) => request.header("sec-fetch-site", site),
                None => request,
            };
            let answer = ask(&portal, request.body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status, status, "{path} {site:?}");
            assert_eq!(
                answer.text.contains("查看事由须在本系统的页面中填写"),
                status == StatusCode::FORBIDDEN
            );
        }
    }
    let plain = Request::get("/files/7/original").header("sec-fetch-site", "cross-site");
    let answer = ask(&portal, plain.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "without a reason nothing is opened that asks for one");
}

#[tokio::test]
async fn nobody_is_led_away_after_signing_in() {
    let portal = portal(|_| {});
    for hostile in ["https://evil.example", "//evil.example", "/%5Cevil.example", "javascript:alert(1)"] {
        let page = get(&portal, &format!("/login?return={hostile}")).await;
        assert_eq!(page.hidden("return"), "/workbench", "{hostile}");
    }
    let page = get(&portal, "/login?return=%2Fmessages%3Funread%3D1").await;
    assert_eq!(page.hidden("return"), "/messages?unread=1");
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_sign_in_page_and_back() {
    let portal = portal(|_| {});
    let answer = get(&portal, "/subsidy/applications?stage=Draft&size=50").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let back = "/login?return=%2Fsubsidy%2Fapplications%3Fstage%3DDraft%26size%3D50";
    assert_eq!(answer.header(header::LOCATION), back);
    let request = Request::post("/subsidy/applications/7/withdraw")
        .header(header::HOST, "portal.example")
        .header(header::REFERER, "http://portal.example/subsidy/applications/7");
    let posted = ask(&portal, request.body(Body::empty()).expect("a request")).await;
    assert_eq!(posted.header(header::LOCATION), "/login?return=%2Fsubsidy%2Fapplications%2F7");
}

#[tokio::test]
async fn an_answer_that_leads_to_signing_in_ends_no_cookie() {
    let portal = portal(|_| {});
    for (path, destination) in [("/workbench", "document"), ("/files/7/preview", "iframe")] {
        let request = Request::get(path).header("sec-fetch-dest", destination);
        let answer = ask(&portal, request.body(Body::empty()).expect("a request")).await;
        assert!(answer.status == StatusCode::SEE_OTHER || answer.status == StatusCode::UNAUTHORIZED);
        assert_eq!(
            answer.header(header::SET_COOKIE),
            "",
            "the browser may have another session by now: {path}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_page_ends_no_session_of_which_accounts_says_nothing() {
    let portal = portal(|_| {});
    let request = Request::get("/login").header(header::COOKIE, "visit=a; session=b");
    let answer = ask(&portal, request.body(Body::empty()).expect("a request")).await;
    assert_eq!((answer.status, answer.header(header::SET_COOKIE)), (StatusCode::OK, ""));
}

#[tokio::test]
async fn a_form_that_comes_after_the_session_stays_in_the_sign_in_page_also_when_signing_in_fails() {
    let portal = portal(|_| {});
    let (_, cookie) = sign_in_page(&portal).await;
    let path = "/supervision/county-subsidies/7/review";
    let sent = "form_token=old&version=3&opinion=%E5%90%8C%E6%84%8F%3Cb%3E&new_password=secret-word";
    let request = Request::post(path)
        .header(header::HOST, "portal.example")
        .header(header::COOKIE, &cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONTENT_LENGTH, sent.len());
    let timed_out = ask(&portal, request.body(Body::from(sent)).expect("a request")).await;
    assert_eq!(timed_out.status, StatusCode::UNAUTHORIZED);
    assert!(timed_out.text.contains("登录已超时") && !timed_out.text.contains("secret-word"));
    let kept = "version=3&amp;opinion=%E5%90%8C%E6%84%8F%3Cb%3E".replace("&amp;", "&#38;");
    assert_eq!((timed_out.hidden("unsent_to"), timed_out.hidden("unsent")), (path, kept.as_str()));

    let token = timed_out.hidden("form_token");
    let unsent = "version%3D3%26opinion%3D%25E5%2590%258C%25E6%2584%258F%253Cb%253E";
    let body = format!("form_token={token}&unsent_to={path}&unsent={unsent}&login=op01&password=x");
    let again = post(&portal, &cookie, &[], body).await;
    assert_eq!(again.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((again.hidden("unsent_to"), again.hidden("unsent")), (path, kept.as_str()));
}

#[tokio::test]
async fn a_form_that_waits_for_a_code_stays_when_session_or_ticket_have_ended_meanwhile() {
    let portal = portal(|_| {});
    let (page, cookie) = sign_in_page(&portal).await;
    let token = page.hidden("form_token");
    let to = "/supervision/county-subsidies/7/review";
    let body = format!("form_token={token}&code=123456&return={to}&unsent_to={to}&unsent=opinion%3Da");
    for path in ["/login/again", "/login/code", "/login/enrol"] {
        let asked = post_to(&portal, path, &cookie, &[], body.clone()).await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!((asked.hidden("unsent_to"), asked.hidden("unsent")), (to, "opinion=a"), "{path}");
        assert_eq!(asked.hidden("return"), to, "{path}");
    }
}

#[tokio::test]
async fn a_form_with_a_file_that_comes_after_the_session_keeps_its_texts_and_says_that_the_file_is_lost() {
    let portal = portal(|_| {});
    let (_, cookie) = sign_in_page(&portal).await;
    let path = "/subsidy/dossiers/7/invoices/new";
    let part = |head: &str, text: &str| {
        format!("--limit\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n")
    };
    let texts = part("name=\"form_token\"", "old") + &part("name=\"seller\"", "Zhengzhou");
    let file = part("name=\"file\"; filename=\"a.pdf\"", &"x".repeat(100_000));
    let request = Request::post(path)
        .header(header::HOST, "portal.example")
        .header(header::COOKIE, &cookie)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=limit");
    let body = Body::from(format!("{texts}{file}--limit--\r\n"));
    let timed_out = ask(&portal, request.body(body).expect("a request")).await;
    assert_eq!(timed_out.status, StatusCode::UNAUTHORIZED);
    assert_eq!((timed_out.hidden("unsent_to"), timed_out.hidden("unsent")), (path, "seller=Zhengzhou"));
    assert_eq!(timed_out.hidden("unsent_files"), "1");
    assert!(timed_out.text.contains("所选文件需重新选择"));
}

#[tokio::test]
async fn whoever_had_a_session_reads_that_it_is_over() {
    let portal = portal(|_| {});
    let first = get(&portal, "/login").await;
    assert!(!first.text.contains("登录已超时"), "on a first visit nothing is over");
    let over = get(&portal, "/login?return=%2Fmessages&ended=1").await;
    assert!(over.text.contains("登录已超时，请重新登录后继续<"));
    let draft = get(&portal, "/login?return=%2Fsubsidy%2Fapplications%2F7%2Fedit&ended=1").await;
    assert!(draft.text.contains("登录已超时，请重新登录后继续；已填写的内容保存在草稿中"));
}

#[tokio::test]
async fn a_service_that_is_away_keeps_what_was_entered_and_the_same_request() {
    let portal = portal(|_| {});
    let (page, cookie) = sign_in_page(&portal).await;
    let (token, request_id) = (page.hidden("form_token"), page.hidden("request_id"));
    let body = format!("form_token={token}&request_id={request_id}&login=op01%3Cb%3E&password=secret-word");
    let again = post(&portal, &cookie, &[], body).await;
    assert_eq!(again.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(again.hidden("request_id"), request_id);
    assert!(again.text.contains("op01&#60;b&#62;") && !again.text.contains("secret-word"));
}

#[tokio::test]
async fn one_address_tries_only_so_often() {
    let portal = portal(|config| config.limits.sign_ins_per_minute = 1);
    let (page, cookie) = sign_in_page(&portal).await;
    let body = format!("form_token={}&login=op01&password=x", page.hidden("form_token"));
    assert_eq!(post(&portal, &cookie, &[], body.clone()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let refused = post(&portal, &cookie, &[], body).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text.contains("操作过于频繁") && refused.text.contains("value=\"op01\""));
}

#[tokio::test]
async fn one_address_registers_only_so_often_and_listing_counties_is_no_try() {
    let portal = portal(|config| config.limits.registrations_per_hour = 1);
    let (page, cookie) = sign_in_page(&portal).await;
    let token = page.hidden("form_token");
    let listing = format!("form_token={token}&login=op01&step=counties");
    let body = format!("form_token={token}&login=op01&password=x");
    for _ in 0..3 {
        let listed = post_to(&portal, "/register", &cookie, &[], listing.clone()).await;
        assert_ne!(listed.status, StatusCode::TOO_MANY_REQUESTS);
    }
    let tried = post_to(&portal, "/register", &cookie, &[], body.clone()).await;
    assert_ne!(tried.status, StatusCode::TOO_MANY_REQUESTS);
    let refused = post_to(&portal, "/register", &cookie, &[], body).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text.contains("操作过于频繁"), "{}", refused.text);
}

#[tokio::test]
async fn only_so_many_files_are_on_their_way_at_a_time() {
    let portal = portal(|config| config.limits.uploads_at_once = 1);
    let (page, cookie) = sign_in_page(&portal).await;
    let part =
        |head: &str, text: &str| format!("--limit\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}");
    let token = part("name=\"form_token\"", page.hidden("form_token"));
    let start = format!("{token}\r\n{}", part("name=\"licence\"; filename=\"a.pdf\"", "%PDF"));
    let request = |body: Body| {
        Request::post("/register")
            .header(header::HOST, "portal.example")
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=limit")
            .body(body)
            .expect("a request")
    };
    let whole = || request(Body::from(format!("{start}\r\n--limit--\r\n")));
    let begun = stream::iter([Ok::<_, std::io::Error>(start.clone())]).chain(stream::pending());
    let mut slow = Box::pin(portal.clone().oneshot(request(Body::from_stream(begun))));
    assert!(futures::poll!(&mut slow).is_pending(), "the rest of its file does not come");
    let refused = ask(&portal, whole()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text.contains("同时上传文件的人较多"), "{}", refused.text);
    drop(slow);
    assert_ne!(ask(&portal, whole()).await.status, StatusCode::TOO_MANY_REQUESTS);
}
