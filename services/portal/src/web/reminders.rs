//! 催办: asks those who are waited for to go on, for several applications at once. Never a decision.

use askama::Template;
use axum::routing::get;
use futures::future::join_all;
use proto::reviews::{ApplicationView, GetApplicationRequest, Item, ItemOutcome, RemindRequest};

use super::{Routes, county_subsidies, orders, subsidies};
use crate::{
    Answer, Form, Page, Role, Visitor,
    list::Filter,
    stage::{self, Tag},
};

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route("/supervision/county-subsidies/remind", get(show).post(remind))
        .route("/supervision/subsidies/remind", get(show).post(remind))
}

/// Applications that are read for one page; an address can name any number.
const CHOSEN_MAX: usize = 200;

/// Where a reader chooses applications, and goes back to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Desk {
    /// The entry of the menu; commands for several stand below it.
    pub menu: &'static str,
    /// The list.
    pub back: &'static str,
}

impl Desk {
    /// Who has one.
    pub const ROLES: [Role; 5] =
        [Role::County, Role::City, Role::Administrator, Role::Expert, Role::Province];

    /// Of this reader.
    pub fn of(visitor: &Visitor) -> Desk {
        if county_subsidies::AUTHORITIES.iter().any(|role| visitor.is(*role)) {
            Desk { menu: county_subsidies::LIST, back: county_subsidies::LIST }
        } else {
            Desk { menu: orders::LIST, back: subsidies::APPLICATIONS }
        }
    }
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
    /// Why it was not done; empty before, and where it was.
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
    /// Where this is.
    pub desk: Desk,
}

/// An item of the list: id and version, as a box carries them.
pub fn item(application_id: &str, version: i64) -> String {
    format!("{application_id}.{version}")
}

fn read(item: &str) -> Option<Item> {
    let (application_id, version) = item.split_once('.')?;
    Some(Item { application_id: application_id.to_owned(), version: version.parse().ok()? })
}

/// What the boxes carry; anything else is left out.
pub(super) fn items(named: &[String]) -> Vec<Item> {
    named.iter().filter_map(|item| read(item)).collect()
}

/// The chosen applications as they are now; what the reader may not see is none of them.
pub(super) async fn chosen(visitor: &Visitor, named: &[String]) -> Vec<(Chosen, ApplicationView)> {
    let asked = items(named).into_iter().take(CHOSEN_MAX).map(|item| async move {
        let asked = GetApplicationRequest { application_id: item.application_id.clone() };
        let view = visitor.applications().get_application(asked).await.ok()?.into_inner();
        let chosen = Chosen {
            item: self::item(&item.application_id, item.version),
            station: view.station_name.clone(),
            line: format!("{} {}", view.application_no, view.operator_name),
            tag: stage::tag(&view, false, false),
            why: String::new(),
        };
        Some((chosen, view))
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Those that were not done, each with why.
pub(super) fn left(
    mut chosen: Vec<(Chosen, ApplicationView)>,
    outcomes: &[ItemOutcome],
) -> Vec<(Chosen, ApplicationView)> {
    chosen.retain_mut(|(one, view)| {
        let refused =
            |outcome: &&ItemOutcome| !outcome.accepted && outcome.application_id == view.application_id;
        let Some(outcome) = outcomes.iter().find(refused) else { return false };
        one.why.clone_from(&outcome.text);
        true
    });
    chosen
}

async fn page(visitor: &Visitor, form: Form, chosen: Vec<(Chosen, ApplicationView)>) -> Answer {
    let desk = Desk::of(visitor);
    let page = visitor.page(desk.menu, "催办").await;
    let chosen = chosen.into_iter().map(|(one, _)| one).collect();
    visitor.show(form.status(), &RemindPage { page, form, chosen, desk })
}

async fn show(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let chosen = chosen(&visitor, &filter.values("item")).await;
    page(&visitor, Form::default(), chosen).await
}

async fn remind(visitor: Visitor, mut form: Form) -> Answer {
    visitor.only(&Desk::ROLES)?;
    let named = form.values("item");
    let request =
        RemindRequest { request_id: form.request_id(), items: items(&named), reason: form.text("reason") };
    let outcomes = match visitor.deadlines().remind(request).await {
        Ok(answer) => answer.into_inner().outcomes,
        Err(status) => {
            let form = form.refused(status)?;
            let chosen = chosen(&visitor, &named).await;
            return page(&visitor, form, chosen).await;
        }
    };
    let done = outcomes.iter().filter(|outcome| outcome.accepted).count();
    if done == outcomes.len() {
        let words = format!("已催办 {done} 件，催办记入审核记录");
        return visitor.done(Desk::of(&visitor).back, &words);
    }
    let left = left(chosen(&visitor, &named).await, &outcomes);
    form.mark("", &format!("已催办 {done} 件；以下 {} 件未能催办", left.len()));
    form.renew();
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
