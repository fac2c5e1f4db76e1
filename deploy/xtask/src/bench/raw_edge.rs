//! The raw limit of what operators' systems push: a server in this program that reads an envelope of T/CEC 102, verifies and decrypts
//! it, and answers with an envelope; nothing is behind it.
//!
//! Owns: that server, and both sides of the envelope, an own implementation. Source: performance, "Targets"; interconnect protocol,
//! sections 4 and 5.
use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use aes::Aes128;
use anyhow::{Context as _, Result, ensure};
use axum::{Json, Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use proto::stations::Secrets;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Where statuses are pushed to.
pub const STATUS_PATH: &str = "/evcs/v20160701/notification_stationStatus";

/// A request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    #[serde(rename = "OperatorID")]
    organisation: String,
    data: String,
    time_stamp: String,
    seq: String,
    sig: String,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Answer {
    ret: i32,
    msg: String,
    data: String,
    sig: String,
}

/// Who an operator's system is, and by which secrets it speaks.
#[derive(Clone)]
pub struct Keys {
    /// OperatorID on the wire.
    pub organisation: String,
    /// Of both directions here.
    pub secrets: Secrets,
}

impl Keys {
    /// A message as it is sent; `stamp` is the system's clock as `yyyyMMddHHmmss`. Errors: the keys are not 16 bytes.
    pub fn envelope(&self, body: &Value, stamp: &str, seq: usize) -> Result<Envelope> {
        let data = self.encrypted(body)?;
        let (time_stamp, seq) = (stamp.to_owned(), format!("{:04}", seq % 9_999 + 1));
        let sig = self.signed(&[&self.organisation, &data, &time_stamp, &seq])?;
        Ok(Envelope { organisation: self.organisation.clone(), data, time_stamp, seq, sig })
    }

    /// The message inside. Errors: it is not signed or not encrypted by these secrets.
    pub fn message(&self, envelope: &Envelope) -> Result<Value> {
        let Envelope { organisation, data, time_stamp, seq, sig } = envelope;
        self.verify(&[organisation, data, time_stamp, seq], sig)?;
        self.decrypted(data)
    }

    /// An accepting answer as it is sent. Errors: the keys are not 16 bytes.
    pub fn answer(&self, body: &Value) -> Result<Answer> {
        let (ret, msg, data) = (0, String::new(), self.encrypted(body)?);
        let sig = self.signed(&[&ret.to_string(), &msg, &data])?;
        Ok(Answer { ret, msg, data, sig })
    }

    /// What an accepting answer says. Errors: it refuses, or is not signed or not encrypted by these secrets.
    pub fn accepted(&self, text: &[u8]) -> Result<Value> {
        let Answer { ret, msg, data, sig } = serde_json::from_slice(text)?;
        self.verify(&[&ret.to_string(), &msg, &data], &sig)?;
        ensure!(ret == 0, "Ret {ret}: {msg}");
        self.decrypted(&data)
    }

    fn encrypted(&self, body: &Value) -> Result<String> {
        let (key, iv) = (self.secrets.data_secret.as_bytes(), self.secrets.data_secret_iv.as_bytes());
        let cipher = cbc::Encryptor::<Aes128>::new_from_slices(key, iv)?;
        Ok(STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(body.to_string().as_bytes())))
    }

    fn decrypted(&self, data: &str) -> Result<Value> {
        let (key, iv) = (self.secrets.data_secret.as_bytes(), self.secrets.data_secret_iv.as_bytes());
        let cipher = cbc::Decryptor::<Aes128>::new_from_slices(key, iv)?;
        let plain = cipher.decrypt_padded_vec::<Pkcs7>(&STANDARD.decode(data)?);
        Ok(serde_json::from_slice(&plain.ok().context("Data does not decrypt")?)?)
    }

    fn mac(&self, parts: &[&str]) -> Result<Hmac<Md5>> {
        let mut mac = Hmac::<Md5>::new_from_slice(self.secrets.sig_secret.as_bytes())?;
        parts.iter().for_each(|part| mac.update(part.as_bytes()));
        Ok(mac)
    }

    fn signed(&self, parts: &[&str]) -> Result<String> {
        Ok(hex::encode_upper(self.mac(parts)?.finalize().into_bytes()))
    }

    fn verify(&self, parts: &[&str], sig: &str) -> Result<()> {
        let same = self.mac(parts)?.verify_slice(&hex::decode(sig)?);
        same.ok().context("not signed with this key")
    }
}

/// The server. It ends with the program.
#[derive(Clone, Copy, Debug)]
pub struct RawEdge {
    /// Where it listens.
    pub address: SocketAddr,
}

type Known = Arc<HashMap<String, Keys>>;

impl RawEdge {
    /// Serves those whose keys it has, on a free port. Errors: there is none.
    pub async fn serve(keys: impl IntoIterator<Item = Keys>) -> Result<Self> {
        let known: Known = Arc::new(keys.into_iter().map(|keys| (keys.organisation.clone(), keys)).collect());
        let router = Router::new().route(STATUS_PATH, post(take)).with_state(known);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address })
    }
}

async fn take(State(known): State<Known>, body: Bytes) -> Result<Json<Answer>, StatusCode> {
    answered(&known, &body).map(Json).map_err(|_| StatusCode::BAD_REQUEST)
}

fn answered(known: &HashMap<String, Keys>, body: &[u8]) -> Result<Answer> {
    let envelope: Envelope = serde_json::from_slice(body)?;
    let keys = known.get(&envelope.organisation).context("nobody's envelope")?;
    let message = keys.message(&envelope)?;
    message["ConnectorStatusInfo"]["ConnectorID"].as_str().context("no connector")?;
    keys.answer(&json!({ "Status": 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of the protocol's worked example.
    fn keys() -> Keys {
        Keys {
            organisation: "123456789".to_owned(),
            secrets: Secrets {
                operator_secret: "Op#Secret".to_owned(),
                data_secret: "Kx7!pQ2@mZ9#rT4$".to_owned(),
                data_secret_iv: "v1Lw8Nc3Yb6Hd0Js".to_owned(),
                sig_secret: "8fK2sQ9wZr5TnB1v".to_owned(),
            },
        }
    }

    fn pushed(keys: &Keys) -> Vec<u8> {
        let body = json!({ "ConnectorStatusInfo": { "ConnectorID": "C1", "Status": 1 } });
        serde_json::to_vec(&keys.envelope(&body, "20261206080000", 0).unwrap()).unwrap()
    }

    #[test]
    fn the_worked_example_of_the_protocol_is_read() {
        let answer = r#"{"Ret":0,"Msg":"","Data":"G5DtnXU4LiTUhe4hV/RWLnSZ6PwYascXOrWtd5I12A06l4wSTHC/h0G/37WI2diZax4bsX774e7DU5BxVh5jzw==",
            "Sig":"E6BB1974B1CEA09CE34E61B378369005"}"#;
        assert!(keys().accepted(answer.as_bytes()).unwrap().get("PageNo").is_some());
        assert!(keys().accepted(answer.replace("E6BB", "E6BC").as_bytes()).is_err());
    }

    #[test]
    fn only_what_is_signed_with_a_known_key_is_answered() {
        let known: HashMap<String, Keys> = [(keys().organisation, keys())].into();
        let answer = serde_json::to_vec(&answered(&known, &pushed(&keys())).unwrap()).unwrap();
        assert_eq!(keys().accepted(&answer).unwrap(), json!({ "Status": 0 }));
        let mut foreign = keys();
        foreign.secrets.sig_secret = "another".to_owned();
        assert!(answered(&known, &pushed(&foreign)).is_err());
        foreign.organisation = "987654321".to_owned();
        assert!(answered(&known, &pushed(&foreign)).is_err());
    }
}
