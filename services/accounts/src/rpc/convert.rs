//! Between contract and domain: the only place that knows both.

use std::collections::HashMap;

use chassis::Failure;
use proto::accounts as wire;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    app::{own::Access, sessions::Live, sign_in::SignedIn},
    domain::{
        division::{self, Division, Ended, Sort},
        ids::{OperatorId, UserId},
        lifecycle::State,
        operator::{Operator, Submission},
        refusal::{Field, Refusal},
        registration::{Draft, Profile},
        roles::Role,
        seat::Seat,
        session::CredentialState,
        texts, uscc,
    },
    secrets,
    store::{
        self, attempts::Attempt, clients::Client, jurisdictions::Jurisdiction, members::Member,
        operators::Filter, sessions::Open, users::User,
    },
};

/// Characters of what a list is searched for, at most.
const SEARCH_MAX: usize = 50;

/// An id of the wire; anything else looks like an object that does not exist.
pub(super) fn id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| Failure::not_found())
}

/// The id of an operator.
pub(super) fn operator_id(text: &str) -> Result<OperatorId, Failure> {
    id(text).map(OperatorId)
}

/// The id of a user.
pub(super) fn user_id(text: &str) -> Result<UserId, Failure> {
    id(text).map(UserId)
}

/// The request id of a mutation that is not replayed from a stored answer.
pub(super) fn request_id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| {
        Failure::invalid(
            "request_id_missing",
            "request_id",
            "缺少请求编号：每次提交须带一个 UUID，重试时沿用同一个",
        )
    })
}

/// A state to filter by; empty for all.
pub(super) fn state_filter(text: &str) -> Result<Option<State>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    State::parse(text).map(Some).ok_or(Refusal::UnknownValue(Field::State))
}

/// What operators are listed.
pub(super) fn operator_filter(body: &wire::ListOperatorsRequest) -> Result<Filter, Refusal> {
    let division = &body.registered_division;
    let code = division.len() == 6 && division.bytes().all(|byte| byte.is_ascii_digit());
    if !division.is_empty() && !code {
        return Err(Refusal::UnknownValue(Field::RegisteredDivision));
    }
    let text = texts::optional_text(Field::Text, &uscc::fold(&body.text), SEARCH_MAX)?;
    Ok(Filter {
        state: state_filter(&body.state)?,
        review_pending: body.review_pending,
        text: text.to_lowercase(),
        division: division.clone(),
    })
}

/// A role to filter by; empty for all.
pub(super) fn role_filter(text: &str) -> Result<Option<Role>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    Role::official(text).map(Some).ok_or(Refusal::UnknownValue(Field::Roles))
}

/// A company's data as typed; a missing profile is an empty one, so that every field is named.
pub(super) fn draft(profile: Option<wire::Profile>, truth_declared: bool) -> Draft {
    let profile = profile.unwrap_or_default();
    Draft {
        company_name: profile.company_name,
        uscc: profile.uscc,
        operator_type: profile.operator_type,
        contact_name: profile.contact_name,
        contact_phone: profile.contact_phone,
        contact_email: profile.contact_email,
        seat: Seat {
            in_province: profile.in_province,
            registered_division: profile.registered_division,
            licence_county: profile.licence_county,
            home_province: profile.home_province,
        },
        licence_file_id: profile.licence_file_id,
        truth_declared,
    }
}

/// A moment on the wire.
pub(super) fn moment(at: OffsetDateTime) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).unwrap_or(0),
    }
}

fn profile(profile: &Profile) -> wire::Profile {
    wire::Profile {
        company_name: profile.company_name.clone(),
        uscc: profile.uscc.as_str().to_owned(),
        operator_type: profile.operator_type.name().to_owned(),
        contact_name: profile.contact_name.clone(),
        contact_phone: profile.contact_phone.clone(),
        contact_email: profile.contact_email.clone(),
        in_province: profile.seat.home_province.is_empty(),
        registered_division: profile.seat.registered_division.clone(),
        home_province: profile.seat.home_province.clone(),
        licence_county: profile.seat.licence_county.clone(),
        licence_file_id: profile.licence_file_id.map(|file| file.to_string()).unwrap_or_default(),
    }
}

fn submission(submission: &Submission) -> wire::Submission {
    wire::Submission {
        version: submission.version,
        entry: submission.entry.name().to_owned(),
        profile: Some(profile(&submission.profile)),
        outcome: submission.outcome.name().to_owned(),
        opinion: submission.opinion.clone(),
        submitted_at: Some(moment(submission.submitted_at)),
        submitted_by: submission.submitted_by.clone(),
        decided_at: submission.decision.as_ref().map(|decision| moment(decision.at)),
        decided_by: submission.decision.as_ref().map(|decision| decision.by.clone()).unwrap_or_default(),
        declaration: submission.declaration.clone(),
        licence_sha256: submission.licence_sha256.clone().unwrap_or_default(),
    }
}

/// An operator's own view of itself.
pub(super) async fn own_profile(
    db: &mut PgConnection,
    operator: &Operator,
) -> Result<wire::OwnProfile, Failure> {
    let submissions = store::submissions::list(db, operator.id).await?;
    let users = store::users::of_operator(db, operator.id).await?;
    let shown = operator.valid_version.unwrap_or(operator.submission_version);
    Ok(wire::OwnProfile {
        operator_id: operator.id.to_string(),
        state: operator.standing.state.name().to_owned(),
        review_pending: operator.standing.review_pending,
        version: operator.version,
        submission_version: operator.submission_version,
        valid_version: operator.valid_version.unwrap_or(0),
        profile: submissions.iter().find(|one| one.version == shown).map(|one| profile(&one.profile)),
        submissions: submissions.iter().map(submission).collect(),
        login: users.first().map(|user| user.login.clone()).unwrap_or_default(),
    })
}

/// One line of the administrator's list.
pub(super) fn summary(operator: &Operator) -> wire::OperatorSummary {
    wire::OperatorSummary {
        operator_id: operator.id.to_string(),
        company_name: operator.company_name.clone(),
        uscc: operator.uscc.clone(),
        state: operator.standing.state.name().to_owned(),
        review_pending: operator.standing.review_pending,
        registered_division: operator.registered_division.clone(),
        city: operator.city.clone(),
        submission_version: operator.submission_version,
        registered_at: Some(moment(operator.registered_at)),
        changed_at: Some(moment(operator.changed_at)),
        version: operator.version,
    }
}

/// Everything that the administrator sees of an operator.
pub(super) async fn detail(
    db: &mut PgConnection,
    operator: &Operator,
) -> Result<wire::OperatorDetail, Failure> {
    let submissions = store::submissions::list(db, operator.id).await?;
    let users = store::users::of_operator(db, operator.id).await?;
    Ok(wire::OperatorDetail {
        operator: Some(summary(operator)),
        valid_version: operator.valid_version.unwrap_or(0),
        submissions: submissions.iter().map(submission).collect(),
        users: users
            .into_iter()
            .map(|user| wire::OperatorUser {
                user_id: user.id.to_string(),
                login: user.login,
                active: user.active,
            })
            .collect(),
    })
}

/// An operator as other services see it.
pub(super) fn directory_operator(operator: &Operator) -> wire::Operator {
    wire::Operator {
        operator_id: operator.id.to_string(),
        uscc: operator.uscc.clone(),
        company_name: operator.company_name.clone(),
        state: operator.standing.state.name().to_owned(),
        registered_division: operator.registered_division.clone(),
        version: operator.version,
    }
}

fn names(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.name().to_owned()).collect()
}

/// A user as other services see it; `roles` are those of this moment.
pub(super) fn directory_user(user: User, roles: &[Role]) -> wire::User {
    wire::User {
        user_id: user.id.to_string(),
        login: user.login,
        display_name: user.display_name,
        roles: names(roles),
        scope: user.scope,
        department: user.department,
        office: user.office,
        employer: user.employer,
        active: user.active,
        operator_id: user.operator_id.map(|id| id.to_string()).unwrap_or_default(),
        lead: user.lead,
    }
}

/// A division in force as other services see it; `seats` by code.
pub(super) fn division(division: &Division, seats: &HashMap<String, (i64, i64)>) -> wire::Division {
    let (seat_longitude_e6, seat_latitude_e6) = seats.get(&division.code).copied().unwrap_or_default();
    wire::Division {
        seat_longitude_e6,
        seat_latitude_e6,
        code: division.code.clone(),
        name: division.name.clone(),
        level: division.level.name().to_owned(),
        parent_code: division.parent_code.clone(),
        kind: division.sort.name().to_owned(),
        city_code: division.city_code.clone(),
        full_name: division.full_name.clone(),
    }
}

/// A division that is no longer in force.
pub(super) fn ended_division(ended: Ended) -> wire::Division {
    wire::Division {
        code: ended.code,
        name: ended.name,
        kind: "former".to_owned(),
        city_code: ended.city_code,
        ..wire::Division::default()
    }
}

/// A division with those who act for it.
pub(super) fn jurisdiction(found: Jurisdiction) -> wire::Jurisdiction {
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    wire::Jurisdiction {
        needs_county_officials: division::has_county_desk(found.level, found.sort),
        needs_city_officials: division::has_city_desk(&found.code, &found.city_code, found.sort),
        code: found.code,
        name: found.name,
        level: found.level.name().to_owned(),
        parent_code: found.parent_code,
        kind: found.sort.map_or("former", Sort::name).to_owned(),
        city_code: found.city_code,
        successor_code: found.successor,
        change: found.change,
        county_officials: count(found.county_officials),
        city_officials: count(found.city_officials),
    }
}

/// A user as its administrators see it.
pub(super) fn user_view(
    user: User,
    credential: Option<CredentialState>,
    second_factor: bool,
) -> wire::UserView {
    wire::UserView {
        user_id: user.id.to_string(),
        login: user.login,
        display_name: user.display_name,
        roles: names(&user.roles),
        scope: user.scope,
        office: user.office,
        department: user.department,
        employer: user.employer,
        active: user.active,
        operator_id: user.operator_id.map(|id| id.to_string()).unwrap_or_default(),
        credential_state: credential.map(|state| state.name().to_owned()).unwrap_or_default(),
        created_at: Some(moment(user.created_at)),
        lead: user.lead,
        second_factor,
    }
}

/// A colleague as the others of the office see the person.
pub(super) fn colleague(user: User) -> wire::Colleague {
    wire::Colleague {
        user_id: user.id.to_string(),
        display_name: user.display_name,
        office: user.office,
        lead: user.lead,
    }
}

/// What signing in gave.
pub(super) fn signed_in(signed_in: SignedIn) -> wire::SignInResponse {
    match signed_in {
        SignedIn::Session { user, token, ends_at } => wire::SignInResponse {
            session_token: token,
            expires_at: Some(moment(ends_at)),
            user_id: user.id.to_string(),
            ..wire::SignInResponse::default()
        },
        SignedIn::Ticket { user, token, expires_at, why } => wire::SignInResponse {
            activation_ticket: token,
            expires_at: Some(moment(expires_at)),
            user_id: user.id.to_string(),
            activation_reason: why.name().to_owned(),
            masked_phone: secrets::masked_phone(&user.phone),
            ..wire::SignInResponse::default()
        },
    }
}

/// A session as its owner sees it.
pub(super) fn session_view(live: Live) -> wire::SessionView {
    wire::SessionView {
        user_id: live.user.id.to_string(),
        login: live.user.login,
        display_name: live.user.display_name,
        roles: names(&live.roles),
        scope: live.user.scope,
        office: live.user.office,
        department: live.user.department,
        operator_id: live.user.operator_id.map(|id| id.to_string()).unwrap_or_default(),
        operator_state: live.operator_state.map(|state| state.name().to_owned()).unwrap_or_default(),
        started_at: Some(moment(live.session.started_at)),
        ends_at: Some(moment(live.ends_at)),
        lead: live.user.lead,
    }
}

/// A user of an operator as its colleagues see it.
pub(super) fn member(member: Member) -> wire::Member {
    wire::Member {
        user_id: member.standing.id.to_string(),
        login: member.login,
        display_name: member.display_name,
        masked_phone: secrets::masked_phone(&member.phone),
        owner: member.owner,
        active: member.standing.active,
        credential_state: member.standing.credential.map(|state| state.name().to_owned()).unwrap_or_default(),
        created_at: Some(moment(member.created_at)),
        signed_in_at: member.signed_in_at.map(moment),
        sessions: i32::try_from(member.sessions).unwrap_or(i32::MAX),
    }
}

/// Somebody's own sign-ins and sessions; the first session is the one that asks.
pub(super) fn own_access(access: Access) -> wire::OwnAccess {
    let attempt = |one: Attempt| wire::SignInAttempt {
        at: Some(moment(one.at)),
        address: one.address,
        succeeded: one.succeeded,
    };
    let session = |(place, one): (usize, Open)| wire::OpenSession {
        started_at: Some(moment(one.started_at)),
        seen_at: Some(moment(one.seen_at)),
        address: one.address,
        current: place == 0,
    };
    wire::OwnAccess {
        masked_phone: secrets::masked_phone(&access.user.phone),
        attempts: access.attempts.into_iter().map(attempt).collect(),
        sessions: access.sessions.into_iter().enumerate().map(session).collect(),
    }
}

/// A machine client without its secret.
pub(super) fn client_view(client: Client) -> wire::ClientView {
    wire::ClientView {
        client_id: client.client_id,
        name: client.name,
        roles: client.roles,
        operator_id: client.operator_id.to_string(),
        issued_at: Some(moment(client.issued_at)),
        revoked_at: client.revoked_at.map(moment),
    }
}
