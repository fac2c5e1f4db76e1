//! Bytes that blocking code writes, as the body of an answer: a bounded channel between, so that neither outruns the other.

use std::io::{self, Write};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use tokio::sync::mpsc;

/// One piece of a body.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for the browser.
const PIECES: usize = 4;

/// The end that is written to, from a thread that may block. What was written since the last piece goes with `flush`.
pub struct Pipe {
    to: mpsc::Sender<io::Result<Bytes>>,
    held: Vec<u8>,
}

/// Both ends.
pub fn pipe() -> (Pipe, Body) {
    let (to, from) = mpsc::channel(PIECES);
    let pieces = stream::unfold(from, |mut from| async move { Some((from.recv().await?, from)) });
    (Pipe { to, held: Vec::with_capacity(PIECE_BYTES) }, Body::from_stream(pieces))
}

impl Pipe {
    /// Says that the rest will not come: the browser then knows that what it has is not the whole.
    pub fn broken(to: &mpsc::Sender<io::Result<Bytes>>, error: &dyn std::error::Error) {
        tracing::warn!(error = %chassis::error::chain(error), "a download broke off");
        let _ = to.blocking_send(Err(io::Error::other("the rest cannot be read")));
    }

    /// For [`Pipe::broken`], kept aside while the pipe is written to.
    pub fn end(&self) -> mpsc::Sender<io::Result<Bytes>> {
        self.to.clone()
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::replace(&mut self.held, Vec::with_capacity(PIECE_BYTES)));
        // The browser has left: whoever writes may stop.
        self.to.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() { Ok(()) } else { self.send() }
    }
}
