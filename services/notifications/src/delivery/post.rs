//! One attempt over HTTP: signed headers, a limit on the whole, no redirects, the beginning of the answer.

use std::time::{Duration, Instant};

use chassis::{clock, outbound};
use reqwest::{
    Client, Response, Url,
    header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::timeout;

use crate::{
    domain::webhook::{
        outcome::{Outcome, Trouble, judge},
        signature,
    },
    store::queue::Claimed,
};

/// The whole attempt. Source: Standard Webhooks, "Request timeouts" (15 to 30 s).
const WHOLE: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are kept.
const ANSWER_MAX: usize = 200;

/// Posts deliveries.
pub struct Post {
    client: Client,
    private_addresses: bool,
}

impl Post {
    /// Prepares connections. `private_addresses`: whether endpoints may be inside this network.
    ///
    /// # Errors
    /// The machine has no usable TLS.
    pub fn new(private_addresses: bool) -> Result<Post, reqwest::Error> {
        Ok(Post { client: outbound::client(private_addresses, CONNECT)?, private_addresses })
    }

    /// Makes one attempt, signed with each of the secrets.
    pub async fn send(&self, claimed: &Claimed, secrets: &[Vec<u8>]) -> Outcome {
        let started = Instant::now();
        let attempt = timeout(WHOLE, self.exchange(claimed, secrets)).await;
        let latency_millis = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        match attempt {
            Ok(Ok((status, retry_after_secs, answer))) => {
                Outcome { status, latency_millis, answer, trouble: judge(status), retry_after_secs }
            }
            Ok(Err(trouble)) => Outcome::without_answer(trouble, latency_millis),
            Err(_) => Outcome::without_answer(Trouble::TimedOut, latency_millis),
        }
    }

    async fn exchange(
        &self,
        claimed: &Claimed,
        secrets: &[Vec<u8>],
    ) -> Result<(u16, Option<u64>, String), Trouble> {
        let url = Url::parse(&claimed.url).map_err(|_| Trouble::AddressRefused)?;
        if !self.private_addresses && !outbound::allowed(&url) {
            return Err(Trouble::AddressRefused);
        }
        let (id, timestamp) = (claimed.event_id.to_string(), clock::unix_seconds());
        let response = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "yuchong-webhooks/1")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature::header(secrets, &id, timestamp, &claimed.body))
            .body(claimed.body.clone())
            .send()
            .await
            .map_err(unreachable)?;
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = asked.and_then(|text| seconds(text, timestamp));
        Ok((response.status().as_u16(), retry_after, beginning(response).await?))
    }
}

/// `Retry-After`: seconds, or an HTTP date.
fn seconds(text: &str, now: i64) -> Option<u64> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
        u64::try_from(at.unix_timestamp() - now).ok()
    })
}

/// The first bytes of an answer as text that a row can hold; the rest is not read.
async fn beginning(mut response: Response) -> Result<String, Trouble> {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_MAX {
        match response.chunk().await.map_err(unreachable)? {
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => break,
        }
    }
    bytes.truncate(ANSWER_MAX);
    Ok(String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}"))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreachable(error: reqwest::Error) -> Trouble {
    if error.is_timeout() { Trouble::TimedOut } else { Trouble::Unreachable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date() {
        let now = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(seconds(" 120 ", now), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT", now), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:48:37 GMT", now), None);
        assert_eq!(seconds("-5", now), None);
        assert_eq!(seconds("soon", now), None);
    }
}
