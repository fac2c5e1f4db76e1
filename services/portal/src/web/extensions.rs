//! 延期: the lead of the office that is waited for, or the administrator, gives several applications more working days. It
//! decides nothing. Source: workflow, T26; decision 11.

use askama::Template;
use axum::routing::get;
use proto::reviews::{ApplicationView, ExtendDeadlineRequest};

use super::{
    Routes, reassign,
    several::{self, Chosen, Desk, Ended},
};
use crate::{Answer, Form, Page, Role, Visitor, list::Filter};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/supervision/county-subsidies/extend", get(show).post(extend))
        .route("/supervision/subsidies/extend", get(show).post(extend))
}

/// The page that asks for days and reason.
#[derive(Template)]
#[template(path = "extend.html")]
pub struct ExtendPage {
    /// The frame.
    pub page: Page,
    /// Days and reason as entered.
    pub form: Form,
    /// What was chosen in the list.
    pub chosen: Vec<Chosen>,
    /// Where this is.
    pub desk: Desk,
}

/// Whether the reader may give more time: the lead of an office, the administrator. For which node, reviews says.
pub fn extends(visitor: &Visitor) -> bool {
    reassign::leads(visitor) || visitor.is(Role::Administrator)
}

async fn page(visitor: &Visitor, form: Form, chosen: Vec<(Chosen, ApplicationView)>) -> Answer {
    let desk = Desk::of(visitor);
    let page = visitor.page(desk.menu, "延期").await;
    let chosen = chosen.into_iter().map(|(one, _)| one).collect();
    visitor.show(form.status(), &ExtendPage { page, form, chosen, desk })
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let chosen = several::chosen(&visitor, &filter.values("item")).await;
    page(&visitor, Form::default(), chosen).await
}

async fn extend(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let request = ExtendDeadlineRequest {
        request_id: form.request_id(),
        items: several::items(&form.values("item")),
        // What is no number, or too large for one, is refused by reviews as any other that is out of range.
        working_days: i32::try_from(form.number("working_days")).unwrap_or(0),
        reason: form.text("reason"),
    };
    let answer = visitor.deadlines().extend_deadline(request).await;
    match several::ended(&visitor, form, answer, "延期", "延期记入审核记录").await? {
        Ended::Done(answer) => answer,
        Ended::Left(form, chosen) => page(&visitor, form, chosen).await,
    }
}
