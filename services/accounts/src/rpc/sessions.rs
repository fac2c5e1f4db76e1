//! `Sessions`: signing in and out, caller tokens, choosing passwords. Answers hold secrets, so none is stored for a replay.

use std::net::IpAddr;

use chassis::{Failure, identity::Kind, rpc};
use proto::accounts::{
    ActivateRequest, ActivateResponse, CallerToken, ChangePasswordRequest, ChangePasswordResponse,
    CompleteSignInRequest, EndOtherSessionsRequest, EndOtherSessionsResponse, EnrolSecondFactorRequest,
    GetOwnAccessRequest, GetSessionRequest, IssueCallerTokenRequest, OfferSecondFactorRequest,
    OfferSecondFactorResponse, OwnAccess, RemoveSecondFactorRequest, RemoveSecondFactorResponse,
    RequestCodeRequest, RequestCodeResponse, RequestResetRequest, RequestResetResponse, SessionView,
    SignInRequest, SignInResponse, SignOutRequest, SignOutResponse, StepUpRequest, sessions_server::Sessions,
};
use secrecy::SecretString;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{
    app::{
        Accounts, activate, own, reset,
        second_factor::{self, Door},
        sessions, sign_in,
    },
    domain::refusal::{Field, Refusal},
};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl Sessions for Inlet {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        let address = address(&request, &request.get_ref().client_address)?;
        let body = request.into_inner();
        if body.login.trim().is_empty() {
            return Err(Failure::from(Refusal::Missing(Field::Login)).into());
        }
        if body.password.is_empty() {
            return Err(Failure::from(Refusal::Missing(Field::Password)).into());
        }
        let password = SecretString::from(body.password);
        let signed_in = sign_in::sign_in(&self.0, &body.login, password, &address).await?;
        Ok(Response::new(convert::signed_in(signed_in)))
    }

    async fn complete_sign_in(
        &self,
        request: Request<CompleteSignInRequest>,
    ) -> Result<Response<SignInResponse>, Status> {
        let address = address(&request, &request.get_ref().client_address)?;
        let body = request.into_inner();
        let signed_in =
            second_factor::complete(&self.0, &body.activation_ticket, &body.code, &address).await?;
        Ok(Response::new(convert::signed_in(signed_in)))
    }

    async fn offer_second_factor(
        &self,
        request: Request<OfferSecondFactorRequest>,
    ) -> Result<Response<OfferSecondFactorResponse>, Status> {
        let body = request.into_inner();
        let door = door(&body.session_token, &body.activation_ticket);
        let offer = second_factor::offer(&self.0, &door, &body.enrolment).await?;
        Ok(Response::new(OfferSecondFactorResponse {
            enrolment: offer.enrolment,
            secret: offer.secret,
            uri: offer.uri,
        }))
    }

    async fn enrol_second_factor(
        &self,
        request: Request<EnrolSecondFactorRequest>,
    ) -> Result<Response<SignInResponse>, Status> {
        let address = address(&request, &request.get_ref().client_address)?;
        let body = request.into_inner();
        let door = door(&body.session_token, &body.activation_ticket);
        let password = SecretString::from(body.password);
        let signed_in =
            second_factor::enrol(&self.0, door, &body.enrolment, &body.code, password, &address).await?;
        Ok(Response::new(convert::signed_in(signed_in)))
    }

    async fn remove_second_factor(
        &self,
        request: Request<RemoveSecondFactorRequest>,
    ) -> Result<Response<RemoveSecondFactorResponse>, Status> {
        let address = address(&request, &request.get_ref().client_address)?;
        let body = request.into_inner();
        second_factor::remove(&self.0, &body.session_token, &body.code, &address).await?;
        Ok(Response::new(RemoveSecondFactorResponse {}))
    }

    async fn step_up(&self, request: Request<StepUpRequest>) -> Result<Response<SignInResponse>, Status> {
        let address = address(&request, &request.get_ref().client_address)?;
        let body = request.into_inner();
        let signed_in = second_factor::step_up(&self.0, &body.session_token, &body.code, &address).await?;
        Ok(Response::new(convert::signed_in(signed_in)))
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        sessions::sign_out(&self.0, &request.into_inner().session_token).await?;
        Ok(Response::new(SignOutResponse {}))
    }

    async fn issue_caller_token(
        &self,
        request: Request<IssueCallerTokenRequest>,
    ) -> Result<Response<CallerToken>, Status> {
        let body = request.into_inner();
        let (token, expires_at) =
            sessions::caller_token(&self.0, &body.session_token, &body.export_id, &body.audience).await?;
        Ok(Response::new(CallerToken { token, expires_at: Some(convert::moment(expires_at)) }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let address = address(&request, &request.get_ref().client_address)?;
        let body = request.into_inner();
        let (old, new) = (SecretString::from(body.password), SecretString::from(body.new_password));
        activate::change_password(&self.0, &body.session_token, old, new, &address).await?;
        Ok(Response::new(ChangePasswordResponse {}))
    }

    async fn request_reset(
        &self,
        request: Request<RequestResetRequest>,
    ) -> Result<Response<RequestResetResponse>, Status> {
        let address = address(&request, &request.get_ref().client_address)?;
        let body = request.into_inner();
        let given = reset::request(&self.0, &body.login, &body.phone, &address).await?;
        Ok(Response::new(RequestResetResponse {
            activation_ticket: given.token,
            masked_phone: given.masked_phone,
            expires_at: Some(convert::moment(given.expires_at)),
        }))
    }

    async fn request_code(
        &self,
        request: Request<RequestCodeRequest>,
    ) -> Result<Response<RequestCodeResponse>, Status> {
        let ticket = request.into_inner().activation_ticket;
        let (masked_phone, expires_at) = activate::request_code(&self.0, &ticket).await?;
        Ok(Response::new(RequestCodeResponse { masked_phone, expires_at: Some(convert::moment(expires_at)) }))
    }

    async fn activate(
        &self,
        request: Request<ActivateRequest>,
    ) -> Result<Response<ActivateResponse>, Status> {
        let body = request.into_inner();
        let new = SecretString::from(body.new_password);
        activate::activate(&self.0, &body.activation_ticket, &body.code, new).await?;
        Ok(Response::new(ActivateResponse {}))
    }

    async fn get_own_access(
        &self,
        request: Request<GetOwnAccessRequest>,
    ) -> Result<Response<OwnAccess>, Status> {
        let access = own::access(&self.0, &request.into_inner().session_token).await?;
        Ok(Response::new(convert::own_access(access)))
    }

    async fn end_other_sessions(
        &self,
        request: Request<EndOtherSessionsRequest>,
    ) -> Result<Response<EndOtherSessionsResponse>, Status> {
        own::end_others(&self.0, &request.into_inner().session_token).await?;
        Ok(Response::new(EndOtherSessionsResponse {}))
    }

    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<SessionView>, Status> {
        let live = sessions::live(&self.0, &request.into_inner().session_token).await?;
        Ok(Response::new(convert::session_view(live)))
    }
}

/// By what somebody comes: a session where one is named, else a ticket.
fn door<'a>(session_token: &'a str, ticket: &'a str) -> Door<'a> {
    if session_token.is_empty() { Door::Ticket(ticket) } else { Door::Session(session_token) }
}

/// Where a person signs in from. Only a service of the platform may say it for somebody else.
fn address<T>(request: &Request<T>, said: &str) -> Result<String, Status> {
    let told = (rpc::caller(request)?.kind == Kind::Service).then(|| said.parse::<IpAddr>().ok()).flatten();
    let own = || request.remote_addr().map(|address| address.ip());
    Ok(told.or_else(own).map(|address| address.to_string()).unwrap_or_else(|| "unknown".to_owned()))
}
