//! The envelope of T/CEC 102.4: AES-128-CBC with PKCS#7, Base64, HMAC-MD5, and the form of its five members.
//!
//! Owns: bytes and their checks, with no clock and no knowledge of links. Source: interconnect protocol, sections 4 and 5.
use std::{borrow::Cow, fmt};

use aes::Aes128;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use thiserror::Error;

use super::json::{self, Value};

/// Characters of OperatorID, TimeStamp, Seq, Sig. Fixed lengths make the MAC input of a request unambiguous.
pub const OPERATOR_ID_LEN: usize = 9;
const TIMESTAMP_LEN: usize = 14;
const SEQ_LEN: usize = 4;
const SIG_LEN: usize = 32;
/// Bytes of DataSecret and DataSecretIV.
pub const KEY_LEN: usize = 16;

/// The secrets of one direction of a link; text, used as its UTF-8 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// 运营商密钥: only inside `query_token`.
    pub operator: String,
    /// 消息密钥: 16 bytes.
    pub data: String,
    /// 消息密钥初始化向量: 16 bytes.
    pub data_iv: String,
    /// 签名密钥.
    pub sig: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secrets(redacted)")
    }
}

/// The envelope of a request, its members well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who says to call.
    pub operator_id: String,
    /// Base64 as received: line breaks and all, which the MAC covers.
    pub data: String,
    /// `yyyyMMddHHmmss`, digits.
    pub timestamp: String,
    /// Four digits.
    pub seq: String,
    /// As received.
    pub sig: String,
}

/// Why a body is no envelope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Not UTF-8, not JSON, or no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// The JSON is one that nobody may send: a duplicate key, too deep, half a character.
    #[error("{0}")]
    Json(json::Fault),
    /// A member is not there (or empty, or null).
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A member is no string, or has another length or other characters than it must.
    #[error("{0} is malformed")]
    Wrong(&'static str),
}

/// Reads the body of a request. Unknown members are ignored.
///
/// # Errors
/// [`Malformed`], the first in the order of the standard's members.
pub fn read(body: &[u8]) -> Result<Request, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::NotAnObject)?;
    let value = json::parse(text).map_err(|fault| match fault.flaw {
        json::Flaw::Syntax => Malformed::NotAnObject,
        json::Flaw::Depth | json::Flaw::Duplicate | json::Flaw::Surrogate => Malformed::Json(fault),
    })?;
    let Value::Object(mut members) = value else { return Err(Malformed::NotAnObject) };
    let mut member = |name: &'static str| {
        let found = members.iter().position(|(key, _)| key == name).map(|at| members.swap_remove(at).1);
        match found {
            None | Some(Value::Null) => Err(Malformed::Missing(name)),
            Some(Value::Text(text)) if text.is_empty() => Err(Malformed::Missing(name)),
            Some(Value::Text(text)) => Ok(text),
            Some(_) => Err(Malformed::Wrong(name)),
        }
    };
    let request = Request {
        operator_id: member("OperatorID")?,
        data: member("Data")?,
        timestamp: member("TimeStamp")?,
        seq: member("Seq")?,
        sig: member("Sig")?,
    };
    let length = |text: &str, expected: usize| text.chars().count() == expected;
    let digits = |text: &str| text.bytes().all(|one| one.is_ascii_digit());
    let forms = [
        ("OperatorID", length(&request.operator_id, OPERATOR_ID_LEN)),
        ("TimeStamp", length(&request.timestamp, TIMESTAMP_LEN) && digits(&request.timestamp)),
        ("Seq", length(&request.seq, SEQ_LEN) && digits(&request.seq)),
        ("Sig", length(&request.sig, SIG_LEN)),
    ];
    match forms.into_iter().find(|(_, holds)| !holds) {
        Some((name, _)) => Err(Malformed::Wrong(name)),
        None => Ok(request),
    }
}

impl Request {
    /// Whether the MAC is that of this key; compared in constant time, hexadecimal in either case.
    #[must_use]
    pub fn signed_with(&self, sig_secret: &str) -> bool {
        verified(sig_secret, &[&self.operator_id, &self.data, &self.timestamp, &self.seq], &self.sig)
    }
}

/// The MAC of a request: over OperatorID, Data, TimeStamp, Seq; upper case.
#[must_use]
pub fn sign_request(sig_secret: &str, operator_id: &str, data: &str, timestamp: &str, seq: &str) -> String {
    upper_hex(&mac(sig_secret, &[operator_id, data, timestamp, seq]).finalize().into_bytes())
}

/// The MAC of an answer: over Ret as decimal text, Msg, Data; upper case.
#[must_use]
pub fn sign_answer(sig_secret: &str, ret: i32, msg: &str, data: &str) -> String {
    upper_hex(&mac(sig_secret, &[&ret.to_string(), msg, data]).finalize().into_bytes())
}

/// Whether an answer's MAC is that of this key.
#[must_use]
pub fn answer_signed_with(sig_secret: &str, ret: i32, msg: &str, data: &str, sig: &str) -> bool {
    verified(sig_secret, &[&ret.to_string(), msg, data], sig)
}

fn mac(secret: &str, parts: &[&str]) -> Hmac<Md5> {
    let mut mac = Hmac::<Md5>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac
}

fn verified(secret: &str, parts: &[&str], sig: &str) -> bool {
    from_hex(sig).is_some_and(|given| mac(secret, parts).verify_slice(&given).is_ok())
}

fn upper_hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from(b"0123456789ABCDEF"[usize::from(four & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn from_hex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != SIG_LEN || !text.bytes().all(|one| one.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Why Data gives no text. Padding, length and UTF-8 are not told apart (no padding oracle).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Undecodable {
    /// A blank where Base64 has `+`: the peer form-encoded the body.
    #[error("a blank in Base64")]
    Blank,
    /// Not standard Base64.
    #[error("not Base64")]
    Base64,
    /// Not a text encrypted with this key.
    #[error("not decryptable")]
    Cipher,
}

/// Data of a text: PKCS#7 by bytes, AES-128-CBC, standard Base64 without line breaks.
///
/// # Errors
/// [`Undecodable::Cipher`] for keys that are not 16 bytes.
pub fn encrypt(secrets: &Secrets, text: &str) -> Result<String, Undecodable> {
    let cipher =
        cbc::Encryptor::<Aes128>::new_from_slices(secrets.data.as_bytes(), secrets.data_iv.as_bytes())
            .map_err(|_| Undecodable::Cipher)?;
    Ok(STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(text.as_bytes())))
}

/// The text of Data.
///
/// # Errors
/// [`Undecodable`].
pub fn decrypt(secrets: &Secrets, data: &str) -> Result<String, Undecodable> {
    if data.contains(' ') {
        return Err(Undecodable::Blank);
    }
    // Few systems break lines.
    let joined = if data.contains(['\r', '\n']) {
        Cow::Owned(data.replace(['\r', '\n'], ""))
    } else {
        Cow::Borrowed(data)
    };
    let bytes = STANDARD.decode(joined.as_bytes()).map_err(|_| Undecodable::Base64)?;
    let cipher =
        cbc::Decryptor::<Aes128>::new_from_slices(secrets.data.as_bytes(), secrets.data_iv.as_bytes())
            .map_err(|_| Undecodable::Cipher)?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&bytes).map_err(|_| Undecodable::Cipher)?;
    String::from_utf8(plain).map_err(|_| Undecodable::Cipher)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets {
            operator: "Op#Secret".into(),
            data: "Kx7!pQ2@mZ9#rT4$".into(),
            data_iv: "v1Lw8Nc3Yb6Hd0Js".into(),
            sig: "8fK2sQ9wZr5TnB1v".into(),
        }
    }

    #[test]
    fn the_worked_example_of_the_protocol_holds() {
        let data = "mLqCPrzuPA6PZb20iYOCJyzNrOyYx6De+RfdkijVi77xd5dPMqjuAsFJF0dOAFLj";
        let text = r#"{"LastQueryTime":"","PageNo":1,"PageSize":10}"#;
        assert_eq!(encrypt(&secrets(), text).as_deref(), Ok(data));
        assert_eq!(decrypt(&secrets(), data).as_deref(), Ok(text));
        let broken = format!("{}\r\n{}\n", &data[..40], &data[40..]);
        assert_eq!(decrypt(&secrets(), &broken).as_deref(), Ok(text));
        let sig = sign_request(&secrets().sig, "XXXX00019", data, "20260701120005", "0001");
        assert_eq!(sig, "176988E80A0A5834C9963D63300FB3E0");
    }

    #[test]
    fn each_member_is_named_when_it_is_missing_or_malformed() {
        let whole = r#"{"OperatorID":"XXXX00019","Data":"AA==","TimeStamp":"20260701120005","Seq":"0001","Sig":"176988E80A0A5834C9963D63300FB3E0"}"#;
        assert!(read(whole.as_bytes()).is_ok());
        for name in ["OperatorID", "Data", "TimeStamp", "Seq", "Sig"] {
            let renamed = whole.replace(&format!("\"{name}\""), "\"Other\"");
            assert_eq!(read(renamed.as_bytes()), Err(Malformed::Missing(name)));
        }
        let wrong = |from: &str, to: &str| read(whole.replace(from, to).as_bytes()).expect_err("refused");
        assert_eq!(wrong("\"0001\"", "1"), Malformed::Wrong("Seq"));
        assert_eq!(wrong("\"0001\"", "\"001\""), Malformed::Wrong("Seq"));
        assert_eq!(wrong("XXXX00019", "XXXX0001"), Malformed::Wrong("OperatorID"));
        assert_eq!(wrong("20260701120005", "2026-07-01 12:"), Malformed::Wrong("TimeStamp"));
        assert_eq!(wrong("176988", ""), Malformed::Wrong("Sig"));
        assert_eq!(read(b"[]"), Err(Malformed::NotAnObject));
        assert_eq!(read(b"\xff"), Err(Malformed::NotAnObject));
    }

    #[test]
    fn a_blank_and_a_foreign_alphabet_are_told_and_bad_padding_is_not() {
        assert_eq!(decrypt(&secrets(), "AA A"), Err(Undecodable::Blank));
        assert_eq!(decrypt(&secrets(), "AA-_"), Err(Undecodable::Base64));
        assert_eq!(decrypt(&secrets(), "AAAA"), Err(Undecodable::Cipher));
        assert_eq!(decrypt(&secrets(), "AAAAAAAAAAAAAAAAAAAAAA=="), Err(Undecodable::Cipher));
        assert_eq!(decrypt(&secrets(), ""), Err(Undecodable::Cipher));
    }

    #[test]
    fn a_signature_holds_in_either_case_and_for_one_key_only() {
        let data = encrypt(&secrets(), "{}").expect("16-byte keys");
        let sig = sign_request(&secrets().sig, "XXXX00019", &data, "20260701120005", "0001");
        let request = |sig: String| Request {
            operator_id: "XXXX00019".into(),
            data: data.clone(),
            timestamp: "20260701120005".into(),
            seq: "0001".into(),
            sig,
        };
        assert!(request(sig.to_lowercase()).signed_with(&secrets().sig));
        assert!(!request(sig.clone()).signed_with("another key"));
        assert!(!request("G".repeat(32)).signed_with(&secrets().sig));
    }
}
