//! Interconnect: speaks T/CEC 102 with operators' systems and is an ingest like any other.
//!
//! It answers what they push (`web`), and pulls from their servers what is due (`turns`, `client`).
//! It keeps nothing durable: links and their secrets are kept by `stations`, the operator's standing by `accounts`, and what
//! operators send becomes calls of the gRPC contract of `stations` in the operator's name. Source: interconnect protocol.

pub mod app;
pub mod client;
pub mod config;
pub mod domain;
pub mod labels;
pub mod neighbours;
pub mod refusals;
pub mod spelling;
pub mod tokens;
pub mod turns;
pub mod web;

use std::{sync::Arc, time::Duration};

use chassis::{Edge, clock};
use proto::stations::turns_client::TurnsClient;
use secrecy::ExposeSecret as _;
use time::OffsetDateTime;

use crate::{
    client::Client,
    config::Config,
    neighbours::Neighbours,
    tokens::Tokens,
    turns::Worker,
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
    let worker = worker(config, &edge, clock.clone())?;
    edge.spawn("turns", Arc::new(worker).run());
    let server = Arc::new(server(config, &edge, clock));
    edge.spawn("refusals", server.clone().report());
    edge.serve_http(config.server.http_addr, web::router(server)).await
}

/// The server with its neighbours; `clock` judges envelopes and tokens.
#[must_use]
pub fn server(config: &Config, edge: &Edge, clock: Clock) -> Server {
    Server::new(config, neighbours(config, edge), tokens(config), clock)
}

/// Does the turns of links; `clock` stamps envelopes.
///
/// # Errors
/// The machine has no usable TLS.
pub fn worker(config: &Config, edge: &Edge, clock: Clock) -> anyhow::Result<Worker> {
    let door = match config.client.door.as_str() {
        "" => format!("http://{}/{}", config.server.http_addr, config.server.prefix),
        given => given.to_owned(),
    };
    Ok(Worker {
        turns: TurnsClient::new(edge.peer("stations")),
        neighbours: Arc::new(neighbours(config, edge)),
        client: Arc::new(Client::new(clock, config.client.private_addresses)?),
        tokens: tokens(config),
        organisation: config.client.operator_id.clone(),
        door,
        idle: Duration::from_millis(config.client.idle_millis),
        at_once: config.client.at_once,
        joint_at_once: config.client.joint_at_once,
        daily_at_once: config.client.daily_at_once,
        deadlines: config.deadlines,
    })
}

fn neighbours(config: &Config, edge: &Edge) -> Neighbours {
    Neighbours::new(edge, Duration::from_secs(config.links.fresh_secs))
}

/// The tokens of this installation.
#[must_use]
pub fn tokens(config: &Config) -> Tokens {
    let life = time::Duration::seconds(config.tokens.life_secs);
    Tokens::new(config.identity.signing_key.expose_secret(), life)
}
