//! What people type into single fields: folding, form and length of each.

use super::{
    refusal::{Field, Refusal},
    uscc::{self, Uscc},
};

/// Characters of a login name. Source: ui, section 6 (4–20 letters, digits or underscores).
const LOGIN_LENGTH: std::ops::RangeInclusive<usize> = 4..=20;
/// Digits of a mobile number. Source: ui, section 6.
const PHONE_DIGITS: usize = 11;
/// Characters of an e-mail address. Source: RFC 5321, 4.5.3.1.3 (256 with the brackets).
const EMAIL_MAX: usize = 254;

/// A login name: 4–20 letters, digits or underscores. Upper and lower case count as one when compared.
///
/// Errors: [`Refusal::Missing`], [`Refusal::LoginForm`]. Source: ui, section 6.
pub fn login(input: &str) -> Result<String, Refusal> {
    let login = input.trim();
    if login.is_empty() {
        return Err(Refusal::Missing(Field::Login));
    }
    let form = LOGIN_LENGTH.contains(&login.chars().count())
        && login.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    form.then(|| login.to_owned()).ok_or(Refusal::LoginForm)
}

/// A mobile number, with full-width digits, blanks, hyphens and +86 folded away.
///
/// Errors: [`Refusal::Missing`], [`Refusal::Phone`]. Source: ui, section 6.
pub fn phone(input: &str) -> Result<String, Refusal> {
    let folded: String = input
        .chars()
        .map(uscc::half_width)
        .filter(|character| !character.is_whitespace() && *character != '-')
        .collect();
    let digits = folded.strip_prefix("+86").unwrap_or(&folded);
    if digits.is_empty() {
        return Err(Refusal::Missing(Field::ContactPhone));
    }
    let form = digits.len() == PHONE_DIGITS
        && digits.starts_with('1')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if form {
        Ok(digits.to_owned())
    } else {
        Err(Refusal::Phone { digits: digits.chars().filter(char::is_ascii_digit).count() })
    }
}

/// A required text of one line without control characters.
///
/// Errors: [`Refusal::Missing`], [`Refusal::TooLong`], [`Refusal::ControlCharacters`].
pub fn text(field: Field, input: &str, max: usize) -> Result<String, Refusal> {
    let text = optional_text(field, input, max)?;
    if text.is_empty() { Err(Refusal::Missing(field)) } else { Ok(text) }
}

/// A text of one line that may be empty.
///
/// Errors: [`Refusal::TooLong`], [`Refusal::ControlCharacters`].
pub fn optional_text(field: Field, input: &str, max: usize) -> Result<String, Refusal> {
    let text = input.trim();
    if text.chars().any(char::is_control) {
        return Err(Refusal::ControlCharacters(field));
    }
    if text.chars().count() > max { Err(Refusal::TooLong { field, max }) } else { Ok(text.to_owned()) }
}

/// A text of several lines that may be empty: an opinion, a reason.
///
/// Errors: [`Refusal::TooLong`], [`Refusal::ControlCharacters`] for any but line breaks.
pub fn paragraph(field: Field, input: &str, max: usize) -> Result<String, Refusal> {
    let text = input.trim().replace("\r\n", "\n");
    if text.chars().any(|character| character.is_control() && character != '\n') {
        return Err(Refusal::ControlCharacters(field));
    }
    if text.chars().count() > max { Err(Refusal::TooLong { field, max }) } else { Ok(text) }
}

/// A unified social credit code that is there.
///
/// Errors: [`Refusal::Missing`], [`Refusal::Uscc`].
pub fn uscc_of(input: &str) -> Result<Uscc, Refusal> {
    if input.trim().is_empty() {
        return Err(Refusal::Missing(Field::Uscc));
    }
    Ok(Uscc::parse(input)?)
}

/// An e-mail address; may be empty.
///
/// Errors: [`Refusal::Email`], [`Refusal::TooLong`].
pub fn email(input: &str) -> Result<String, Refusal> {
    let email = optional_text(Field::ContactEmail, input, EMAIL_MAX)?;
    if email.is_empty() {
        return Ok(email);
    }
    let form = email.is_ascii()
        && !email.contains(' ')
        && email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty()
                && host.contains('.')
                && !host.contains('@')
                && !host.starts_with('.')
                && !host.ends_with('.')
        });
    form.then_some(email).ok_or(Refusal::Email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_4_to_20_letters_digits_or_underscores() {
        assert_eq!(login(" op_01 "), Ok("op_01".to_owned()));
        for bad in ["abc", "a-b-c-d", "名称名称", "abcdefghijklmnopqrstu"] {
            assert_eq!(login(bad), Err(Refusal::LoginForm), "{bad}");
        }
    }
}
