//! Every check of a page is seen to fail on a page that deserves it, and what is pressed is what was meant.
use std::time::Duration;

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};

use crate::kit::{Window, driver::Script};

const BROKEN: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\
    Content-Security-Policy: script-src 'self'; img-src *\r\nConnection: close\r\n\r\n\
    <!doctype html><html><title>坏页面</title><body><h1>坏页面</h1><h4>跳级标题</h4>\
    <p style='color:#bbb;background:#fff'>看不清的字</p><input name=nameless><div style='width:900px'>太宽</div>\
    <div style='width:200px;overflow:auto'><p style='width:300px'>横向滚动的字</p></div>\
    <button style='width:10px;height:10px;padding:0'>小</button><button style='width:10px;height:10px;padding:0'>小</button>\
    <table><tr><td>一</td></tr></table><img src='http://other.example/picture.png'>\
    <input id=twice aria-label=一><p id=twice>又一个</p><script>window.injected = true</script></body></html>";

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_page_is_found_wanting_in_every_respect() -> Result<()> {
    let server = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", server.local_addr()?);
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = server.accept().await {
            let mut request = [0; 4096];
            // A connection that the browser opened ahead may ask nothing.
            let asked = timeout(Duration::from_secs(5), stream.read(&mut request)).await;
            if matches!(asked, Ok(Ok(length)) if length > 0) {
                let _ = stream.write_all(BROKEN.as_bytes()).await;
            }
        }
    });
    let window = Window::at(&origin, Script::On).await?;
    window.visit("/").await?;
    let found = [window.findings().await?, window.narrow_findings().await?].concat().join("\n");
    for part in [
        "another host is asked: http://other.example/picture.png",
        "Content Security Policy",
        "wider than 320 px",
        "wider than 390 px",
        "cut or scrolled sideways at 320 px: <div style=\"width:200px",
        "320 px: color-contrast",
        "390 px: color-contrast",
        "1440 px: color-contrast",
        "html-has-lang",
        "heading-order",
        "label (",
        "landmark-one-main",
        "target-size",
        "two elements are called twice",
    ] {
        assert!(found.contains(part), "{part} is not among\n{found}");
    }
    serving.abort();
    window.close().await
}

/// A button that has the words and more, and one with just the words that comes later.
const LATER: &str = r#"<!doctype html><title>none</title><button onclick="document.title='part'">待发起</button>
    <script>setTimeout(() => document.body.insertAdjacentHTML('beforeend',
    '<button onclick="document.title=`whole`">发起</button>'), 300)</script>"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_has_just_these_words_is_pressed_even_if_it_comes_later_and_a_part_of_the_words_is_enough_else()
-> Result<()> {
    let window = Window::at("data:text/html;charset=utf-8,", Script::On).await?;
    window.visit(LATER).await?;
    for (words, pressed) in [("发起", "whole"), ("待", "part")] {
        window.press(words).await?;
        assert_eq!(window.client().execute("return document.title", vec![]).await?, pressed);
    }
    window.close().await
}
