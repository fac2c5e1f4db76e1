//! Free ports on the loopback address, for servers and services that tests start.
//!
//! Owns: choosing. Not: holding – the port is free until its server binds it, so starting may still fail and is
//! tried again by whoever starts.
use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, TcpListener},
    sync::Mutex,
};

use anyhow::{Result, bail, ensure};

/// Below the range from which the system takes the ports of outgoing connections (32768 on), so that none of
/// those can take a chosen port before its server binds it.
const LOWEST: u16 = 20_000;
const HIGHEST: u16 = 32_000;

static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// This one.
    Fixed(u16),
    /// Any that is free; the same again after a restart.
    Free,
}

impl Port {
    /// Decides on a number. Errors: no port is free.
    pub fn choose(self) -> Result<u16> {
        match self {
            Port::Fixed(port) => Ok(port),
            Port::Free => free(),
        }
    }

    /// Decides on a number for a server that is started now. Errors: no port is free, or the fixed one is taken.
    pub fn claim(self, server: &str) -> Result<u16> {
        let number = self.choose()?;
        let taken = self == Port::Fixed(number) && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_err();
        ensure!(!taken, "port {number} is taken by another program; {server} cannot use it");
        Ok(number)
    }
}

/// Finds a free port that this process has not given out before. Errors: none is free.
pub fn free() -> Result<u16> {
    for _ in 0..1000 {
        let port = LOWEST + rand::random::<u16>() % (HIGHEST - LOWEST);
        let new = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(port);
        if new && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {LOWEST} and {HIGHEST}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports: BTreeSet<_> = (0..50).map(|_| free().unwrap()).collect();
        assert_eq!(ports.len(), 50);
    }

    #[test]
    fn a_taken_port_is_not_claimed() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = Port::Fixed(holder.local_addr().unwrap().port());
        let said = port.claim("NATS").unwrap_err().to_string();
        assert!(said.contains("taken") && said.contains("NATS"), "{said}");
        drop(holder);
        port.claim("NATS").unwrap();
    }
}
