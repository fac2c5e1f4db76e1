//! Steps of county and city beside a decision: 线下初审登记, 撤销通过, 收回. One page each, so that they can be linked.

use askama::Template;
use axum::{extract::Path, routing::get};
use proto::reviews::{RecordPaperCheckRequest, RevokePassRequest, TakeBackRequest};

use super::{Routes, county_subsidies::LIST};
use crate::{
    Answer, Form, Page, Role, Visitor,
    case::Case,
    labels::CATEGORIES,
    review::{self, Way},
};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/supervision/county-subsidies/{id}/paper-check", get(papers).post(check))
        .route("/supervision/county-subsidies/{id}/revoke", get(revoking).post(revoke))
        .route("/supervision/county-subsidies/{id}/take-back", get(taking_back).post(take_back))
}

/// 线下初审登记.
#[derive(Template)]
#[template(path = "paper_check.html")]
pub struct PaperCheckPage {
    /// The frame.
    pub page: Page,
    /// The check as entered.
    pub form: Form,
    /// The application.
    pub case: Case,
    /// The nine categories: id and words.
    pub categories: [(&'static str, &'static str); 9],
    /// The latest day that can be chosen.
    pub today: String,
}

async fn paper_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::County])?;
    let (page, case) = tokio::join!(visitor.page(LIST, "线下初审登记"), Case::load(visitor, id));
    let (status, today) = (form.status(), crate::format::date_of_today());
    visitor.show(status, &PaperCheckPage { page, form, case: case?, categories: CATEGORIES, today })
}

async fn papers(visitor: Visitor, Path(id): Path<String>) -> Answer {
    paper_page(&visitor, &id, Form::default()).await
}

async fn check(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&[Role::County])?;
    let complete = match form.value("result") {
        "complete" => true,
        "missing" => false,
        _ => {
            form.mark("result", "请选择初审结果");
            return paper_page(&visitor, &id, form).await;
        }
    };
    let (ticked, unticked): (Vec<_>, Vec<_>) =
        CATEGORIES.iter().map(|(id, _)| (*id).to_owned()).partition(|id| form.has("ticked", id));
    let request = RecordPaperCheckRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
        judged: review::judged(&form),
        complete,
        ticked,
        // What is not ticked is missing.
        missing: if complete { Vec::new() } else { unticked },
        checked_on: form.text("checked_on"),
        checker: form.text("checker"),
    };
    let next = Way::on(&visitor, "PaperCheck", &id).await;
    match visitor.applications().record_paper_check(request).await {
        Ok(_) => {
            let done = if complete {
                "线下初审已登记为齐全，待运营商提交初审资料"
            } else {
                "线下初审已登记为资料不全，补齐后请再次登记"
            };
            visitor.done(&next, done)
        }
        Err(status) => {
            let mut form = form.refused(status)?;
            form.about("missing", "ticked");
            paper_page(&visitor, &id, form).await
        }
    }
}

/// A step that takes a reason.
#[derive(Template)]
#[template(path = "step.html")]
pub struct StepPage {
    /// The frame.
    pub page: Page,
    /// The reason as entered.
    pub form: Form,
    /// The application.
    pub case: Case,
    /// What follows from it.
    pub consequence: &'static str,
    /// Where it is sent: the last part of the path.
    pub step: &'static str,
    /// The button.
    pub button: &'static str,
    /// Id of the command.
    pub command: &'static str,
    /// Whether a reason has to be given.
    pub reason_required: bool,
}

async fn revoke_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::County])?;
    let (page, case) = tokio::join!(visitor.page(LIST, "撤销通过"), Case::load(visitor, id));
    let status = form.status();
    let shown = StepPage {
        page,
        form,
        case: case?,
        consequence: "撤销县级审核通过后，申请退回运营商修改，须重新提交并重新审核。原因运营商可见。",
        step: "revoke",
        button: "撤销通过",
        command: "RevokePass",
        reason_required: true,
    };
    visitor.show(status, &shown)
}

async fn revoking(visitor: Visitor, Path(id): Path<String>) -> Answer {
    revoke_page(&visitor, &id, Form::default()).await
}

async fn revoke(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::County])?;
    let request = RevokePassRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
        judged: review::judged(&form),
        reason: form.text("reason"),
    };
    match visitor.applications().revoke_pass(request).await {
        Ok(_) => visitor.done(LIST, "已撤销通过，申请退回运营商修改"),
        Err(status) => revoke_page(&visitor, &id, form.refused(status)?).await,
    }
}

async fn take_back_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    visitor.only(&[Role::City])?;
    let (page, case) = tokio::join!(visitor.page(LIST, "收回"), Case::load(visitor, id));
    let status = form.status();
    let shown = StepPage {
        page,
        form,
        case: case?,
        consequence: "收回后申请回到市级审核，由本市重新作出结论；发起联合审核后不能再收回。",
        step: "take-back",
        button: "收回",
        command: "TakeBack",
        reason_required: false,
    };
    visitor.show(status, &shown)
}

async fn taking_back(visitor: Visitor, Path(id): Path<String>) -> Answer {
    take_back_page(&visitor, &id, Form::default()).await
}

async fn take_back(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::City])?;
    let request = TakeBackRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
        reason: form.text("reason"),
    };
    match visitor.applications().take_back(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}/review"), "已收回，请重新审核"),
        Err(status) => take_back_page(&visitor, &id, form.refused(status)?).await,
    }
}
