//! Officials: making and ending their accounts; one-time passwords for anybody; unlocking and ending sessions.

use chassis::{Caller, Failure, Work, identity::Kind as CallerKind};
use time::Duration;

use super::record;
use crate::{
    domain::{
        ids::UserId,
        refusal::{Field, Refusal},
        registration::PERSON_NAME_MAX,
        roles::{self, Role},
        session::CredentialState,
        texts,
    },
    labels, secrets,
    store::{self, credentials::Credential, deliveries::Kind, sessions::End, users::User},
};

/// Characters of an office, department code or employer.
const OFFICE_MAX: usize = 100;

/// An official as typed.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Login name.
    pub login: String,
    /// Name shown.
    pub display_name: String,
    /// Role codes.
    pub roles: Vec<String>,
    /// Division codes.
    pub scope: Vec<String>,
    /// The office as people know it.
    pub office: String,
    /// Code of the provincial department.
    pub department: String,
    /// Name of the employer.
    pub employer: String,
    /// Leads the own office (负责人).
    pub lead: bool,
    /// Mobile number; may be empty at the console, where what is sent is handed over on paper.
    pub phone: String,
}

/// A password made for somebody.
pub struct Initial {
    /// Its hash.
    pub hash: String,
    /// How it may be used.
    pub kind: InitialKind,
}

/// How a password made for somebody may be used.
pub enum InitialKind {
    /// As it is; for set-up at the console.
    Ready,
    /// Once, within this time; it leaves through the sender where the text is given.
    OneTime {
        /// Valid for.
        valid: Duration,
        /// The password, to be sent.
        send: Option<String>,
    },
}

/// Makes an official.
///
/// # Errors
/// Every field that is wrong. Source: reliability sections 10 and 11.
pub async fn create(work: &mut Work, draft: &Draft, initial: Initial) -> Result<User, Failure> {
    let id = UserId(work.new_id());
    let user = checked(work, draft, id).await?;
    grantable(work.caller(), &user.roles)?;
    let by = work.caller().subject.clone();
    store::users::insert(work.db(), &user, &by).await??;
    let granted: Vec<&str> = user.roles.iter().map(|role| role.name()).collect();
    give(work, &user, initial).await?;
    record(work, "create_official", &id.to_string(), "", &granted.join(",")).await?;
    Ok(user)
}

/// The three separated administrators are made and unmade by a security administrator, or at the console when a platform is set up.
///
/// Source: reliability section 10 (roles are the security administrator's).
fn grantable(caller: &Caller, roles: &[Role]) -> Result<(), Refusal> {
    let may = caller.kind == CallerKind::System || caller.has_role(Role::SecurityAdministrator.name());
    match roles.iter().find(|role| role.separated()) {
        Some(role) if !may => Err(Refusal::RoleNotGrantable(*role)),
        Some(_) | None => Ok(()),
    }
}

async fn checked(work: &mut Work, draft: &Draft, id: UserId) -> Result<User, Failure> {
    let catalogue = store::divisions::catalogue(work.db()).await?;
    let console = work.caller().kind == CallerKind::System;
    let mut wrong = Vec::new();
    let login = texts::login(&draft.login).map_err(|refusal| wrong.push(refusal)).unwrap_or_default();
    if !login.is_empty() && store::users::find_by_login(work.db(), &login).await?.is_some() {
        wrong.push(Refusal::LoginTaken);
    }
    let mut note = |refusal| wrong.push(refusal);
    let display_name = texts::text(Field::DisplayName, &draft.display_name, PERSON_NAME_MAX)
        .map_err(&mut note)
        .unwrap_or_default();
    let roles = roles::officials_roles(&draft.roles).map_err(&mut note).unwrap_or_default();
    let scope = if roles.is_empty() {
        Vec::new()
    } else {
        roles::officials_scope(&roles, &draft.scope, &catalogue).map_err(&mut note).unwrap_or_default()
    };
    let mut line = |field, text: &str| {
        texts::optional_text(field, text, OFFICE_MAX).map_err(&mut note).unwrap_or_default()
    };
    let office = line(Field::Office, &draft.office);
    let department = line(Field::Department, &draft.department);
    let employer = line(Field::Employer, &draft.employer);
    let phone = if draft.phone.trim().is_empty() {
        if !console {
            note(Refusal::Missing(Field::ContactPhone));
        }
        String::new()
    } else {
        texts::phone(&draft.phone).map_err(&mut note).unwrap_or_default()
    };
    if roles.contains(&Role::Province) && department.is_empty() {
        note(Refusal::Missing(Field::Department));
    }
    if !wrong.is_empty() {
        return Err(labels::all(wrong));
    }
    let created_at = work.now();
    Ok(User {
        id,
        login,
        display_name,
        phone,
        operator_id: None,
        roles,
        scope,
        office,
        department,
        employer,
        lead: draft.lead,
        active: true,
        created_at,
    })
}

/// Gives a user its password and, where it is to be sent, records the delivery.
pub(super) async fn give(work: &mut Work, user: &User, initial: Initial) -> Result<(), Failure> {
    let now = work.now();
    let (state, expires_at) = match &initial.kind {
        InitialKind::Ready => (CredentialState::Normal, None),
        InitialKind::OneTime { valid, .. } => (CredentialState::OneTime, Some(now + *valid)),
    };
    let credential = Credential { hash: initial.hash, state, changed_at: now, expires_at, used_at: None };
    store::credentials::put(work.db(), user.id, &credential).await?;
    if let InitialKind::OneTime { valid, send: Some(password) } = initial.kind {
        let text = labels::one_time_password(&user.login, &password, valid.whole_hours());
        let id = work.new_id();
        store::deliveries::insert(work.db(), id, &recipient(user), Kind::OneTimePassword, &text, now).await?;
    }
    Ok(())
}

/// Where something for this user goes.
pub(super) fn recipient(user: &User) -> String {
    if user.phone.is_empty() { format!("login:{}", user.login) } else { user.phone.clone() }
}

/// Ends an account with its sessions and tickets.
///
/// # Errors
/// `not_found`.
pub async fn deactivate(work: &mut Work, id: UserId) -> Result<User, Failure> {
    let user = lock(work, id).await?;
    grantable(work.caller(), &user.roles)?;
    let (now, by) = (work.now(), work.caller().subject.clone());
    store::users::deactivate(work.db(), id, now, &by).await?;
    store::sessions::end_all(work.db(), id, now, End::Deactivated).await?;
    store::tickets::end_all(work.db(), id, now).await?;
    record(work, "deactivate_user", &id.to_string(), "", "").await?;
    Ok(User { active: false, ..user })
}

/// Replaces a password by a fresh one-time one; sessions and tickets end.
///
/// # Errors
/// `not_found`; `account_suspended` for a deactivated user; `role_not_grantable`.
pub async fn reissue(work: &mut Work, id: UserId, initial: Initial) -> Result<User, Failure> {
    let user = lock(work, id).await?;
    grantable(work.caller(), &user.roles)?;
    if !user.active {
        return Err(Refusal::AccountSuspended.into());
    }
    let now = work.now();
    give(work, &user, initial).await?;
    store::sessions::end_all(work.db(), id, now, End::Reissued).await?;
    store::tickets::end_all(work.db(), id, now).await?;
    record(work, "reissue_password", &id.to_string(), "", "").await?;
    Ok(user)
}

/// Wrong passwords of a user no longer count. Wrong codes do: who may unlock must not buy tries at the own second factor, or at
/// another one; the way out is its reset.
///
/// # Errors
/// `not_found`.
pub async fn unlock(work: &mut Work, id: UserId) -> Result<User, Failure> {
    let user = lock(work, id).await?;
    store::attempts::clear(work.db(), &secrets::login_hash(&user.login)).await?;
    record(work, "unlock_user", &id.to_string(), "", "").await?;
    Ok(user)
}

/// Ends every session of a user.
///
/// # Errors
/// `not_found`.
pub async fn end_sessions(work: &mut Work, id: UserId) -> Result<User, Failure> {
    let user = lock(work, id).await?;
    let now = work.now();
    store::sessions::end_all(work.db(), id, now, End::ByAdministrator).await?;
    record(work, "end_sessions", &id.to_string(), "", "").await?;
    Ok(user)
}

async fn lock(work: &mut Work, id: UserId) -> Result<User, Failure> {
    store::users::lock(work.db(), id).await?.ok_or_else(Failure::not_found)
}
