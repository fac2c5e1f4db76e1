//! What 催办, 转办 and 延期 have in common: the boxes of a list, the applications that they name, and how such a command ended.
//!
//! Never a decision: those are made one by one, on what was seen.

use std::collections::BTreeMap;

use proto::{
    common,
    reviews::{ApplicationView, Item, ItemOutcome, ItemsResponse, ListApplicationsRequest},
};
use tonic::{Response, Status};

use super::{county_subsidies, orders, subsidies};
use crate::{
    Answer, Form, Refused, Role, Visitor, ids,
    stage::{self, Tag},
};

/// Applications that are read for one page, by one call; an address can name any number.
const CHOSEN_MAX: i32 = 200;

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
    // One id that is none would have the list refuse all of them.
    let mut items: Vec<_> =
        items(named).into_iter().filter(|item| ids::is_id(&item.application_id)).collect();
    items.truncate(usize::try_from(CHOSEN_MAX).unwrap_or(usize::MAX));
    let mut views = views(visitor, &items).await;
    let found = |item: Item| {
        let view = views.remove(&item.application_id)?;
        let chosen = Chosen {
            item: self::item(&item.application_id, item.version),
            station: view.station_name.clone(),
            line: format!("{} {}", view.application_no, view.operator_name),
            tag: stage::tag(&view, false, false),
            why: String::new(),
        };
        Some((chosen, view))
    };
    items.into_iter().filter_map(found).collect()
}

/// By id; none while they cannot be read.
async fn views(visitor: &Visitor, items: &[Item]) -> BTreeMap<String, ApplicationView> {
    let application_ids: Vec<_> = items.iter().map(|item| item.application_id.clone()).collect();
    if application_ids.is_empty() {
        // A list that names none is a list of all.
        return BTreeMap::new();
    }
    let page = Some(common::Page { page_size: CHOSEN_MAX, page_token: String::new() });
    let asked = ListApplicationsRequest { page, application_ids, ..ListApplicationsRequest::default() };
    let answer = visitor.applications().list_applications(asked).await;
    let listed = answer.map(|answer| answer.into_inner().applications).unwrap_or_default();
    listed.into_iter().map(|view| (view.application_id.clone(), view)).collect()
}

/// How a command for several ended.
pub(super) enum Ended {
    /// All of it is done; the reader is back at the list.
    Done(Answer),
    /// It was refused, or some were not done: the form again, with those that are left and why.
    Left(Form, Vec<(Chosen, ApplicationView)>),
}

/// Tells from the service's answer how a command ended. `word` is the command, 催办; `done` what is said behind the count.
///
/// # Errors
/// Where there is no form to show: forbidden, signed out.
pub(super) async fn ended(
    visitor: &Visitor,
    mut form: Form,
    answer: Result<Response<ItemsResponse>, Status>,
    word: &str,
    done: &str,
) -> Result<Ended, Refused> {
    let named = form.values("item");
    let outcomes = match answer {
        Ok(answer) => answer.into_inner().outcomes,
        Err(status) => {
            let form = form.refused(status)?;
            return Ok(Ended::Left(form, chosen(visitor, &named).await));
        }
    };
    let count = outcomes.iter().filter(|outcome| outcome.accepted).count();
    if count == outcomes.len() {
        let words = format!("已{word} {count} 件，{done}");
        return Ok(Ended::Done(visitor.done(Desk::of(visitor).back, &words)));
    }
    let left = left(chosen(visitor, &named).await, &outcomes);
    form.mark("", &format!("已{word} {count} 件；以下 {} 件未能{word}", left.len()));
    form.renew();
    Ok(Ended::Left(form, left))
}

/// Those that were not done, each with why.
fn left(
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
