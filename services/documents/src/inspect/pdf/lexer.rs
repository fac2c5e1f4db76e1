//! The marks of PDF text: white space, words, names, strings, comments, and what reads like an object.

use super::super::positions;

/// Where the body of each thing that reads like `12 0 obj` begins.
pub(super) fn object_starts(bytes: &[u8]) -> Vec<usize> {
    positions(bytes, b"obj")
        .filter(|at| {
            let before = &bytes[..*at];
            let before = trim_white_end(before);
            let Some(before) = trim_digits_end(before) else { return false };
            let spaced = trim_white_end(before);
            spaced.len() < before.len() && trim_digits_end(spaced).is_some()
        })
        .map(|at| at + b"obj".len())
        .collect()
}

/// The offset behind `12 0 obj` at `at`.
pub(super) fn object_header(bytes: &[u8], at: usize) -> Option<usize> {
    let (_, at) = number(bytes, at)?;
    let (_, at) = number(bytes, skip_white(bytes, at))?;
    let at = skip_white(bytes, at);
    bytes.get(at..)?.starts_with(b"obj").then_some(at + 3)
}

pub(super) fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let digits = bytes.get(at..)?.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(&bytes[at..at + digits]).ok()?;
    Some((text.parse().ok()?, at + digits))
}

/// The name that begins behind its slash, escapes resolved, and where it ends.
pub(super) fn name(bytes: &[u8], at: usize) -> (Vec<u8>, usize) {
    let end = word_end(bytes, at);
    let mut name = Vec::new();
    let mut rest = &bytes[at..end];
    while let Some((first, tail)) = rest.split_first() {
        let escape = if *first == b'#' { tail.get(..2).and_then(hex_pair) } else { None };
        match escape {
            Some(byte) => {
                name.push(byte);
                rest = &tail[2..];
            }
            None => {
                name.push(*first);
                rest = tail;
            }
        }
    }
    (name, end)
}

pub(super) fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

pub(super) const fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

pub(super) const fn is_regular(byte: u8) -> bool {
    !is_white(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

pub(super) fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| is_regular(**byte)).count()
}

pub(super) fn comment_end(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count()
}

/// Behind the closing parenthesis of the string that opens at `at`; parentheses nest, a backslash hides one.
pub(super) fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut index = at;
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'\\' => index += 1,
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
        index += 1;
    }
    bytes.len()
}

/// Stream data begins behind one end of line.
pub(super) fn data_start(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        (Some(b'\r' | b'\n'), _) => at + 1,
        _ => at,
    }
}

pub(super) fn skip_white(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_white(**byte)).count()
}

pub(super) fn trim_white_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !is_white(*byte)).map_or(0, |at| at + 1);
    &bytes[..end]
}

/// Without the digits at the end; `None` where there are none.
pub(super) fn trim_digits_end(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    (end < bytes.len()).then(|| &bytes[..end])
}
