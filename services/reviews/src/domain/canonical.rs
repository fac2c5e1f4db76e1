//! One byte string for one value: the encoding under every hash and signature of this service.
//!
//! Each field is its length as four bytes, big endian, then its bytes; a list is its count, then its fields.
//! The first field names the kind and version of the record, so that no record can pass for another.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Collects fields in a fixed order.
#[derive(Debug, Clone)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Opens a record of the named kind, e.g. `yuchong.reviews.history.v1`.
    pub fn new(kind: &str) -> Self {
        Canonical(Vec::with_capacity(256)).text(kind)
    }

    /// Adds bytes.
    ///
    /// # Panics
    /// Never in practice: a field of 4 GiB cannot come in through any inlet.
    pub fn bytes(mut self, value: &[u8]) -> Self {
        let length = u32::try_from(value.len()).expect("every inlet limits messages to a few MiB");
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
        self
    }

    /// Adds text as UTF-8.
    pub fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    /// Adds a number as eight bytes, big endian.
    pub fn number(self, value: i64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Adds an instant as microseconds since 1970 UTC, the precision of the database.
    pub fn instant(self, value: OffsetDateTime) -> Self {
        let micros = value.unix_timestamp_nanos() / 1_000;
        self.bytes(&micros.to_be_bytes())
    }

    /// Adds a list of texts: its count, then each.
    pub fn texts<'a>(self, values: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let count = i64::try_from(values.len()).expect("every inlet limits messages to a few MiB");
        values.fold(self.number(count), Canonical::text)
    }

    /// Hands out the bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// SHA-256 of the bytes.
    pub fn hash(&self) -> Hash {
        Canonical::digest(&self.0)
    }

    /// SHA-256 of a record that was encoded before.
    pub fn digest(record: &[u8]) -> Hash {
        Sha256::digest(record).into()
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_letter_between_fields_changes_the_hash() {
        let one = Canonical::new("k").text("ab").text("c").hash();
        let other = Canonical::new("k").text("a").text("bc").hash();
        assert_ne!(one, other);
    }

    #[test]
    fn the_kind_separates_records() {
        assert_ne!(Canonical::new("a").number(1).hash(), Canonical::new("b").number(1).hash());
    }

    #[test]
    fn hex_is_lower_case_and_padded() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
