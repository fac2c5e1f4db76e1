//! 撤回修改, 删除, 终止: a page that says what follows and asks once more, and the act itself.

use askama::Template;
use axum::{Router, extract::Path, routing::get};
use proto::reviews::{ApplicationView, DeleteRequest, TerminateRequest, WithdrawRequest};
use tonic::Status;

use super::{Routes, applications::LIST};
use crate::{Answer, Form, Page, Role, Visitor, case::Case};

/// One act that takes something back or ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Stable id of the command, and last part of the path.
    pub command: &'static str,
    /// See `command`.
    pub part: &'static str,
    /// Heading and button.
    pub label: &'static str,
    /// What follows.
    pub consequence: &'static str,
    /// Whether a reason can be given.
    pub reason: bool,
    done: &'static str,
}

/// Every ending.
pub const ENDINGS: [Ending; 3] = [
    Ending {
        command: "Withdraw",
        part: "withdraw",
        label: "撤回修改",
        consequence: "撤回后审核方将看不到本次提交，本次提交仍保留在审核记录中；修改后需重新提交，重新计算审核时间。",
        reason: false,
        done: "已撤回，修改后请重新提交",
    },
    Ending {
        command: "Delete",
        part: "delete",
        label: "删除",
        consequence: "草稿从未提交，删除后不可恢复；该充电站可以重新发起申请。",
        reason: false,
        done: "草稿已删除，可以重新发起申请",
    },
    Ending {
        command: "Terminate",
        part: "terminate",
        label: "终止",
        consequence: "终止后不可恢复，占用的发票金额和充电接口将释放；审核记录保留。",
        reason: true,
        done: "申请已终止，占用的发票金额和充电接口已释放",
    },
];

/// Routes of this area.
pub fn routes() -> Routes {
    ENDINGS.into_iter().fold(Router::new(), |routes, ending| {
        let ask = move |visitor: Visitor, Path(id): Path<String>| async move {
            page(&visitor, &id, ending, Form::default()).await
        };
        let act = move |visitor: Visitor, Path(id): Path<String>, form: Form| async move {
            act(&visitor, &id, ending, form).await
        };
        routes.route(&format!("{LIST}/{{id}}/{}", ending.part), get(ask).post(act))
    })
}

/// The question.
#[derive(Template)]
#[template(path = "ending.html")]
pub struct EndingPage {
    /// The frame.
    pub page: Page,
    /// Request id, version, reason.
    pub form: Form,
    /// What is asked.
    pub ending: Ending,
    /// The application.
    pub case: Case,
    /// Why it is not allowed; empty where it is.
    pub why: String,
}

async fn page(visitor: &Visitor, id: &str, ending: Ending, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let (page, case) = tokio::join!(visitor.page(LIST, ending.label), Case::load(visitor, id));
    let case = case?;
    let status = form.status();
    let why = case.refusal(ending.command);
    visitor.show(status, &EndingPage { page, form, ending, case, why })
}

async fn act(visitor: &Visitor, id: &str, ending: Ending, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    match command(visitor, id, ending, &form).await {
        Ok(_) if ending.command == "Delete" => visitor.done(LIST, ending.done),
        Ok(_) => visitor.done(&format!("{LIST}/{id}"), ending.done),
        Err(status) => page(visitor, id, ending, form.refused(status)?).await,
    }
}

async fn command(
    visitor: &Visitor,
    id: &str,
    ending: Ending,
    form: &Form,
) -> Result<tonic::Response<ApplicationView>, Status> {
    let mut client = visitor.applications();
    let (request_id, application_id, version) = (form.request_id(), id.to_owned(), form.number("version"));
    match ending.command {
        "Withdraw" => client.withdraw(WithdrawRequest { request_id, application_id, version }).await,
        "Delete" => client.delete(DeleteRequest { request_id, application_id, version }).await,
        _ => {
            let reason = form.text("reason");
            client.terminate(TerminateRequest { request_id, application_id, version, reason }).await
        }
    }
}
