//! The raw limit of what operators' systems push: a server in this program that reads an envelope of T/CEC 102, verifies and decrypts
//! it, and answers with an envelope; nothing is behind it.
//!
//! Owns: that server. The envelope is the simulator's. Source: performance, "Targets".
use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use axum::{Json, Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use proto::stations::Secrets;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::simulator::envelope;

/// Where statuses are pushed to.
pub const STATUS_PATH: &str = "/evcs/v20160701/notification_stationStatus";

/// The server. It ends with the program.
#[derive(Clone, Copy, Debug)]
pub struct RawEdge {
    /// Where it listens.
    pub address: SocketAddr,
}

/// By OperatorID on the wire.
type Known = HashMap<String, Secrets>;

impl RawEdge {
    /// Serves those whose secrets it has, on a free port. Errors: there is none.
    pub async fn serve(known: Known) -> Result<Self> {
        let router = Router::new().route(STATUS_PATH, post(take)).with_state(Arc::new(known));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address })
    }
}

async fn take(State(known): State<Arc<Known>>, body: Bytes) -> Result<Json<Value>, StatusCode> {
    answered(&known, &body).map(Json).map_err(|_| StatusCode::BAD_REQUEST)
}

fn answered(known: &Known, body: &[u8]) -> Result<Value> {
    let request: Value = serde_json::from_slice(body)?;
    let organisation = request["OperatorID"].as_str().context("nobody's envelope")?;
    let secrets = known.get(organisation).context("a stranger's envelope")?;
    ensure!(envelope::genuine(secrets, &request), "not signed with this key");
    let message = envelope::body(secrets, &request)?;
    message["ConnectorStatusInfo"]["ConnectorID"].as_str().context("no connector")?;
    Ok(envelope::answer(secrets, 0, "", Some(&json!({ "Status": 0 }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(sig_secret: &str) -> Secrets {
        Secrets {
            data_secret: "Kx7!pQ2@mZ9#rT4$".to_owned(),
            data_secret_iv: "v1Lw8Nc3Yb6Hd0Js".to_owned(),
            sig_secret: sig_secret.to_owned(),
            ..Secrets::default()
        }
    }

    fn pushed(organisation: &str, sig_secret: &str) -> Vec<u8> {
        let body = json!({ "ConnectorStatusInfo": { "ConnectorID": "C1", "Status": 1 } });
        envelope::request(&secrets(sig_secret), organisation, &body, 0, 0).to_string().into_bytes()
    }

    #[test]
    fn only_what_is_signed_with_a_known_key_is_answered() {
        let known: Known = [("123456789".to_owned(), secrets("known"))].into();
        let answer = answered(&known, &pushed("123456789", "known")).unwrap();
        assert_eq!(envelope::told(&secrets("known"), &answer).unwrap().body, json!({ "Status": 0 }));
        assert!(answered(&known, &pushed("123456789", "another")).is_err());
        assert!(answered(&known, &pushed("987654321", "known")).is_err());
    }
}
