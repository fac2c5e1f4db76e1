//! Every download is recorded, or does not happen; the pages of one opened document are one. Source: reliability section
//! 12; decision record 21.

use chassis::{Failure, Units, identity::Caller};
use time::Duration;

use super::reading::{Reader, check_reason};
use crate::{
    domain::{Refusal, file::Kept},
    store::{self, downloads::Download},
};

/// What is opened: the file itself.
pub const ORIGINAL: &str = "original";

/// For how long a document stays opened: its further pages in the same session and for the same reason are no new
/// opening. Source: decision record 21.
const OPENED_FOR: Duration = Duration::hours(1);

/// How a file is opened.
#[derive(Debug, Clone, Copy)]
pub struct Opened<'o> {
    /// [`ORIGINAL`], or the size of a preview.
    pub form: &'o str,
    /// Why, where a reason is asked for.
    pub reason: &'o str,
    /// Whether it is opened now in any case, or may be open already.
    pub anew: bool,
}

/// Records that the caller opens a file, or the preview of this size.
///
/// # Errors
/// `file_not_clean`, `reason_required`; the database is away.
pub async fn record(
    units: &Units,
    caller: Caller,
    reader: Reader,
    file: &Kept,
    Opened { form, reason, anew }: Opened<'_>,
) -> Result<(), Failure> {
    if !file.scan.clean() {
        return Err(Refusal::FileNotClean.into());
    }
    check_reason(reader, file, reason)?;
    let (principal, roles, session_id) =
        (caller.principal(), caller.roles.join(","), caller.session_id.clone());
    let mut work = units.begin(caller).await?;
    let (id, at) = (work.new_id(), work.now());
    let download = Download {
        id,
        file_id: file.id,
        caller: &principal,
        roles: &roles,
        session_id: &session_id,
        form,
        reason: reason.trim(),
        at,
    };
    if anew || !store::downloads::opened(work.db(), download, at - OPENED_FOR).await? {
        store::downloads::insert(work.db(), download).await?;
    }
    work.commit().await
}
