//! Being asked to stop: Ctrl-C and SIGTERM. Source: stack, T26.
//!
//! Owns: listening. Not: what stopping means; each command decides.
use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears both signals from its making on.
#[derive(Debug)]
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to listen. Errors: the system refuses.
    pub fn listen() -> Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits until asked.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
