//! How values are written for people: times in Asia/Shanghai, money, power, phones. Source: ui, section 2.

use prost_types::Timestamp;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::offset};

/// What stands for a value that is not there.
pub const EMPTY: &str = "—";
/// Asia/Shanghai has no summer time.
const SHANGHAI: UtcOffset = offset!(+8);

fn local(at: Option<&Timestamp>) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::from_unix_timestamp(at?.seconds).ok()?;
    Some(at.to_offset(SHANGHAI))
}

fn today() -> OffsetDateTime {
    let now = OffsetDateTime::from_unix_timestamp(chassis::clock::unix_seconds());
    now.unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(SHANGHAI)
}

/// Today as 2026-11-22.
pub fn date_of_today() -> String {
    today().date().to_string()
}

/// Now as 2026-11-22 10:05.
pub fn moment_of_now() -> String {
    let now = today();
    format!("{} {:02}:{:02}", now.date(), now.hour(), now.minute())
}

/// 2026-11-22 10:05:30, where seconds tell things apart.
pub fn exact(at: Option<&Timestamp>) -> String {
    match local(at) {
        Some(at) => format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second()),
        None => EMPTY.to_owned(),
    }
}

/// 2026-11-22 10:05.
pub fn moment(at: Option<&Timestamp>) -> String {
    match local(at) {
        Some(at) => format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute()),
        None => EMPTY.to_owned(),
    }
}

/// The same of a moment that a program wrote, RFC 3339.
pub fn moment_of(at: &str) -> String {
    let at = OffsetDateTime::parse(at, &Rfc3339).ok();
    moment(at.map(|at| Timestamp { seconds: at.unix_timestamp(), nanos: 0 }).as_ref())
}

/// In lists: 11-22 10:05, of another year 2025-12-20.
pub fn short(at: Option<&Timestamp>) -> String {
    short_in(at, today().year())
}

fn short_in(at: Option<&Timestamp>, year: i32) -> String {
    match local(at) {
        Some(at) if at.year() == year => {
            format!("{:02}-{:02} {:02}:{:02}", u8::from(at.month()), at.day(), at.hour(), at.minute())
        }
        Some(at) => at.date().to_string(),
        None => EMPTY.to_owned(),
    }
}

/// 2026-11-22.
pub fn date(at: Option<&Timestamp>) -> String {
    local(at).map_or_else(empty, |at| at.date().to_string())
}

/// 11-22, of another year 2025-12-20.
pub fn day(at: Option<&Timestamp>) -> String {
    match local(at) {
        Some(at) if at.year() == today().year() => format!("{:02}-{:02}", u8::from(at.month()), at.day()),
        Some(at) => at.date().to_string(),
        None => EMPTY.to_owned(),
    }
}

/// Whole days since then, counted by the calendar.
pub fn days_since(at: Option<&Timestamp>) -> i64 {
    local(at).map_or(0, |at| (today().date() - at.date()).whole_days().max(0))
}

/// The text itself, or — where it is empty.
pub fn or_dash(text: &str) -> String {
    if text.trim().is_empty() { EMPTY.to_owned() } else { text.to_owned() }
}

/// The beginning of a hash, enough to tell two apart by eye.
pub fn brief(hash: &str) -> String {
    const SHOWN: usize = 12;
    match hash.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &hash[..end]),
        None => or_dash(hash),
    }
}

/// What stands for a value that is not there, as an owned text.
pub fn empty() -> String {
    EMPTY.to_owned()
}

/// 29 KB, 1.4 MB; powers of 1,024.
pub fn bytes(count: i64) -> String {
    let count = count.max(0).unsigned_abs();
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KB", count.div_ceil(1024)),
        _ => {
            let tenths = (count * 10).div_ceil(1_048_576);
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}

/// Fen as 1,234,567.00 (元).
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", thousands(fen / 100), fen % 100)
}

/// 1,234,567.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Watts as kW, or watt-hours as kWh, without needless decimals.
pub fn kilowatts(watts: i64) -> String {
    let (whole, rest) = (watts.unsigned_abs() / 1000, watts.unsigned_abs() % 1000);
    if rest == 0 {
        thousands(whole)
    } else {
        format!("{}.{:03}", thousands(whole), rest).trim_end_matches('0').to_owned()
    }
}

/// Micro-degrees as degrees.
pub fn degrees(micro: i64) -> String {
    let (sign, micro) = (if micro < 0 { "-" } else { "" }, micro.unsigned_abs());
    format!("{sign}{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

/// 199****0003; shorter texts are hidden whole.
pub fn masked_phone(phone: &str) -> String {
    let letters: Vec<char> = phone.chars().collect();
    match letters.len() {
        0 => EMPTY.to_owned(),
        11 => letters[..3].iter().chain(&['*'; 4]).chain(&letters[7..]).collect(),
        _ => "****".to_owned(),
    }
}

const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];

/// Fen in Chinese capitals: 壹佰贰拾叁元肆角伍分; 整 where no fen follow. Source: 支付结算办法 附一.
pub fn capitals(fen: i64) -> String {
    let (sign, fen) = (if fen < 0 { "负" } else { "" }, fen.unsigned_abs());
    let (yuan, jiao, rest) = (fen / 100, fen / 10 % 10, fen % 10);
    let mut out = sign.to_owned();
    if yuan > 0 || fen == 0 {
        out.push_str(&if yuan == 0 { "零".to_owned() } else { whole(yuan) });
        out.push('元');
    }
    match (jiao, rest) {
        (0, 0) => out.push('整'),
        (0, rest) => {
            if yuan > 0 {
                out.push('零');
            }
            out.extend([DIGITS[rest as usize], '分']);
        }
        (jiao, 0) => out.extend([DIGITS[jiao as usize], '角', '整']),
        (jiao, rest) => out.extend([DIGITS[jiao as usize], '角', DIGITS[rest as usize], '分']),
    }
    out
}

fn whole(number: u64) -> String {
    let mut out = String::new();
    let mut gap = false;
    for (unit, name) in [(1_000_000_000_000, "万亿"), (100_000_000, "亿"), (10_000, "万"), (1, "")] {
        let group = number / unit % 10_000;
        if group == 0 {
            gap |= !out.is_empty();
            continue;
        }
        if !out.is_empty() && (gap || group < 1000) {
            out.push('零');
        }
        out.push_str(&below_ten_thousand(group));
        out.push_str(name);
        gap = false;
    }
    out
}

fn below_ten_thousand(group: u64) -> String {
    let mut out = String::new();
    let mut gap = false;
    for (unit, name) in [(1000, "仟"), (100, "佰"), (10, "拾"), (1, "")] {
        let digit = (group / unit % 10) as usize;
        if digit == 0 {
            gap |= !out.is_empty();
            continue;
        }
        if gap {
            out.push('零');
        }
        out.push(DIGITS[digit]);
        out.push_str(name);
        gap = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_to_the_fen_in_figures_and_in_capitals() {
        assert_eq!(yuan(123_456_700), "1,234,567.00");
        assert_eq!(yuan(-5), "-0.05");
        for (fen, words) in [
            (0, "零元整"),
            (1, "壹分"),
            (10_005, "壹佰元零伍分"),
            (12_345, "壹佰贰拾叁元肆角伍分"),
            (1_005_000, "壹万零伍拾元整"),
            (10_000_000_000, "壹亿元整"),
            (10_005_000_010, "壹亿零伍万元壹角整"),
            (123_456_700, "壹佰贰拾叁万肆仟伍佰陆拾柒元整"),
        ] {
            assert_eq!(capitals(fen), words);
        }
    }

    #[test]
    fn times_are_those_of_shanghai() {
        let at = Timestamp { seconds: 1_767_225_600, nanos: 0 };
        assert_eq!(moment(Some(&at)), "2026-01-01 08:00");
        assert_eq!((exact(Some(&at)).as_str(), exact(None).as_str()), ("2026-01-01 08:00:00", "—"));
        assert_eq!(short_in(Some(&at), 2026), "01-01 08:00");
        assert_eq!(short_in(Some(&at), 2027), "2026-01-01");
        assert_eq!(moment(None), "—");
    }

    #[test]
    fn phones_are_masked_and_powers_carry_no_needless_decimals() {
        assert_eq!(masked_phone("19900010003"), "199****0003");
        assert_eq!(masked_phone("12"), "****");
        assert_eq!([bytes(0), bytes(1500), bytes(1_500_000)], ["0 B", "2 KB", "1.5 MB"]);
        assert_eq!((kilowatts(1_468_000).as_str(), kilowatts(7_500).as_str()), ("1,468", "7.5"));
    }
}
