//! Every download is recorded, or does not happen. Source: reliability section 12.

use chassis::{Failure, Units, identity::Caller};

use super::reading::{Reader, check_reason};
use crate::{
    domain::{Refusal, file::Kept},
    store::{self, downloads::Download},
};

/// What is opened: the file itself.
pub const ORIGINAL: &str = "original";

/// Records that the caller opens a file, or the preview of this size.
///
/// # Errors
/// `file_not_clean`, `reason_required`; the database is away.
pub async fn record(
    units: &Units,
    caller: Caller,
    reader: Reader,
    file: &Kept,
    (form, reason): (&str, &str),
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
    store::downloads::insert(work.db(), download).await?;
    work.commit().await
}
