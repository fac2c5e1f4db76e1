//! 催办: asks those who are waited for to go on, for several applications at once. Never a decision.

use askama::Template;
use axum::routing::get;
use futures::future::join_all;
use proto::reviews::{GetApplicationRequest, Item, RemindRequest};

use super::{Routes, county_subsidies};
use crate::{
    Answer, Form, Page, Visitor,
    list::Filter,
    stage::{self, Tag},
};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/supervision/county-subsidies/remind", get(show).post(remind))
}

/// One of the chosen applications.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Id and the version that was seen.
    pub item: String,
    /// Station.
    pub station: String,
    /// Number and company.
    pub line: String,
    /// Where it stands.
    pub tag: Tag,
    /// Why it was not reminded; empty before, and where it was.
    pub why: String,
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
}

/// An item of the list: id and version, as a box carries them.
pub fn item(application_id: &str, version: i64) -> String {
    format!("{application_id}.{version}")
}

fn read(item: &str) -> Option<Item> {
    let (application_id, version) = item.split_once('.')?;
    Some(Item { application_id: application_id.to_owned(), version: version.parse().ok()? })
}

async fn chosen(visitor: &Visitor, items: &[String]) -> Vec<Chosen> {
    let asked = items.iter().filter_map(|item| read(item)).map(|item| async move {
        let asked = GetApplicationRequest { application_id: item.application_id.clone() };
        // What the reader may not see is none of the chosen.
        let view = visitor.applications().get_application(asked).await.ok()?.into_inner();
        Some(Chosen {
            item: self::item(&item.application_id, item.version),
            station: view.station_name.clone(),
            line: format!("{} {}", view.application_no, view.operator_name),
            tag: stage::tag(&view, false, false),
            why: String::new(),
        })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn page(visitor: &Visitor, form: Form, chosen: Vec<Chosen>) -> Answer {
    let page = visitor.page(county_subsidies::LIST, "催办").await;
    visitor.show(form.status(), &RemindPage { page, form, chosen })
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&county_subsidies::AUTHORITIES)?;
    let chosen = chosen(&visitor, &filter.values("item")).await;
    page(&visitor, Form::default(), chosen).await
}

async fn remind(visitor: Visitor, mut form: Form) -> Answer {
    visitor.only(&county_subsidies::AUTHORITIES)?;
    let named = form.values("item");
    let request = RemindRequest {
        request_id: form.request_id(),
        items: named.iter().filter_map(|item| read(item)).collect(),
        reason: form.text("reason"),
    };
    let outcomes = match visitor.deadlines().remind(request).await {
        Ok(answer) => answer.into_inner().outcomes,
        Err(status) => {
            let chosen = chosen(&visitor, &named).await;
            return page(&visitor, form.refused(status)?, chosen).await;
        }
    };
    let done = outcomes.iter().filter(|outcome| outcome.accepted).count();
    if done == outcomes.len() {
        return visitor.done(county_subsidies::LIST, &format!("已催办 {done} 件，催办记入审核记录"));
    }
    let mut left = chosen(&visitor, &named).await;
    left.retain_mut(|one| {
        let about = |id: &str| one.item.starts_with(&format!("{id}."));
        match outcomes.iter().find(|outcome| !outcome.accepted && about(&outcome.application_id)) {
            Some(outcome) => {
                one.why.clone_from(&outcome.text);
                true
            }
            None => false,
        }
    });
    form.mark("", &format!("已催办 {done} 件；以下 {} 件未能催办", left.len()));
    page(&visitor, form, left).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_carries_the_version_that_was_seen_and_anything_else_is_none() {
        let read_back = read(&item("0192f7a0-0000-7000-8000-000000000000", 7)).expect("an item");
        assert_eq!(read_back.version, 7);
        assert!(read("7").is_none() && read("7.x").is_none());
    }
}
