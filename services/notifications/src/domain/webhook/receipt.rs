//! What became of an event at the system that received it, as that system says. Source: decision record 48.

use time::{Duration, OffsetDateTime};

use super::flaw::Flaw;

/// What it may have come to. The table has the same list.
const STATUSES: [&str; 3] = ["delivered", "failed", "unknown"];
/// Characters of a kind.
const KIND_MAX: usize = 40;
/// Characters of a code.
const CODE_MAX: usize = 64;
/// Receipts of one event.
const RECEIPTS_MAX: usize = 100;
/// Clocks of both sides may differ by this much. Source: Standard Webhooks, "Verifying signatures".
const TOLERANCE: Duration = Duration::minutes(5);

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What it is about, as the receiver calls it.
    pub kind: String,
    /// `delivered`, `failed`, `unknown`.
    pub status: String,
    /// The receiver's own code; may be empty.
    pub code: String,
    /// When it came to that, by the receiver's clock.
    pub at: OffsetDateTime,
}

/// Where a receipt stands among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the latest.
    Live,
    /// A later one is there.
    Stale,
    /// It is there already.
    Known,
}

/// Everything that is wrong with a receipt.
pub fn examine(receipt: &Receipt, now: OffsetDateTime) -> Vec<Flaw> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let mut flaws = Vec::new();
    if !(1..=KIND_MAX).contains(&receipt.kind.len()) || !receipt.kind.bytes().all(letter) {
        flaws.push(Flaw::ReceiptMalformed("kind"));
    }
    if !STATUSES.contains(&receipt.status.as_str()) {
        flaws.push(Flaw::UnknownStatus);
    }
    if receipt.code.chars().count() > CODE_MAX || receipt.code.chars().any(char::is_control) {
        flaws.push(Flaw::ReceiptMalformed("code"));
    }
    if receipt.at > now + TOLERANCE {
        flaws.push(Flaw::ReceiptAhead);
    }
    flaws
}

/// Whether a signed message is of now.
pub fn timely(signed_at: i64, now: OffsetDateTime) -> bool {
    now.unix_timestamp().abs_diff(signed_at) <= TOLERANCE.whole_seconds().unsigned_abs()
}

/// Where a receipt stands among those of its event: of a kind the one with the latest time is live.
///
/// # Errors
/// Of its kind and time another one is known; the event has as many as it may have.
pub fn place(kept: &[Receipt], receipt: &Receipt) -> Result<Place, Flaw> {
    let of_kind: Vec<&Receipt> = kept.iter().filter(|one| one.kind == receipt.kind).collect();
    if let Some(same) = of_kind.iter().find(|one| one.at == receipt.at) {
        return if *same == receipt { Ok(Place::Known) } else { Err(Flaw::ReceiptContradicts) };
    }
    if kept.len() >= RECEIPTS_MAX {
        return Err(Flaw::TooManyReceipts);
    }
    let overtaken = of_kind.iter().any(|one| one.at > receipt.at);
    Ok(if overtaken { Place::Stale } else { Place::Live })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn sms(status: &str, secs: i64) -> Receipt {
        Receipt {
            kind: "sms".into(),
            status: status.into(),
            code: "DELIVRD".into(),
            at: NOW + Duration::seconds(secs),
        }
    }

    #[test]
    fn each_flaw_of_a_receipt_is_named() {
        assert!(examine(&sms("delivered", 300), NOW).is_empty());
        assert!(examine(&Receipt { code: String::new(), ..sms("unknown", -9) }, NOW).is_empty());
        let (kind, code) = ("k".repeat(41), "码".repeat(65));
        for kind in ["", "SMS", "短信", kind.as_str()] {
            let receipt = Receipt { kind: kind.into(), ..sms("failed", 0) };
            assert_eq!(examine(&receipt, NOW), [Flaw::ReceiptMalformed("kind")], "{kind}");
        }
        for code in ["a\nb", code.as_str()] {
            let receipt = Receipt { code: code.into(), ..sms("failed", 0) };
            assert_eq!(examine(&receipt, NOW), [Flaw::ReceiptMalformed("code")], "{code}");
        }
        assert_eq!(examine(&sms("ok", 301), NOW), [Flaw::UnknownStatus, Flaw::ReceiptAhead]);
    }

    #[test]
    fn the_later_of_a_kind_is_live_in_whatever_order_they_come() {
        let (first, second) = (sms("unknown", 10), sms("delivered", 20));
        assert_eq!(place(&[], &first), Ok(Place::Live));
        assert_eq!(place(std::slice::from_ref(&first), &second), Ok(Place::Live));
        assert_eq!(place(std::slice::from_ref(&second), &first), Ok(Place::Stale));
        let other = Receipt { kind: "case".into(), ..first.clone() };
        assert_eq!(place(&[second], &other), Ok(Place::Live), "kinds do not overtake one another");
    }

    #[test]
    fn a_repetition_is_known_and_a_contradiction_is_refused() {
        let kept = [sms("unknown", 10), sms("delivered", 20)];
        assert_eq!(place(&kept, &kept[0]), Ok(Place::Known));
        assert_eq!(place(&kept, &sms("failed", 10)), Err(Flaw::ReceiptContradicts));
        let code = Receipt { code: "EXPIRED".into(), ..kept[1].clone() };
        assert_eq!(place(&kept, &code), Err(Flaw::ReceiptContradicts));
    }

    #[test]
    fn an_event_has_so_many_receipts_and_no_more_but_repetitions() {
        let kept: Vec<Receipt> = (0..100).map(|secs| sms("unknown", secs)).collect();
        assert_eq!(place(&kept, &sms("delivered", 100)), Err(Flaw::TooManyReceipts));
        assert_eq!(place(&kept, &kept[7]), Ok(Place::Known));
    }

    #[test]
    fn a_message_is_of_now_within_five_minutes_to_either_side() {
        for (signed_at, holds) in [(300, true), (-300, true), (301, false), (i64::MIN, false)] {
            assert_eq!(timely(signed_at, NOW), holds, "{signed_at}");
        }
    }
}
