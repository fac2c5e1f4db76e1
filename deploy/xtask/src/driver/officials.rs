//! Officials are appointed, and outside systems get credentials.
//!
//! Owns: the verbs of users and machines. Not: which posts a province has; demo and tests choose.
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use proto::accounts::{
    ClientView, Colleague, CreateOfficialRequest, DeactivateUserRequest, EndSessionsRequest,
    IssueClientRequest, IssueClientResponse, ListColleaguesRequest, ListUsersRequest, ListUsersResponse,
    ReissuePasswordRequest, RevokeClientRequest, UnlockUserRequest, UserView,
};

use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{actor::Actor, platform::Platform, refused::Answer};
use crate::services::Service;

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
    /// Leads the own office.
    pub lead: bool,
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

    /// The same person as the lead of the office.
    #[must_use]
    pub fn leading(self) -> Self {
        Self { lead: true, ..self }
    }

    /// The same person as one who follows the lead of the office.
    #[must_use]
    pub fn following(self) -> Self {
        Self { lead: false, ..self }
    }

    /// The same person with an employer.
    #[must_use]
    pub fn employed_by(self, name: &str) -> Self {
        Self { employer: name.to_owned(), ..self }
    }
}

impl Platform {
    /// Makes an official at the console of accounts, as the very first one is made, and signs in.
    ///
    /// Errors: the console refuses; one of this login is there with another password; a second factor is demanded.
    pub async fn first_official(&self, official: &Official, password: &str) -> Result<Actor> {
        self.make_official(official, password).await?;
        Ok(self.sign_in(&official.login, password).await?)
    }

    /// Makes an official at the console of accounts, who has not signed in yet. Errors: the console refuses.
    pub async fn make_official(&self, official: &Official, password: &str) -> Result<()> {
        let deployment = self.deployment();
        let mut child = Command::new(deployment.program(Service::Accounts))
            .args(["create-official", "--password-stdin", "--ready", "--login", &official.login])
            .args(["--display-name", &official.display_name, "--roles", &official.roles.join(",")])
            .args(["--office", &official.office, "--phone", &official.phone])
            .args(["--department", &official.department, "--employer", &official.employer])
            .args(official.lead.then_some("--lead"))
            // Without divisions the console takes those of the role; an empty one would be a division.
            .args(official.scope.iter().flat_map(|code| ["--scope", code.as_str()]))
            .envs(deployment.environment(Service::Accounts)?)
            .current_dir(deployment.folder_of(Service::Accounts)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("accounts cannot be started; is it built?")?;
        let mut input = child.stdin.take().context("accounts reads no password")?;
        input.write_all(format!("{password}\n").as_bytes()).await?;
        drop(input);
        let said = child.wait_with_output().await?;
        let errors = String::from_utf8_lossy(&said.stderr).into_owned();
        ensure!(said.status.success(), "{} cannot be created\n{errors}", official.login);
        Ok(())
    }
}

impl Actor {
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
            lead: official.lead,
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

    /// Those of the own office to whom work can be given.
    pub async fn colleagues(&self) -> Answer<Vec<Colleague>> {
        let body = ListColleaguesRequest {};
        let answer =
            self.ask(body, |to, request| async move { to.users().list_colleagues(request).await }).await?;
        Ok(answer.colleagues)
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
        Ok(Actor::machine(self.platform(), self.issue_client(name, operator_id).await?))
    }

    /// The same as credentials, to be kept. Errors: as `Machines.IssueClient`.
    pub async fn issue_client(&self, name: &str, operator_id: &str) -> Answer<IssueClientResponse> {
        let body = IssueClientRequest {
            request_id: self.request_id(),
            name: name.to_owned(),
            roles: vec!["ingest".to_owned()],
            operator_id: operator_id.to_owned(),
        };
        self.ask(body, |to, request| async move { to.machines().issue_client(request).await }).await
    }

    /// Ends an outside system's credentials. Errors: `not_found`.
    pub async fn revoke_machine(&self, client_id: &str) -> Answer<ClientView> {
        let body = RevokeClientRequest { request_id: self.request_id(), client_id: client_id.to_owned() };
        self.ask(body, |to, request| async move { to.machines().revoke_client(request).await }).await
    }
}
