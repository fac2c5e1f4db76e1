//! Makes rounds.

use chassis::{Failure, Work};

use super::Shared;
use crate::{
    domain::{ids::PersonId, policy::Policy},
    store,
};

/// Creates a round with the first version of its policy.
///
/// # Errors
/// `policy_invalid` names the field; `name_invalid`.
pub async fn create(
    work: &mut Work,
    shared: &Shared,
    name: &str,
    policy: &Policy,
    by: PersonId,
) -> Result<store::rounds::Round, Failure> {
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Failure::invalid("name_invalid", "name", "请填写批次名称，不超过 100 个字"));
    }
    policy.check().map_err(|problem| {
        let field = format!("policy.{}", problem.field);
        Failure::invalid("policy_invalid", field, "批次规则的此项不可用，请按说明重新填写")
    })?;
    let now = work.now();
    store::rounds::insert(work.db(), name, policy, by, now).await?;
    store::rounds::find(work.db(), &shared.policies, policy.round_id).await?.ok_or_else(Failure::not_found)
}
