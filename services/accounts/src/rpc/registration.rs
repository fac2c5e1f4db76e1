//! `Registration`: an operator registers and keeps its own profile.

use chassis::{Failure, rpc};
use proto::accounts::{
    ChangeProfileRequest, GetOwnProfileRequest, OwnProfile, Profile, RegisterRequest, RegisterResponse,
    ResubmitRequest, registration_server::Registration,
};
use secrecy::{ExposeSecret as _, SecretString};
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app::{Accounts, profile, register},
    domain::{
        ids::OperatorId,
        licence::Licence,
        password,
        refusal::{Field, Refusal},
        registration::Entry,
    },
    store,
};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl Registration for Inlet {
    async fn register(
        &self,
        mut request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        // The password leaves the request before anything of it is kept; outside the transaction it is hashed.
        let password = SecretString::from(std::mem::take(&mut request.get_mut().password));
        let password = chosen(&self.0, password, &request.get_ref().login).await?;
        let licence = licence(&self.0, request.get_ref().profile.as_ref()).await;
        let config = self.0.config.clone();
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let draft = convert::draft(body.profile, body.truth_declared);
                    let new = register::NewAccount { login: body.login, password, draft, licence };
                    let (operator, user) = register::register(work, &config.registration, new).await?;
                    Ok(RegisterResponse {
                        operator_id: operator.id.to_string(),
                        user_id: user.to_string(),
                        state: operator.standing.state.name().to_owned(),
                        submission_version: operator.submission_version,
                    })
                })
            })
            .await
    }

    async fn resubmit(&self, request: Request<ResubmitRequest>) -> Result<Response<OwnProfile>, Status> {
        let licence = licence(&self.0, request.get_ref().profile.as_ref()).await;
        let config = self.0.config.clone();
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let entry = Entry::by_operator(&body.entry)?;
                    let draft = convert::draft(body.profile, body.truth_declared);
                    let operator = profile::resubmit(
                        work,
                        &config.registration,
                        entry,
                        profile::Change { draft, licence },
                    )
                    .await?;
                    convert::own_profile(work.db(), &operator).await
                })
            })
            .await
    }

    async fn change_profile(
        &self,
        request: Request<ChangeProfileRequest>,
    ) -> Result<Response<OwnProfile>, Status> {
        let licence = licence(&self.0, request.get_ref().profile.as_ref()).await;
        let config = self.0.config.clone();
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let draft = convert::draft(body.profile, body.truth_declared);
                    let change = profile::Change { draft, licence };
                    let operator = profile::change(work, &config.registration, change).await?;
                    convert::own_profile(work.db(), &operator).await
                })
            })
            .await
    }

    async fn get_own_profile(
        &self,
        request: Request<GetOwnProfileRequest>,
    ) -> Result<Response<OwnProfile>, Status> {
        let id = rpc::caller(&request)?.operator_id.ok_or_else(Failure::not_found)?;
        let mut db = self.0.pool.acquire().await.map_err(Failure::from)?;
        let operator = store::operators::find(&mut db, OperatorId(id))
            .await
            .map_err(Failure::from)?
            .ok_or_else(Failure::not_found)?;
        Ok(Response::new(convert::own_profile(&mut db, &operator).await?))
    }
}

/// What documents knows about the licence of a profile. That documents is away is told where the request is decided, so
/// that a repetition is answered all the same.
async fn licence(accounts: &Accounts, profile: Option<&Profile>) -> Result<Option<Licence>, Failure> {
    match profile {
        Some(profile) => accounts.neighbours.licence(&profile.licence_file_id).await,
        None => Ok(None),
    }
}

/// The hash of a password that may be chosen, or what is wrong with it.
async fn chosen(
    accounts: &Accounts,
    password: SecretString,
    login: &str,
) -> Result<Result<String, Refusal>, Failure> {
    if password.expose_secret().is_empty() {
        return Ok(Err(Refusal::Missing(Field::Password)));
    }
    let policy = accounts.config.passwords.policy();
    if let Err(refusal) = password::check(password.expose_secret(), login.trim(), policy) {
        return Ok(Err(refusal));
    }
    accounts.hasher.hash(password).await.map(Ok)
}
