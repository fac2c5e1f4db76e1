//! A receiver of webhooks: keeps what comes, checks signatures by its own computation, and behaves badly on demand.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// What is done with one request; 204 where nothing was ordered.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Answers with a status.
    Answer(u16),
    /// Sends it elsewhere.
    Redirect,
    /// 503, with a wish for a pause in seconds.
    Pause(u64),
    /// Takes it and is silent.
    Never,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub path: String,
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: String,
}

impl Heard {
    /// Whether one of its signatures is that of a secret as it was shown.
    pub fn signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signature.split(' ').any(|one| one == expected)
    }
}

#[derive(Default)]
struct State {
    heard: Vec<Heard>,
    manners: HashMap<String, VecDeque<Manner>>,
}

/// Listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let kept = state.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = kept.clone();
                tokio::spawn(async move { serve(stream, state).await });
            }
        });
        Receiver { address, state, server }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What is done with the next requests of a path, one after another.
    pub fn behave(&self, path: &str, manners: &[Manner]) {
        let mut state = self.state.lock().expect("not poisoned");
        state.manners.insert(path.to_owned(), manners.iter().copied().collect());
    }

    /// Everything that came, but where a redirect points to.
    pub fn heard(&self) -> Vec<Heard> {
        let state = self.state.lock().expect("not poisoned");
        state.heard.iter().filter(|one| one.path != "/strayed").cloned().collect()
    }

    /// What followed a redirect.
    pub fn strayed(&self) -> Vec<Heard> {
        let state = self.state.lock().expect("not poisoned");
        state.heard.iter().filter(|one| one.path == "/strayed").cloned().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    while let Some(heard) = read(&mut stream).await {
        let manner = {
            let mut state = state.lock().expect("not poisoned");
            state.heard.push(heard.clone());
            state.manners.get_mut(&heard.path).and_then(VecDeque::pop_front)
        };
        let answer = match manner.unwrap_or(Manner::Answer(204)) {
            Manner::Answer(204) => "HTTP/1.1 204 -\r\n\r\n".to_owned(),
            Manner::Answer(status) => format!("HTTP/1.1 {status} -\r\ncontent-length: 2\r\n\r\nno"),
            Manner::Redirect => {
                "HTTP/1.1 302 -\r\nlocation: /strayed\r\ncontent-length: 0\r\n\r\n".to_owned()
            }
            Manner::Pause(secs) => {
                format!("HTTP/1.1 503 -\r\nretry-after: {secs}\r\ncontent-length: 0\r\n\r\n")
            }
            Manner::Never => std::future::pending().await,
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request of a connection; none at its end.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Heard> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    Some(Heard {
        path,
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: String::from_utf8(body).ok()?,
    })
}
