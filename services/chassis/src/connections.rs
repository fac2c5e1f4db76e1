//! HTTP connections of people and outside systems: whoever sends slowly is not waited for without end.
//!
//! Owns: the waits for a head, for the next piece of a body and for a whole body; the address of a client. Not: what is
//! answered, nor how many may ask. HTTP/1.1 only: telling the versions apart would be a wait of its own that nothing bounds,
//! and proxies speak it. Source: decision record 36.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderMap, request::Parts},
    serve::Listener,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;
use tower_http::timeout::{RequestBodyDeadlineLayer, RequestBodyTimeoutLayer};

/// How long a client is waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a whole head; between two requests too.
    head: Duration,
    /// For the next piece of a body.
    piece: Duration,
    /// For a whole body.
    body: Duration,
}

/// A head: above the 60 s for which proxies keep a connection that rests (nginx), so that they end it and not we, while they
/// send the next request. A body: 20 MiB over a slow line (1 Mbit/s ≈ 170 s).
const PATIENCE: Patience = Patience {
    head: Duration::from_secs(75),
    piece: Duration::from_secs(30),
    body: Duration::from_secs(300),
};

/// Answers until `stop`, then finishes what is running. Handlers find the address of the connection as
/// `ConnectInfo<SocketAddr>`; a body that came too slowly is one that breaks off.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_with(listener, router, stop, PATIENCE).await;
}

async fn serve_with(mut listener: TcpListener, router: Router, stop: CancellationToken, patience: Patience) {
    let mut services = router
        .layer(RequestBodyTimeoutLayer::new(patience.piece))
        .layer(RequestBodyDeadlineLayer::new(patience.body))
        .into_make_service_with_connect_info::<SocketAddr>();
    let connections = TaskTracker::new();
    loop {
        let (stream, from) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = stop.cancelled() => break,
        };
        let Ok(service) = services.call(from).await;
        let stop = stop.clone();
        connections.spawn(async move {
            let mut server = Builder::new(TokioExecutor::new()).http1_only();
            server.http1().timer(TokioTimer::new()).header_read_timeout(patience.head);
            let served = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            let mut served = pin!(served);
            let ended = tokio::select! {
                ended = served.as_mut() => ended,
                () = stop.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
            if let Err(error) = ended {
                tracing::trace!(%error, "connection ended");
            }
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The client's address: the connection's own, or what the proxies in front appended.
pub fn client_address(parts: &Parts, forwarded_hops: usize) -> IpAddr {
    let own = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let own = own.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    if forwarded_hops == 0 { own } else { forwarded(&parts.headers, forwarded_hops).unwrap_or(own) }
}

/// The entry that the outermost believed proxy wrote; what stands left of it is the client's own claim.
fn forwarded(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    let entries: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    entries.get(entries.len().checked_sub(hops)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::{body::Bytes, routing::post};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        time::timeout,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(300);

    /// What somebody is answered who sends this and then nothing, up to the end of the connection.
    async fn answer(patience: Patience, sent: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let router = Router::new().route("/", post(|body: Bytes| async move { body }));
        let served = tokio::spawn(serve_with(listener, router, stop.clone(), patience));
        let mut client = TcpStream::connect(address).await.expect("connected");
        client.write_all(sent.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let ended = timeout(Duration::from_secs(20), client.read_to_end(&mut answer)).await;
        ended.expect("it is not waited for without end").expect("read");
        stop.cancel();
        served.await.expect("no connection is left");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
        let patience = Patience { head: SHORT, piece: LONG, body: LONG };
        for sent in ["", "POST / HTTP/1.1\r\nHost: a\r\n"] {
            assert!(!answer(patience, sent).await.contains("200 OK"), "{sent}");
        }
        let whole = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
        assert!(answer(patience, whole).await.ends_with("\r\n\r\nab"), "a request in time is answered");
    }

    #[tokio::test]
    async fn a_body_that_rests_or_takes_too_long_breaks_off() {
        let sent = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na";
        for (piece, body) in [(SHORT, LONG), (LONG, SHORT)] {
            let patience = Patience { head: LONG, piece, body };
            let answer = answer(patience, sent).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "1.1.1.1, 10.9.9.9".parse().expect("a value"));
        assert_eq!(forwarded(&headers, 1), Some(IpAddr::from([10, 9, 9, 9])));
        assert_eq!(forwarded(&headers, 3), None);
    }
}
