//! 系统管理/账号管理/全部账号: people of government bodies; one person, also of a company: passwords, locks, the end of an account.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::accounts::{
    CreateOfficialRequest, DeactivateUserRequest, EndSessionsRequest, GetUserViewRequest, ListUsersRequest,
    ReissuePasswordRequest, ResetSecondFactorRequest, UnlockUserRequest, UserView,
};

use super::{Routes, rounds};
use crate::{
    Answer, Form, Page, Role, Visitor,
    case::Fact,
    divisions::{Known, Place},
    format,
    labels::{self, OFFICIAL_ROLES},
    list::{Filter, Pager, Tab},
    stage::Tag,
};

/// Menu path, and the list.
pub const LIST: &str = "/system/users";
pub(super) const READERS: [Role; 4] =
    [Role::Administrator, Role::SecurityAdministrator, Role::SystemAdministrator, Role::AuditAdministrator];
/// Who makes and ends accounts.
const OFFICE: [Role; 2] = [Role::Administrator, Role::SecurityAdministrator];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/system/users/new", get(blank).post(create))
        .route("/system/users/{id}", get(show))
        .route("/system/users/{id}/password", get(show).post(reissue))
        .route("/system/users/{id}/deactivate", get(show).post(deactivate))
        .route("/system/users/{id}/second-factor", get(show).post(reset_second_factor))
        .route("/system/users/{id}/unlock", get(show).post(unlock))
        .route("/system/users/{id}/sessions", get(show).post(end_sessions))
}

/// One person in the list.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Name shown.
    pub name: String,
    /// Login name.
    pub login: String,
    /// Roles in words.
    pub roles: String,
    /// Divisions in words.
    pub scope: String,
    /// Office, department.
    pub office: String,
    /// State of the sign-in.
    pub state: Tag,
    /// When it was made.
    pub created_at: String,
    /// Its page.
    pub path: String,
}

impl Row {
    fn of(names: &Known, user: &UserView) -> Row {
        Row {
            name: user.display_name.clone(),
            login: user.login.clone(),
            roles: roles(user),
            scope: scope(names, user),
            office: format::or_dash(&office(user)),
            state: state(user),
            created_at: format::short(user.created_at.as_ref()),
            path: format!("{LIST}/{}", user.user_id),
        }
    }
}

pub(super) fn roles(user: &UserView) -> String {
    user.roles.iter().map(|id| labels::role(id)).collect::<Vec<_>>().join("、")
}

pub(super) fn scope(names: &Known, user: &UserView) -> String {
    let places: Vec<_> = user
        .scope
        .iter()
        .map(|code| match names.city_of(code) {
            city if city.is_empty() => names.name(code),
            city => names.place(&city, code),
        })
        .collect();
    format::or_dash(&places.join("、"))
}

pub(super) fn office(user: &UserView) -> String {
    let department = labels::department(&user.department);
    let parts = [user.office.as_str(), department.as_str(), user.employer.as_str()];
    parts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")
}

pub(super) fn state(user: &UserView) -> Tag {
    let (text, class) = labels::credential(user.active, &user.credential_state);
    Tag { text: text.to_owned(), class }
}

/// The list.
#[derive(Template)]
#[template(path = "users.html")]
pub struct UsersPage {
    /// The frame.
    pub page: Page,
    /// By role.
    pub tabs: Vec<Tab>,
    /// The URL's filter.
    pub filter: Filter,
    /// People of this page of the list.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
    /// Whether the reader may make accounts.
    pub makes: bool,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&READERS)?;
    let request = ListUsersRequest { page: filter.page(), role: filter.value("role").to_owned() };
    let mut client = visitor.users();
    let (page, names, answer) = tokio::join!(
        visitor.page(LIST, "全部账号"),
        visitor.portal.divisions.names(),
        client.list_users(request)
    );
    let answer = answer?.into_inner();
    let roles = [("", "全部")].into_iter().chain(OFFICIAL_ROLES);
    let page = UsersPage {
        page,
        tabs: roles.map(|(id, words)| filter.tab("role", id, words, None)).collect(),
        rows: answer.users.iter().map(|user| Row::of(&names, user)).collect(),
        pager: filter.pager(&answer.next_page_token, answer.users.len()).exported(&filter),
        filter,
        makes: OFFICE.iter().any(|role| visitor.is(*role)),
    };
    visitor.show(StatusCode::OK, &page)
}

/// The form of a new account.
#[derive(Template)]
#[template(path = "user_new.html")]
pub struct NewUserPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Roles that the reader may give.
    pub roles: Vec<(&'static str, &'static str)>,
    /// Cities with their counties, to choose from.
    pub places: Vec<Place>,
    /// Departments to choose from: code and name.
    pub departments: Vec<(String, String)>,
}

async fn new(visitor: &Visitor, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let names = visitor.portal.divisions.list().await?;
    let (page, departments) = tokio::join!(visitor.page(LIST, "新建账号"), rounds::departments(visitor));
    let separated = |id: &str| id.ends_with("_administrator");
    let gives = visitor.is(Role::SecurityAdministrator);
    let status = form.status();
    let page = NewUserPage {
        page,
        form,
        roles: OFFICIAL_ROLES.into_iter().filter(|(id, _)| gives || !separated(id)).collect(),
        places: names.places(),
        departments,
    };
    visitor.show(status, &page)
}

async fn blank(visitor: Visitor) -> Answer {
    new(&visitor, Form::default()).await
}

async fn create(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let request = CreateOfficialRequest {
        request_id: form.request_id(),
        login: form.text("login"),
        display_name: form.text("display_name"),
        roles: form.values("roles"),
        scope: form.values("scope"),
        office: form.text("office"),
        department: form.text("department"),
        employer: form.text("employer"),
        lead: form.has("lead", "1"),
        phone: form.text("contact_phone"),
    };
    match visitor.users().create_official(request).await {
        Ok(answer) => {
            let user = answer.into_inner();
            let done = format!(
                "账号 {} 已创建，一次性密码已发送至 {}；首次登录须修改密码",
                user.login,
                format::masked_phone(form.value("contact_phone"))
            );
            visitor.done(&format!("{LIST}/{}", user.user_id), &done)
        }
        Err(status) => new(&visitor, form.refused(status)?).await,
    }
}

/// What may be done with an account, by whom.
struct Act {
    path: &'static str,
    label: &'static str,
    /// What follows from it.
    effect: &'static str,
    by: &'static [Role],
    /// Cannot be undone.
    ends: bool,
}

/// The act that is there only where a second factor is enrolled.
const SECOND_FACTOR: &str = "second-factor";

const ACTS: [Act; 5] = [
    Act {
        path: "password",
        label: "重新发放密码",
        effect: "原密码立即失效、所有登录结束；一次性密码发送至登记手机号，登录后须修改。",
        by: &OFFICE,
        ends: false,
    },
    Act {
        path: SECOND_FACTOR,
        label: "重置动态口令",
        effect: "手机遗失或更换时使用：动态口令停用、所有登录结束；请先当面或电话核实本人身份。",
        by: &[Role::SecurityAdministrator],
        ends: false,
    },
    Act {
        path: "unlock",
        label: "解除锁定",
        effect: "密码错误次数清零，可以立即再次登录；动态口令的锁定不解除，到时自动恢复。",
        by: &[Role::SystemAdministrator],
        ends: false,
    },
    Act {
        path: "sessions",
        label: "结束登录",
        effect: "该账号在所有设备上的登录立即结束。",
        by: &[Role::SystemAdministrator],
        ends: false,
    },
    Act {
        path: "deactivate",
        label: "停用账号",
        effect: "账号停用后不能恢复，所有登录立即结束；其办理记录保留。",
        by: &OFFICE,
        ends: true,
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
    /// Whether it cannot be undone.
    pub ends: bool,
    /// Its form, with a request id of its own.
    pub form: Form,
}

/// One person.
#[derive(Template)]
#[template(path = "user.html")]
pub struct UserPage {
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
    /// The company of an operator's user; empty otherwise.
    pub company: String,
    /// What may be done.
    pub acts: Vec<Offered>,
}

async fn page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&READERS)?;
    let mut client = visitor.users();
    let (page, names, user) = tokio::join!(
        visitor.page(LIST, "账号详情"),
        visitor.portal.divisions.names(),
        client.get_user(GetUserViewRequest { user_id: id.to_owned() })
    );
    let user = user?.into_inner();
    let reviews = visitor.is(Role::Administrator) && !user.operator_id.is_empty();
    let offered = |act: &&Act| {
        let there = act.path != SECOND_FACTOR || user.second_factor;
        user.active && there && act.by.iter().any(|role| visitor.is(*role))
    };
    let acts = ACTS.iter().filter(offered);
    let status = form.status();
    let page = UserPage {
        page,
        form,
        name: user.display_name.clone(),
        state: state(&user),
        facts: facts(&names, &user),
        company: if reviews {
            format!("/system/accounts/{}/review", user.operator_id)
        } else {
            String::new()
        },
        acts: acts
            .map(|act| Offered {
                path: format!("{LIST}/{id}/{}", act.path),
                label: act.label,
                effect: act.effect,
                ends: act.ends,
                form: Form::default(),
            })
            .collect(),
    };
    visitor.show(status, &page)
}

fn facts(names: &Known, user: &UserView) -> Vec<Fact> {
    let fact = |name, value: &str| Fact { name, value: format::or_dash(value) };
    vec![
        fact("账号名称", &user.login),
        fact("姓名", &user.display_name),
        fact("角色", &roles(user)),
        fact("管辖区域", &scope(names, user)),
        fact("所属单位", &user.office),
        fact("厅委", &labels::department(&user.department)),
        fact("工作单位", &user.employer),
        fact("动态口令", if user.second_factor { "已启用" } else { "未启用" }),
        fact("创建时间", &format::moment(user.created_at.as_ref())),
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
    answer: Result<tonic::Response<UserView>, tonic::Status>,
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
    visitor.only(&OFFICE)?;
    let request = ReissuePasswordRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.users().reissue_password(request).await;
    acted(&visitor, &id, form, answer, "一次性密码已发送至登记手机号，原密码已失效").await
}

async fn deactivate(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    if !form.has("sure", "yes") {
        form.mark("sure", "停用后不能恢复，请勾选确认");
        return page(&visitor, &id, form).await;
    }
    let request = DeactivateUserRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.users().deactivate(request).await;
    acted(&visitor, &id, form, answer, "账号已停用").await
}

async fn reset_second_factor(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::SecurityAdministrator])?;
    let request = ResetSecondFactorRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.users().reset_second_factor(request).await;
    acted(&visitor, &id, form, answer, "动态口令已停用，下次登录后可重新启用").await
}

async fn unlock(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::SystemAdministrator])?;
    let request = UnlockUserRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.users().unlock(request).await;
    acted(&visitor, &id, form, answer, "已解除锁定").await
}

async fn end_sessions(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::SystemAdministrator])?;
    let request = EndSessionsRequest { request_id: form.request_id(), user_id: id.clone() };
    let answer = visitor.users().end_sessions(request).await;
    acted(&visitor, &id, form, answer, "所有登录已结束").await
}
