//! 系统管理/账号管理/审核: what a company entered beside its licence, the administrator's word, and the account's history.

use askama::Template;
use axum::{extract::Path, routing::get};
use proto::{
    accounts::{
        ApproveOperatorRequest, GetOperatorDetailRequest, ListOperatorsRequest, OperatorDetail, OperatorUser,
        ReinstateOperatorRequest, ReturnOperatorRequest, Submission, SuspendOperatorRequest,
    },
    common,
    documents::{File, GetFileRequest},
};
use tonic::Status;

use super::{
    Routes,
    accounts::{LIST, PENDING},
    back_to, files,
    packages::REASON_CHARS,
};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor,
    case::Past,
    compared::{Compared, ON_LICENCE, compared},
    divisions::Known,
    format, labels,
    list::Filter,
    refused::Away,
    stage::Tag,
};

/// Companies of the queue that are counted and stepped through.
const QUEUE_MAX: i32 = 200;

/// One company; every form of the page leads back to it.
const ONE: &str = "/system/accounts/{id}/review";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(ONE, get(show).post(decide))
        .route("/system/accounts/{id}/suspend", back_to(ONE).post(suspend))
        .route("/system/accounts/{id}/reinstate", back_to(ONE).post(reinstate))
}

/// A licence as the page shows it.
#[derive(Debug, Clone, Default)]
pub struct Licence {
    /// Heading.
    pub title: &'static str,
    /// Name of the file.
    pub file_name: String,
    /// `image`, `document` or `other`.
    pub kind: &'static str,
    /// What a browser may show.
    pub preview: String,
    /// The original.
    pub original: String,
}

/// Why the licence is opened: the administrator's own word, kept in the record of downloads.
#[derive(Debug, Clone, Default)]
pub struct Viewing {
    /// As typed or chosen; empty before.
    pub reason: String,
    /// Whether it can stand in the record.
    pub told: bool,
}

impl Viewing {
    fn of(reason: &str) -> Viewing {
        let reason = reason.trim().to_owned();
        Viewing { told: REASON_CHARS.contains(&reason.chars().count()), reason }
    }

    /// Whether a reason was given that is none.
    pub fn wrong(&self) -> bool {
        !self.told && !self.reason.is_empty()
    }
}

/// Where the company stands in the queue of those that wait.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    /// How many wait; `more` says that there are others.
    pub count: usize,
    /// Whether more wait than are counted.
    pub more: bool,
    /// The one before; empty for none.
    pub previous: String,
    /// The one after; empty for none.
    pub next: String,
}

/// A user of the company.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// Login name.
    pub login: String,
    /// Words and class.
    pub state: Tag,
    /// Its page.
    pub path: String,
}

/// The page.
#[derive(Template)]
#[template(path = "account_review.html")]
pub struct AccountReviewPage {
    /// The frame.
    pub page: Page,
    /// The decision as entered.
    pub form: Form,
    /// The reason for 停用 or 恢复 as entered.
    pub standing: Form,
    /// Id of the company.
    pub operator_id: String,
    /// Its name.
    pub company: String,
    /// State of the account.
    pub state: Tag,
    /// State of the account, as accounts names it.
    pub state_id: String,
    /// The submission that waits; 0 where none does.
    pub waiting: i32,
    /// When, how and for the how manieth time.
    pub line: String,
    /// Item by item.
    pub items: Vec<Compared>,
    /// Whether a valid profile stands beside what waits.
    pub beside: bool,
    /// The licence entered, and the valid one where it differs; or why not.
    pub licences: Result<Vec<Licence>, Away>,
    /// Why it is opened.
    pub viewing: Viewing,
    /// The others that wait; or why not.
    pub queue: Result<Queue, Away>,
    /// Its users.
    pub logins: Vec<Login>,
    /// Every submission with its opinion, the newest first.
    pub history: Vec<Past>,
}

async fn page(visitor: &Visitor, id: &str, viewing: Viewing, form: Form, standing: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = GetOperatorDetailRequest { operator_id: id.to_owned() };
    let detail = visitor.account_review().get_operator(request).await?.into_inner();
    let (menu, title) = if detail.operator.as_ref().is_some_and(|one| one.review_pending) {
        (PENDING, "审核")
    } else {
        (LIST, "企业账号详情")
    };
    let (entered, valid) = sides(&detail);
    let (page, names, queue, licences) = tokio::join!(
        visitor.page(menu, title),
        visitor.portal.divisions.names(),
        queue(visitor, id),
        licences(visitor, &viewing, entered, valid),
    );
    let status = if form.status().is_success() { standing.status() } else { form.status() };
    let parts = (queue?, licences?, viewing);
    visitor.show(status, &AccountReviewPage::of(page, &detail, &names, (form, standing), parts))
}

/// What was entered last, and what is valid where that is something else.
fn sides(detail: &OperatorDetail) -> (Option<&Submission>, Option<&Submission>) {
    let entered = detail.submissions.first();
    let valid = detail.submissions.iter().find(|one| one.version == detail.valid_version);
    (entered, valid.filter(|valid| entered.is_some_and(|entered| entered.version != valid.version)))
}

impl AccountReviewPage {
    /// Why an item has to be ticked; empty while nobody has missed it.
    pub fn missed(&self, item: &str) -> &str {
        self.form.wrong(&anchor(item))
    }

    fn of(
        page: Page,
        detail: &OperatorDetail,
        names: &Known,
        (form, standing): (Form, Form),
        (queue, licences, viewing): (Result<Queue, Away>, Result<Vec<Licence>, Away>, Viewing),
    ) -> AccountReviewPage {
        let operator = detail.operator.clone().unwrap_or_default();
        let (entered, valid) = sides(detail);
        let (text, class) = labels::account(&operator.state);
        let profile = entered.and_then(|one| one.profile.clone()).unwrap_or_default();
        AccountReviewPage {
            page,
            form,
            standing,
            operator_id: operator.operator_id,
            company: or_name(&profile.company_name, &operator.company_name),
            state: Tag { text: text.to_owned(), class },
            waiting: entered.filter(|one| one.outcome == "waiting").map_or(0, |one| one.version),
            line: entered.map(line).unwrap_or_default(),
            items: compared(names, &profile, valid.and_then(|one| one.profile.as_ref()), legacy(entered)),
            beside: valid.is_some(),
            licences,
            viewing,
            queue,
            logins: detail.users.iter().map(login).collect(),
            history: detail.submissions.iter().map(past).collect(),
            state_id: operator.state,
        }
    }
}

fn or_name(entered: &str, valid: &str) -> String {
    if entered.is_empty() { valid.to_owned() } else { entered.to_owned() }
}

fn legacy(entered: Option<&Submission>) -> bool {
    entered.is_none_or(|one| one.entry == "legacy_import")
}

fn line(entered: &Submission) -> String {
    format!(
        "提交于 {} · 第 {} 次提交 · {}",
        format::moment(entered.submitted_at.as_ref()),
        entered.version,
        labels::entry(&entered.entry)
    )
}

fn login(user: &OperatorUser) -> Login {
    let (text, class) = if user.active { ("正常", "ok") } else { ("停用", "draft") };
    Login {
        login: user.login.clone(),
        state: Tag { text: text.to_owned(), class },
        path: format!("/system/users/{}", user.user_id),
    }
}

fn past(one: &Submission) -> Past {
    let (result, tag, class) = labels::outcome(&one.outcome);
    let decided = match &one.decided_at {
        Some(at) => format!("；平台管理员 {} 审核", format::moment(Some(at))),
        None => String::new(),
    };
    Past {
        title: format!("第 {} 次提交（{}）", one.version, labels::entry(&one.entry)),
        result: Tag { text: result.to_owned(), class: tag },
        class,
        who: format!("企业 {} 提交{decided}", format::moment(one.submitted_at.as_ref())),
        opinion: one.opinion.clone(),
        items: Vec::new(),
    }
}

/// The queue of those that wait, and who stands before and after this one.
async fn queue(visitor: &Visitor, id: &str) -> Result<Result<Queue, Away>, Refused> {
    let page = common::Page { page_size: QUEUE_MAX, page_token: String::new() };
    let request =
        ListOperatorsRequest { page: Some(page), review_pending: true, ..ListOperatorsRequest::default() };
    let answer = visitor.account_review().list_operators(request).await;
    Ok(Away::or(answer, "待审核队列")?.map(|answer| {
        let answer = answer.into_inner();
        let ids: Vec<_> = answer.operators.iter().map(|one| one.operator_id.as_str()).collect();
        let here = ids.iter().position(|one| *one == id);
        let path = |at: Option<usize>| {
            at.and_then(|at| ids.get(at)).map(|id| format!("{LIST}/{id}/review")).unwrap_or_default()
        };
        Queue {
            count: ids.len(),
            more: !answer.next_page_token.is_empty(),
            previous: path(here.and_then(|at| at.checked_sub(1))),
            // One that has just been decided stands nowhere: the first of the others is next.
            next: path(Some(here.map_or(0, |at| at + 1))),
        }
    }))
}

/// The licences of what was entered and of what is valid; one where both are the same file.
async fn licences(
    visitor: &Visitor,
    viewing: &Viewing,
    entered: Option<&Submission>,
    valid: Option<&Submission>,
) -> Result<Result<Vec<Licence>, Away>, Refused> {
    let id = |one: Option<&Submission>| {
        one.and_then(|one| one.profile.as_ref()).map(|one| one.licence_file_id.clone()).unwrap_or_default()
    };
    let (new, old) = (id(entered), id(valid));
    let titles = if valid.is_some() {
        ["营业执照（本次提交）", "营业执照（现行有效）"]
    } else {
        ["营业执照"; 2]
    };
    let mut shown = Vec::new();
    for (file_id, title) in [(&new, titles[0]), (&old, titles[1])] {
        if file_id.is_empty() || (title == titles[1] && old == new) {
            continue;
        }
        let answer = visitor.files().get_file(GetFileRequest { file_id: file_id.clone() }).await;
        match Away::or(answer, "营业执照")? {
            Ok(file) => shown.push(licence(title, &viewing.reason, &file.into_inner())),
            Err(away) => return Ok(Err(away)),
        }
    }
    Ok(Ok(shown))
}

fn licence(title: &'static str, reason: &str, file: &File) -> Licence {
    let kind = match file.media_type.as_str() {
        "image/jpeg" | "image/png" => "image",
        "application/pdf" => "document",
        _ => "other",
    };
    Licence {
        title,
        file_name: file.file_name.clone(),
        kind,
        preview: files::preview_path(&file.file_id, reason),
        original: files::original_path(&file.file_id, reason),
    }
}

async fn show(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    let viewing = Viewing::of(filter.value("reason"));
    page(&visitor, &id, viewing, Form::default(), Form::default()).await
}

/// The page again with a form that was refused, the licence still open.
async fn refused(visitor: &Visitor, id: &str, form: Form, standing: Form) -> Answer {
    let viewing = Viewing::of(form.value("opened_for"));
    page(visitor, id, viewing, form, standing).await
}

async fn decide(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    let (decided, done) = match form.value("decision") {
        "approve" => (approve(&visitor, &id, &form).await, "审核通过，已通知企业"),
        "return" => (send_back(&visitor, &id, &form).await, "审核不通过，已通知企业按意见修改后重新提交"),
        _ => {
            form.mark("decision", "请选择审核结论");
            return refused(&visitor, &id, form, Form::default()).await;
        }
    };
    match decided {
        Ok(detail) => {
            let way = if form.has("then", "next") { next(&visitor, &id).await? } else { PENDING.to_owned() };
            visitor.done(&way, &format!("{}：{done}", name(&detail)))
        }
        Err(status) => {
            let mut form = form.refused(status)?;
            for (item, _) in ON_LICENCE {
                form.about(item, &anchor(item));
            }
            refused(&visitor, &id, form, Form::default()).await
        }
    }
}

fn name(detail: &OperatorDetail) -> String {
    detail.operator.as_ref().map(|one| one.company_name.clone()).unwrap_or_default()
}

/// The page of the first that still waits; the list where none does.
async fn next(visitor: &Visitor, id: &str) -> Result<String, Refused> {
    let queue = queue(visitor, id).await?;
    let next = queue.map(|queue| queue.next).unwrap_or_default();
    Ok(if next.is_empty() { PENDING.to_owned() } else { next })
}

/// Id of the tick that an item is as the licence shows it.
fn anchor(item: &str) -> String {
    format!("agrees-{item}")
}

async fn approve(visitor: &Visitor, id: &str, form: &Form) -> Result<OperatorDetail, Status> {
    let request = ApproveOperatorRequest {
        request_id: form.request_id(),
        operator_id: id.to_owned(),
        submission_version: version(form),
        opinion: form.text("opinion"),
        agreed: form.values("agrees"),
    };
    Ok(visitor.account_review().approve(request).await?.into_inner())
}

async fn send_back(visitor: &Visitor, id: &str, form: &Form) -> Result<OperatorDetail, Status> {
    let request = ReturnOperatorRequest {
        request_id: form.request_id(),
        operator_id: id.to_owned(),
        submission_version: version(form),
        opinion: form.text("opinion"),
    };
    Ok(visitor.account_review().r#return(request).await?.into_inner())
}

fn version(form: &Form) -> i32 {
    i32::try_from(form.number("submission_version")).unwrap_or(0)
}

async fn suspend(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    if !form.has("sure", "yes") {
        form.mark("sure", "停用后该企业所有登录立即结束，请勾选确认");
        return page(&visitor, &id, Viewing::default(), Form::default(), form).await;
    }
    let request = SuspendOperatorRequest {
        request_id: form.request_id(),
        operator_id: id.clone(),
        reason: form.text("reason"),
    };
    match visitor.account_review().suspend(request).await {
        Ok(answer) => {
            let done = format!("{}：账号已停用，登录和接口凭证均已失效", name(&answer.into_inner()));
            visitor.done(&format!("{LIST}/{id}/review"), &done)
        }
        Err(status) => page(&visitor, &id, Viewing::default(), Form::default(), form.refused(status)?).await,
    }
}

async fn reinstate(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    let request = ReinstateOperatorRequest {
        request_id: form.request_id(),
        operator_id: id.clone(),
        reason: form.text("reason"),
    };
    match visitor.account_review().reinstate(request).await {
        Ok(answer) => {
            let done = format!("{}：账号已恢复使用", name(&answer.into_inner()));
            visitor.done(&format!("{LIST}/{id}/review"), &done)
        }
        Err(status) => page(&visitor, &id, Viewing::default(), Form::default(), form.refused(status)?).await,
    }
}
