//! Operators register, are reviewed, hand in again and change their profile.
//!
//! Owns: the verbs of an operator's account. Not: what a profile must look like; `samples` knows twelve good ones.
use proto::accounts::{
    ApproveOperatorRequest, ChangeProfileRequest, GetOperatorDetailRequest, GetOwnProfileRequest,
    ListOperatorsRequest, ListOperatorsResponse, OperatorDetail, OwnProfile, Profile, RegisterRequest,
    RegisterResponse, ReinstateOperatorRequest, ResubmitRequest, ReturnOperatorRequest,
    SuspendOperatorRequest,
};

use super::{actor::Actor, refused::Answer};

/// What a licence shows of a submission. Source: `proto/accounts/v1`, `ApproveOperatorRequest`.
const ON_LICENCE: [&str; 6] =
    ["company_name", "uscc", "registered_division", "licence_county", "home_province", "operator_type"];

/// Which of the three entries a resubmission comes from. Source: workflow, Accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The registration form.
    RegistrationForm,
    /// 工作台头像/编辑.
    Workbench,
    /// 账号头像/企业资料/编辑.
    CompanyProfile,
}

impl Entry {
    /// The stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Entry::RegistrationForm => "registration_form",
            Entry::Workbench => "workbench",
            Entry::CompanyProfile => "company_profile",
        }
    }
}

impl Actor {
    /// Registers a company; open to anybody. Errors: as `Registration.Register`.
    pub async fn register(&self, login: &str, password: &str, profile: Profile) -> Answer<RegisterResponse> {
        self.register_with(RegisterRequest {
            request_id: self.request_id(),
            login: login.to_owned(),
            password: password.to_owned(),
            profile: Some(profile),
            truth_declared: true,
        })
        .await
    }

    /// Registers with exactly these fields. Errors: as `Registration.Register`.
    pub async fn register_with(&self, body: RegisterRequest) -> Answer<RegisterResponse> {
        self.ask(body, |to, request| async move { to.registration().register(request).await }).await
    }

    /// Hands in a returned registration again. Errors: as `Registration.Resubmit`.
    pub async fn resubmit(&self, entry: Entry, profile: Profile) -> Answer<OwnProfile> {
        let entry = entry.id().to_owned();
        let body = ResubmitRequest {
            request_id: self.request_id(),
            entry,
            profile: Some(profile),
            truth_declared: true,
        };
        self.ask(body, |to, request| async move { to.registration().resubmit(request).await }).await
    }

    /// Changes an approved profile. Errors: as `Registration.ChangeProfile`.
    pub async fn change_profile(&self, profile: Profile) -> Answer<OwnProfile> {
        let body = ChangeProfileRequest {
            request_id: self.request_id(),
            profile: Some(profile),
            truth_declared: true,
        };
        self.ask(body, |to, request| async move { to.registration().change_profile(request).await }).await
    }

    /// Reads the own company's profile with every submission and opinion.
    pub async fn own_profile(&self) -> Answer<OwnProfile> {
        let body = GetOwnProfileRequest {};
        self.ask(body, |to, request| async move { to.registration().get_own_profile(request).await }).await
    }

    /// Lists operators, optionally of one state.
    pub async fn operators(&self, state: &str) -> Answer<ListOperatorsResponse> {
        let body = ListOperatorsRequest { state: state.to_owned(), ..ListOperatorsRequest::default() };
        self.ask(body, |to, request| async move { to.account_review().list_operators(request).await }).await
    }

    /// Reads one operator with every submission.
    pub async fn operator(&self, operator_id: &str) -> Answer<OperatorDetail> {
        let body = GetOperatorDetailRequest { operator_id: operator_id.to_owned() };
        self.ask(body, |to, request| async move { to.account_review().get_operator(request).await }).await
    }

    /// 审核通过 of one version of a registration, all of it as the licence shows it. Errors: `wrong_state`, `stale_version`.
    pub async fn approve(&self, operator_id: &str, submission_version: i32) -> Answer<OperatorDetail> {
        let body = ApproveOperatorRequest {
            request_id: self.request_id(),
            operator_id: operator_id.to_owned(),
            submission_version,
            opinion: String::new(),
            agreed: ON_LICENCE.map(str::to_owned).into(),
        };
        self.ask(body, |to, request| async move { to.account_review().approve(request).await }).await
    }

    /// 审核不通过. Errors: `opinion_missing`, `wrong_state`, `stale_version`.
    pub async fn return_registration(
        &self,
        operator_id: &str,
        submission_version: i32,
        opinion: &str,
    ) -> Answer<OperatorDetail> {
        let body = ReturnOperatorRequest {
            request_id: self.request_id(),
            operator_id: operator_id.to_owned(),
            submission_version,
            opinion: opinion.to_owned(),
        };
        self.ask(body, |to, request| async move { to.account_review().r#return(request).await }).await
    }

    /// 停用. Errors: `wrong_state`.
    pub async fn suspend(&self, operator_id: &str, reason: &str) -> Answer<OperatorDetail> {
        let (operator_id, reason) = (operator_id.to_owned(), reason.to_owned());
        let body = SuspendOperatorRequest { request_id: self.request_id(), operator_id, reason };
        self.ask(body, |to, request| async move { to.account_review().suspend(request).await }).await
    }

    /// Ends a suspension. Errors: `wrong_state`.
    pub async fn reinstate(&self, operator_id: &str, reason: &str) -> Answer<OperatorDetail> {
        let (operator_id, reason) = (operator_id.to_owned(), reason.to_owned());
        let body = ReinstateOperatorRequest { request_id: self.request_id(), operator_id, reason };
        self.ask(body, |to, request| async move { to.account_review().reinstate(request).await }).await
    }
}
