//! Files on a bad connection: many at once with progress, and one that goes on where the connection was lost.
use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use system_tests::{System, cases::Stage, eventually, wait::PATIENCE};
use xtask::services::Service;

use crate::{kit::Window, system};

/// Writes down from where each part of a file is sent.
const WATCH: &str = "
    window.offsets = [];
    const sent = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
        if (body.has('part')) window.offsets.push(Number(body.get('offset')));
        return sent.call(this, body);
    };";

/// Writes down how many files are sent at once and what is announced; the first answer says that too many ask.
const CROWD: &str = "
    let now = 0;
    window.most = 0;
    window.heard = [];
    const sent = XMLHttpRequest.prototype.send, said = document.querySelector('[data-said]');
    XMLHttpRequest.prototype.send = function (body) {
        if (!window.most) Object.defineProperty(this, 'status', { value: 429 });
        window.most = Math.max(window.most, ++now);
        // Before the page hears of the answer and begins with the next one, which is before loadend.
        this.addEventListener('readystatechange', () => { if (this.readyState === 4) now--; });
        return sent.call(this, body);
    };
    new MutationObserver(() => window.heard.push(said.textContent)).observe(said, { childList: true });";

/// Bytes of a part. Source: portal.js.
const PART: u64 = 1 << 20;
/// Bytes a second of a line on which a file of some parts takes a while.
const SLOW: u64 = 3 << 20;

impl Window {
    /// Gives the browser a slow line, or none at all. Bytes a second; 0 for no limit.
    async fn line(&self, connected: bool, upload: u64) -> Result<()> {
        let upload = if upload == 0 { json!(-1) } else { json!(upload) };
        let line = json!({ "offline": !connected, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload });
        self.devtools("Network.emulateNetworkConditions", line).await.map(drop)
    }

    /// From where parts were sent so far.
    async fn offsets(&self) -> Result<Vec<u64>> {
        let told = self.client().execute("return window.offsets", vec![]).await?;
        let Value::Array(told) = told else { return Ok(Vec::new()) };
        Ok(told.iter().filter_map(Value::as_u64).collect())
    }

    /// Waits until a part beyond the first is on its way.
    async fn underway(&self) -> Result<()> {
        eventually(PATIENCE, "the second part is sent", || async {
            Ok(self.offsets().await?.iter().any(|offset| *offset >= PART).then_some(()))
        })
        .await
    }
}

/// Some files of their own content, in the folder of the test's platform.
fn papers(system: &System, sizes: &[usize]) -> Result<Vec<(PathBuf, String)>> {
    let folder = system.folder(Service::Portal);
    fs::create_dir_all(&folder)?;
    let made = sizes.iter().enumerate().map(|(place, size)| {
        // The end of a document is looked for near the end of its file.
        let content = system.paper()?.marked(&format!("{}\n%%EOF\n", "0".repeat(*size))).content;
        let path = folder.join(format!("申请函{}.pdf", place + 1));
        fs::write(&path, &content)?;
        Ok((path, hex::encode(Sha256::digest(&content))))
    });
    made.collect()
}

/// The files that stand in a dossier, by their content: come in, checked and placed.
async fn arrived(system: &System) -> Result<Vec<String>> {
    system.texts(Service::Documents, "SELECT sha256 FROM placements").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_the_connection_was_lost_and_many_files_show_their_progress() -> Result<()> {
    const FIELD: &str = "省级奖补资金项目申请函：选择文件";
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let files = papers(&system, &[6 << 20, 5 << 20, 1000, 2000])?;
    let window = Window::before(&system).await?;
    window.sign_in(case.operator().name()).await?;
    let desk = format!("/subsidy/dossiers/{}", case.id());
    window.visit(&desk).await?;
    window.client().execute(WATCH, vec![]).await?;

    // The line breaks while the file is on its way, and comes back.
    window.line(true, SLOW).await?;
    window.attach(FIELD, &[&files[0].0]).await?;
    window.underway().await?;
    window.line(false, 0).await?;
    window.sees("网络中断，正在续传").await?;
    window.keep_pictures("upload-interrupted").await?;
    let before = window.offsets().await?.len();
    window.line(true, 0).await?;
    eventually(PATIENCE, "the file is among those of the page", || async {
        let text = window.text().await?;
        Ok((text.contains("申请函1.pdf") && !text.contains("上传中") && !text.contains("网络中断"))
            .then_some(()))
    })
    .await?;
    // What the browser says of a line that is cut is no fault of a page.
    window.complaints().await?;
    let after = window.offsets().await?.split_off(before);
    assert!(after.first().is_some_and(|offset| *offset >= PART), "after the break it began at {after:?}");

    // Somebody closes the page half-way, comes back and chooses the same file.
    let before = window.offsets().await?.len();
    window.line(true, SLOW).await?;
    window.attach(FIELD, &[&files[1].0]).await?;
    window.sees("申请函2.pdf").await?;
    eventually(PATIENCE, "half of it is there", || async {
        Ok(window.offsets().await?[before..].iter().any(|offset| *offset >= PART).then_some(()))
    })
    .await?;
    window.line(false, 0).await?;
    window.sees("网络中断，正在续传").await?;
    window.line(true, 0).await?;
    window.visit("/workbench").await?;
    window.complaints().await?;
    window.visit(&desk).await?;
    window.client().execute(WATCH, vec![]).await?;

    // The same, and others beside it: each has a line with its progress.
    window.line(true, SLOW).await?;
    let chosen: Vec<_> = files[1..].iter().map(|(path, _)| path.as_path()).collect();
    window.attach(FIELD, &chosen).await?;
    let lines = "return [...document.querySelectorAll('.uploading progress')].map(bar => bar.ariaLabel)";
    let shown = window.client().execute(lines, vec![]).await?;
    assert_eq!(shown.as_array().context("lines")?.len(), 3, "{shown}");
    window.judge("upload-many").await?;
    window.line(true, 0).await?;
    eventually(PATIENCE, "all files have come in", || async {
        Ok((arrived(&system).await?.len() == files.len()).then_some(()))
    })
    .await?;
    for name in ["申请函1.pdf", "申请函2.pdf", "申请函3.pdf", "申请函4.pdf"] {
        window.sees(name).await?;
    }
    let resumed = window.offsets().await?;
    assert!(
        resumed.first().is_some_and(|offset| *offset >= PART),
        "the closed page's file began at {resumed:?}"
    );
    let mut whole: Vec<_> = files.iter().map(|(_, digest)| digest.clone()).collect();
    let mut found = arrived(&system).await?;
    whole.sort();
    found.sort();
    assert_eq!(found, whole, "every file has arrived as it was");
    window.close().await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_go_three_at_a_time_try_again_by_themselves_are_announced_and_are_not_left_unasked()
-> Result<()> {
    const FIELD: &str = "省级奖补资金项目申请函：选择文件";
    let system = system().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let files = papers(&system, &[1000, 2000, 3000, 4000, 5000])?;
    let window = Window::before(&system).await?;
    window.sign_in(case.operator().name()).await?;
    window.visit(&format!("/subsidy/dossiers/{}", case.id())).await?;
    window.settled().await?;
    window.client().execute(CROWD, vec![]).await?;
    // A browser asks on pages only that somebody has touched.
    window.key(("a", 65, "a")).await?;
    assert!(!window.asks().await?, "nothing is on its way");
    let chosen: Vec<_> = files.iter().map(|(path, _)| path.as_path()).collect();
    window.attach(FIELD, &chosen).await?;
    window.client().execute("document.querySelector('#file-M1').focus()", vec![]).await?;
    window.sees("上传人数较多，正在等待").await?;
    assert!(window.asks().await?, "a file on its way would be lost");
    eventually(PATIENCE, "all files have come in, and what is left is said", || async {
        let told = window.client().execute("return window.heard.at(-1)", vec![]).await?;
        let told = told.as_str().is_some_and(|text| text.contains("项未完成"));
        Ok((told && arrived(&system).await?.len() == files.len()).then_some(()))
    })
    .await?;
    let script = "return [window.most, window.heard.filter(text => text.endsWith('已上传')).length, document.activeElement.id]";
    let found = window.client().execute(script, vec![]).await?;
    assert_eq!(found, json!([3, files.len(), "file-M1"]));
    assert!(!window.asks().await?, "everything has come in");
    window.close().await?;
    system.finish().await
}
