//! Workbooks and packages that people take out of the platform: who, which list, what narrowed it, how many rows. Decisions 14
//! and 43: what was not begun with a fresh second factor gets no record, and what has no record is not handed out.

use chassis::{Failure, Work};
use time::Duration;
use uuid::Uuid;

use super::record;
use crate::{
    domain::{
        ids::{ExportId, SessionId},
        refusal::Refusal,
    },
    store::{self, exports::Taken},
};

/// Characters of a list's path.
const LIST_MAX: usize = 120;
/// Characters of a filter.
const FILTER_MAX: usize = 500;
/// From the beginning to the record: a sheet's worth of rows in pages of 200, at more than a second each. Decision 43.
pub(super) const LASTS: Duration = Duration::hours(2);

/// Begins an export in the caller's session; the gate has asked for the second factor.
///
/// # Errors
/// `unknown_value` on the list, `too_long` on the filter; `session_ended`.
pub async fn begin(work: &mut Work, list: String, filter: String) -> Result<ExportId, Failure> {
    let path = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-');
    if list.is_empty() || list.len() > LIST_MAX || !list.bytes().all(path) {
        return Err(Failure::invalid("unknown_value", "list", "该列表不存在"));
    }
    if filter.chars().count() > FILTER_MAX || filter.chars().any(char::is_control) {
        return Err(Failure::invalid("too_long", "filter", "筛选条件过长，请减少筛选条件后重试"));
    }
    let session = session(work)?;
    let (id, now) = (ExportId(work.new_id()), work.now());
    if store::exports::insert(work.db(), id, session, &Taken { list, filter }, now).await? {
        Ok(id)
    } else {
        Err(Refusal::SessionEnded.into())
    }
}

/// Writes the record of an export that was begun in the same session.
///
/// # Errors
/// `export_not_begun`, also where it is recorded already or began too long ago; `session_ended`.
pub async fn finish(work: &mut Work, id: &str, rows: i64) -> Result<(), Failure> {
    let id = Uuid::parse_str(id).map(ExportId).map_err(|_| Refusal::ExportNotBegun)?;
    let session = session(work)?;
    let now = work.now();
    let taken = store::exports::finish(work.db(), id, session, now - LASTS, now).await?;
    let Taken { list, filter } = taken.ok_or(Refusal::ExportNotBegun)?;
    let detail = format!("rows={} {filter}", rows.max(0));
    record(work, "export_list", &list, "", detail.trim_end()).await
}

/// The session behind the caller's token.
fn session(work: &Work) -> Result<SessionId, Refusal> {
    Uuid::parse_str(&work.caller().session_id).map(SessionId).map_err(|_| Refusal::SessionEnded)
}
