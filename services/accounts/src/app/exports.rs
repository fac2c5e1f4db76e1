//! Workbooks that people take out of the platform: who, which list, what narrowed it, how many rows. Decision 14.

use chassis::{Failure, Work};

use super::record;

/// Characters of a list's path.
const LIST_MAX: usize = 120;
/// Characters of a filter.
const FILTER_MAX: usize = 500;

/// Writes the record.
///
/// # Errors
/// `unknown_value` on the list, `too_long` on the filter.
pub async fn export(work: &mut Work, list: &str, filter: &str, rows: i64) -> Result<(), Failure> {
    let path = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-');
    if list.is_empty() || list.len() > LIST_MAX || !list.bytes().all(path) {
        return Err(Failure::invalid("unknown_value", "list", "该列表不存在"));
    }
    if filter.chars().count() > FILTER_MAX || filter.chars().any(char::is_control) {
        return Err(Failure::invalid("too_long", "filter", "筛选条件过长，请减少筛选条件后重试"));
    }
    let detail = format!("rows={} {filter}", rows.max(0));
    record(work, "export_list", list, "", detail.trim_end()).await
}
