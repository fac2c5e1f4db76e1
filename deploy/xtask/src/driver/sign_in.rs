//! Signing in, out, and the first own password: everybody's way to an [`Actor`].
//!
//! Owns: the verbs of sessions, and reading what accounts left for phones. Not: who exists (`people`, `officials`).
use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use proto::accounts::{
    ActivateRequest, ChangePasswordRequest, GetSessionRequest, RequestCodeRequest, SessionView,
    SignInRequest, SignInResponse, SignOutRequest,
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

impl Platform {
    /// Somebody who has not signed in.
    pub fn nobody(&self) -> Actor {
        Actor::nobody(self)
    }

    /// Asks to sign in and gives the bare answer: a session or an activation ticket.
    ///
    /// Errors: `sign_in_failed`, `sign_in_locked`, `account_suspended`, `one_time_password_spent`.
    pub async fn try_sign_in(&self, login: &str, password: &str) -> Answer<SignInResponse> {
        let body = SignInRequest {
            login: login.to_owned(),
            password: password.to_owned(),
            client_address: String::new(),
        };
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
        let code = self.code_after(mark, phone).await?;
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

    /// The code that was sent to a phone after `mark`. Errors: none within 10 s.
    pub async fn code_after(&self, mark: usize, phone: &str) -> Result<String> {
        self.mail_after(mark, phone, "code", is_code).await
    }

    async fn mail_after(
        &self,
        mark: usize,
        phone: &str,
        what: &str,
        found: fn(&str) -> bool,
    ) -> Result<String> {
        let path = self.mailbox()?;
        eventually(SENT_WITHIN, &format!("a {what} for {phone}"), || async {
            Ok(letters(&path, mark, phone).iter().rev().find_map(|text| word(text, found)))
        })
        .await
    }
}

impl Actor {
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
            client_address: String::new(),
        };
        self.ask(body, |to, request| async move { to.sessions().change_password(request).await })
            .await
            .map(drop)
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
    lines
        .filter(|line| line["to"] == phone)
        .filter_map(|line| line["text"].as_str().map(str::to_owned))
        .collect()
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
