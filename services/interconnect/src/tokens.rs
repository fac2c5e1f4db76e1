//! The access tokens that operators call us with: signed, never stored, bound to one operator and one set of secrets.
//!
//! A token is `base64url(version ‖ id of the secret set ‖ expiry ‖ nonce ‖ HMAC-SHA256)`. Several are valid at once; all of a
//! set end with it. The nonce follows from the envelope that asked, so a repeated envelope gets the same answer.
//! See decision record 17.
use std::fmt;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::{
    envelope::Request,
    link::{Keys, Link},
};

/// Header of a message that this platform's own joint test sends.
pub const MARK: &str = "x-joint-test";
const JOINT_TEST: &[u8] = b"joint test";
const VERSION: u8 = 1;
const BODY_LEN: usize = 1 + 16 + 8 + 16;
const MAC_LEN: usize = 32;

/// Makes and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    /// Has taken in the key, which costs as much as a token.
    keyed: Hmac<Sha256>,
    /// How long a token is good for, as operators are told.
    pub life: Duration,
}

impl Tokens {
    /// From the seed of the process (base64), which every replica has.
    #[must_use]
    pub fn new(signing_key: &str, life: Duration) -> Self {
        let seed = STANDARD.decode(signing_key.trim()).unwrap_or_default();
        let key = digest(keyed(&seed), &[b"yuchong.interconnect.tokens.v1"]);
        Self { keyed: keyed(&key), life }
    }

    /// A token for the envelope that asked at `stamp`. It lives for [`Tokens::life`] and the link's clock window more, so
    /// that it lasts as long as was said however wrong the operator's clock may be.
    #[must_use]
    pub fn issue(&self, link: &Link, keys: &Keys, asked: &Request, stamp: OffsetDateTime) -> String {
        let expires = (stamp + self.life + link.window).unix_timestamp();
        let about = [&asked.operator_id, &asked.timestamp, &asked.seq, &asked.sig];
        let about: Vec<&[u8]> = about.iter().map(|part| part.as_bytes()).collect();
        let mut body = vec![VERSION];
        body.extend_from_slice(keys.id.as_bytes());
        body.extend_from_slice(&expires.to_be_bytes());
        body.extend_from_slice(&digest(self.keyed.clone(), &about)[..16]);
        let mac = digest(self.keyed.clone(), &[&body, link.organisation.as_bytes()]);
        body.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(body)
    }

    /// Whether a token is ours, this operator's, of a set of secrets that is valid still, and not expired.
    #[must_use]
    pub fn holds(&self, token: &str, link: &Link, now: OffsetDateTime) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
        if bytes.len() != BODY_LEN + MAC_LEN || bytes[0] != VERSION {
            return false;
        }
        let (body, mac) = bytes.split_at(BODY_LEN);
        let mut expected = self.keyed.clone();
        expected.update(body);
        expected.update(link.organisation.as_bytes());
        let ours = expected.verify_slice(mac).is_ok();
        let set = Uuid::from_slice(&body[1..17]).ok();
        let expires = body[17..25].try_into().map(i64::from_be_bytes).unwrap_or_default();
        ours && link.inbound.iter().any(|keys| Some(keys.id) == set) && now.unix_timestamp() < expires
    }
}

impl Tokens {
    /// Says of a body that this platform's own joint test sends it, faults and all.
    #[must_use]
    pub fn mark(&self, body: &str) -> String {
        URL_SAFE_NO_PAD.encode(digest(self.keyed.clone(), &[JOINT_TEST, body.as_bytes()]))
    }

    /// Whether a mark is that of the body.
    #[must_use]
    pub fn marked(&self, mark: &str, body: &[u8]) -> bool {
        let mut expected = self.keyed.clone();
        expected.update(JOINT_TEST);
        expected.update(body);
        URL_SAFE_NO_PAD.decode(mark).is_ok_and(|mac| expected.verify_slice(&mac).is_ok())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Tokens(redacted)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn digest(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> [u8; MAC_LEN] {
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::Secrets;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);

    fn link(organisation: &str, sets: &[u128]) -> Link {
        let text = || "0123456789abcdef".to_owned();
        let secrets = Secrets { operator: text(), data: text(), data_iv: text(), sig: text() };
        let keys = |id: &u128| Keys { id: Uuid::from_u128(*id), secrets: secrets.clone() };
        Link {
            operator_id: Uuid::nil(),
            organisation: organisation.into(),
            open: true,
            inbound: sets.iter().map(keys).collect(),
            window: Duration::minutes(5),
            paths: Default::default(),
            spellings: Default::default(),
        }
    }

    fn request(seq: &str) -> Request {
        Request {
            operator_id: "XXXX00019".into(),
            data: String::new(),
            timestamp: "20260701200000".into(),
            seq: seq.into(),
            sig: "S".repeat(32),
        }
    }

    #[test]
    fn a_token_serves_its_operator_until_it_expires_or_its_secrets_end() {
        let tokens = Tokens::new(&STANDARD.encode([7; 32]), Duration::hours(2));
        let own = link("XXXX00019", &[1]);
        let token = tokens.issue(&own, &own.inbound[0], &request("0001"), NOW);
        assert!(tokens.holds(&token, &own, NOW + Duration::hours(2)));
        assert!(!tokens.holds(&token, &own, NOW + Duration::hours(2) + Duration::minutes(5)));
        assert!(!tokens.holds(&token, &link("XXXX00027", &[1]), NOW));
        assert!(tokens.holds(&token, &link("XXXX00019", &[2, 1]), NOW));
        assert!(!tokens.holds(&token, &link("XXXX00019", &[2]), NOW));
        let others = Tokens::new(&STANDARD.encode([8; 32]), Duration::hours(2));
        assert!(!others.holds(&token, &own, NOW));
        assert!(!tokens.holds(&token[..token.len() - 2], &own, NOW));
        assert!(!tokens.holds("", &own, NOW));
    }

    #[test]
    fn a_mark_is_good_for_one_body_and_made_by_nobody_else() {
        let tokens = Tokens::new(&STANDARD.encode([7; 32]), Duration::hours(2));
        let mark = tokens.mark("{}");
        assert!(tokens.marked(&mark, b"{}"));
        assert!(!tokens.marked(&mark, b"{ }") && !tokens.marked("", b"{}"));
        assert!(!Tokens::new(&STANDARD.encode([8; 32]), Duration::hours(2)).marked(&mark, b"{}"));
    }

    #[test]
    fn several_tokens_hold_at_once_and_a_repeated_envelope_gets_the_same() {
        let tokens = Tokens::new(&STANDARD.encode([7; 32]), Duration::hours(2));
        let own = link("XXXX00019", &[1]);
        let issue = |seq: &str| tokens.issue(&own, &own.inbound[0], &request(seq), NOW);
        assert_eq!(issue("0001"), issue("0001"));
        assert_ne!(issue("0001"), issue("0002"));
        assert!(tokens.holds(&issue("0001"), &own, NOW) && tokens.holds(&issue("0002"), &own, NOW));
    }
}
