//! People: operators register and are reviewed, officials are appointed and activated, everybody signs in.
//!
//! Owns: the verbs of accounts. Not: what an operator's profile must look like; `samples` knows twelve good ones.
use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use proto::accounts::{
    ActivateRequest, ApproveOperatorRequest, ChangePasswordRequest, ChangeProfileRequest, ClientView,
    CreateOfficialRequest, DeactivateUserRequest, EndSessionsRequest, GetOperatorDetailRequest, GetOwnProfileRequest,
    GetSessionRequest, IssueClientRequest, ListOperatorsRequest, ListOperatorsResponse, ListUsersRequest,
    ListUsersResponse, OperatorDetail, OwnProfile, Profile, RegisterRequest, RegisterResponse,
    ReinstateOperatorRequest, ReissuePasswordRequest, RequestCodeRequest, ResubmitRequest, ReturnOperatorRequest,
    RevokeClientRequest, SessionView, SignInRequest, SignInResponse, SignOutRequest, SuspendOperatorRequest,
    UnlockUserRequest, UserView,
};
use tonic::Status;

use super::{
    actor::{Actor, Proof},
    eventually,
    platform::Platform,
    refused::Answer,
};

/// A message to a phone leaves accounts within this time.
const SENT_WITHIN: Duration = Duration::from_secs(10);

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

/// A post in a government body, or an expert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Official {
    /// 4–20 letters, digits or underscores.
    pub login: String,
    /// Name as people see it.
    pub display_name: String,
    /// Role codes.
    pub roles: Vec<String>,
    /// Division codes; empty for the province.
    pub scope: Vec<String>,
    /// The office's name.
    pub office: String,
    /// Code of the provincial department; only role province.
    pub department: String,
    /// Employer of an expert.
    pub employer: String,
    /// Where password and code go; must be nobody else's for [`Actor::appoint`] to find them.
    pub phone: String,
}

impl Official {
    /// A person with one role over some divisions.
    pub fn new(login: &str, name: &str, role: &str, scope: &[&str], phone: &str) -> Self {
        Self {
            login: login.to_owned(),
            display_name: name.to_owned(),
            roles: vec![role.to_owned()],
            scope: scope.iter().map(|code| (*code).to_owned()).collect(),
            office: name.to_owned(),
            phone: phone.to_owned(),
            ..Self::default()
        }
    }

    /// The same person in a provincial department.
    #[must_use]
    pub fn of_department(self, code: &str) -> Self {
        Self { department: code.to_owned(), ..self }
    }

    /// The same person with an employer.
    #[must_use]
    pub fn employed_by(self, name: &str) -> Self {
        Self { employer: name.to_owned(), ..self }
    }
}

impl Platform {
    /// Somebody who has not signed in.
    pub fn nobody(&self) -> Actor {
        Actor::nobody(self)
    }

    /// Asks to sign in and gives the bare answer: a session or an activation ticket.
    ///
    /// Errors: `sign_in_failed`, `sign_in_locked`, `account_suspended`, `one_time_password_spent`.
    pub async fn try_sign_in(&self, login: &str, password: &str) -> Answer<SignInResponse> {
        let body =
            SignInRequest { login: login.to_owned(), password: password.to_owned(), client_address: String::new() };
        self.nobody().ask(body, |to, request| async move { to.sessions().sign_in(request).await }).await
    }

    /// Signs in. Errors: as [`Platform::try_sign_in`]; `activation_needed` where the password is a one-time one.
    pub async fn sign_in(&self, login: &str, password: &str) -> Answer<Actor> {
        let answer = self.try_sign_in(login, password).await?;
        if answer.session_token.is_empty() {
            return Err(Status::failed_precondition("the password is a one-time one").into());
        }
        Ok(Actor::new(self, login, Proof::Session(answer.session_token)))
    }

    /// Turns a one-time password into an own one, with the code sent to `phone`, and signs in.
    ///
    /// Errors: `sign_in_failed`, `ticket_ended`, `code_wrong`, `password_…`; or no code arrived within 10 s.
    pub async fn activate(&self, login: &str, one_time: &str, phone: &str, password: &str) -> Result<Actor> {
        let ticket = self.try_sign_in(login, one_time).await.with_context(|| format!("{login} signs in"))?;
        let ticket = ticket.activation_ticket;
        let mark = self.mail_mark()?;
        let nobody = self.nobody();
        let body = RequestCodeRequest { activation_ticket: ticket.clone() };
        nobody.ask(body, |to, request| async move { to.sessions().request_code(request).await }).await?;
        let code = self.mail_after(mark, phone, "code", is_code).await?;
        let body = ActivateRequest { activation_ticket: ticket, code, new_password: password.to_owned() };
        nobody.ask(body, |to, request| async move { to.sessions().activate(request).await }).await?;
        Ok(self.sign_in(login, password).await?)
    }

    /// How long the file of messages to phones is now; messages after it are new.
    ///
    /// Errors: the service's folder cannot be made.
    pub fn mail_mark(&self) -> Result<usize> {
        Ok(fs::metadata(self.mailbox()?).map_or(0, |file| usize::try_from(file.len()).unwrap_or(0)))
    }

    /// The one-time password that was sent to a phone after `mark`. Errors: none within 10 s.
    pub async fn one_time_password_after(&self, mark: usize, phone: &str) -> Result<String> {
        self.mail_after(mark, phone, "one-time password", is_one_time_password).await
    }

    async fn mail_after(&self, mark: usize, phone: &str, what: &str, found: fn(&str) -> bool) -> Result<String> {
        let path = self.mailbox()?;
        eventually(SENT_WITHIN, &format!("a {what} for {phone}"), || async {
            Ok(letters(&path, mark, phone).iter().rev().find_map(|text| word(text, found)))
        })
        .await
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
        let body =
            ResubmitRequest { request_id: self.request_id(), entry, profile: Some(profile), truth_declared: true };
        self.ask(body, |to, request| async move { to.registration().resubmit(request).await }).await
    }

    /// Changes an approved profile. Errors: as `Registration.ChangeProfile`.
    pub async fn change_profile(&self, profile: Profile) -> Answer<OwnProfile> {
        let body =
            ChangeProfileRequest { request_id: self.request_id(), profile: Some(profile), truth_declared: true };
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

    /// 审核通过 of one version of a registration. Errors: `wrong_state`, `stale_version`.
    pub async fn approve(&self, operator_id: &str, submission_version: i32) -> Answer<OperatorDetail> {
        let body = ApproveOperatorRequest {
            request_id: self.request_id(),
            operator_id: operator_id.to_owned(),
            submission_version,
            opinion: String::new(),
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

    /// Creates an official's account; the one-time password goes to the phone. Errors: as `Users.CreateOfficial`.
    pub async fn create_official(&self, official: &Official) -> Answer<UserView> {
        let official = official.clone();
        let body = CreateOfficialRequest {
            request_id: self.request_id(),
            login: official.login,
            display_name: official.display_name,
            roles: official.roles,
            scope: official.scope,
            office: official.office,
            department: official.department,
            employer: official.employer,
            phone: official.phone,
        };
        self.ask(body, |to, request| async move { to.users().create_official(request).await }).await
    }

    /// Creates an official, reads password and code from the sender's file, activates and signs in.
    ///
    /// Errors: any of the steps.
    pub async fn appoint(&self, official: &Official, password: &str) -> Result<Actor> {
        let (login, phone) = (&official.login, &official.phone);
        let mark = self.platform().mail_mark()?;
        self.create_official(official).await.with_context(|| format!("{login} cannot be created"))?;
        let one_time = self.platform().one_time_password_after(mark, phone).await?;
        let actor = self.platform().activate(login, &one_time, phone, password).await;
        actor.with_context(|| format!("{login} cannot be activated"))
    }

    /// Ends an official's account. Errors: `not_found`.
    pub async fn deactivate(&self, user_id: &str) -> Answer<UserView> {
        let body = DeactivateUserRequest { request_id: self.request_id(), user_id: user_id.to_owned() };
        self.ask(body, |to, request| async move { to.users().deactivate(request).await }).await
    }

    /// Sends a fresh one-time password. Errors: `not_found`.
    pub async fn reissue_password(&self, user_id: &str) -> Answer<UserView> {
        let body = ReissuePasswordRequest { request_id: self.request_id(), user_id: user_id.to_owned() };
        self.ask(body, |to, request| async move { to.users().reissue_password(request).await }).await
    }

    /// Forgets failed sign-ins. Errors: `not_found`.
    pub async fn unlock(&self, user_id: &str) -> Answer<UserView> {
        let body = UnlockUserRequest { request_id: self.request_id(), user_id: user_id.to_owned() };
        self.ask(body, |to, request| async move { to.users().unlock(request).await }).await
    }

    /// Ends another person's sessions. Errors: `not_found`.
    pub async fn end_sessions(&self, user_id: &str) -> Answer<UserView> {
        let body = EndSessionsRequest { request_id: self.request_id(), user_id: user_id.to_owned() };
        self.ask(body, |to, request| async move { to.users().end_sessions(request).await }).await
    }

    /// Lists officials of one role; of all when it is empty.
    pub async fn officials(&self, role: &str) -> Answer<ListUsersResponse> {
        let body = ListUsersRequest { role: role.to_owned(), ..ListUsersRequest::default() };
        self.ask(body, |to, request| async move { to.users().list_users(request).await }).await
    }

    /// Issues credentials for an operator's system and gives the machine that holds them.
    ///
    /// Errors: as `Machines.IssueClient`.
    pub async fn issue_machine(&self, name: &str, operator_id: &str) -> Answer<Actor> {
        let body = IssueClientRequest {
            request_id: self.request_id(),
            name: name.to_owned(),
            roles: vec!["ingest".to_owned()],
            operator_id: operator_id.to_owned(),
        };
        let issued =
            self.ask(body, |to, request| async move { to.machines().issue_client(request).await }).await?;
        let (client_id, client_secret) = (issued.client_id, issued.client_secret);
        Ok(Actor::new(self.platform(), client_id.clone(), Proof::Machine { client_id, client_secret }))
    }

    /// Ends an outside system's credentials. Errors: `not_found`.
    pub async fn revoke_machine(&self, client_id: &str) -> Answer<ClientView> {
        let body = RevokeClientRequest { request_id: self.request_id(), client_id: client_id.to_owned() };
        self.ask(body, |to, request| async move { to.machines().revoke_client(request).await }).await
    }

    /// The session as accounts sees it: roles, scope, office. Errors: `session_ended`.
    pub async fn view_session(&self) -> Answer<SessionView> {
        let body = GetSessionRequest { session_token: self.session().unwrap_or_default().to_owned() };
        self.ask(body, |to, request| async move { to.sessions().get_session(request).await }).await
    }

    /// Changes the password; every session ends. Errors: `session_ended`, `sign_in_failed`, `password_…`.
    pub async fn change_password(&self, password: &str, new_password: &str) -> Answer<()> {
        let body = ChangePasswordRequest {
            session_token: self.session().unwrap_or_default().to_owned(),
            password: password.to_owned(),
            new_password: new_password.to_owned(),
        };
        self.ask(body, |to, request| async move { to.sessions().change_password(request).await }).await.map(drop)
    }

    /// Signs out. Errors: accounts is away.
    pub async fn sign_out(&self) -> Answer<()> {
        let body = SignOutRequest { session_token: self.session().unwrap_or_default().to_owned() };
        self.ask(body, |to, request| async move { to.sessions().sign_out(request).await }).await.map(drop)
    }
}

/// The texts sent to a phone after `mark`, oldest first; a line half written is left for the next look.
fn letters(path: &Path, mark: usize, phone: &str) -> Vec<String> {
    let Ok(bytes) = fs::read(path) else { return Vec::new() };
    let text = String::from_utf8_lossy(bytes.get(mark..).unwrap_or_default()).into_owned();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter(|line| line["to"] == phone).filter_map(|line| line["text"].as_str().map(str::to_owned)).collect()
}

/// The first run of ASCII letters and digits of a text that looks as wanted.
fn word(text: &str, wanted: fn(&str) -> bool) -> Option<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|word| wanted(word)).map(str::to_owned)
}

/// Six digits.
fn is_code(word: &str) -> bool {
    word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sixteen capital letters and digits.
fn is_one_time_password(word: &str) -> bool {
    word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_and_code_are_found_in_the_words_sent() {
        assert_eq!(word("验证码 042137，5 分钟内有效", is_code).as_deref(), Some("042137"));
        let text = "初始密码：ABCDEFGH23456789（72 小时内有效）";
        assert_eq!(word(text, is_one_time_password).as_deref(), Some("ABCDEFGH23456789"));
        assert_eq!(word("没有", is_code), None);
    }
}
