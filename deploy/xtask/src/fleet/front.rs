//! One address before the processes of a service: each new connection is led to the one that is said to be ready.
//!
//! Owns: leading connections on, byte by byte, as the service of a cluster does. Not: who is ready (`fleet`).
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// A listening address; closed when dropped.
#[derive(Debug)]
pub(super) struct Front {
    target: Arc<Mutex<String>>,
    listening: AbortHandle,
}

impl Front {
    /// Listens; connections are closed at once until the first [`Front::lead_to`]. Errors: the address is taken.
    pub(super) async fn open(address: &str) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("{address} is taken"))?;
        let target = Arc::new(Mutex::new(String::new()));
        let led = target.clone();
        let listening = tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let target = led.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(lead(caller, target));
            }
        });
        Ok(Self { target, listening: listening.abort_handle() })
    }

    /// Leads new connections to this address; those that stand stay where they are.
    pub(super) fn lead_to(&self, target: &str) {
        target.clone_into(&mut self.target.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Until one of both closes; either side sees the other's end as its own connection's.
async fn lead(mut caller: TcpStream, target: String) {
    let Ok(mut service) = TcpStream::connect(&target).await else { return };
    // A delay of small pieces is all that could be lost.
    let _ = (caller.set_nodelay(true), service.set_nodelay(true));
    let _ = copy_bidirectional(&mut caller, &mut service).await;
}
