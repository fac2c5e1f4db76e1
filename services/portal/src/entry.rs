//! How people write values, turned into what services count in: 元 into fen, degrees into micro-degrees.
//!
//! Full-width digits, blanks and thousands are accepted; whether the value is a good one, the services say. Source: ui,
//! section 6.

use crate::format;

/// The text with half-width digits and points, without blanks and thousands.
pub fn plain(text: &str) -> String {
    text.chars()
        .filter_map(|letter| match letter {
            '０'..='９' => char::from_u32(u32::from(letter) - u32::from('０') + u32::from('0')),
            '．' | '。' => Some('.'),
            '－' => Some('-'),
            ',' | '，' | '\u{3000}' => None,
            letter if letter.is_whitespace() => None,
            letter => Some(letter),
        })
        .collect()
}

/// 元 with at most two decimals, in fen; `None` where it is none.
pub fn fen(text: &str) -> Option<i64> {
    fixed(&plain(text), 2)
}

/// Degrees with at most six decimals, in micro-degrees; `None` where it is none.
pub fn micro(text: &str) -> Option<i64> {
    fixed(&plain(text), 6)
}

/// Micro-degrees as they are typed in; empty for 0, which stands for none.
pub fn degrees(micro: i64) -> String {
    if micro == 0 { String::new() } else { format::degrees(micro) }
}

fn fixed(text: &str, decimals: usize) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || rest.len() > decimals || !only_digits(whole) || !only_digits(rest) {
        return None;
    }
    let number: i64 = format!("{whole}{rest:0<decimals$}").parse().ok()?;
    Some(sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_to_the_fen_however_it_is_written() {
        for (text, wanted) in [
            ("1,234.5", Some(123_450)),
            ("１２３．０５", Some(12_305)),
            (" 60 ", Some(6_000)),
            ("-1", Some(-100)),
            ("0.005", None),
            ("1.2.3", None),
            ("", None),
            ("十元", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(fen(text), wanted, "{text}");
        }
    }

    #[test]
    fn degrees_read_back_as_they_were_written() {
        assert_eq!(micro("113.801260"), Some(113_801_260));
        assert_eq!(degrees(113_801_260), "113.801260");
        assert_eq!((degrees(0).as_str(), degrees(-1).as_str()), ("", "-0.000001"));
        assert_eq!(micro("113.8012601"), None);
    }
}
