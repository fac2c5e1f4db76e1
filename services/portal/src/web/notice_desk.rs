//! 系统管理/通知公告: administrators write, publish, revise and withdraw notices; notifications judges every step.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use futures::future::join_all;
use proto::{
    accounts::{GetUserRequest, directory_client::DirectoryClient},
    notifications::{
        ChangeDraftRequest, CreateDraftRequest, GetNoticeRequest, GetNoticeResponse, ListNoticesRequest,
        Notice, NoticeAct, NoticeContent, PublishRequest, WithdrawRequest,
    },
};

use super::{Routes, back_to};
use crate::{
    Answer, Form, Page, Role, Visitor,
    case::Fact,
    format,
    list::{Filter, Pager, Tab},
    notice::{self, AUDIENCES, Told},
    stage::Tag,
};

/// Menu path, and the list.
pub const LIST: &str = "/system/notices";
/// Saved filters: state and words.
pub const TABS: [(&str, &str); 5] = [
    ("", "全部"),
    ("Draft", "草稿"),
    ("Published", "已发布"),
    ("Withdrawn", "已撤回"),
    ("Replaced", "历史版本"),
];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/system/notices/new", get(blank).post(create))
        .route("/system/notices/{id}", get(show))
        .route("/system/notices/{id}/edit", get(edit).post(change))
        .route("/system/notices/{id}/publish", get(ask_publish).post(publish))
        .route("/system/notices/{id}/withdraw", get(ask_withdraw).post(withdraw))
        .route("/system/notices/{id}/revise", back_to("/system/notices/{id}").post(revise))
}

/// One revision in a list.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its title.
    pub title: String,
    /// For whom, in words.
    pub audiences: String,
    /// Words and class.
    pub state: Tag,
    /// 1, 2, 3 …
    pub revision: i32,
    /// Last day above the others.
    pub pinned_until: String,
    /// When it was published.
    pub published_at: String,
    /// When it was changed last.
    pub changed_at: String,
    /// Office of whoever did.
    pub office: String,
    /// Its page.
    pub path: String,
}

impl Row {
    /// As notifications lists it.
    pub fn of(found: &Notice) -> Row {
        let content = found.content.clone().unwrap_or_default();
        Row {
            title: content.title,
            audiences: notice::audiences(&content.audiences),
            state: notice::state(&found.state),
            revision: found.revision,
            pinned_until: format::or_dash(&content.pinned_until),
            published_at: format::short(found.published_at.as_ref()),
            changed_at: format::short(found.changed_at.as_ref()),
            office: notice::office(&found.office),
            path: format!("{LIST}/{}", found.revision_id),
        }
    }
}

/// The list.
#[derive(Template)]
#[template(path = "notices.html")]
pub struct NoticesPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// The URL's filter.
    pub filter: Filter,
    /// Revisions of this page of the list.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = ListNoticesRequest { page: filter.page(), state: filter.value("state").to_owned() };
    let answer = visitor.notices().list_notices(request).await?.into_inner();
    let page = NoticesPage {
        page: visitor.page(LIST, "通知公告").await,
        tabs: TABS.iter().map(|(state, words)| filter.tab("state", state, words, None)).collect(),
        rows: answer.notices.iter().map(Row::of).collect(),
        pager: filter.pager(&answer.next_page_token, answer.notices.len()).exported(&filter),
        filter,
    };
    visitor.show(StatusCode::OK, &page)
}

/// The form of a draft.
#[derive(Template)]
#[template(path = "notice_edit.html")]
pub struct NoticeEditPage {
    /// The frame.
    pub page: Page,
    /// What was entered, with the version seen.
    pub form: Form,
    /// Where it is sent.
    pub path: String,
    /// Where one goes without saving.
    pub back: String,
    /// For whom it may be.
    pub audiences: Vec<(&'static str, &'static str)>,
}

async fn form_page(visitor: &Visitor, form: Form, (title, path, back): (&str, String, String)) -> Answer {
    let (status, page) = (form.status(), visitor.page(LIST, title).await);
    visitor.show(status, &NoticeEditPage { page, form, path, back, audiences: AUDIENCES.to_vec() })
}

fn new_page() -> (&'static str, String, String) {
    ("新建公告", format!("{LIST}/new"), LIST.to_owned())
}

fn edit_page(id: &str) -> (&'static str, String, String) {
    ("编辑公告", format!("{LIST}/{id}/edit"), format!("{LIST}/{id}"))
}

fn entered(form: &Form) -> Option<NoticeContent> {
    Some(NoticeContent {
        title: form.text("title"),
        body: form.value("body").to_owned(),
        audiences: form.values("audiences"),
        pinned_until: form.text("pinned_until"),
    })
}

async fn blank(visitor: Visitor) -> Answer {
    visitor.only(&[Role::Administrator])?;
    form_page(&visitor, Form::default(), new_page()).await
}

async fn create(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request =
        CreateDraftRequest { request_id: form.request_id(), revises: String::new(), content: entered(&form) };
    match visitor.notices().create_draft(request).await {
        Ok(answer) => saved(&visitor, &answer.into_inner()),
        Err(status) => form_page(&visitor, form.refused(status)?, new_page()).await,
    }
}

fn saved(visitor: &Visitor, draft: &Notice) -> Answer {
    visitor.done(&format!("{LIST}/{}", draft.revision_id), "草稿已保存，核对预览后发布")
}

async fn edit(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let found = load(&visitor, &id).await?.notice.unwrap_or_default();
    let content = found.content.unwrap_or_default();
    let audiences = content.audiences.into_iter().map(|code| ("audiences", code));
    let form = Form::filled(
        [
            ("title", content.title),
            ("body", content.body),
            ("pinned_until", content.pinned_until),
            ("version", found.version.to_string()),
        ]
        .into_iter()
        .chain(audiences),
    );
    form_page(&visitor, form, edit_page(&id)).await
}

async fn change(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = ChangeDraftRequest {
        request_id: form.request_id(),
        revision_id: id.clone(),
        version: form.number("version"),
        content: entered(&form),
    };
    match visitor.notices().change_draft(request).await {
        Ok(answer) => saved(&visitor, &answer.into_inner()),
        Err(status) => form_page(&visitor, form.refused(status)?, edit_page(&id)).await,
    }
}

/// One thing that was done.
#[derive(Debug, Clone, Default)]
pub struct Deed {
    /// What.
    pub title: &'static str,
    /// Class of the history.
    pub class: &'static str,
    /// By whom, when.
    pub who: String,
    /// Of a withdrawal.
    pub reason: String,
}

/// One revision: what readers see of it, what was done with it, its other revisions.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct NoticePage {
    /// The frame.
    pub page: Page,
    /// For 修订, with a request id of its own.
    pub form: Form,
    /// Its page.
    pub path: String,
    /// Words and class.
    pub state: Tag,
    /// `Draft` and so on: which buttons stand there.
    pub state_id: String,
    /// What readers see.
    pub told: Told,
    /// For whom, until when above the others, which revision.
    pub facts: Vec<Fact>,
    /// What was done, newest first.
    pub deeds: Vec<Deed>,
    /// Other revisions, newest first.
    pub others: Vec<Row>,
}

impl NoticePage {
    /// Whether a further revision may be begun from here; notifications judges.
    pub fn revisable(&self) -> bool {
        let drafted = self.others.iter().any(|one| one.state.text == notice::state("Draft").text);
        matches!(self.state_id.as_str(), "Published" | "Withdrawn") && !drafted
    }
}

async fn load(visitor: &Visitor, id: &str) -> Result<GetNoticeResponse, tonic::Status> {
    let request = GetNoticeRequest { revision_id: id.to_owned() };
    Ok(visitor.notices().get_notice(request).await?.into_inner())
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    page(&visitor, &id, Form::default()).await
}

async fn page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let found = load(visitor, id).await?;
    let notice = found.notice.unwrap_or_default();
    let content = notice.content.clone().unwrap_or_default();
    let names = names(visitor, &found.acts).await;
    let line = match notice.state.as_str() {
        "Draft" => "尚未发布".to_owned(),
        _ => format!("{}发布", format::moment(notice.published_at.as_ref())),
    };
    let fact = |name, value: String| Fact { name, value: format::or_dash(&value) };
    let status = form.status();
    let page = NoticePage {
        page: visitor.page(LIST, "公告详情").await,
        form,
        path: format!("{LIST}/{id}"),
        state: notice::state(&notice.state),
        told: Told::of(&content, line),
        facts: vec![
            fact("发布对象", notice::audiences(&content.audiences)),
            fact("置顶至", content.pinned_until),
            fact("版次", format!("第 {} 版", notice.revision)),
        ],
        deeds: found.acts.iter().rev().map(|act| deed(act, &names)).collect(),
        others: found.others.iter().map(Row::of).collect(),
        state_id: notice.state,
    };
    visitor.show(status, &page)
}

/// Names of those who acted; ids stand for those that cannot be read.
async fn names(visitor: &Visitor, acts: &[NoticeAct]) -> BTreeMap<String, String> {
    let mut ids: Vec<_> = acts.iter().map(|act| act.by_user_id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = join_all(ids.iter().map(|id| async move {
        let mut directory = DirectoryClient::new(visitor.portal.peer("accounts"));
        directory.get_user(GetUserRequest { user_id: id.clone() }).await
    }))
    .await;
    let name = |id: &String, found: Result<tonic::Response<proto::accounts::User>, tonic::Status>| {
        found.map_or_else(|_| id.clone(), |user| user.into_inner().display_name)
    };
    ids.iter().zip(found).map(|(id, found)| (id.clone(), name(id, found))).collect()
}

fn deed(act: &NoticeAct, names: &BTreeMap<String, String>) -> Deed {
    let (title, class) = match act.act.as_str() {
        "drafted" => ("新建草稿", "sys"),
        "changed" => ("修改草稿", "sys"),
        "published" => ("发布", "ok"),
        "replaced" => ("被新的版次取代", "sys"),
        "withdrawn" => ("撤回", "bad"),
        _ => ("办理", "sys"),
    };
    let name = names.get(&act.by_user_id).cloned().unwrap_or_default();
    let who = format!("{} {name} · {}", act.office, format::moment(act.at.as_ref()));
    Deed { title, class, who: who.trim().to_owned(), reason: act.reason.clone() }
}

async fn revise(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let found = load(&visitor, &id).await?.notice.unwrap_or_default();
    let request = CreateDraftRequest {
        request_id: form.request_id(),
        revises: found.notice_id,
        content: found.content,
    };
    match visitor.notices().create_draft(request).await {
        Ok(answer) => {
            let path = format!("{LIST}/{}/edit", answer.into_inner().revision_id);
            visitor.done(&path, "已按原内容新建一版草稿；发布前读者看到的仍是原来的版次")
        }
        Err(status) => page(&visitor, &id, form.refused(status)?).await,
    }
}

/// The question before a notice is published.
#[derive(Template)]
#[template(path = "notice_publish.html")]
pub struct NoticePublishPage {
    /// The frame.
    pub page: Page,
    /// Request id, version seen.
    pub form: Form,
    /// Its page.
    pub path: String,
    /// Its version.
    pub version: i64,
    /// Which revision.
    pub revision: i32,
    /// For whom, in words.
    pub audiences: String,
    /// What they will see.
    pub told: Told,
}

async fn ask_publish(visitor: Visitor, Path(id): Path<String>) -> Answer {
    publish_page(&visitor, &id, Form::default()).await
}

async fn publish_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let found = load(visitor, id).await?.notice.unwrap_or_default();
    let content = found.content.unwrap_or_default();
    let status = form.status();
    let page = NoticePublishPage {
        page: visitor.page(LIST, "确认发布公告").await,
        form,
        path: format!("{LIST}/{id}"),
        version: found.version,
        revision: found.revision,
        audiences: notice::audiences(&content.audiences),
        told: Told::of(&content, String::new()),
    };
    visitor.show(status, &page)
}

async fn publish(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let (request_id, version) = (form.request_id(), form.number("version"));
    let request = PublishRequest { request_id, revision_id: id.clone(), version };
    match visitor.notices().publish(request).await {
        Ok(answer) => {
            let content = answer.into_inner().content.unwrap_or_default();
            let done = format!("公告已发布，{}现在可以看到", notice::audiences(&content.audiences));
            visitor.done(&format!("{LIST}/{id}"), &done)
        }
        Err(status) => publish_page(&visitor, &id, form.refused(status)?).await,
    }
}

/// The question before a notice is withdrawn.
#[derive(Template)]
#[template(path = "notice_withdraw.html")]
pub struct NoticeWithdrawPage {
    /// The frame.
    pub page: Page,
    /// Request id, version seen, reason.
    pub form: Form,
    /// Its page.
    pub path: String,
    /// Its version.
    pub version: i64,
    /// Its title.
    pub title: String,
    /// For whom, in words.
    pub audiences: String,
}

async fn ask_withdraw(visitor: Visitor, Path(id): Path<String>) -> Answer {
    withdraw_page(&visitor, &id, Form::default()).await
}

async fn withdraw_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let found = load(visitor, id).await?.notice.unwrap_or_default();
    let content = found.content.unwrap_or_default();
    let status = form.status();
    let page = NoticeWithdrawPage {
        page: visitor.page(LIST, "撤回公告").await,
        form,
        path: format!("{LIST}/{id}"),
        version: found.version,
        audiences: notice::audiences(&content.audiences),
        title: content.title,
    };
    visitor.show(status, &page)
}

async fn withdraw(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = WithdrawRequest {
        request_id: form.request_id(),
        revision_id: id.clone(),
        version: form.number("version"),
        reason: form.text("reason"),
    };
    match visitor.notices().withdraw(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}"), "公告已撤回，读者不再看到；内容和原因保留在本页"),
        Err(status) => withdraw_page(&visitor, &id, form.refused(status)?).await,
    }
}
