//! 账号/成员与登录: people of an operator. Everybody of the company reads them; the owner (主账号) manages them, and accounts
//! decides.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::accounts::{
    AddMemberRequest, DeactivateMemberRequest, EndMemberSessionsRequest, HandOverRequest, ListMembersRequest,
    Member, ReissueMemberPasswordRequest, RestoreMemberRequest,
};
use tonic::{Response, Status};

use super::Routes;
use crate::{Answer, Form, Page, Refused, Role, Visitor, case::Fact, format, labels, stage::Tag};

/// Menu path, and the list.
pub const LIST: &str = "/account/members";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/account/members/new", get(blank).post(add))
        .route("/account/members/{id}", get(show))
        .route("/account/members/{id}/password", get(show).post(reissue))
        .route("/account/members/{id}/sessions", get(show).post(end_sessions))
        .route("/account/members/{id}/deactivate", get(show).post(deactivate))
        .route("/account/members/{id}/restore", get(show).post(restore))
        .route("/account/members/{id}/owner", get(show).post(hand_over))
}

/// One person in the list.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Name shown.
    pub name: String,
    /// Login name.
    pub login: String,
    /// Mobile number, masked.
    pub phone: String,
    /// Manages the others.
    pub owner: bool,
    /// The person who looks.
    pub oneself: bool,
    /// State of the sign-in.
    pub state: Tag,
    /// Last sign-in.
    pub signed_in_at: String,
    /// Sessions in use.
    pub sessions: i32,
    /// Its page.
    pub path: String,
}

fn row(visitor: &Visitor, member: &Member) -> Row {
    Row {
        name: format::or_dash(&member.display_name),
        login: member.login.clone(),
        phone: format::or_dash(&member.masked_phone),
        owner: member.owner,
        oneself: member.user_id == visitor.view.user_id,
        state: state(member),
        signed_in_at: format::short(member.signed_in_at.as_ref()),
        sessions: member.sessions,
        path: format!("{LIST}/{}", member.user_id),
    }
}

pub(super) fn state(member: &Member) -> Tag {
    let (text, class) = labels::credential(member.active, &member.credential_state);
    Tag { text: text.to_owned(), class }
}

/// The list.
#[derive(Template)]
#[template(path = "members.html")]
pub struct MembersPage {
    /// The frame.
    pub page: Page,
    /// The owner first.
    pub rows: Vec<Row>,
    /// Whether the reader is the owner.
    pub manages: bool,
}

async fn list(visitor: Visitor) -> Answer {
    visitor.only(&[Role::Operator])?;
    let mut client = visitor.members();
    let (page, answer) =
        tokio::join!(visitor.page(LIST, "成员与登录"), client.list_members(ListMembersRequest {}));
    let answer = answer?.into_inner();
    let rows = answer.members.iter().map(|member| row(&visitor, member)).collect();
    visitor.show(StatusCode::OK, &MembersPage { page, rows, manages: answer.manages })
}

/// The form of a new member.
#[derive(Template)]
#[template(path = "member_new.html")]
pub struct NewMemberPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
}

async fn new(visitor: &Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let status = form.status();
    visitor.show(status, &NewMemberPage { page: visitor.page(LIST, "添加成员").await, form })
}

async fn blank(visitor: Visitor) -> Answer {
    new(&visitor, Form::default()).await
}

async fn add(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = AddMemberRequest {
        request_id: form.request_id(),
        login: form.text("login"),
        display_name: form.text("display_name"),
        phone: form.text("contact_phone"),
    };
    match visitor.members().add_member(request).await {
        Ok(answer) => {
            let member = answer.into_inner();
            let done = format!(
                "成员 {} 已添加，一次性密码已发送至 {}；首次登录须验证手机号并设置新密码",
                member.login, member.masked_phone
            );
            visitor.done(LIST, &done)
        }
        Err(status) => new(&visitor, form.refused(status)?).await,
    }
}

/// What may be done with a member.
struct Act {
    path: &'static str,
    label: &'static str,
    /// What follows from it.
    effect: &'static str,
    /// For deactivated members, for active ones.
    when_active: bool,
    /// What a person ticks first; empty where nothing is.
    sure: &'static str,
}

const ACTS: [Act; 5] = [
    Act {
        path: "password",
        label: "重置登录",
        effect: "原密码立即失效、所有登录结束；一次性密码发送至登记手机号，登录后须修改。",
        when_active: true,
        sure: "",
    },
    Act {
        path: "sessions",
        label: "结束登录",
        effect: "该成员在所有设备上的登录立即结束，可以重新登录。",
        when_active: true,
        sure: "",
    },
    Act {
        path: "deactivate",
        label: "停用",
        effect: "该成员不能再登录，所有登录立即结束；其办理记录保留，需要时可以恢复。",
        when_active: true,
        sure: "",
    },
    Act {
        path: "restore",
        label: "恢复",
        effect: "该成员可以用原密码再次登录；忘记密码的可重置登录。",
        when_active: false,
        sure: "",
    },
    Act {
        path: "owner",
        label: "转交主账号",
        effect: "转交后由该成员管理本企业的成员，您不再是主账号；只有新的主账号可以再转交。",
        when_active: true,
        sure: "我已确认将主账号转交给该成员",
    },
];

/// An act as the page offers it.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// Where it posts to.
    pub path: String,
    /// The button.
    pub label: &'static str,
    /// What follows from it.
    pub effect: &'static str,
    /// What a person ticks first; empty where nothing is.
    pub sure: &'static str,
    /// Its form, with a request id of its own.
    pub form: Form,
}

/// One member.
#[derive(Template)]
#[template(path = "member.html")]
pub struct MemberPage {
    /// The frame.
    pub page: Page,
    /// Why the last act was refused.
    pub form: Form,
    /// Name shown.
    pub name: String,
    /// State of the sign-in.
    pub state: Tag,
    /// What is known.
    pub facts: Vec<Fact>,
    /// What may be done.
    pub acts: Vec<Offered>,
    /// Why nothing may be done; empty where something may.
    pub why_not: &'static str,
}

async fn page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let mut client = visitor.members();
    let (page, answer) =
        tokio::join!(visitor.page(LIST, "成员详情"), client.list_members(ListMembersRequest {}));
    let answer = answer?.into_inner();
    let found = answer.members.iter().find(|member| member.user_id == id);
    let member = found.ok_or_else(Refused::not_found)?;
    let why_not = match (answer.manages, member.owner) {
        (false, _) => "成员由主账号管理，如需变更请联系本企业的主账号",
        (true, true) => "这是您自己的主账号：停用前请先转交给其他成员，密码请在“修改密码”中更改",
        (true, false) => "",
    };
    let offered = ACTS.iter().filter(|act| why_not.is_empty() && act.when_active == member.active);
    let status = form.status();
    let page = MemberPage {
        page,
        form,
        name: format::or_dash(&member.display_name),
        state: state(member),
        facts: facts(member),
        acts: offered
            .map(|act| Offered {
                path: format!("{LIST}/{id}/{}", act.path),
                label: act.label,
                effect: act.effect,
                sure: act.sure,
                form: Form::default(),
            })
            .collect(),
        why_not,
    };
    visitor.show(status, &page)
}

fn facts(member: &Member) -> Vec<Fact> {
    let fact = |name, value: &str| Fact { name, value: format::or_dash(value) };
    vec![
        fact("账号名称", &member.login),
        fact("姓名", &member.display_name),
        fact("手机号", &member.masked_phone),
        fact("身份", if member.owner { "主账号" } else { "成员" }),
        fact("最近登录", &format::moment(member.signed_in_at.as_ref())),
        fact("在用登录", &format!("{} 个", member.sessions)),
        fact("创建时间", &format::moment(member.created_at.as_ref())),
    ]
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    page(&visitor, &id, Form::default()).await
}

/// The page again, with what has been done or why it has not.
async fn acted(
    visitor: &Visitor,
    id: &str,
    form: Form,
    answer: Result<Response<Member>, Status>,
    done: &str,
) -> Answer {
    match answer {
        Ok(answer) => {
            visitor.done(&format!("{LIST}/{id}"), &format!("{}：{done}", answer.into_inner().login))
        }
        Err(status) => page(visitor, id, form.refused(status)?).await,
    }
}

async fn reissue(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = ReissueMemberPasswordRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.members().reissue_member_password(request).await;
    acted(&visitor, &id, form, answer, "一次性密码已发送至登记手机号，原密码已失效").await
}

async fn end_sessions(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = EndMemberSessionsRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.members().end_member_sessions(request).await;
    acted(&visitor, &id, form, answer, "所有登录已结束").await
}

async fn deactivate(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = DeactivateMemberRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.members().deactivate_member(request).await;
    acted(&visitor, &id, form, answer, "账号已停用，需要时可以恢复").await
}

async fn restore(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = RestoreMemberRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.members().restore_member(request).await;
    acted(&visitor, &id, form, answer, "账号已恢复，可以再次登录").await
}

async fn hand_over(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    if !form.has("sure", "yes") {
        form.mark("sure", "转交后您不再是主账号，请勾选确认");
        return page(&visitor, &id, form).await;
    }
    let request = HandOverRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.members().hand_over(request).await;
    acted(&visitor, &id, form, answer, "已成为主账号，由其管理本企业的成员").await
}
