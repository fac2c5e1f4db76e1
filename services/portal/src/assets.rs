//! Style sheet, script and icon: compiled in, served under their content's hash for a year. Source: ui, section 1.

use std::sync::LazyLock;

use axum::{Router, http::header, response::IntoResponse, routing::get};
use sha2::{Digest as _, Sha256};

/// One file.
pub struct Asset {
    /// `/static/<hash>/<name>`.
    pub path: String,
    content: &'static [u8],
    media_type: &'static str,
}

/// Every file.
pub struct Assets {
    /// `portal.css`.
    pub style: Asset,
    /// `portal.js`.
    pub script: Asset,
    /// `icon.svg`.
    pub icon: Asset,
}

/// The files of this build.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: asset("portal.css", include_bytes!("../static/portal.css"), "text/css; charset=utf-8"),
    script: asset("portal.js", include_bytes!("../static/portal.js"), "text/javascript; charset=utf-8"),
    icon: asset("icon.svg", include_bytes!("../static/icon.svg"), "image/svg+xml"),
});

fn asset(name: &str, content: &'static [u8], media_type: &'static str) -> Asset {
    let hash = hex::encode(&Sha256::digest(content)[..8]);
    Asset { path: format!("/static/{hash}/{name}"), content, media_type }
}

impl Asset {
    fn answer(&'static self) -> impl IntoResponse {
        let headers = [
            (header::CONTENT_TYPE, self.media_type),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        (headers, self.content)
    }
}

/// Their routes.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [&ASSETS.style, &ASSETS.script, &ASSETS.icon].into_iter().fold(Router::new(), |router, asset| {
        router.route(&asset.path, get(move || async move { asset.answer() }))
    })
}
