//! The header `webhook-signature`. Source: Standard Webhooks, "Signature scheme" (symmetric, v1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = 32;
/// Signatures of one header that are looked at.
const SIGNATURES_MAX: usize = 4;

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

/// Whether one of the signatures in a header that came is that of one of the secrets.
pub fn fits(secrets: &[Vec<u8>], id: &str, timestamp: i64, body: &[u8], header: &str) -> bool {
    let given = header.split(' ').take(SIGNATURES_MAX).filter_map(|one| one.strip_prefix("v1,"));
    let given: Vec<Vec<u8>> = given.filter_map(|one| STANDARD.decode(one).ok()).collect();
    secrets
        .iter()
        .any(|secret| given.iter().any(|one| keyed(secret, id, timestamp, body).verify_slice(one).is_ok()))
}

fn sign(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let mac = keyed(secret, id, timestamp, body.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn keyed(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    mac
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
    fn what_came_is_believed_by_any_of_its_signatures_under_any_secret_and_by_no_other() {
        let secrets = [vec![1; SECRET_BYTES], STANDARD.decode(SECRET).expect("base64")];
        let fits = |body: &str, header: &str| fits(&secrets, ID, 1_614_265_330, body.as_bytes(), header);
        assert!(fits(BODY, SIGNED));
        assert!(fits(BODY, &format!("v1,AAAA v2,x {SIGNED}")));
        assert!(!fits("{}", SIGNED));
        for header in ["", "v1,", "v1,AAAA", "v1,no base64", SIGNED.trim_start_matches("v1,")] {
            assert!(!fits(BODY, header), "{header}");
        }
    }

    #[test]
    fn another_id_time_or_body_has_another_signature() {
        let secret = vec![STANDARD.decode(SECRET).expect("base64")];
        assert_ne!(header(&secret, "msg_2", 1_614_265_330, BODY), SIGNED);
        assert_ne!(header(&secret, ID, 1_614_265_331, BODY), SIGNED);
        assert_ne!(header(&secret, ID, 1_614_265_330, "{}"), SIGNED);
    }
}
