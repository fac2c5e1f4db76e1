//! What both directions of T/CEC 102 are wrapped in: encryption, signature, local time.
//!
//! Owns: both sides of a request and of an answer, for the simulator and for what is measured beside the platform. An own
//! implementation, from the protocol's text and not from the service's code. Source: interconnect protocol, sections 4 and 5.
use aes::Aes128;
use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use proto::stations::Secrets;
use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset};

/// What Sig of a request is over, in this order.
const REQUEST: [&str; 4] = ["OperatorID", "Data", "TimeStamp", "Seq"];
/// Likewise of an answer.
const ANSWER: [&str; 3] = ["Ret", "Msg", "Data"];

/// What an answer says.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Ret.
    pub ret: i64,
    /// Msg.
    pub msg: String,
    /// Plaintext of Data; null where it is empty.
    pub body: Value,
}

/// A request as it is sent: by whom, at which second of its clock, and which one of that second.
pub fn request(secrets: &Secrets, organisation: &str, body: &Value, unix_seconds: i64, number: u32) -> Value {
    let stamp: String = local(unix_seconds).chars().filter(char::is_ascii_digit).collect();
    let seq = format!("{:04}", number % 9_999 + 1);
    let data = encrypt(secrets, body);
    signed(
        secrets,
        json!({ "OperatorID": organisation, "Data": data, "TimeStamp": stamp, "Seq": seq }),
        &REQUEST,
    )
}

/// Whether a request is signed by these secrets.
pub fn genuine(secrets: &Secrets, request: &Value) -> bool {
    request["Sig"] == sig(secrets, request, &REQUEST)
}

/// The body of a request. Errors: it is not encrypted with these secrets, or is no JSON.
pub fn body(secrets: &Secrets, request: &Value) -> Result<Value> {
    decrypt(secrets, request["Data"].as_str().context("Data is no text")?)
}

/// An answer as it is sent; Data is empty without a body.
pub fn answer(secrets: &Secrets, ret: i32, msg: &str, body: Option<&Value>) -> Value {
    let data = body.map_or(String::new(), |body| encrypt(secrets, body));
    signed(secrets, json!({ "Ret": ret, "Msg": msg, "Data": data }), &ANSWER)
}

/// What an answer says. Errors: it is none, or not signed or not encrypted with these secrets.
pub fn told(secrets: &Secrets, answer: &Value) -> Result<Told> {
    let ret = answer["Ret"].as_i64().context("Ret is no number")?;
    let text = |name: &str| answer[name].as_str().context("no text");
    let (msg, data) = (text("Msg")?.to_owned(), text("Data")?);
    ensure!(answer["Sig"] == sig(secrets, answer, &ANSWER), "not signed with our key: {answer}");
    let body = if data.is_empty() { Value::Null } else { decrypt(secrets, data)? };
    Ok(Told { ret, msg, body })
}

fn signed(secrets: &Secrets, mut envelope: Value, members: &[&str]) -> Value {
    envelope["Sig"] = json!(sig(secrets, &envelope, members));
    envelope
}

/// Texts as they are, numbers as they are written.
fn sig(secrets: &Secrets, envelope: &Value, members: &[&str]) -> String {
    let mut mac = Hmac::<Md5>::new_from_slice(secrets.sig_secret.as_bytes()).expect("any length");
    for member in members {
        match envelope[*member].as_str() {
            Some(text) => mac.update(text.as_bytes()),
            None => mac.update(envelope[*member].to_string().as_bytes()),
        }
    }
    hex::encode_upper(mac.finalize().into_bytes())
}

fn encrypt(secrets: &Secrets, body: &Value) -> String {
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(
        secrets.data_secret.as_bytes(),
        secrets.data_secret_iv.as_bytes(),
    );
    let cipher = cipher.expect("16 bytes each");
    STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(body.to_string().as_bytes()))
}

fn decrypt(secrets: &Secrets, data: &str) -> Result<Value> {
    let cipher = cbc::Decryptor::<Aes128>::new_from_slices(
        secrets.data_secret.as_bytes(),
        secrets.data_secret_iv.as_bytes(),
    )?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&STANDARD.decode(data)?);
    Ok(serde_json::from_slice(&plain.ok().context("Data does not decrypt")?)?)
}

/// `yyyy-MM-dd HH:mm:ss` in China standard time.
pub fn local(unix_seconds: i64) -> String {
    let china = UtcOffset::from_hms(8, 0, 0).expect("an offset");
    let at = OffsetDateTime::from_unix_timestamp(unix_seconds).expect("a moment of ours").to_offset(china);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of the protocol's worked example.
    fn secrets() -> Secrets {
        Secrets {
            operator_secret: "Op#Secret".to_owned(),
            data_secret: "Kx7!pQ2@mZ9#rT4$".to_owned(),
            data_secret_iv: "v1Lw8Nc3Yb6Hd0Js".to_owned(),
            sig_secret: "8fK2sQ9wZr5TnB1v".to_owned(),
        }
    }

    #[test]
    fn the_worked_example_of_the_protocol_is_read() {
        let mut answer = json!({
            "Ret": 0, "Msg": "", "Sig": "E6BB1974B1CEA09CE34E61B378369005",
            "Data": "G5DtnXU4LiTUhe4hV/RWLnSZ6PwYascXOrWtd5I12A06l4wSTHC/h0G/37WI2diZax4bsX774e7DU5BxVh5jzw==",
        });
        assert!(told(&secrets(), &answer).unwrap().body.get("PageNo").is_some());
        answer["Sig"] = json!("E6BC1974B1CEA09CE34E61B378369005");
        assert!(told(&secrets(), &answer).is_err());
    }

    #[test]
    fn what_one_side_sends_the_other_reads_and_a_change_underway_is_noticed() {
        let said = json!({ "ConnectorStatusInfo": { "ConnectorID": "C1", "Status": 1 } });
        let mut sent = request(&secrets(), "123456789", &said, 1_796_515_200, 9_999);
        assert_eq!((&sent["TimeStamp"], &sent["Seq"]), (&json!("20261206080000"), &json!("0001")));
        assert!(genuine(&secrets(), &sent));
        assert_eq!(body(&secrets(), &sent).unwrap(), said);
        sent["OperatorID"] = json!("987654321");
        assert!(!genuine(&secrets(), &sent));
        let refused = answer(&secrets(), 4004, "ConnectorID 不正确", None);
        let read = Told { ret: 4004, msg: "ConnectorID 不正确".to_owned(), body: Value::Null };
        assert_eq!(told(&secrets(), &refused).unwrap(), read);
    }
}
