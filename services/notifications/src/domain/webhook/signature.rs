//! The header `webhook-signature`. Source: Standard Webhooks, "Signature scheme" (symmetric, v1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = 32;

/// A secret as it is shown to people, once.
pub fn shown(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// The header's value: one signature for each secret, the present one first.
///
/// `id` and `timestamp` are ours and hold no full stop; `timestamp` is that of the attempt, in Unix seconds.
pub fn header(secrets: &[Vec<u8>], id: &str, timestamp: i64, body: &str) -> String {
    let signatures: Vec<String> = secrets.iter().map(|secret| sign(secret, id, timestamp, body)).collect();
    signatures.join(" ")
}

fn sign(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the reference libraries of Standard Webhooks share.
    const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_vector_of_the_reference_libraries_is_signed_the_same() {
        let secret = STANDARD.decode(SECRET).expect("base64");
        assert_eq!(header(std::slice::from_ref(&secret), ID, 1_614_265_330, BODY), SIGNED);
        assert_eq!(shown(&secret), format!("whsec_{SECRET}"));
    }

    #[test]
    fn during_a_rotation_both_secrets_sign() {
        let (new, old) = (vec![1; SECRET_BYTES], STANDARD.decode(SECRET).expect("base64"));
        let header = header(&[new, old], ID, 1_614_265_330, BODY);
        let (first, second) = header.split_once(' ').expect("two signatures");
        assert!(first.starts_with("v1,") && first != SIGNED);
        assert_eq!(second, SIGNED);
    }

    #[test]
    fn another_id_time_or_body_has_another_signature() {
        let secret = vec![STANDARD.decode(SECRET).expect("base64")];
        assert_ne!(header(&secret, "msg_2", 1_614_265_330, BODY), SIGNED);
        assert_ne!(header(&secret, ID, 1_614_265_331, BODY), SIGNED);
        assert_ne!(header(&secret, ID, 1_614_265_330, "{}"), SIGNED);
    }
}
