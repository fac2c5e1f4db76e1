//! What the platform said instead of doing what was asked, as pages show it. The one place that knows how.
//!
//! A form goes through [`crate::form::Form::refused`]: 422, 409, 429 and 503 keep what was entered. A page that cannot be
//! shown at all answers a [`Refused`]; the frame around it is put on in `guard`. A part of a page that cannot be read is a
//! [`Away`]. Source: ui, sections 6 and 8.

use std::collections::HashMap;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chassis::error::{Kind, Refusal};
use tonic::Status;

use crate::{format, labels};

/// Reason of a form whose token is not this browser's.
pub const FORM_FOREIGN: &str = "form_foreign";

/// Reason of an act for which a second factor has to be shown again.
pub const STEP_UP: &str = "step_up_required";

/// Answer of every handler.
pub type Answer = Result<Response, Refused>;

/// Why a page or an act did not come about.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Decides the status and the page.
    pub kind: Kind,
    /// Stable reason id.
    pub reason: String,
    /// What is wrong and how to go on, in Chinese.
    pub text: String,
    /// Field and text, in the order of the service.
    pub fields: Vec<(String, String)>,
    /// Machine-readable facts, e.g. who changed it and when.
    pub facts: Box<HashMap<String, String>>,
    /// Leads to the trace; shown for 500 and 503.
    pub trace_id: String,
}

impl Refused {
    fn new(kind: Kind, reason: &str, text: &str) -> Refused {
        Refused {
            kind,
            reason: reason.to_owned(),
            text: text.to_owned(),
            fields: Vec::new(),
            facts: Box::default(),
            trace_id: chassis::telemetry::trace_id(),
        }
    }

    /// There is no such page for this person.
    pub fn not_found() -> Refused {
        Refused::new(Kind::NotFound, "not_found", "页面不存在或已被移动")
    }

    /// The role may see the page, this person may not.
    pub fn forbidden() -> Refused {
        Refused::new(Kind::Forbidden, "not_permitted", "您的账号没有查看此内容的权限")
    }

    /// Nobody is signed in; becomes the way to the sign-in page and back.
    pub fn signed_out() -> Refused {
        Refused::new(Kind::Unauthenticated, "session_ended", "登录已超时，请重新登录后继续")
    }

    /// The form was not made for this browser, or comes from elsewhere.
    pub fn foreign_form() -> Refused {
        Refused::new(Kind::Forbidden, FORM_FOREIGN, "页面已过期，请返回上一页并刷新后重新提交")
    }

    /// A reason to open a file that another site put into a link.
    pub fn foreign_reason() -> Refused {
        let text = "查看事由须在本系统的页面中填写，请从申请页面打开该文件";
        Refused::new(Kind::Forbidden, "reason_foreign", text)
    }

    /// The form cannot be read at all, e.g. it is larger than allowed.
    pub fn unreadable(text: &str) -> Refused {
        Refused::new(Kind::Invalid, "form_unreadable", text)
    }

    /// Too many tries of one address.
    pub fn too_often(minutes: u64) -> Refused {
        Refused::new(Kind::Busy, "too_often", &format!("操作过于频繁，请 {minutes} 分钟后再试"))
    }

    /// A list that has more rows than one file takes.
    pub fn too_long(rows: usize) -> Refused {
        let text =
            format!("符合条件的记录超过 {rows} 条，请用筛选条件（如区县、批次、节点）缩小范围后分次导出");
        Refused::new(Kind::Invalid, "list_too_long", &text)
    }

    /// As many as can be served at a time are being served.
    pub fn crowded(what: &str) -> Refused {
        Refused::new(Kind::Busy, "crowded", &format!("同时{what}的人较多，请一分钟后再试"))
    }

    /// The person has as many under way as one may have.
    pub fn crowded_by_oneself(what: &str, most: usize) -> Refused {
        let text = format!("您已有 {most} 个{what}正在进行，请等其中一个完成后再试");
        Refused::new(Kind::Busy, "crowded", &text)
    }

    /// A fault of the portal; logged here.
    pub fn fault(error: &dyn std::error::Error) -> Refused {
        tracing::error!(error = %chassis::error::chain(error), "page failed");
        Refused::new(Kind::Internal, "internal", "系统出现问题，我们已收到记录")
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        let (_, status, _) = self.kind.meaning();
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whether somebody else changed it meanwhile; `text` says who and when.
    pub fn overtaken(&self) -> bool {
        // Whoever says what was done meanwhile says that somebody was first.
        self.facts.contains_key("deed")
            || matches!(
                self.reason.as_str(),
                "stale_version"
                    | "already_decided"
                    | "already_withdrawn"
                    | "stale_submission"
                    | "edited_meanwhile"
                    | "dossier_changed"
                    | "invoice_changed"
            )
    }
}

impl Refused {
    /// What somebody could not do because another one was first. Source: ui, section 8.
    pub fn prevented(&self) -> String {
        let fact = |name| self.facts.get(name).map(String::as_str).unwrap_or_default();
        let (prevented, deed) = match self.reason.as_str() {
            "already_decided" => ("未能撤回", "审核"),
            "already_withdrawn" => ("未能审核", "撤回"),
            _ if !fact("deed").is_empty() => ("未能提交，内容已被他人更新", fact("deed")),
            _ => return "未能提交，内容已被他人更新".to_owned(),
        };
        // Companies have no office.
        let who = match fact("office") {
            "" => labels::actor(fact("role")),
            office => office,
        };
        format!("{prevented}：{who} 已于 {} {deed}", format::moment_of(fact("at")))
    }
}

/// A service's refusal passes through with reason, fields and words.
impl From<Status> for Refused {
    fn from(status: Status) -> Refused {
        let kind = Kind::behind(&status);
        if matches!(kind, Kind::Internal | Kind::Unavailable) {
            tracing::warn!(code = ?status.code(), message = status.message(), "a service did not answer");
        }
        let own = match kind {
            Kind::NotFound => Some(Refused::not_found()),
            Kind::Internal => Some(Refused::new(kind, "internal", "系统出现问题，我们已收到记录")),
            Kind::Unavailable => {
                Some(Refused::new(kind, "service_unavailable", "相关服务暂时不可用，请稍后重试"))
            }
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::Reused
            | Kind::Refused
            | Kind::Conflict
            | Kind::Busy => None,
        };
        if let Some(own) = own {
            return own;
        }
        match Refusal::read(&status) {
            Some(said) => Refused {
                fields: said.fields,
                facts: Box::new(said.metadata),
                ..Refused::new(kind, &said.reason, &said.text)
            },
            None => Refused::new(kind, "unexplained", "操作未成功，请稍后重试"),
        }
    }
}

/// Empty but for the status: `guard::frame_refusals` makes the page of it.
impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A part of a page that cannot be read just now; the rest is shown.
#[derive(Debug, Clone)]
pub struct Away {
    /// What is missing, e.g. 待办事项.
    pub what: &'static str,
    /// Leads to the trace.
    pub trace_id: String,
    /// The reader may not see it: waiting does not help.
    pub denied: bool,
}

impl Away {
    /// Takes a part's answer: its value, or the words in its place. A person without a session gets the sign-in page.
    ///
    /// # Errors
    /// The session has ended.
    pub fn or<T>(answer: Result<T, Status>, what: &'static str) -> Result<Result<T, Away>, Refused> {
        match answer.map_err(Refused::from) {
            Ok(value) => Ok(Ok(value)),
            Err(refused) if refused.kind == Kind::Unauthenticated => Err(refused),
            Err(refused) => {
                let denied = matches!(refused.kind, Kind::Forbidden | Kind::NotFound);
                Ok(Err(Away { what, trace_id: refused.trace_id, denied }))
            }
        }
    }
}
