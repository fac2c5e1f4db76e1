//! Style sheet, script and icon: compiled in, served under their content's hash for a year; the script without the lines that
//! only explain it. Source: ui, section 1.

use std::sync::LazyLock;

use axum::{Router, http::header, response::IntoResponse, routing::get};
use sha2::{Digest as _, Sha256};

/// One file.
pub struct Asset {
    /// `/static/<hash>/<name>`.
    pub path: String,
    content: Vec<u8>,
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
    style: asset("portal.css", include_str!("../static/portal.css").into(), "text/css; charset=utf-8"),
    script: asset("portal.js", spoken(include_str!("../static/portal.js")), "text/javascript; charset=utf-8"),
    icon: asset("icon.svg", include_str!("../static/icon.svg").into(), "image/svg+xml"),
});

fn asset(name: &str, content: String, media_type: &'static str) -> Asset {
    let hash = hex::encode(&Sha256::digest(&content)[..8]);
    Asset { path: format!("/static/{hash}/{name}"), content: content.into_bytes(), media_type }
}

/// A script without its lines of comment.
fn spoken(script: &str) -> String {
    let says = |line: &&str| !line.trim_start().starts_with("//");
    script.lines().filter(says).flat_map(|line| [line, "\n"]).collect()
}

impl Asset {
    fn answer(&'static self) -> impl IntoResponse {
        let headers = [
            (header::CONTENT_TYPE, self.media_type),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        (headers, self.content.as_slice())
    }
}

/// Their routes.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    [&ASSETS.style, &ASSETS.script, &ASSETS.icon].into_iter().fold(Router::new(), |router, asset| {
        router.route(&asset.path, get(move || async move { asset.answer() }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_served_without_its_comments_and_otherwise_as_it_is_written() {
        let script = "// 说明\nconst a = 'https://x';   // 留下\n  // 说明\n  f(a);\n";
        assert_eq!(spoken(script), "const a = 'https://x';   // 留下\n  f(a);\n");
        let served = String::from_utf8_lossy(&ASSETS.script.content);
        assert!(served.starts_with("'use strict';") && served.ends_with("})();\n"), "{served}");
    }
}
