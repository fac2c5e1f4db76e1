//! Edits of the form: no transition, but only where and what the workflow leaves open. Source: invariant 2, T05.

use std::collections::BTreeMap;

use chassis::{Failure, Work};

use crate::{
    domain::{
        act::Person,
        answers::Answers,
        application::Application,
        form::{Form, may_edit},
        ids::ApplicationId,
        refusal::Refusal,
    },
    store::{self, forms::Sheet},
};

/// Saves the form as changed by `change`, and what is to be said to the return; `None` leaves that as it is.
///
/// # Errors
/// NotFound, `edited_meanwhile`, `not_editable`, `field_closed`.
pub async fn save(
    work: &mut Work,
    id: ApplicationId,
    person: &Person,
    edit_version: i64,
    change: impl FnOnce(&mut Form),
    answers: Option<BTreeMap<String, String>>,
) -> Result<(Application, Sheet), Failure> {
    let application = store::applications::lock(work.db(), id).await?.ok_or_else(Failure::not_found)?;
    if person.operator_id != Some(application.operator_id) {
        return Err(Failure::not_found());
    }
    let mut sheet = store::forms::find(work.db(), id).await?;
    if sheet.edit_version != edit_version {
        return Err(Refusal::EditedMeanwhile { edit_version: sheet.edit_version, at: sheet.edited_at }.into());
    }
    let mut form = sheet.form.clone();
    change(&mut form);
    may_edit(&application, &form.changed(&sheet.form))?;
    sheet.edit_version += 1;
    sheet.form = form;
    if let Some(texts) = answers {
        sheet.answers = Answers::drafted(&application.returned, texts);
    }
    sheet.edited_at = work.now();
    store::forms::save(work.db(), id, &sheet).await?;
    let named = Application { station_name: sheet.form.station_name.clone(), ..application };
    Ok((named, sheet))
}
