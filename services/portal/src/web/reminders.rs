//! 催办: asks those who are waited for to go on, for several applications at once. Never a decision.

use askama::Template;
use axum::routing::get;
use proto::reviews::{ApplicationView, RemindRequest};

use super::{
    Routes,
    several::{self, Chosen, Desk, Ended},
};
use crate::{Answer, Form, Page, Visitor, list::Filter};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/supervision/county-subsidies/remind", get(show).post(remind))
        .route("/supervision/subsidies/remind", get(show).post(remind))
}

/// The page that asks for the reason.
#[derive(Template)]
#[template(path = "remind.html")]
pub struct RemindPage {
    /// The frame.
    pub page: Page,
    /// The reason as entered.
    pub form: Form,
    /// What was chosen in the list.
    pub chosen: Vec<Chosen>,
    /// Where this is.
    pub desk: Desk,
}

async fn page(visitor: &Visitor, form: Form, chosen: Vec<(Chosen, ApplicationView)>) -> Answer {
    let desk = Desk::of(visitor);
    let page = visitor.page(desk.menu, "催办").await;
    let chosen = chosen.into_iter().map(|(one, _)| one).collect();
    visitor.show(form.status(), &RemindPage { page, form, chosen, desk })
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let chosen = several::chosen(&visitor, &filter.values("item")).await;
    page(&visitor, Form::default(), chosen).await
}

async fn remind(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let request = RemindRequest {
        request_id: form.request_id(),
        items: several::items(&form.values("item")),
        reason: form.text("reason"),
    };
    let answer = visitor.deadlines().remind(request).await;
    match several::ended(&visitor, form, answer, "催办", "催办记入审核记录").await? {
        Ended::Done(answer) => answer,
        Ended::Left(form, chosen) => page(&visitor, form, chosen).await,
    }
}
