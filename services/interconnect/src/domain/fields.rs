//! The lenient layer: members of a body by any of their spellings, normalised into strict values, with every finding.
//!
//! Owns: how one value is read (number or text, missing or empty, list or single, time, length). Not: which members a
//! message has (`bodies`). Source: interconnect protocol, section 9.
use time::{Date, OffsetDateTime, PrimitiveDateTime, UtcOffset, macros::format_description};

use super::json::{Members, Value};

/// China standard time: every time on the wire is in it.
pub const CHINA: UtcOffset = match UtcOffset::from_hms(8, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};
/// A text may be this many times longer than its limit. Source: interconnect protocol, section 9.
const LENGTH_TOLERANCE: usize = 4;
/// Findings of a kind that are kept of one message: more than anybody reads, little memory.
const FINDINGS_MAX: usize = 1000;

/// What stops a message from being taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Path of the member in the spelling of the standard, e.g. `StationInfos[0].StationID`.
    pub path: String,
    /// The rule that it breaks.
    pub rule: Rule,
}

/// The rules of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Mandatory, and missing, null or empty.
    Required,
    /// Of another type than it may be.
    Type,
    /// Not a date or time of the years 2010 to 2100.
    Time,
    /// More digits than the rule allows, or too large.
    Digits,
    /// More than four times as long as allowed.
    Length,
    /// A control character.
    Control,
    /// Not one of the values.
    Enumeration,
    /// More elements than allowed.
    Count,
    /// The OperatorID of a body is not that of the link.
    Operator,
}

/// What is taken all the same, and is worth a word to the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// Path of the member.
    pub path: String,
    /// Stable id of what is odd, e.g. `id_as_number`.
    pub what: &'static str,
}

/// Everything found while reading one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Any of these refuses the message.
    pub faults: Vec<Fault>,
    /// These do not.
    pub oddities: Vec<Oddity>,
}

impl Findings {
    /// Notes a fault.
    pub fn fault(&mut self, path: impl Into<String>, rule: Rule) {
        if self.faults.len() < FINDINGS_MAX {
            self.faults.push(Fault { path: path.into(), rule });
        }
    }

    /// Notes an oddity.
    pub fn odd(&mut self, path: impl Into<String>, what: &'static str) {
        if self.oddities.len() < FINDINGS_MAX {
            self.oddities.push(Oddity { path: path.into(), what });
        }
    }
}

/// The members of one object; the first name of each list is the standard's spelling, the others are aliases.
#[derive(Debug, Clone)]
pub struct Fields<'v> {
    members: &'v [(String, Value)],
    path: String,
}

impl<'v> Fields<'v> {
    /// The whole message.
    #[must_use]
    pub fn of(members: &'v Members) -> Self {
        Self { members, path: String::new() }
    }

    /// Path of a member for people.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The first spelling that holds something; null and the empty text hold nothing.
    fn find(&self, names: &[&str]) -> Option<&'v Value> {
        let held = |name: &&str| self.members.iter().find(|(key, _)| key == *name).map(|(_, value)| value);
        let says = |value: &&Value| match value {
            Value::Null => false,
            Value::Text(text) => !text.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_) => true,
        };
        names.iter().filter_map(held).find(says)
    }

    fn required<T>(&self, names: &[&str], read: Option<T>, findings: &mut Findings) -> Option<T> {
        if read.is_none() && self.find(names).is_none() {
            findings.fault(self.path(names[0]), Rule::Required);
        }
        read
    }

    /// A text of at most `max` characters (four times as many are taken); empty where it is not there.
    pub fn text(&self, names: &[&str], max: usize, findings: &mut Findings) -> String {
        let Some(value) = self.find(names) else { return String::new() };
        let path = || self.path(names[0]);
        let text = match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => {
                findings.odd(path(), "text_as_number");
                number.clone()
            }
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                findings.fault(path(), Rule::Type);
                return String::new();
            }
        };
        let length = text.chars().count();
        if length > max * LENGTH_TOLERANCE {
            findings.fault(path(), Rule::Length);
        } else if length > max {
            findings.odd(path(), "too_long");
        }
        if text.chars().any(char::is_control) {
            findings.fault(path(), Rule::Control);
        }
        text
    }

    /// A mandatory text.
    pub fn needed(&self, names: &[&str], max: usize, findings: &mut Findings) -> String {
        if self.find(names).is_none() {
            findings.fault(self.path(names[0]), Rule::Required);
        }
        self.text(names, max, findings)
    }

    /// Words for people that nothing depends on: taken as far as they can be shown, never a reason to refuse a message. Line breaks and
    /// other control characters become blanks; what is no text, or more than four times as long as it may be, is left out.
    pub fn words(&self, names: &[&str], max: usize, findings: &mut Findings) -> String {
        let Some(value) = self.find(names) else { return String::new() };
        let text = match value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                findings.odd(self.path(names[0]), "no_words");
                return String::new();
            }
        };
        let length = text.chars().count();
        if length > max {
            findings.odd(self.path(names[0]), "too_long");
        }
        if length > max * LENGTH_TOLERANCE {
            return String::new();
        }
        text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect()
    }

    /// Addresses of the web that nothing depends on: the first `most` of those with at most `max` characters. What is none is left out,
    /// and never a reason to refuse a message. A single text is a list of one.
    pub fn addresses(&self, names: &[&str], max: usize, most: usize, findings: &mut Findings) -> Vec<String> {
        let said: &[Value] = match self.find(names) {
            None => return Vec::new(),
            Some(Value::List(items)) => items,
            Some(single) => std::slice::from_ref(single),
        };
        let read = |value: &Value| match value {
            Value::Text(text) => Some(text.trim().to_owned()).filter(|text| address(text, max)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_) => None,
        };
        let kept: Vec<String> = said.iter().filter_map(read).take(most).collect();
        if kept.len() < said.len() {
            findings.odd(self.path(names[0]), "no_address");
        }
        kept
    }

    /// A mandatory identifier of at most `max` characters: never cut, kept as sent.
    pub fn id(&self, names: &[&str], max: usize, findings: &mut Findings) -> String {
        let id = self.needed(names, max, findings);
        if id.chars().count() > max && id.chars().count() <= max * LENGTH_TOLERANCE {
            findings.fault(self.path(names[0]), Rule::Length);
        }
        id
    }

    /// An integer, also as text of digits, also true and false.
    pub fn integer(&self, names: &[&str], findings: &mut Findings) -> Option<i64> {
        let value = self.find(names)?;
        let path = || self.path(names[0]);
        let read = match value {
            Value::Number(text) | Value::Text(text) => scaled(text.trim(), 0, 0),
            Value::Bool(yes) => {
                findings.odd(path(), "boolean");
                Ok(i64::from(*yes))
            }
            Value::Null | Value::List(_) | Value::Object(_) => Err(Rule::Type),
        };
        read.map_err(|rule| findings.fault(path(), rule)).ok()
    }

    /// A mandatory integer.
    pub fn needed_integer(&self, names: &[&str], findings: &mut Findings) -> Option<i64> {
        let read = self.integer(names, findings);
        self.required(names, read, findings)
    }

    /// A decimal as an integer of its last place: 12.345 with 2 places is 1235 (half up); at most `digits` may be sent.
    pub fn decimal(&self, names: &[&str], places: u32, digits: u32, findings: &mut Findings) -> Option<i64> {
        let value = self.find(names)?;
        let read = match value {
            Value::Number(text) | Value::Text(text) => scaled(text.trim(), places, digits),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => Err(Rule::Type),
        };
        read.map_err(|rule| findings.fault(self.path(names[0]), rule)).ok()
    }

    /// A mandatory decimal.
    pub fn needed_decimal(
        &self,
        names: &[&str],
        places: u32,
        digits: u32,
        findings: &mut Findings,
    ) -> Option<i64> {
        let read = self.decimal(names, places, digits, findings);
        self.required(names, read, findings)
    }

    /// `yyyy-MM-dd HH:mm:ss` in China standard time, also with `T` between.
    pub fn time(&self, names: &[&str], findings: &mut Findings) -> Option<OffsetDateTime> {
        let value = self.find(names)?;
        let read = match value {
            Value::Text(text) => moment(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_) => None,
        };
        if read.is_none() {
            findings.fault(self.path(names[0]), Rule::Time);
        }
        read
    }

    /// A mandatory time.
    pub fn needed_time(&self, names: &[&str], findings: &mut Findings) -> Option<OffsetDateTime> {
        let read = self.time(names, findings);
        self.required(names, read, findings)
    }

    /// The objects of a list; missing and null are an empty list, a single object is a list of one.
    pub fn list(&self, names: &[&str], max: usize, findings: &mut Findings) -> Vec<Fields<'v>> {
        let path = self.path(names[0]);
        let items: &[Value] = match self.find(names) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::List(items)) => items,
            Some(single @ Value::Object(_)) => std::slice::from_ref(single),
            Some(Value::Bool(_) | Value::Number(_) | Value::Text(_)) => {
                findings.fault(path, Rule::Type);
                return Vec::new();
            }
        };
        if items.len() > max {
            findings.fault(path, Rule::Count);
            return Vec::new();
        }
        let mut objects = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let path = format!("{path}[{at}]");
            match item {
                Value::Object(members) => objects.push(Fields { members, path }),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                    findings.fault(path, Rule::Type);
                }
            }
        }
        objects
    }

    /// A list with at least one object.
    pub fn needed_list(&self, names: &[&str], max: usize, findings: &mut Findings) -> Vec<Fields<'v>> {
        let before = findings.faults.len();
        let list = self.list(names, max, findings);
        if list.is_empty() && findings.faults.len() == before {
            findings.fault(self.path(names[0]), Rule::Required);
        }
        list
    }
}

/// Whether a text is an address of the web as stations takes it: with a host, and without anybody's name or password.
fn address(text: &str, max: usize) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#', '\\']).next()).unwrap_or_default();
    let plain = !text.contains(|one: char| one.is_whitespace() || one.is_control());
    plain && text.chars().count() <= max && !host.is_empty() && !host.contains('@')
}

/// A number as an integer of its last place, half up. Errors: no number, more than `digits` fraction digits, too large.
fn scaled(text: &str, places: u32, digits: u32) -> Result<i64, Rule> {
    // Text of digits may carry leading zeros, which JSON numbers may not.
    let (negative, body) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, power) = match body.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().map_err(|_| Rule::Type)?),
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let numeric = |part: &str| part.bytes().all(|one| one.is_ascii_digit());
    if whole.is_empty() || mantissa.ends_with('.') || !numeric(whole) || !numeric(fraction) {
        return Err(Rule::Type);
    }
    if whole.len() + fraction.len() > 18 || !(-12..=12).contains(&power) {
        return Err(Rule::Digits);
    }
    let significant = fraction.trim_end_matches('0');
    let sent = i32::try_from(significant.len()).unwrap_or(i32::MAX) - power;
    if sent > i32::try_from(digits).unwrap_or(i32::MAX) {
        return Err(Rule::Digits);
    }
    let number: i128 = format!("{whole}{significant}").parse().map_err(|_| Rule::Digits)?;
    let shift = i32::try_from(places).unwrap_or(0) - sent;
    let ten = |power: i32| 10_i128.pow(power.unsigned_abs());
    let value = if shift >= 0 {
        number.checked_mul(ten(shift)).ok_or(Rule::Digits)?
    } else {
        (number + ten(shift) / 2) / ten(shift)
    };
    let value = i64::try_from(value).map_err(|_| Rule::Digits)?;
    Ok(if negative { -value } else { value })
}

/// A time of the wire as an instant; the years 2010 to 2100.
#[must_use]
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    let plain = text.trim().replacen('T', " ", 1);
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let read = PrimitiveDateTime::parse(&plain, format).ok()?;
    (2010..=2100).contains(&read.year()).then(|| read.assume_offset(CHINA))
}

/// `yyyy-MM-dd`, also with a time behind it.
#[must_use]
pub fn date(text: &str) -> Option<Date> {
    let day = text.trim().get(..10)?;
    let read = Date::parse(day, format_description!("[year]-[month]-[day]")).ok()?;
    (2010..=2100).contains(&read.year()).then_some(read)
}

/// An instant as the wire's text.
#[must_use]
pub fn moment_text(at: OffsetDateTime) -> String {
    let at = at.to_offset(CHINA);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// The TimeStamp of an envelope as an instant; `None` where it is no date.
#[must_use]
pub fn stamp(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day][hour][minute][second]");
    PrimitiveDateTime::parse(text, format).ok().map(|read| read.assume_offset(CHINA))
}

/// An instant as the TimeStamp of an envelope.
#[must_use]
pub fn stamp_text(at: OffsetDateTime) -> String {
    moment_text(at).chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json;
    use time::macros::datetime;

    fn read<T>(text: &str, with: impl Fn(&Fields<'_>, &mut Findings) -> T) -> (T, Findings) {
        let Ok(Value::Object(members)) = json::parse(text) else { panic!("no object: {text}") };
        let mut findings = Findings::default();
        let value = with(&Fields::of(&members), &mut findings);
        (value, findings)
    }

    #[test]
    fn decimals_are_exact_and_rounded_half_up() {
        let fen = |text: &str| scaled(text, 2, 4);
        assert_eq!(fen("0.1"), Ok(10));
        assert_eq!(fen("1.005"), Ok(101));
        assert_eq!(fen("-1.0049"), Ok(-100));
        assert_eq!(fen("1.20000000"), Ok(120));
        assert_eq!(fen("1.5e1"), Ok(1500));
        assert_eq!(fen("12E-1"), Ok(120));
        assert_eq!(fen("1.00001"), Err(Rule::Digits));
        assert_eq!(fen("1,5"), Err(Rule::Type));
        assert_eq!(fen("."), Err(Rule::Type));
        assert_eq!(fen("9999999999999999999"), Err(Rule::Digits));
    }

    #[test]
    fn findings_are_bounded() {
        let text = format!("{{\"L\":[{}7]}}", "7,".repeat(1_999));
        let (_, findings) = read(&text, |fields, findings| fields.list(&["L"], 2_000, findings).len());
        assert_eq!(findings.faults.len(), 1_000);
    }

    #[test]
    fn numbers_and_texts_stand_for_each_other() {
        let (value, findings) = read(r#"{"A":"12","B":7,"C":true}"#, |fields, findings| {
            let text = fields.text(&["B"], 5, findings);
            (fields.integer(&["A"], findings), text, fields.integer(&["C"], findings))
        });
        assert_eq!(value, (Some(12), "7".to_owned(), Some(1)));
        assert!(findings.faults.is_empty());
        let odd: Vec<_> = findings.oddities.iter().map(|odd| (odd.path.as_str(), odd.what)).collect();
        assert_eq!(odd, [("B", "text_as_number"), ("C", "boolean")]);
    }

    #[test]
    fn addresses_are_taken_as_far_as_they_are_some_and_refuse_nothing() {
        let pictures =
            |text: &str| read(text, |fields, findings| fields.addresses(&["Pictures"], 30, 2, findings));
        let (kept, findings) = pictures(
            r#"{"Pictures":["javascript:alert(1)"," https://a.example/1.jpg ","http://u@a.example/",7,null,"https:///1.jpg",
                "https://a.example/1 2.jpg","https://a.example/much-too-long.jpg","http://b.example","http://c.example"]}"#,
        );
        assert_eq!(kept, ["https://a.example/1.jpg", "http://b.example"]);
        assert!(findings.faults.is_empty());
        assert_eq!(findings.oddities.iter().map(|odd| odd.what).collect::<Vec<_>>(), ["no_address"]);
        assert_eq!(pictures(r#"{"Pictures":"https://a.example/"}"#).0, ["https://a.example/"]);
        assert!(pictures(r#"{"Pictures":null}"#).1.oddities.is_empty());
    }

    #[test]
    fn a_single_object_is_a_list_of_one_and_an_alias_is_taken() {
        let ((count, id), findings) = read(r#"{"Infos":{"OrderNo":"x"}}"#, |fields, findings| {
            let list = fields.list(&["Info", "Infos"], 10, findings);
            (list.len(), list[0].id(&["StartChargeSeq", "OrderNo"], 64, findings))
        });
        assert_eq!((count, id.as_str()), (1, "x"));
        assert!(findings.faults.is_empty());
    }

    #[test]
    fn faults_name_the_path() {
        let (_, findings) = read(r#"{"L":[{"A":""},{"A":[1]},7,{"A":"a\nb"}]}"#, |fields, findings| {
            for item in fields.list(&["L"], 10, findings) {
                item.needed(&["A"], 5, findings);
            }
        });
        let found: Vec<_> = findings.faults.iter().map(|fault| (fault.path.as_str(), fault.rule)).collect();
        assert_eq!(
            found,
            [
                ("L[2]", Rule::Type),
                ("L[0].A", Rule::Required),
                ("L[1].A", Rule::Type),
                ("L[3].A", Rule::Control)
            ]
        );
    }

    #[test]
    fn times_are_china_standard_time() {
        let at = datetime!(2026-07-01 04:00:05 UTC);
        assert_eq!(moment("2026-07-01 12:00:05"), Some(at));
        assert_eq!(moment("2026-07-01T12:00:05"), Some(at));
        assert_eq!(moment("2009-07-01 12:00:05"), None);
        assert_eq!(moment("2026-13-01 12:00:05"), None);
        assert_eq!(moment_text(at), "2026-07-01 12:00:05");
        assert_eq!(stamp("20260701120005"), Some(at));
        assert_eq!(stamp("20260231120005"), None);
        assert_eq!(stamp_text(at), "20260701120005");
    }
}
