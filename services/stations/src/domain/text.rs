//! Rules for text that comes from outside: lengths in characters, nothing that a database or a page cannot hold.
use super::refusal::Refusal;

/// A mandatory text of at most `max` characters.
///
/// Errors: [`Refusal::Required`], [`Refusal::TooLong`], [`Refusal::ControlCharacter`].
pub fn required(value: &str, max: usize) -> Result<(), Refusal> {
    if value.trim().is_empty() {
        return Err(Refusal::Required);
    }
    optional(value, max)
}

/// A text that may be empty, of at most `max` characters.
///
/// Errors: [`Refusal::TooLong`], [`Refusal::ControlCharacter`]. Source: interconnect section 9.
pub fn optional(value: &str, max: usize) -> Result<(), Refusal> {
    if value.chars().any(char::is_control) {
        return Err(Refusal::ControlCharacter);
    }
    let length = value.chars().count();
    if length > max {
        return Err(Refusal::TooLong { max, length });
    }
    Ok(())
}

/// An identifier chosen by the operator: 1 to `max` characters without blanks, kept exactly as sent.
///
/// Never parsed, never assumed to be digits; leading zeros stay. Source: interconnect section 19.
/// Errors: as [`required`], and [`Refusal::Blank`].
pub fn identifier(value: &str, max: usize) -> Result<(), Refusal> {
    required(value, max)?;
    if value.chars().any(char::is_whitespace) {
        return Err(Refusal::Blank);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_not_bytes() {
        assert_eq!(optional("充电站", 3), Ok(()));
        assert_eq!(optional("充电站点", 3), Err(Refusal::TooLong { max: 3, length: 4 }));
    }

    #[test]
    fn an_identifier_keeps_zeros_and_refuses_blanks() {
        assert_eq!(identifier("000123", 20), Ok(()));
        assert_eq!(identifier("00 12", 20), Err(Refusal::Blank));
        assert_eq!(identifier("", 20), Err(Refusal::Required));
        assert_eq!(identifier("a\u{0}", 20), Err(Refusal::ControlCharacter));
    }
}
