//! Interconnect: speaks T/CEC 102 with operators' systems and is an ingest like any other.
//!
//! It keeps nothing durable: links and their secrets are kept by `stations`, the operator's standing by `accounts`, and what
//! operators send becomes calls of the gRPC contract of `stations` in the operator's name. Source: interconnect protocol.

pub mod app;
pub mod config;
pub mod domain;
pub mod labels;
pub mod neighbours;
pub mod tokens;
pub mod web;

use std::{sync::Arc, time::Duration};

use chassis::{Edge, clock};
use secrecy::ExposeSecret as _;
use time::OffsetDateTime;

use crate::{
    config::Config,
    neighbours::Neighbours,
    tokens::Tokens,
    web::{Clock, Server},
};

/// Serves until the process is told to end.
///
/// # Errors
/// A setting is wrong, or a port is taken.
pub async fn serve(config: &Config) -> anyhow::Result<()> {
    let edge = Edge::start("interconnect", &config.edge())?;
    let clock: Clock = Arc::new(|| {
        OffsetDateTime::from_unix_timestamp(clock::unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    });
    let server = Arc::new(server(config, &edge, clock));
    edge.serve_http(config.server.http_addr, web::router(server)).await
}

/// The server with its neighbours; `clock` judges envelopes and tokens.
#[must_use]
pub fn server(config: &Config, edge: &Edge, clock: Clock) -> Server {
    let neighbours = Neighbours::new(edge, Duration::from_secs(config.links.fresh_secs));
    Server::new(config, neighbours, tokens(config), clock)
}

/// The tokens of this installation.
#[must_use]
pub fn tokens(config: &Config) -> Tokens {
    let life = time::Duration::seconds(config.tokens.life_secs);
    Tokens::new(config.identity.signing_key.expose_secret(), life)
}
