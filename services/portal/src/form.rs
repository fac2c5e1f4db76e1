//! A submitted form: plain texts, shown again as entered, with the errors beside their fields.
//!
//! The extractor has checked that it belongs to this browser; a handler of POST takes it as its last argument. A hidden
//! `request_id`, made when the form was rendered, makes a double click a replay. Source: ui, section 6.

use std::sync::Arc;

use axum::{
    Form as Fields,
    extract::{FromRequest, Multipart, Request},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use chassis::{connections::client_address, error::Kind};

use crate::{
    Portal, cookies::Cookie, csrf, divisions::Known, entry, format, guard::Proved, ids, refused::Refused,
    upload,
};

/// A form with files that says that it is no longer is read beside any number of others, bytes: routes without a limit of
/// their own take no more.
const SMALL_BYTES: u64 = 2 * 1024 * 1024;
/// Name of the hidden field with the token.
pub const TOKEN_FIELD: &str = "form_token";

/// A file of a form; kept in memory, so routes with files limit the body.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Name of the field.
    pub field: String,
    /// Name on the person's machine, for display only.
    pub file_name: String,
    /// Content.
    pub bytes: Bytes,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Name and id of the field; empty where it is about the whole form.
    pub field: String,
    /// What is wrong and how to mend it.
    pub text: String,
}

/// Texts by field name, errors, and the request id.
#[derive(Debug, Clone)]
pub struct Form {
    entries: Vec<(String, String)>,
    /// Files, in the order of the form.
    pub files: Vec<Attached>,
    /// For the summary, in order.
    pub wrongs: Vec<Wrong>,
    /// Somebody else was first: what happened, by whom, when.
    pub overtaken: String,
    /// What could not be done therefore.
    pub prevented: String,
    /// Leads to the trace where a service is away; empty otherwise.
    pub trace_id: String,
    request_id: String,
    status: StatusCode,
}

impl Default for Form {
    fn default() -> Form {
        Form::new(Vec::new(), Vec::new())
    }
}

impl Form {
    fn new(entries: Vec<(String, String)>, files: Vec<Attached>) -> Form {
        let sent = entries.iter().find(|(name, _)| name == "request_id").map(|(_, value)| value.clone());
        let request_id = sent.filter(|text| ids::is_id(text)).unwrap_or_else(ids::fresh);
        Form {
            entries,
            files,
            wrongs: Vec::new(),
            overtaken: String::new(),
            prevented: String::new(),
            trace_id: String::new(),
            request_id,
            status: StatusCode::OK,
        }
    }

    /// A form with these texts, for tests and for pages that show what is stored.
    pub fn filled<'a>(entries: impl IntoIterator<Item = (&'a str, String)>) -> Form {
        Form::new(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), Vec::new())
    }

    /// Checks that the form was rendered for this browser, and says so to the guard.
    ///
    /// # Errors
    /// It was not.
    pub(crate) fn prove(
        &self,
        portal: &Portal,
        headers: &HeaderMap,
        proved: Option<&Proved>,
    ) -> Result<(), Refused> {
        let token = self.value(TOKEN_FIELD);
        let holds = [Cookie::Session, Cookie::Visit]
            .into_iter()
            .filter_map(|cookie| portal.jar.read(headers, cookie))
            .any(|secret| csrf::holds(token, &secret));
        if !holds {
            return Err(Refused::foreign_form());
        }
        if let Some(proved) = proved {
            proved.now();
        }
        Ok(())
    }

    /// The text of a field; empty where there is none.
    pub fn value(&self, name: &str) -> &str {
        self.entries.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The same as an owned text without blanks around it.
    pub fn text(&self, name: &str) -> String {
        self.value(name).trim().to_owned()
    }

    /// Every value of a field that may be given several times.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.entries.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// A whole number; 0 where it is none, which no version is.
    pub fn number(&self, name: &str) -> i64 {
        self.value(name).trim().parse().unwrap_or(0)
    }

    /// A sum of money as it is written out beneath its field; empty where none is entered.
    pub fn capitals(&self, name: &str) -> String {
        let fen = entry::fen(self.value(name));
        fen.map(|fen| format!("大写：{}", format::capitals(fen))).unwrap_or_default()
    }

    /// Whether a box is ticked or a choice is taken.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.entries.iter().any(|(key, text)| key == name && text == value)
    }

    /// What was entered, or else `stored`: hidden versions stay what the person saw.
    pub fn or(&self, name: &str, stored: impl ToString) -> String {
        match self.entries.iter().find(|(key, _)| key == name) {
            Some((_, value)) => value.clone(),
            None => stored.to_string(),
        }
    }

    /// Puts a text in place of what was entered.
    pub fn set(&mut self, name: &str, value: &str) {
        self.entries.retain(|(key, _)| key != name);
        self.entries.push((name.to_owned(), value.to_owned()));
    }

    /// Drops a field: what is held stands in its place again.
    pub fn forget(&mut self, name: &str) {
        self.entries.retain(|(key, _)| key != name);
    }

    /// What is wrong with a field; empty where nothing is.
    pub fn wrong(&self, name: &str) -> &str {
        self.wrongs.iter().find(|wrong| wrong.field == name).map_or("", |wrong| &wrong.text)
    }

    /// Marks a field.
    pub fn mark(&mut self, field: &str, text: &str) {
        self.wrongs.push(Wrong { field: field.to_owned(), text: text.to_owned() });
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
    }

    /// The id under which the service remembers this form.
    pub fn request_id(&self) -> String {
        self.request_id.clone()
    }

    /// Makes the form another request: what it asked for has been decided, and is sent again with something else.
    pub fn renew(&mut self) {
        self.request_id = ids::fresh();
    }

    /// The status of the page that shows it again.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether it is shown again because it was refused.
    pub fn is_refused(&self) -> bool {
        !self.wrongs.is_empty() || !self.overtaken.is_empty() || !self.trace_id.is_empty()
    }

    /// Takes a refusal so that the page can be shown again with everything kept. A fresh request id goes with it unless the
    /// outcome is unknown: then the same form sent again is a replay.
    ///
    /// # Errors
    /// Where there is no form to show: not found, forbidden, signed out.
    pub fn refused(mut self, refused: impl Into<Refused>) -> Result<Form, Refused> {
        let refused = refused.into();
        match refused.kind {
            Kind::NotFound | Kind::Forbidden | Kind::Unauthenticated => return Err(refused),
            Kind::Unavailable | Kind::Internal => self.trace_id = refused.trace_id.clone(),
            Kind::Invalid | Kind::Reused | Kind::Refused | Kind::Conflict | Kind::Busy => {
                self.request_id = ids::fresh();
            }
        }
        self.status = refused.status();
        if refused.overtaken() {
            self.prevented = refused.prevented();
            self.overtaken = refused.text;
        } else if refused.fields.is_empty() {
            self.wrongs.push(Wrong { field: String::new(), text: refused.text });
        } else {
            let wrongs = refused.fields.into_iter().map(|(field, text)| Wrong { field, text });
            self.wrongs.extend(wrongs);
        }
        Ok(self)
    }

    /// Renames fields of the service to those of the page.
    pub fn about(&mut self, service: &str, page: &str) {
        for wrong in self.wrongs.iter_mut().filter(|wrong| wrong.field == service) {
            page.clone_into(&mut wrong.field);
        }
    }

    /// Tells by their names the places that are said to be chosen at a field.
    pub fn name_places(&mut self, field: &str, known: &Known) {
        for wrong in self.wrongs.iter_mut().filter(|wrong| wrong.field == field) {
            wrong.text = known.named(&wrong.text);
        }
    }
}

impl FromRequest<Arc<Portal>> for Form {
    type Rejection = Refused;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Form, Refused> {
        let headers = request.headers().clone();
        let proved = request.extensions().get::<Proved>().cloned();
        let multipart = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("multipart/form-data"));
        let form = if multipart {
            // Kept in memory whole: a few at a time, fewer of one address, as nobody may be signed in.
            let (head, body) = request.into_parts();
            let address = client_address(&head, portal.config.server.forwarded_hops).to_string();
            let small = (1..=SMALL_BYTES).contains(&upload::announced(&headers));
            let _turn = if small { None } else { Some(portal.uploads.turn(&address)?) };
            let request = Request::from_parts(head, body);
            parts(Multipart::from_request(request, portal).await.map_err(|_| unreadable())?).await?
        } else {
            let Fields(entries) = Fields::<Vec<(String, String)>>::from_request(request, portal)
                .await
                .map_err(|_| unreadable())?;
            Form::new(entries, Vec::new())
        };
        form.prove(portal, &headers, proved.as_ref())?;
        Ok(form)
    }
}

/// A form that cannot be read.
pub(crate) fn unreadable() -> Refused {
    Refused::unreadable("提交的内容过大或无法识别，请检查文件大小后重新提交")
}

async fn parts(mut multipart: Multipart) -> Result<Form, Refused> {
    let (mut entries, mut files) = (Vec::new(), Vec::new());
    while let Some(part) = multipart.next_field().await.map_err(|_| unreadable())? {
        let field = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file_name) => {
                let bytes = part.bytes().await.map_err(|_| unreadable())?;
                // A file field that was left empty arrives as a file without a name.
                if !file_name.is_empty() {
                    files.push(Attached { field, file_name, bytes });
                }
            }
            None => entries.push((field, part.text().await.map_err(|_| unreadable())?)),
        }
    }
    Ok(Form::new(entries, files))
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn a_refused_form_keeps_its_texts_and_gets_a_fresh_request_id() {
        let form = Form::filled([("login", "op01".to_owned()), ("request_id", ids::fresh())]);
        let before = form.request_id();
        let failure = chassis::Failure::invalid("login_taken", "login", "账号名称已被使用，请更换");
        let again = form.refused(Status::from(failure)).unwrap();
        assert_eq!((again.value("login"), again.wrong("login")), ("op01", "账号名称已被使用，请更换"));
        assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_ne!(again.request_id(), before);
    }

    #[test]
    fn a_form_whose_outcome_is_unknown_stays_the_same_request() {
        let form = Form::default();
        let before = form.request_id();
        let again = form.refused(Status::unavailable("away")).unwrap();
        assert_eq!((again.request_id(), again.status()), (before, StatusCode::SERVICE_UNAVAILABLE));
    }

    #[test]
    fn the_loser_of_a_race_reads_who_was_first_and_when() {
        let failure = chassis::Failure::refused("already_decided", "已作出审核决定，不能撤回")
            .with("office", "郑州市主管部门")
            .with("at", "2026-11-22T02:05:09.5Z");
        let lost = Form::default().refused(Status::from(failure)).unwrap();
        assert_eq!(lost.prevented, "未能撤回：郑州市主管部门 已于 2026-11-22 10:05 审核");
        assert_eq!(
            (lost.overtaken.as_str(), lost.status()),
            ("已作出审核决定，不能撤回", StatusCode::CONFLICT)
        );
    }

    #[test]
    fn whatever_says_what_was_done_meanwhile_is_told_as_a_lost_race_and_keeps_what_was_filled_in() {
        let at = time::macros::datetime!(2026-11-22 02:05:09 UTC);
        let failure = chassis::Failure::refused("wrong_state", "账号当前为“正常”，不能进行此操作").overtaken(
            "省平台 李红",
            at,
            "办结审核，账号状态为“正常”",
        );
        let lost = Form::filled([("opinion", "同意".to_owned())]).refused(Status::from(failure)).unwrap();
        assert_eq!(
            lost.prevented,
            "未能提交，内容已被他人更新：省平台 李红 已于 2026-11-22 10:05 办结审核，账号状态为“正常”"
        );
        assert_eq!(lost.value("opinion"), "同意");
        assert!(lost.wrongs.is_empty() && lost.status() == StatusCode::CONFLICT);
    }

    #[test]
    fn a_foreign_object_has_no_form() {
        let failure = chassis::Failure::not_found();
        assert_eq!(
            Form::default().refused(Status::from(failure)).unwrap_err().status(),
            StatusCode::NOT_FOUND
        );
    }
}
