//! Proof that a form was rendered for the browser that sends it, and that it was sent from our own pages.
//!
//! A token is a fresh nonce and its hash with the secret of the session (or of the visit, before signing in): no two
//! pages carry the same one, so compression leaks nothing. Source: reliability 11.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const NONCE_BYTES: usize = 16;

/// 256 random bits as base64url: a visit's secret.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A token for one page of the holder of `secret`.
pub fn token(secret: &str) -> String {
    with_nonce(secret, &rand::random::<[u8; NONCE_BYTES]>())
}

fn with_nonce(secret: &str, nonce: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(b"yuchong.portal.form.v1")
        .chain_update(nonce)
        .chain_update(secret.as_bytes())
        .finalize();
    URL_SAFE_NO_PAD.encode([nonce, digest.as_slice()].concat())
}

/// Whether `token` was made for the holder of `secret`.
pub fn holds(token: &str, secret: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
    let Some(nonce) = bytes.get(..NONCE_BYTES) else { return false };
    with_nonce(secret, nonce).as_bytes().ct_eq(token.as_bytes()).into()
}

/// Whether the browser says that the request comes from our own pages. A client that sends neither header is no browser
/// of today; it still needs the token.
pub fn same_origin(headers: &HeaderMap, public_origin: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return false;
    }
    match text(header::ORIGIN.as_str()) {
        None => true,
        Some(origin) if !public_origin.is_empty() => origin == public_origin,
        Some(origin) => {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            !host.is_empty() && origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
    }
}

/// Whether the browser says that the request comes from our own pages or was entered by the person: a bookmark, the
/// address line. Says nothing of a browser that does not tell.
pub fn own_or_typed(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_serves_its_own_session_only_and_never_looks_the_same() {
        let (one, other) = (token("a"), token("a"));
        assert_ne!(one, other);
        assert!(holds(&one, "a") && holds(&other, "a"));
        assert!(!holds(&one, "b") && !holds("", "a") && !holds("AAAA", "a"));
    }

    #[test]
    fn another_site_is_told_by_origin_or_fetch_metadata() {
        let said = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("portal.example"));
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            headers
        };
        assert!(same_origin(&said(&[]), ""));
        assert!(same_origin(&said(&[("origin", "http://portal.example")]), ""));
        assert!(!same_origin(&said(&[("origin", "http://evil.example")]), ""));
        assert!(!same_origin(&said(&[("origin", "null")]), ""));
        assert!(!same_origin(&said(&[("sec-fetch-site", "same-site")]), ""));
        assert!(!same_origin(&said(&[("origin", "http://portal.example")]), "https://portal.example"));
        assert!(same_origin(&said(&[("origin", "https://portal.example")]), "https://portal.example"));
    }
}
