//! A company registers.

use chassis::{Failure, Work, identity::Kind};

use super::record;
use crate::{
    config::Registration,
    domain::{
        ids::{OperatorId, UserId},
        licence::{self, Licence},
        lifecycle::{self, Step},
        operator::{Operator, Outcome, Submission},
        refusal::Refusal,
        registration::{self, Draft, Entry, Profile},
        session::CredentialState,
        texts,
    },
    labels, publish,
    store::{self, credentials::Credential, users::User},
};

/// What a registration brings.
pub struct NewAccount {
    /// Login name as typed.
    pub login: String,
    /// The password's hash, or what is wrong with the password.
    pub password: Result<String, Refusal>,
    /// The company's data as typed.
    pub draft: Draft,
    /// What documents knows about its licence.
    pub licence: Result<Option<Licence>, Failure>,
}

/// Registers a company with its first user; it waits for the administrator. Its id is that of the registration under
/// which the licence was uploaded.
///
/// # Errors
/// Every field that is wrong, at once; documents was away. Source: workflow, Accounts.
pub async fn register(
    work: &mut Work,
    settings: &Registration,
    new: NewAccount,
) -> Result<(Operator, UserId), Failure> {
    let catalogue = store::divisions::catalogue(work.db()).await?;
    let mut wrong = Vec::new();
    let login = texts::login(&new.login).map_err(|refusal| wrong.push(refusal)).ok();
    if let Some(login) = &login
        && store::users::find_by_login(work.db(), login).await?.is_some()
    {
        wrong.push(Refusal::LoginTaken);
    }
    let hash = new.password.map_err(|refusal| wrong.push(refusal)).ok();
    let profile = registration::check(&new.draft, &catalogue, &settings.outside_division)
        .map_err(|refusals| wrong.extend(refusals))
        .ok();
    // Told beside the other fields, also where those are wrong.
    let nobody = OperatorId(work.new_id());
    if let Ok(uscc) = texts::uscc_of(&new.draft.uscc)
        && store::operators::uscc_taken(work.db(), uscc.as_str(), nobody).await?
    {
        wrong.push(Refusal::UsccTaken);
    }
    let licence = match registration::licence_file(&new.draft.licence_file_id) {
        Ok(_) => unused(work, new.licence?).await?.map_err(|refusal| wrong.push(refusal)).ok(),
        Err(_) => None,
    };
    let (Some(login), Some(hash), Some(profile), Some((licence, id)), true) =
        (login, hash, profile, licence, wrong.is_empty())
    else {
        return Err(labels::all(wrong));
    };
    let credential = Credential {
        hash,
        state: CredentialState::Normal,
        changed_at: work.now(),
        expires_at: None,
        used_at: None,
    };
    let first = First {
        login,
        profile,
        licence_sha256: Some(licence.sha256),
        credential,
        entry: Entry::RegistrationForm,
        declaration: settings.declaration.clone(),
        step: lifecycle::REGISTERED,
        outcome: Outcome::Waiting,
    };
    begin(work, id, first).await
}

/// The licence and the operator's id, unless an operator has that id.
async fn unused(
    work: &mut Work,
    found: Option<Licence>,
) -> Result<Result<(Licence, OperatorId), Refusal>, Failure> {
    let (licence, id) = match licence::of_registration(found) {
        Ok(both) => both,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let used = store::operators::find(work.db(), id).await?.is_some();
    Ok(if used { Err(Refusal::LicenceUsed) } else { Ok((licence, id)) })
}

/// A first version of an account, registered or imported.
pub(super) struct First {
    pub(super) login: String,
    pub(super) profile: Profile,
    pub(super) licence_sha256: Option<String>,
    pub(super) credential: Credential,
    pub(super) entry: Entry,
    pub(super) declaration: String,
    pub(super) step: Step,
    pub(super) outcome: Outcome,
}

/// Writes operator, first submission, first user and credential; announces and records it.
pub(super) async fn begin(
    work: &mut Work,
    id: OperatorId,
    first: First,
) -> Result<(Operator, UserId), Failure> {
    let now = work.now();
    let user_id = UserId(work.new_id());
    let by = match work.caller().kind {
        // Whoever registers becomes the first user.
        Kind::Anonymous => user_id.to_string(),
        Kind::Person | Kind::Machine | Kind::Service | Kind::System => work.caller().subject.clone(),
    };
    let seat = first.profile.seat.clone();
    let operator = Operator {
        id,
        uscc: first.profile.uscc.as_str().to_owned(),
        company_name: first.profile.company_name.clone(),
        registered_division: seat.registered_division,
        city: seat.city,
        standing: first.step.to,
        version: 1,
        submission_version: 1,
        valid_version: (!first.step.to.review_pending).then_some(1),
        registered_at: now,
        changed_at: now,
        changed_by: by.clone(),
    };
    let user = User {
        id: user_id,
        login: first.login,
        display_name: first.profile.contact_name.clone(),
        phone: first.profile.contact_phone.clone(),
        operator_id: Some(id),
        roles: Vec::new(),
        scope: Vec::new(),
        office: String::new(),
        department: String::new(),
        employer: String::new(),
        lead: false,
        active: true,
        created_at: now,
    };
    let submission = Submission {
        version: 1,
        entry: first.entry,
        profile: first.profile,
        licence_sha256: first.licence_sha256,
        declaration: first.declaration,
        submitted_at: now,
        submitted_by: by.clone(),
        outcome: first.outcome,
        opinion: String::new(),
        decision: None,
    };
    store::operators::insert(work.db(), &operator).await??;
    store::submissions::insert(work.db(), id, &submission).await??;
    store::users::insert(work.db(), &user, &by).await??;
    store::credentials::put(work.db(), user_id, &first.credential).await?;
    work.announce(publish::to_wire(&operator, first.step.fact));
    record(work, "register", &id.to_string(), "", submission.entry.name()).await?;
    Ok((operator, user_id))
}
