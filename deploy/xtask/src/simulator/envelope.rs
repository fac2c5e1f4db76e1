//! What both directions of T/CEC 102 are wrapped in: encryption, signature, local time.
//!
//! An own implementation, from the protocol's text and not from the service's code. Source: interconnect protocol, sections 4 and 5.
use aes::Aes128;
use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use proto::stations::Secrets;
use serde_json::Value;
use time::{OffsetDateTime, UtcOffset};

/// Data of a body.
pub fn encrypt(secrets: &Secrets, body: &Value) -> String {
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(
        secrets.data_secret.as_bytes(),
        secrets.data_secret_iv.as_bytes(),
    );
    let cipher = cipher.expect("16 bytes each");
    STANDARD.encode(cipher.encrypt_padded_vec::<Pkcs7>(body.to_string().as_bytes()))
}

/// The body inside Data. Errors: it is not encrypted with these secrets, or is no JSON.
pub fn decrypt(secrets: &Secrets, data: &str) -> Result<Value> {
    let cipher = cbc::Decryptor::<Aes128>::new_from_slices(
        secrets.data_secret.as_bytes(),
        secrets.data_secret_iv.as_bytes(),
    )?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&STANDARD.decode(data)?);
    Ok(serde_json::from_slice(&plain.ok().context("Data does not decrypt")?)?)
}

/// Sig of a text.
pub fn mac(secrets: &Secrets, text: &str) -> String {
    let mut mac = Hmac::<Md5>::new_from_slice(secrets.sig_secret.as_bytes()).expect("any length");
    mac.update(text.as_bytes());
    hex::encode_upper(mac.finalize().into_bytes())
}

/// `yyyy-MM-dd HH:mm:ss` in China standard time.
pub fn local(unix_seconds: i64) -> String {
    let china = UtcOffset::from_hms(8, 0, 0).expect("an offset");
    let at = OffsetDateTime::from_unix_timestamp(unix_seconds).expect("a moment of ours").to_offset(china);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}
