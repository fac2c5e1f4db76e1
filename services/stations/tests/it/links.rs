//! Links: who may have one, secrets shown once, rotation with overlap, and what interconnect sees.
use std::time::Duration;

use chassis::{error::Refusal, testing::eventually};
use proto::{
    common::Page,
    stations::{
        ApproveLinkRequest, GetLinkRequest, Link, ListLinksRequest, ResolveLinkRequest, ResolvedLink,
        RevokeLinkRequest, RotateSecretsRequest, Secrets, SetPeerRequest, SetTermsRequest,
    },
};

use crate::harness::{Platform, Who, answer, fresh, operator, refused};

fn approve(number: u128) -> ApproveLinkRequest {
    ApproveLinkRequest { request_id: fresh(), operator_id: operator(number).to_string() }
}

fn rotate() -> RotateSecretsRequest {
    RotateSecretsRequest { request_id: fresh(), ..RotateSecretsRequest::default() }
}

fn revoke(expected_version: i64) -> RevokeLinkRequest {
    RevokeLinkRequest { request_id: fresh(), operator_id: operator(1).to_string(), expected_version }
}

fn codes(links: &[Link]) -> Vec<String> {
    links.iter().map(|link| link.organisation_code.clone()).collect()
}

async fn resolved(platform: &Platform, code: &str) -> Result<ResolvedLink, (String, String)> {
    let asked = ResolveLinkRequest { organisation_code: code.into() };
    let found = answer(platform.links(Who::Interconnect).resolve_link(asked).await);
    found.map_err(|refusal| refused::<()>(Err(refusal)))
}

/// Signing secrets that are valid now, the newest first.
async fn sigs(platform: &Platform) -> Vec<String> {
    let link = resolved(platform, "XXXX00019").await.expect("found").link.expect("a link");
    link.inbound.into_iter().map(|set| set.secrets.expect("secrets").sig_secret).collect()
}

#[tokio::test]
async fn an_approved_link_is_found_by_the_organisation_code_with_the_secrets_that_were_shown() {
    let platform = Platform::start().await;
    let mut links = platform.links(Who::Administrator);
    let issued = answer(links.approve_link(approve(1)).await).expect("approved");
    let link = issued.link.expect("a link");
    assert_eq!((link.organisation_code.as_str(), link.open, link.callable), ("XXXX00019", true, false));
    assert!(link.inbound[0].secrets.is_none(), "a view carries no secrets");
    let shown = issued.inbound.expect("secrets");
    assert_eq!((shown.data_secret.len(), shown.data_secret_iv.len(), shown.sig_secret.len()), (16, 16, 32));
    let found = resolved(&platform, "XXXX00019").await.expect("found");
    let set = &found.link.expect("a link").inbound[0];
    assert_eq!(set.secrets.as_ref(), Some(&shown));
    assert_eq!(resolved(&platform, "XXXX00027").await.expect_err("none").0, "not_found");
    let kept: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT sealed FROM link_secrets").fetch_all(&platform.pool).await.expect("read");
    assert_eq!(kept.len(), 1);
    for secret in [&shown.operator_secret, &shown.data_secret, &shown.data_secret_iv, &shown.sig_secret] {
        let clear = kept[0].windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!clear, "a secret lies in clear");
    }
    platform.stop().await;
}

#[tokio::test]
async fn secrets_are_shown_once_and_a_link_is_approved_once_for_an_active_operator() {
    let platform = Platform::start().await;
    let mut links = platform.links(Who::Administrator);
    let body = approve(1);
    answer(links.approve_link(body.clone()).await).expect("approved");
    let reason = |result| refused(answer(result)).0;
    assert_eq!(reason(links.approve_link(body).await), "secrets_issued");
    assert_eq!(reason(links.approve_link(approve(1)).await), "link_exists");
    assert_eq!(reason(links.approve_link(approve(3)).await), "operator_not_active");
    assert_eq!(reason(links.approve_link(approve(4)).await), "not_found");
    let stranger = platform.links(Who::Operator(operator(1))).approve_link(approve(1)).await;
    assert_eq!(reason(stranger), "not_permitted");
    platform.stop().await;
}

#[tokio::test]
async fn of_two_first_approvals_at_once_one_is_told_that_the_link_exists() {
    let platform = Platform::start().await;
    let mut other = platform.pool.begin().await.expect("begun");
    sqlx::query(
        "INSERT INTO links (operator_id, organisation_code, state, open, window_secs, hosted, base_url,
                protocol_version, paths, spellings, version, created_at, updated_at)
         VALUES ($1, 'XXXX00019', 'active', true, 300, '{}', '', '20160701', '{}', '{}', 1, now(), now())",
    )
    .bind(operator(1))
    .execute(&mut *other)
    .await
    .expect("the other approval, not yet committed");
    let mut links = platform.links(Who::Administrator);
    let meanwhile = async {
        eventually("the approval waits for the other one", Duration::from_secs(10), || async {
            platform
                .count("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
                .await
                > 0
        })
        .await;
        other.commit().await.expect("committed");
    };
    let (answered, ()) = tokio::join!(links.approve_link(approve(1)), meanwhile);
    assert_eq!(refused(answer(answered)).0, "link_exists");
    assert_eq!(platform.count("SELECT count(*) FROM link_secrets").await, 0);
    platform.stop().await;
}

#[tokio::test]
async fn the_set_before_the_newest_stays_valid_for_a_day_and_no_third_one() {
    let platform = Platform::start().await;
    let first = answer(platform.links(Who::Administrator).approve_link(approve(1)).await).expect("approved");
    let mut own = platform.links(Who::Operator(operator(1)));
    let second = answer(own.rotate_secrets(rotate()).await).expect("rotated");
    let sig = |issued: &proto::stations::IssuedSecrets| issued.inbound.clone().expect("shown").sig_secret;
    assert_eq!(sigs(&platform).await, [sig(&second), sig(&first)]);
    let third = answer(own.rotate_secrets(rotate()).await).expect("rotated");
    assert_eq!(sigs(&platform).await, [sig(&third), sig(&second)]);
    let left: i64 = platform
        .count("SELECT (extract(epoch FROM max(retires_at) - now()) / 3600)::bigint FROM link_secrets")
        .await;
    assert_eq!(left, 24);
    sqlx::query("UPDATE link_secrets SET retires_at = now() WHERE retires_at > now()")
        .execute(&platform.pool)
        .await
        .expect("a day passes");
    assert_eq!(sigs(&platform).await, [sig(&third)]);
    platform.stop().await;
}

#[tokio::test]
async fn an_operator_sets_how_it_is_called_and_sees_its_own_link_only() {
    let platform = Platform::start().await;
    let mut links = platform.links(Who::Administrator);
    for number in [1, 2] {
        answer(links.approve_link(approve(number)).await).expect("approved");
    }
    let outbound = Secrets {
        operator_secret: "theirs".into(),
        data_secret: "0123456789abcdef".into(),
        data_secret_iv: "fedcba9876543210".into(),
        sig_secret: "signing".into(),
    };
    let peer = |url: &str, outbound: Option<Secrets>| SetPeerRequest {
        request_id: fresh(),
        base_url: url.into(),
        protocol_version: "1.0".into(),
        outbound,
        ..SetPeerRequest::default()
    };
    let mut own = platform.links(Who::Operator(operator(1)));
    let wrong = own.set_peer(peer("ftp://host", Some(Secrets::default()))).await;
    let fields = answer(wrong).expect_err("refused").fields;
    assert_eq!(fields.first().map(String::as_str), Some("base_url"));
    assert!(fields.contains(&"outbound.sig_secret".to_owned()), "{fields:?}");
    let open = answer(own.set_peer(peer("http://host/evcs", Some(outbound.clone()))).await);
    assert_eq!(refused(open), ("https_required".to_owned(), "base_url".to_owned()));
    let view = answer(own.set_peer(peer("https://host/evcs", Some(outbound.clone()))).await).expect("set");
    assert!(view.callable);
    answer(own.set_peer(peer("https://other/evcs", None)).await).expect("set");
    let found = resolved(&platform, "XXXX00019").await.expect("found");
    assert_eq!(found.outbound, Some(outbound));
    assert_eq!(found.link.expect("a link").base_url, "https://other/evcs");
    let authority = include_str!("../../../chassis/tests/certificates/authority.crt");
    let trusting = |authority: &str| SetPeerRequest {
        authority: Some(authority.into()),
        ..peer("https://other/evcs", None)
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let unreadable = answer(own.set_peer(trusting(broken)).await);
    assert_eq!(refused(unreadable), ("certificate_unreadable".to_owned(), "authority".to_owned()));
    answer(own.set_peer(trusting(authority)).await).expect("set");
    answer(own.set_peer(peer("https://other/evcs", None)).await).expect("set");
    let found = resolved(&platform, "XXXX00019").await.expect("found").link.expect("a link");
    assert_eq!(found.authority, authority, "it stays until another is said");
    let public = answer(own.set_peer(trusting("")).await).expect("set");
    assert_eq!(public.authority, "");
    let names =
        [("query_token", "get_token"), ("query_stations_info", "stations"), ("query_station_status", "-")];
    let spelt = SetPeerRequest {
        paths: names.map(|(name, spelt)| (name.to_owned(), spelt.to_owned())).into(),
        ..peer("https://other/evcs", None)
    };
    for _ in 0..4 {
        answer(own.set_peer(spelt.clone()).await).expect("the same request, whatever the order of its pairs");
    }
    let foreign = own.get_link(GetLinkRequest { operator_id: operator(2).to_string() }).await;
    assert_eq!(refused(answer(foreign)).0, "not_found");
    platform.stop().await;
}

#[tokio::test]
async fn the_switch_closes_a_link_and_revoking_ends_it_until_it_is_approved_anew() {
    let platform = Platform::start().await;
    let mut links = platform.links(Who::Administrator);
    answer(links.approve_link(approve(1)).await).expect("approved");
    let terms = |open: bool, window_secs: i32, hosted: &[&str]| SetTermsRequest {
        request_id: fresh(),
        operator_id: operator(1).to_string(),
        open,
        window_secs,
        hosted: hosted.iter().map(|code| (*code).to_owned()).collect(),
        ..SetTermsRequest::default()
    };
    assert_eq!(refused(answer(links.set_terms(terms(true, 0, &[])).await)).1, "window_secs");
    assert_eq!(refused(answer(links.set_terms(terms(true, 300, &["XXXX00027"])).await)).1, "hosted");
    answer(links.set_terms(terms(false, 3_600, &[])).await).expect("set");
    let link = resolved(&platform, "XXXX00019").await.expect("found").link.expect("a link");
    assert_eq!((link.open, link.window_secs, link.hosted.len()), (false, 3_600, 0));
    let revoke = revoke(0);
    answer(links.revoke_link(revoke).await).expect("revoked");
    assert_eq!(resolved(&platform, "XXXX00019").await.expect_err("none").0, "not_found");
    let own = platform.links(Who::Operator(operator(1))).rotate_secrets(rotate()).await;
    assert_eq!(refused(answer(own)).0, "link_revoked");
    answer(links.approve_link(approve(1)).await).expect("approved anew");
    assert_eq!(sigs(&platform).await.len(), 1);
    platform.stop().await;
}

#[tokio::test]
async fn whoever_has_seen_an_earlier_version_of_a_link_changes_nothing_and_is_told_who_changed_it() {
    let platform = Platform::start().await;
    let mut links = platform.links(Who::Administrator);
    let seen = answer(links.approve_link(approve(1)).await).expect("approved").link.expect("a link").version;
    let mut own = platform.links(Who::Operator(operator(1)));
    let rotated = answer(own.rotate_secrets(rotate()).await).expect("without a version it is any");
    let now = rotated.link.expect("a link").version;
    let operator_id = operator(1).to_string();
    let peer = |expected_version: i64| SetPeerRequest {
        request_id: fresh(),
        operator_id: operator_id.clone(),
        base_url: "https://host/evcs".into(),
        protocol_version: "1.0".into(),
        expected_version,
        ..SetPeerRequest::default()
    };
    let terms = |expected_version: i64| SetTermsRequest {
        request_id: fresh(),
        operator_id: operator_id.clone(),
        window_secs: 600,
        expected_version,
        ..SetTermsRequest::default()
    };
    let new = |expected_version: i64| RotateSecretsRequest { expected_version, ..rotate() };

    let late = links.set_terms(terms(seen)).await.expect_err("it has changed");
    let said = Refusal::read(&late).expect("details");
    assert_eq!(said.reason, "stale_version");
    assert_eq!((said.metadata["office"].as_str(), said.metadata["deed"].as_str()), ("运营商", "轮换了密钥"));
    assert!(said.text.starts_with("互联互通设置已有更新：运营商 已于 "), "{}", said.text);
    let stale = ("stale_version".to_owned(), "expected_version".to_owned());
    assert_eq!(refused(answer(own.set_peer(peer(seen)).await)), stale);
    assert_eq!(refused(answer(own.rotate_secrets(new(seen)).await)), stale);
    assert_eq!(refused(answer(links.revoke_link(revoke(seen)).await)), stale);
    let asked = GetLinkRequest { operator_id: operator_id.clone() };
    let held = answer(links.get_link(asked).await).expect("a link");
    assert_eq!((held.version, held.open, held.window_secs, held.base_url.as_str()), (now, true, 300, ""));
    assert_eq!(platform.count("SELECT count(*) FROM link_secrets").await, 2);

    let now = answer(own.set_peer(peer(now)).await).expect("set").version;
    let sent = terms(now);
    let now = answer(links.set_terms(sent.clone()).await).expect("set").version;
    assert_eq!(answer(links.set_terms(sent).await).expect("the first answer again").version, now);
    let late = own.rotate_secrets(new(now - 1)).await.expect_err("it has changed");
    let said = Refusal::read(&late).expect("details");
    assert_eq!(
        (said.metadata["office"].as_str(), said.metadata["deed"].as_str()),
        ("平台管理员", "修改了接入条件")
    );
    let now = answer(own.rotate_secrets(new(now)).await).expect("rotated").link.expect("a link").version;
    answer(links.revoke_link(revoke(now)).await).expect("revoked");
    answer(links.revoke_link(revoke(now)).await).expect("again: no change");
    platform.stop().await;
}

#[tokio::test]
async fn an_administrator_turns_over_all_links_and_finds_them_by_state_and_by_text_without_their_secrets() {
    let platform = Platform::start().await;
    let mut links = platform.links(Who::Administrator);
    for number in [2, 1] {
        answer(links.approve_link(approve(number)).await).expect("approved");
    }
    let mut token = String::new();
    let mut pages = Vec::new();
    while pages.len() < 5 {
        let page = Some(Page { page_size: 1, page_token: token });
        let body = ListLinksRequest { page, ..ListLinksRequest::default() };
        let listed = answer(links.list_links(body).await).expect("listed");
        pages.push(codes(&listed.links));
        token = listed.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec!["XX41XY300"], vec!["XXXX00019"], vec![]]);

    let peer = SetPeerRequest {
        request_id: fresh(),
        base_url: "https://Host/evcs".into(),
        protocol_version: "1.0".into(),
        ..SetPeerRequest::default()
    };
    answer(platform.links(Who::Operator(operator(2))).set_peer(peer).await).expect("set");
    let closed = SetTermsRequest {
        request_id: fresh(),
        operator_id: operator(2).to_string(),
        window_secs: 300,
        ..SetTermsRequest::default()
    };
    answer(links.set_terms(closed).await).expect("closed");
    let asked = |state: &str, text: &str| ListLinksRequest {
        state: state.into(),
        text: text.into(),
        ..ListLinksRequest::default()
    };
    for (state, text, found) in [
        ("", "", vec!["XX41XY300", "XXXX00019"]),
        ("open", "", vec!["XXXX00019"]),
        ("closed", "", vec!["XX41XY300"]),
        ("revoked", "", vec![]),
        ("", "xxxx00019", vec!["XXXX00019"]),
        ("", "hOST", vec!["XX41XY300"]),
        ("open", "host", vec![]),
        ("", "%", vec![]),
    ] {
        let listed = answer(links.list_links(asked(state, text)).await).expect("listed").links;
        assert_eq!(codes(&listed), found, "{state} {text}");
        assert!(listed.iter().all(|link| link.inbound.len() == 1 && link.inbound[0].secrets.is_none()));
    }
    answer(links.revoke_link(revoke(0)).await).expect("revoked");
    let ended = answer(links.list_links(asked("revoked", "")).await).expect("listed").links;
    assert_eq!(codes(&ended), ["XXXX00019"]);
    assert_eq!(ended[0].inbound.len(), 0, "its secrets have ended with it");

    let unknown = refused(answer(links.list_links(asked("active", "")).await));
    assert_eq!(unknown, ("unknown_value".to_owned(), "state".to_owned()));
    let own = platform.links(Who::Operator(operator(1))).list_links(asked("", "")).await;
    assert_eq!(refused(answer(own)).0, "not_permitted");
    platform.stop().await;
}

#[tokio::test]
async fn without_a_key_for_secrets_no_link_is_approved() {
    let platform = Platform::start_with(|config| config.links.secrets_key = String::new().into()).await;
    let result = platform.links(Who::Administrator).approve_link(approve(1)).await;
    assert_eq!(refused(answer(result)).0, "links_closed");
    platform.stop().await;
}
