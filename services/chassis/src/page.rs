//! Keyset pages: the size limits and the opaque token. The key itself is the list's own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::common::Page;
use serde::{Serialize, de::DeserializeOwned};

use crate::Failure;

/// Rows of one page: 50 where the caller names none.
///
/// # Errors
/// `page_size_out_of_range` unless 0..=200.
pub fn size(page: Option<&Page>) -> Result<i64, Failure> {
    match page.map_or(0, |page| page.page_size) {
        0 => Ok(50),
        size @ 1..=200 => Ok(i64::from(size)),
        _ => Err(Failure::invalid("page_size_out_of_range", "page.page_size", "每页条数应为 1–200")),
    }
}

/// The key after which the page starts; `None` on the first.
///
/// # Errors
/// `page_token_invalid` for a token that this list did not make.
pub fn after<K: DeserializeOwned>(page: Option<&Page>) -> Result<Option<K>, Failure> {
    let token = page.map_or("", |page| page.page_token.as_str());
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token())?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| invalid_token())
}

/// `page_token_invalid`: the token decodes, but to a key that cannot be.
#[must_use]
pub fn invalid_token() -> Failure {
    Failure::invalid("page_token_invalid", "page.page_token", "翻页标记无效，请从第一页重新开始")
}

/// The token for the page after `key`; empty when the present page was not full.
pub fn token<K: Serialize>(key: Option<&K>) -> String {
    key.and_then(|key| serde_json::to_vec(key).ok())
        .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
        .unwrap_or_default()
}
