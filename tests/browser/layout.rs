//! Every page with nothing, many and the longest values that services let through: with the longest no page scrolls sideways, from
//! the narrowest phone to a desk, and all of them keep the accessibility rules, also the pages of a document, which elsewhere stand
//! in a frame without scripts.
//!
//! The pages are the samples of `services/portal/tests/it`, which its tests keep in `target/tmp/portal-samples`.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::kit::{Window, driver::Script, standard::WIDTHS};

/// Frames that no page is by itself.
const FRAMES: [&str; 2] = ["base.html", "public.html"];
/// Bytes of a page beyond which it repeats its rows; such a page is judged with the other values only. The rules read every pair of parts.
const REPEATS: usize = 300_000;
/// Rules about names that services never leave empty, which are empty in the samples with nothing.
const NAMES: [&str; 6] =
    ["empty-heading", "empty-table-header", "link-name", "button-name", "label", "summary-name"];

fn portal(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/portal").join(part)
}

/// The pages by name. Errors: they are not there, or older than a template.
fn samples() -> Result<BTreeMap<String, Vec<u8>>> {
    const RUN: &str = "run the portal's tests first: cargo test --workspace --test it -- the_samples";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("portal-samples");
    let (mut found, mut made) = (BTreeMap::new(), SystemTime::UNIX_EPOCH);
    for entry in fs::read_dir(folder).context(RUN)? {
        let entry = entry?;
        made = made.max(entry.metadata()?.modified()?);
        found.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
    }
    let (mut shown, mut written) = (BTreeSet::new(), BTreeSet::new());
    shown.extend(found.keys().filter_map(|name| name.split_once('-').map(|(name, _)| name.to_owned())));
    for entry in fs::read_dir(portal("templates"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !FRAMES.contains(&name.as_str()) {
            ensure!(entry.metadata()?.modified()? <= made, "{name} is newer than its samples; {RUN}");
            written.insert(name);
        }
    }
    ensure!(shown.is_superset(&written), "no sample of {:?}; {RUN}", written.difference(&shown));
    Ok(found)
}

/// Answers with a page, or with what pages ask for: the style and the script as they are in the source.
async fn answer(mut stream: TcpStream, pages: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).await?;
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (kind, body) = match path.rsplit('.').next() {
        Some("css") => ("text/css", fs::read(portal("static/portal.css"))?),
        Some("js") => ("text/javascript", fs::read(portal("static/portal.js"))?),
        Some("html") => ("text/html; charset=utf-8", pages.get(&path[1..]).cloned().unwrap_or_default()),
        _ => ("text/plain", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    Ok(stream.shutdown().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_the_longest_values_do_not_scroll_sideways_and_all_keep_the_accessibility_rules()
-> Result<()> {
    let pages = samples()?;
    let server = TcpListener::bind("127.0.0.1:0").await?;
    let window = Window::at(&format!("http://{}", server.local_addr()?), Script::On).await?;
    let served = Arc::new(pages.clone());
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = server.accept().await {
            let served = Arc::clone(&served);
            // A browser that has seen enough breaks off.
            tokio::spawn(async move { drop(answer(stream, &served).await) });
        }
    });
    let mut faults = Vec::new();
    for name in pages.keys() {
        window.visit(&format!("/{name}")).await?;
        window.settled().await?;
        let styled = "return getComputedStyle(document.body).fontFamily !== ''  && document.styleSheets.length === 1 && document.styleSheets[0].cssRules.length > 100";
        ensure!(window.client().execute(styled, vec![]).await? == true, "{name} has no style");
        if name.contains("-Longest-") {
            for width in WIDTHS {
                window.resize(width).await?;
                faults
                    .extend(window.wide().await?.iter().map(|text| format!("{name} at {width} px: {text}")));
            }
        }
        // With one of each, pages are judged as services fill them (`every_page`).
        if name.contains("-One-") || pages[name].len() > REPEATS {
            continue;
        }
        let mut found = window.narrow_findings().await?;
        let nameless = |text: &String| NAMES.iter().any(|rule| text.contains(&format!(" {rule} (")));
        found.retain(|text| !(name.contains("-Empty-") && nameless(text)));
        faults.extend(found.iter().map(|text| format!("{name} at {text}")));
    }
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    window.complaints().await?;
    serving.abort();
    window.close().await
}
