//! 个人资料 of officials, and 登录记录 of everybody: the latest tries to sign in, the own sessions, ending the others.

use askama::Template;
use axum::{http::StatusCode, routing::get};
use proto::accounts::{EndOtherSessionsRequest, GetOwnAccessRequest, OwnAccess};

use super::{Routes, back_to};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor, case::Fact, divisions::Known, format, labels, refused::Away,
    stage::Tag,
};

/// The page of officials.
const PAGE: &str = "/account/profile";
/// The page on which an operator's user finds the same.
const OF_OPERATORS: &str = "/account/password";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(PAGE, get(show))
        .route("/account/sessions", back_to("/account/profile").post(end_others))
}

/// One try to sign in.
#[derive(Debug, Clone, Default)]
pub struct AttemptRow {
    /// When.
    pub at: String,
    /// From where.
    pub address: String,
    /// Whether it succeeded.
    pub outcome: Tag,
}

/// One session in use.
#[derive(Debug, Clone, Default)]
pub struct SessionRow {
    /// When it began.
    pub started_at: String,
    /// When it was last used.
    pub seen_at: String,
    /// From where.
    pub address: String,
    /// The one that looks.
    pub current: bool,
}

/// 登录记录.
#[derive(Debug, Clone, Default)]
pub struct SignIns {
    /// Mobile number, masked.
    pub phone: String,
    /// The newest first.
    pub attempts: Vec<AttemptRow>,
    /// The own one first.
    pub sessions: Vec<SessionRow>,
}

impl From<OwnAccess> for SignIns {
    fn from(access: OwnAccess) -> SignIns {
        let attempts = access.attempts.into_iter().map(|one| {
            let (text, class) = if one.succeeded { ("成功", "ok") } else { ("失败", "danger") };
            AttemptRow {
                at: format::moment(one.at.as_ref()),
                address: format::or_dash(&one.address),
                outcome: Tag { text: text.to_owned(), class },
            }
        });
        let sessions = access.sessions.into_iter().map(|one| SessionRow {
            started_at: format::moment(one.started_at.as_ref()),
            seen_at: format::moment(one.seen_at.as_ref()),
            address: format::or_dash(&one.address),
            current: one.current,
        });
        SignIns { phone: access.masked_phone, attempts: attempts.collect(), sessions: sessions.collect() }
    }
}

/// The own sign-ins and sessions, or the words in their place.
///
/// # Errors
/// The session has ended.
pub async fn sign_ins(visitor: &Visitor) -> Result<Result<SignIns, Away>, Refused> {
    let request = GetOwnAccessRequest { session_token: visitor.session().to_owned() };
    let answer = visitor.portal.sessions.client().get_own_access(request).await;
    Ok(Away::or(answer, "登录记录")?.map(|answer| SignIns::from(answer.into_inner())))
}

/// Whether somebody is of a company.
pub fn of_operator(visitor: &Visitor) -> bool {
    visitor.is(Role::Operator) || visitor.is(Role::OperatorApplicant)
}

/// 个人资料.
#[derive(Template)]
#[template(path = "profile.html")]
pub struct ProfilePage {
    /// The frame.
    pub page: Page,
    /// What is known.
    pub facts: Vec<Fact>,
    /// For 退出其他登录.
    pub form: Form,
    /// 登录记录.
    pub access: Result<SignIns, Away>,
}

async fn show(visitor: Visitor) -> Answer {
    if of_operator(&visitor) {
        return Err(Refused::not_found());
    }
    let (page, names, access) =
        tokio::join!(visitor.page("", "个人资料"), visitor.portal.divisions.names(), sign_ins(&visitor));
    let access = access?;
    let facts = facts(&visitor, &names, access.as_ref().map_or("", |access| &access.phone));
    visitor.show(StatusCode::OK, &ProfilePage { page, facts, form: Form::default(), access })
}

fn facts(visitor: &Visitor, names: &Known, phone: &str) -> Vec<Fact> {
    let view = &visitor.view;
    let fact = |name, value: &str| Fact { name, value: format::or_dash(value) };
    let roles: Vec<_> = view.roles.iter().map(|id| labels::role(id)).collect();
    let places = view.scope.iter().map(|code| match names.city_of(code) {
        city if city.is_empty() => names.name(code),
        city => names.place(&city, code),
    });
    vec![
        fact("姓名", &view.display_name),
        fact("账号名称", &view.login),
        fact("所属单位", &view.office),
        fact("厅委", &labels::department(&view.department)),
        fact("角色", &roles.join("、")),
        fact("管辖区域", &places.collect::<Vec<_>>().join("、")),
        fact("本单位负责人", if view.lead { "是" } else { "否" }),
        fact("手机号", phone),
        fact("本次登录", &format::moment(view.started_at.as_ref())),
    ]
}

async fn end_others(visitor: Visitor, _form: Form) -> Answer {
    let request = EndOtherSessionsRequest { session_token: visitor.session().to_owned() };
    visitor.portal.sessions.client().end_other_sessions(request).await?;
    let back = if of_operator(&visitor) { OF_OPERATORS } else { PAGE };
    visitor.done(back, "其他设备上的登录已全部退出")
}
