//! JSON as operators send it: numbers stay text, duplicate keys, lone surrogates and depth are refused with their path.
//!
//! Owns: reading text into values. Not: what a member means (`fields`). A library parser would turn numbers into binary
//! floating point and let the last of two equal keys win. Source: interconnect protocol, section 9.
use std::collections::HashSet;

use thiserror::Error;

/// Deepest nesting of lists and objects. Source: interconnect protocol, section 9.
pub const DEPTH_MAX: usize = 12;
/// Longest number in characters; the widest real one (an order's energy) has 12.
const NUMBER_MAX: usize = 40;
/// Members that are compared with each other; more are hashed.
const COMPARED_MAX: usize = 16;
/// Characters of a key that a path shows; the longest name of the standard has 21.
const PATH_PART_MAX: usize = 64;

/// One JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A string with its escapes resolved.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object in the order sent; keys are unique.
    Object(Members),
}

/// Name and value of each member.
pub type Members = Vec<(String, Value)>;

/// Why a text is not JSON that may be taken, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{flaw} at `{path}`")]
pub struct Fault {
    /// Path of the value, e.g. `StationInfos[0].StationID`; empty at the top.
    pub path: String,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Flaw {
    /// Not JSON.
    #[error("not JSON")]
    Syntax,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested too deep")]
    Depth,
    /// The same key twice in one object.
    #[error("duplicate key")]
    Duplicate,
    /// An escape that stands for half a character.
    #[error("lone surrogate")]
    Surrogate,
}

/// Reads one JSON text; nothing but white space may stand around the value.
///
/// # Errors
/// [`Fault`] with the path of the first value that is wrong.
pub fn parse(text: &str) -> Result<Value, Fault> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.space();
    if reader.rest.is_empty() { Ok(value) } else { Err(here(Flaw::Syntax)) }
}

struct Reader<'t> {
    rest: &'t str,
}

fn here(flaw: Flaw) -> Fault {
    Fault { path: String::new(), flaw }
}

/// The first key that has been there before.
fn repeated(members: &Members) -> Option<&str> {
    let mut keys = members.iter().map(|(key, _)| key.as_str()).enumerate();
    if members.len() <= COMPARED_MAX {
        return keys
            .find(|(at, key)| members[..*at].iter().any(|(before, _)| before == key))
            .map(|(_, key)| key);
    }
    let mut seen = HashSet::with_capacity(members.len());
    keys.find(|(_, key)| !seen.insert(*key)).map(|(_, key)| key)
}

/// A key as part of a path: nobody's whole body in an answer or a log.
fn cut(key: &str) -> String {
    key.chars().take(PATH_PART_MAX).collect()
}

/// Puts a step before the path of a fault inside.
fn within(step: impl FnOnce() -> String) -> impl FnOnce(Fault) -> Fault {
    move |fault| {
        let dot = if fault.path.is_empty() || fault.path.starts_with('[') { "" } else { "." };
        Fault { path: format!("{}{dot}{}", cut(&step()), fault.path), flaw: fault.flaw }
    }
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    fn take(&mut self, expected: &str) -> bool {
        self.rest.strip_prefix(expected).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    fn expect(&mut self, expected: &str) -> Result<(), Fault> {
        if self.take(expected) { Ok(()) } else { Err(here(Flaw::Syntax)) }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        self.space();
        match self.rest.as_bytes().first() {
            Some(b'{' | b'[') if depth >= DEPTH_MAX => Err(here(Flaw::Depth)),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.list(depth + 1),
            Some(b'"') => Ok(Value::Text(self.text()?)),
            Some(b'n') => self.expect("null").map(|()| Value::Null),
            Some(b't') => self.expect("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Value::Bool(false)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) | None => Err(here(Flaw::Syntax)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        self.expect("{")?;
        let mut members: Members = Vec::new();
        self.space();
        if !self.take("}") {
            loop {
                self.space();
                let key = self.text()?;
                self.space();
                self.expect(":").map_err(within(|| key.clone()))?;
                let value = self.value(depth).map_err(within(|| key.clone()))?;
                members.push((key, value));
                self.space();
                if self.take("}") {
                    break;
                }
                self.expect(",")?;
            }
        }
        match repeated(&members) {
            Some(key) => Err(Fault { path: cut(key), flaw: Flaw::Duplicate }),
            None => Ok(Value::Object(members)),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        self.expect("[")?;
        let mut items = Vec::new();
        self.space();
        if self.take("]") {
            return Ok(Value::List(items));
        }
        loop {
            let at = items.len();
            items.push(self.value(depth).map_err(within(|| format!("[{at}]")))?);
            self.space();
            if self.take("]") {
                return Ok(Value::List(items));
            }
            self.expect(",").map_err(within(|| format!("[{at}]")))?;
        }
    }

    fn text(&mut self) -> Result<String, Fault> {
        self.expect("\"")?;
        let mut text = String::new();
        loop {
            let plain = self.rest.find(|one: char| matches!(one, '"' | '\\' | '\0'..='\x1f'));
            let Some(end) = plain else { return Err(here(Flaw::Syntax)) };
            text.push_str(&self.rest[..end]);
            self.rest = &self.rest[end..];
            if self.take("\"") {
                return Ok(text);
            }
            self.expect("\\")?;
            text.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, Fault> {
        let mut rest = self.rest.chars();
        let letter = rest.next().ok_or_else(|| here(Flaw::Syntax))?;
        self.rest = rest.as_str();
        match letter {
            '"' | '\\' | '/' => Ok(letter),
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'u' => self.code_point(),
            _ => Err(here(Flaw::Syntax)),
        }
    }

    fn code_point(&mut self) -> Result<char, Fault> {
        let high = self.unit()?;
        if !(0xd800..=0xdbff).contains(&high) {
            return char::from_u32(high).ok_or_else(|| here(Flaw::Surrogate));
        }
        if !self.take("\\u") {
            return Err(here(Flaw::Surrogate));
        }
        let low = self.unit()?;
        if !(0xdc00..=0xdfff).contains(&low) {
            return Err(here(Flaw::Surrogate));
        }
        let point = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        char::from_u32(point).ok_or_else(|| here(Flaw::Surrogate))
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Fault> {
        let digits = self.rest.get(..4).filter(|four| four.bytes().all(|one| one.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(|| here(Flaw::Syntax))?;
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).map_err(|_| here(Flaw::Syntax))
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let like = |one: char| one.is_ascii_digit() || matches!(one, '-' | '+' | '.' | 'e' | 'E');
        let end = self.rest.find(|one: char| !like(one)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        if end > NUMBER_MAX || !is_number(number) {
            return Err(here(Flaw::Syntax));
        }
        self.rest = rest;
        Ok(Value::Number(number.to_owned()))
    }
}

/// Whether a text is a number by the JSON grammar.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|one| one.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|power| digits(power.strip_prefix(['+', '-']).unwrap_or(power)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, Flaw) {
        let fault = parse(text).expect_err("refused");
        (fault.path, fault.flaw)
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        let value = parse(" {\"Money\": 0.10, \"Big\": 12345678901234567890.5 } ").expect("JSON");
        let number = |text: &str| Value::Number(text.into());
        let expected =
            vec![("Money".into(), number("0.10")), ("Big".into(), number("12345678901234567890.5"))];
        assert_eq!(value, Value::Object(expected));
    }

    #[test]
    fn what_is_refused_is_named_with_its_path() {
        assert_eq!(fault(r#"{"A":{"B":1,"B":2}}"#), ("A.B".into(), Flaw::Duplicate));
        assert_eq!(fault(r#"{"A":[{"B":"\ud83d"}]}"#), ("A[0].B".into(), Flaw::Surrogate));
        assert_eq!(fault(r#"{"A":[0,01]}"#), ("A[1]".into(), Flaw::Syntax));
        assert_eq!(fault(r#"{"A":1,}"#), (String::new(), Flaw::Syntax));
        assert_eq!(fault("{\"A\":\"a\nb\"}"), ("A".into(), Flaw::Syntax));
        assert_eq!(fault(r#"{"A":1} x"#), (String::new(), Flaw::Syntax));
        assert_eq!(parse(&"[".repeat(100_000)).expect_err("refused").flaw, Flaw::Depth);
    }

    #[test]
    fn a_key_that_comes_twice_is_found_among_few_and_among_many() {
        for members in [2, COMPARED_MAX, COMPARED_MAX + 1, 200] {
            let named = |last: usize| {
                let keys = (0..members - 1).chain([last]).map(|key| format!("\"K{key}\":0"));
                format!("{{{}}}", keys.collect::<Vec<_>>().join(","))
            };
            assert!(parse(&named(members)).is_ok(), "{members}");
            for twice in [0, members - 2] {
                assert_eq!(fault(&named(twice)), (format!("K{twice}"), Flaw::Duplicate), "{members}");
            }
        }
    }

    #[test]
    fn a_path_shows_the_beginning_of_a_long_key() {
        let key = "键".repeat(100_000);
        let shown = "键".repeat(64);
        assert_eq!(fault(&format!("{{\"{key}\":x}}")), (shown.clone(), Flaw::Syntax));
        assert_eq!(fault(&format!("{{\"{key}\":1,\"{key}\":2}}")), (shown, Flaw::Duplicate));
    }

    #[test]
    fn twelve_levels_are_taken_and_thirteen_are_not() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(parse(&nested(DEPTH_MAX + 1)).expect_err("refused").flaw, Flaw::Depth);
    }

    #[test]
    fn escapes_are_resolved() {
        let text = parse(r#""\/\u002b\ud83d\ude97\u5145""#).expect("JSON");
        assert_eq!(text, Value::Text("/+🚗充".into()));
    }
}
