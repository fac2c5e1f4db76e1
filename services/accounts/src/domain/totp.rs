//! Codes that a phone and the platform count alike (动态口令): RFC 6238 with SHA-1, six digits, steps of 30 seconds.
//!
//! SHA-1 is what every authenticator app speaks; inside HMAC its collisions do not matter (RFC 6238, section 1.2).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// Bytes of a secret: the length of the hash. Source: RFC 4226, section 4.
pub const SECRET_BYTES: usize = 20;
/// Before every step.
pub const NO_STEP: i64 = -1;
const STEP_SECS: i64 = 30;
/// Steps that a phone's clock may be off, either way.
const STEPS_OFF: i64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step whose code was typed, among those around now (unix seconds) that come after the last one taken.
pub fn matching_step(secret: &[u8], typed: &str, now: i64, last_step: i64) -> Option<i64> {
    let typed: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
    let current = now.div_euclid(STEP_SECS);
    let mut around = current - STEPS_OFF..=current + STEPS_OFF;
    around.find(|step| *step > last_step && code(secret, *step) == typed)
}

/// The code of a step.
pub fn code(secret: &[u8], step: i64) -> String {
    format!("{:06}", number(secret, step) % 1_000_000)
}

/// The number of 31 bits that codes are cut from. Source: RFC 4226, section 5.3.
fn number(secret: &[u8], step: i64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let bytes = mac.finalize().into_bytes();
    let offset = usize::from(bytes[bytes.len() - 1] & 0x0f);
    let four = [bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]];
    u32::from_be_bytes(four) & 0x7fff_ffff
}

/// A secret as it is typed into an app: base32 without padding. Source: RFC 4648, section 6.
pub fn base32(secret: &[u8]) -> String {
    let mut text = String::new();
    for group in secret.chunks(5) {
        let bits =
            (0..5).fold(0_u64, |bits, nth| (bits << 8) | u64::from(group.get(nth).copied().unwrap_or(0)));
        for nth in 0..(group.len() * 8).div_ceil(5) {
            let letter = usize::try_from((bits >> (35 - 5 * nth)) & 31).unwrap_or(0);
            text.push(char::from(BASE32[letter]));
        }
    }
    text
}

/// What an app reads from a link or a picture: issuer, login and secret.
pub fn uri(issuer: &str, login: &str, secret: &[u8]) -> String {
    let (issuer, login, secret) = (percent(issuer), percent(login), base32(secret));
    format!(
        "otpauth://totp/{issuer}:{login}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

fn percent(text: &str) -> String {
    let letter = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the vectors in both RFCs.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn the_vectors_of_rfc_6238_hold() {
        for (seconds, eight_digits) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(number(SECRET, seconds / STEP_SECS) % 100_000_000, eight_digits, "{seconds}");
        }
    }

    #[test]
    fn the_vectors_of_rfc_4226_hold() {
        let codes: Vec<_> = (0..4).map(|step| code(SECRET, step)).collect();
        assert_eq!(codes, ["755224", "287082", "359152", "969429"]);
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_no_further() {
        let now = 1_000 * STEP_SECS + 7;
        for (step, found) in
            [(998, None), (999, Some(999)), (1_000, Some(1_000)), (1_001, Some(1_001)), (1_002, None)]
        {
            assert_eq!(matching_step(SECRET, &code(SECRET, step), now, NO_STEP), found, "{step}");
        }
    }

    #[test]
    fn a_step_is_taken_once_and_none_before_it() {
        let now = 1_000 * STEP_SECS;
        assert_eq!(matching_step(SECRET, &code(SECRET, 1_000), now, 1_000), None);
        assert_eq!(matching_step(SECRET, &code(SECRET, 999), now, 1_000), None);
        assert_eq!(matching_step(SECRET, &code(SECRET, 1_001), now, 1_000), Some(1_001));
    }

    #[test]
    fn blanks_in_a_code_do_not_matter_and_anything_but_the_code_is_wrong() {
        let (now, right) = (1_000 * STEP_SECS, code(SECRET, 1_000));
        let spaced = format!(" {} {} ", &right[..3], &right[3..]);
        assert_eq!(matching_step(SECRET, &spaced, now, NO_STEP), Some(1_000));
        for wrong in ["", "0", &right[..5], &format!("{right}0")] {
            assert_eq!(matching_step(SECRET, wrong, now, NO_STEP), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_shown_in_base32_and_as_a_link() {
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!((base32(b"f").as_str(), base32(b"foob").as_str()), ("MY", "MZXW6YQ"));
        assert_eq!(
            uri("豫充", "co_1", b"f"),
            "otpauth://totp/%E8%B1%AB%E5%85%85:co_1?secret=MY&issuer=%E8%B1%AB%E5%85%85&algorithm=SHA1&digits=6&period=30"
        );
    }
}
