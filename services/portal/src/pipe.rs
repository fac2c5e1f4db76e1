//! Bytes that blocking code writes, as the body of an answer: a bounded channel between, so that neither outruns the other,
//! and a browser that takes nothing any more does not hold the thread that writes.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use tokio::{runtime::Handle, sync::mpsc, time::timeout};

/// One piece of a body.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait for the browser.
const PIECES: usize = 4;
/// How long a piece may wait: the slowest line that is served takes a piece in this time. Decision 14.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);

/// The end that is written to, from a thread that may block. [`Pipe::close`] says that this was all.
pub struct Pipe {
    to: mpsc::Sender<Bytes>,
    held: Vec<u8>,
    whole: Arc<AtomicBool>,
    taken_within: Duration,
    runtime: Handle,
}

/// Both ends; asked for where the answer is made.
pub fn pipe() -> (Pipe, Body) {
    patient(TAKEN_WITHIN)
}

fn patient(taken_within: Duration) -> (Pipe, Body) {
    let (to, from) = mpsc::channel(PIECES);
    let whole = Arc::new(AtomicBool::new(false));
    let pieces = stream::unfold(Some((from, whole.clone())), |open| async move {
        let (mut from, whole) = open?;
        match from.recv().await {
            Some(piece) => Some((Ok(piece), Some((from, whole)))),
            None if whole.load(Ordering::Acquire) => None,
            // The browser then knows that what it has is not the whole.
            None => Some((Err(io::Error::other("the rest cannot be read")), None)),
        }
    });
    let held = Vec::with_capacity(PIECE_BYTES);
    (Pipe { to, held, whole, taken_within, runtime: Handle::current() }, Body::from_stream(pieces))
}

/// Logs why the rest of a download will not come.
pub fn broke_off(error: &dyn std::error::Error) {
    tracing::warn!(error = %chassis::error::chain(error), "a download broke off");
}

impl Pipe {
    /// Sends what is held and ends the body as a whole one; a pipe that is dropped before ends it as a broken one.
    ///
    /// # Errors
    /// As for writing.
    pub fn close(mut self) -> io::Result<()> {
        self.flush()?;
        self.whole.store(true, Ordering::Release);
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::replace(&mut self.held, Vec::with_capacity(PIECE_BYTES)));
        let (to, within) = (self.to.clone(), self.taken_within);
        match self.runtime.block_on(async move { timeout(within, to.send(piece)).await }) {
            Ok(Ok(())) => Ok(()),
            // The browser has left: whoever writes may stop.
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the browser takes nothing any more")),
        }
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

#[cfg(test)]
mod tests {
    use axum::body;
    use tokio::task::spawn_blocking;

    use super::*;

    #[tokio::test]
    async fn a_browser_that_stops_taking_lets_the_thread_go_and_is_never_told_that_it_has_all() {
        let (mut pipe, body) = patient(Duration::from_millis(20));
        let writing = spawn_blocking(move || {
            let mut pieces = 0;
            loop {
                match pipe.write_all(&[7; PIECE_BYTES]) {
                    Ok(()) => pieces += 1,
                    Err(error) => return (pieces, error.kind()),
                }
            }
        });
        // Nobody reads meanwhile.
        assert_eq!(writing.await.expect("it ends"), (PIECES, io::ErrorKind::TimedOut));
        assert!(body::to_bytes(body, usize::MAX).await.is_err());
    }

    #[tokio::test]
    async fn only_what_was_closed_is_whole() {
        for closed in [true, false] {
            let (mut pipe, body) = pipe();
            let writing = spawn_blocking(move || {
                pipe.write_all(b"some")?;
                if closed { pipe.close() } else { pipe.flush() }
            });
            assert_eq!(body::to_bytes(body, usize::MAX).await.is_ok(), closed);
            writing.await.expect("it ends").expect("written");
        }
    }
}
