//! Asking whether something is there yet: repeated questions with a limit, and a GET over plain HTTP.
//!
//! Owns: waiting. Not: what readiness means; the caller's question decides.
use std::{
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

/// Between two questions; short, because a private server is ready within 50–300 ms.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks until the answer is `Ok(Some)`, and hands it out.
///
/// Errors: at once what the question itself calls hopeless (`Err`); after `within` that `what` did not happen.
pub async fn eventually<T, F, Asked>(within: Duration, what: &str, mut question: F) -> Result<T>
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Result<Option<T>>>,
{
    let start = Instant::now();
    loop {
        if let Some(answer) = question().await? {
            return Ok(answer);
        }
        if start.elapsed() >= within {
            bail!("{what}: not within {} s", within.as_secs_f32());
        }
        sleep(PAUSE).await;
    }
}

/// Sends `GET path` to `address` and gives status and body.
///
/// Errors: no connection, no answer within 2 s, or an answer that is not HTTP.
pub async fn get(address: &str, path: &str) -> Result<(u16, String)> {
    let answer = timeout(Duration::from_secs(2), async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    })
    .await
    .with_context(|| format!("http://{address}{path} gave no answer"))??;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    let status =
        head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("the answer has no status")?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_ends_with_the_answer_or_says_what_was_missing() {
        let mut asked = 0;
        let answer = eventually(Duration::from_secs(5), "the third question", || {
            asked += 1;
            let answer = (asked == 3).then_some(asked);
            async move { Ok(answer) }
        });
        assert_eq!(answer.await.unwrap(), 3);
        let never = eventually(Duration::from_millis(30), "a miracle", || async { Ok(None::<()>) }).await;
        assert!(never.unwrap_err().to_string().starts_with("a miracle: not within"));
    }
}
