//! A member of a work order: individual opinions, the panel's conclusion, the departments' spot check and signature.
//! Administrators read the same page; what they do with a member is in `subsidies`.

use askama::Template;
use axum::{
    extract::Path,
    routing::{get, post},
};
use proto::reviews::{ApplicationView, PassMemberRequest, RecordOpinionRequest, ReturnMemberRequest};
use tonic::{Response, Status};

use super::{
    Routes,
    orders::{JOINT, LIST},
};
use crate::{
    Answer, Form, Page, Role, Visitor,
    review::{self, Review, Way},
};

/// Who judges here.
const JUDGES: [Role; 2] = [Role::Expert, Role::Province];

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/supervision/subsidies/{id}", get(show).post(decide))
        .route("/supervision/subsidies/{id}/opinion", post(opine).get(show))
}

/// One member with the forms for an own opinion and for the decision.
#[derive(Template)]
#[template(path = "order_member.html")]
pub struct OrderMemberPage {
    /// The frame.
    pub page: Page,
    /// The decision as entered.
    pub form: Form,
    /// The own opinion as entered.
    pub own: Form,
    /// Everything about it.
    pub review: Review,
    /// Its order; empty outside.
    pub order: String,
    /// Drawn for the spot check, or forced into it; empty for neither.
    pub sample: &'static str,
}

impl OrderMemberPage {
    /// Whether only the declaration of interest keeps the reader from judging.
    pub fn undeclared(&self) -> bool {
        let offers = self.review.case.offers.as_deref().unwrap_or_default();
        !self.order.is_empty() && offers.iter().any(|offer| offer.reason == "not_declared")
    }

    /// Whether the own opinion can be given here and now.
    pub fn opines(&self) -> bool {
        self.review.case.allows("RecordOpinion") || self.own.is_refused()
    }
}

fn path(id: &str) -> String {
    format!("{LIST}/{id}")
}

async fn page(visitor: &Visitor, id: &str, form: Form, own: Form) -> Answer {
    visitor.only(&JOINT)?;
    let (page, review) = tokio::join!(visitor.page(LIST, "评审"), Review::load(visitor, id, path(id)));
    let review = review?;
    let status = if own.is_refused() { own.status() } else { form.status() };
    let view = &review.case.view;
    let order = if view.work_order_id.is_empty() {
        String::new()
    } else {
        format!("{LIST}/orders/{}", view.work_order_id)
    };
    let sample = match (view.forced_sample, view.in_sample) {
        (true, _) => "必查",
        (false, true) => "抽中",
        (false, false) => "",
    };
    visitor.show(status, &OrderMemberPage { page, form, own, review, order, sample })
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    page(&visitor, &id, Form::default(), Form::default()).await
}

async fn opine(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&JUDGES)?;
    let request = RecordOpinionRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        version: form.number("version"),
        judged: review::judged(&form),
        verdict: form.text("verdict"),
        opinion: form.text("own_opinion"),
    };
    match visitor.joint_review().record_opinion(request).await {
        Ok(_) => visitor.done(&path(&id), "个人意见已记入审核记录"),
        Err(status) => {
            let mut own = form.refused(status)?;
            own.about("opinion", "own_opinion");
            page(&visitor, &id, Form::default(), own).await
        }
    }
}

async fn decide(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&JUDGES)?;
    if let Some((field, text)) = review::contradicts(&form) {
        form.mark(field, text);
        return page(&visitor, &id, form, Form::default()).await;
    }
    let next = Way::on(&visitor, form.value("stage"), &id).await;
    let passes = form.has("decision", "pass");
    let decided =
        if passes { pass(&visitor, &id, &form).await } else { send_back(&visitor, &id, &form).await };
    match decided {
        Ok(answer) => {
            let view = answer.into_inner();
            let done = said(passes, &view);
            visitor.done(&next, &format!("{}（{}）{done}", view.station_name, view.application_no))
        }
        Err(status) => page(&visitor, &id, form.refused(status)?, Form::default()).await,
    }
}

/// What has been done, and who is next.
fn said(passes: bool, view: &ApplicationView) -> String {
    match (passes, view.stage.as_str()) {
        (true, "ProvincialReview") => "已签署通过，待其他省级厅委会签".to_owned(),
        (true, "Approved") => "已签署通过，审核通过".to_owned(),
        (true, _) => "专家组审核通过".to_owned(),
        (false, _) => format!("已退回，待{}办理", crate::labels::party(&view.waits_for)),
    }
}

async fn pass(visitor: &Visitor, id: &str, form: &Form) -> Result<Response<ApplicationView>, Status> {
    let request = PassMemberRequest {
        request_id: form.request_id(),
        application_id: id.to_owned(),
        version: form.number("version"),
        judged: review::judged(form),
        opinion: form.text("opinion"),
    };
    visitor.joint_review().pass_member(request).await
}

async fn send_back(visitor: &Visitor, id: &str, form: &Form) -> Result<Response<ApplicationView>, Status> {
    let request = ReturnMemberRequest {
        request_id: form.request_id(),
        application_id: id.to_owned(),
        version: form.number("version"),
        judged: review::judged(form),
        opinion: form.text("opinion"),
        items: review::items(form),
        open_all: form.has("open_all", "1"),
        target: form.text("target"),
    };
    visitor.joint_review().return_member(request).await
}
