//! Client credentials of outside systems and their caller tokens.

use chassis::{Failure, Work};
use proto::common::{CallerClaims, caller_claims};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Accounts, record, sessions};
use crate::{
    domain::{
        ids::OperatorId,
        lifecycle::State,
        refusal::{Field, Refusal},
        roles::Role,
        texts,
    },
    secrets,
    store::{self, clients::Client},
};

/// Characters of a client's name.
const NAME_MAX: usize = 100;

/// A client as asked for.
pub struct Draft {
    /// Name for people.
    pub name: String,
    /// Role codes.
    pub roles: Vec<String>,
    /// Whose data it delivers.
    pub operator: OperatorId,
}

/// Issues a client; its secret is in this answer only.
///
/// # Errors
/// `field_missing`, `unknown_value`, `not_found` for the operator, `wrong_state` unless it is active, `client_issued` for
/// a repeated request.
pub async fn issue(work: &mut Work, request_id: Uuid, draft: &Draft) -> Result<(Client, String), Failure> {
    let name = texts::text(Field::DisplayName, &draft.name, NAME_MAX)?;
    if draft.roles.is_empty() {
        return Err(Refusal::Missing(Field::Roles).into());
    }
    if draft.roles.iter().any(|role| role != Role::Ingest.name()) {
        return Err(Refusal::UnknownValue(Field::Roles).into());
    }
    let operator = store::operators::find(work.db(), draft.operator).await?.ok_or_else(Failure::not_found)?;
    let standing = operator.standing;
    if standing.state != State::Active {
        return Err(
            Refusal::WrongState { state: standing.state, review_pending: standing.review_pending }.into()
        );
    }
    let secret = secrets::token();
    let client = Client {
        client_id: format!("c{}", work.new_id().simple()),
        name,
        secret_hash: secrets::hash(&secret),
        roles: vec![Role::Ingest.name().to_owned()],
        operator_id: operator.id,
        issued_at: work.now(),
        revoked_at: None,
    };
    let by = work.caller().subject.clone();
    if let Some(client_id) = store::clients::insert(work.db(), &client, request_id, &by).await? {
        return Err(Refusal::ClientIssued { client_id }.into());
    }
    record(work, "issue_client", &client.client_id, "", &operator.id.to_string()).await?;
    Ok((client, secret))
}

/// Revokes a client; it gets no more tokens.
///
/// # Errors
/// `not_found`.
pub async fn revoke(work: &mut Work, client_id: &str) -> Result<Client, Failure> {
    let (now, by) = (work.now(), work.caller().subject.clone());
    store::clients::revoke(work.db(), client_id, now, &by).await?;
    let client = store::clients::find(work.db(), client_id).await?.ok_or_else(Failure::not_found)?;
    record(work, "revoke_client", client_id, "", "").await?;
    Ok(client)
}

/// A caller token for a machine whose operator is active.
///
/// # Errors
/// `client_refused`; `field_missing` and `unknown_value` for the audience.
pub async fn token(
    accounts: &Accounts,
    client_id: &str,
    secret: &str,
    audience: &[String],
) -> Result<(String, OffsetDateTime), Failure> {
    let audience = sessions::audiences(audience)?;
    let mut db = accounts.pool.acquire().await?;
    let client = store::clients::find(&mut db, client_id).await?;
    let given = secrets::hash(secret);
    let expected = client.as_ref().map_or_else(|| vec![0; 32], |client| client.secret_hash.clone());
    let right: bool = expected.ct_eq(&given).into();
    let Some(client) = client.filter(|client| right && client.revoked_at.is_none()) else {
        return Err(Refusal::ClientRefused.into());
    };
    let operator = store::operators::find(&mut db, client.operator_id).await?;
    drop(db);
    if operator.is_none_or(|operator| operator.standing.state != State::Active) {
        return Err(Refusal::ClientRefused.into());
    }
    let claims = CallerClaims {
        kind: caller_claims::Kind::Machine.into(),
        subject: client.client_id,
        roles: client.roles,
        operator_id: client.operator_id.to_string(),
        authentication: "client_secret".to_owned(),
        audience,
        ..CallerClaims::default()
    };
    Ok(sessions::sign(accounts, claims))
}

/// A caller token for an operator whose system proved itself to interconnect by T/CEC 102.
///
/// # Errors
/// `client_refused` unless the operator is active; `field_missing` and `unknown_value` for the audience.
pub async fn link_token(
    accounts: &Accounts,
    operator: OperatorId,
    audience: &[String],
) -> Result<(String, OffsetDateTime), Failure> {
    let audience = sessions::audiences(audience)?;
    let mut db = accounts.pool.acquire().await?;
    let found = store::operators::find(&mut db, operator).await?;
    drop(db);
    if found.is_none_or(|operator| operator.standing.state != State::Active) {
        return Err(Refusal::ClientRefused.into());
    }
    let claims = CallerClaims {
        kind: caller_claims::Kind::Machine.into(),
        subject: format!("link-{operator}"),
        roles: vec![Role::Ingest.name().to_owned()],
        operator_id: operator.to_string(),
        authentication: "tcec_link".to_owned(),
        audience,
        ..CallerClaims::default()
    };
    Ok(sessions::sign(accounts, claims))
}
