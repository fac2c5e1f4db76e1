//! 工作台: what waits for this person, with exact counts, and the latest messages.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use askama::Template;
use axum::{http::StatusCode, routing::get};
use proto::{
    accounts::GetOwnProfileRequest,
    common,
    notifications::{CountTasksRequest, ListMessagesRequest, ListTasksRequest, Message, Task},
    reviews::{ApplicationView, CountByPlaceRequest, CountDecidedRequest, ListApplicationsRequest},
};

use super::{
    Routes,
    applications::Row,
    messages, notices,
    tiles::{self, Tile},
};
use crate::{
    Answer, Page, Refused, Role, Visitor,
    divisions::Known,
    format, labels, menu,
    notice::Line,
    refused::Away,
    stage::{self, Tag},
};

/// Tasks and messages that fit without scrolling.
const ROWS: i32 = 10;
/// The node on a city's desk.
const CITY_NODE: &str = "CityReview";
/// The same of an operator's applications.
const ROWS_OF_MINE: usize = 10;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/workbench", get(show))
}

/// One task.
#[derive(Debug, Clone, Default)]
pub struct TaskRow {
    /// Station or company.
    pub title: String,
    /// Number, company.
    pub line: String,
    /// City and county.
    pub place: String,
    /// Where it stands.
    pub tag: Tag,
    /// Since when, in days.
    pub waiting: String,
    /// What is left of the time; no words where no clock runs.
    pub left: Tag,
    /// Where it is done.
    pub path: String,
    /// The button.
    pub action: String,
}

/// What waits for a city of one county.
#[derive(Debug, Clone, Default)]
pub struct Share {
    /// The county.
    pub name: String,
    /// How many; above 1,000 it reads 1,000+.
    pub count: i32,
    /// Length of its bar, of 100 for the longest.
    pub length: i32,
    /// The list with exactly these.
    pub path: String,
}

/// A message in short.
#[derive(Debug, Clone, Default)]
pub struct Latest {
    /// What it says.
    pub text: String,
    /// When.
    pub at: String,
    /// Where it leads; empty where nowhere.
    pub path: String,
    /// Whether it is new.
    pub unread: bool,
}

/// The company of an operator's user, with the way to its profile.
#[derive(Debug, Clone, Default)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// Code and registered division.
    pub line: String,
    /// Words and class of its state.
    pub state: Tag,
    /// The last opinion; empty where there is none.
    pub opinion: String,
    /// Whether the entry 编辑 stands here: 待审核 and 不通过.
    pub editable: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "workbench.html")]
pub struct WorkbenchPage {
    /// The frame.
    pub page: Page,
    /// Of an operator's user.
    pub company: Option<Company>,
    /// What waits, by node.
    pub tiles: Result<Vec<Tile>, Away>,
    /// The least time left first; an operator sees its applications instead.
    pub tasks: Result<Vec<TaskRow>, Away>,
    /// The list of every application that waits for an official; empty for who has no such desk.
    pub all: String,
    /// What an official has decided today, with the list of everything that it decided; `None` for others, and while that
    /// cannot be read.
    pub done: Option<(i32, String)>,
    /// An operator's latest applications, those first that wait for it; none for others.
    pub mine: Option<Result<Vec<Row>, Away>>,
    /// The newest first.
    pub messages: Result<Vec<Latest>, Away>,
    /// The latest for this person.
    pub notices: Result<Vec<Line>, Away>,
    /// What waits for a city's officer by county, the most first; only counties that have any.
    pub shares: Option<Vec<Share>>,
    /// Pages of somebody who has no tasks: words and path.
    pub ways: Vec<(&'static str, &'static str)>,
}

impl WorkbenchPage {
    /// The task that a reviewer begins with; empty for none and for operators.
    pub fn first(&self) -> &str {
        let first = self.tasks.as_ref().ok().and_then(|tasks| tasks.first());
        first.filter(|_| self.company.is_none()).map_or("", |task| &task.path)
    }
}

async fn show(visitor: Visitor) -> Answer {
    let (mut counts, mut messages) = (visitor.worklist(), visitor.messages());
    let latest = ListMessagesRequest { page: first(), unread_only: false };
    let names = visitor.portal.divisions.names().await;
    let (page, company, counts, views, tasks, done, mine, messages, notices, shares) = tokio::join!(
        visitor.page("/workbench", "工作台"),
        company(&visitor, &names),
        counts.count_tasks(CountTasksRequest {}),
        tiles::views(&visitor),
        tasks(&visitor, &names),
        done(&visitor),
        mine(&visitor, &names),
        messages.list_messages(latest),
        notices::latest(&visitor),
        shares(&visitor, &names),
    );
    let page = WorkbenchPage {
        page,
        company: company?,
        tiles: Away::or(counts, "待办数量")?
            .map(|answer| tiles::tiles(&visitor, &answer.into_inner()).into_iter().chain(views).collect()),
        tasks: tasks?,
        all: if visitor.parties().is_empty() { String::new() } else { visitor.own_path("open") },
        done,
        mine: mine?,
        messages: Away::or(messages, "消息")?
            .map(|answer| answer.into_inner().messages.iter().map(|one| latest_of(&visitor, one)).collect()),
        notices: notices?,
        shares,
        ways: if visitor.parties().is_empty() { menu::ways(&visitor.roles) } else { Vec::new() },
    };
    visitor.show(StatusCode::OK, &page)
}

fn first() -> Option<common::Page> {
    Some(common::Page { page_size: ROWS, page_token: String::new() })
}

async fn tasks(visitor: &Visitor, names: &Known) -> Result<Result<Vec<TaskRow>, Away>, Refused> {
    if visitor.is(Role::Operator) || visitor.is(Role::OperatorApplicant) {
        return Ok(Ok(Vec::new()));
    }
    let listed =
        ListTasksRequest { page: first(), order: "deadline".to_owned(), ..ListTasksRequest::default() };
    let answer = visitor.worklist().list_tasks(listed).await;
    Ok(match Away::or(answer, "待办事项")?.map(tonic::Response::into_inner) {
        Ok(answer) => Ok(task_rows(visitor, names, &answer.tasks).await),
        Err(away) => Err(away),
    })
}

/// Today's decisions of who decides on applications.
async fn done(visitor: &Visitor) -> Option<(i32, String)> {
    let judges = [Role::County, Role::City, Role::Expert, Role::Province];
    if !judges.into_iter().any(|role| visitor.is(role)) {
        return None;
    }
    let answer = visitor.applications().count_decided(CountDecidedRequest {}).await.ok()?;
    Some((answer.into_inner().today, visitor.own_path("done")))
}

async fn mine(visitor: &Visitor, names: &Known) -> Result<Option<Result<Vec<Row>, Away>>, Refused> {
    if !visitor.is(Role::Operator) {
        return Ok(None);
    }
    let listed = ListApplicationsRequest { page: first(), ..ListApplicationsRequest::default() };
    let waiting = ListApplicationsRequest { waits_for: "operator".to_owned(), ..listed.clone() };
    let (mut one, mut two) = (visitor.applications(), visitor.applications());
    let (waiting, all) = tokio::join!(one.list_applications(waiting), two.list_applications(listed));
    let answers = match (Away::or(waiting, "补贴申请")?, Away::or(all, "补贴申请")?) {
        (Ok(waiting), Ok(all)) => [waiting.into_inner().applications, all.into_inner().applications],
        (Err(away), _) | (_, Err(away)) => return Ok(Some(Err(away))),
    };
    let mut seen = BTreeSet::new();
    let rows = answers.iter().flatten().filter(|view| seen.insert(view.application_id.clone()));
    Ok(Some(Ok(rows.take(ROWS_OF_MINE).map(|view| Row::of(visitor, names, view)).collect())))
}

/// The card with the picture of the account; none for officials, and while accounts is away.
async fn company(visitor: &Visitor, names: &Known) -> Result<Option<Company>, Refused> {
    if !visitor.is(Role::Operator) && !visitor.is(Role::OperatorApplicant) {
        return Ok(None);
    }
    let answer = visitor.registration().get_own_profile(GetOwnProfileRequest {}).await;
    let Ok(profile) = Away::or(answer, "企业资料")? else { return Ok(None) };
    let profile = profile.into_inner();
    let (text, class) = labels::account(&profile.state);
    let opinion =
        profile.submissions.iter().find(|one| one.outcome == "returned").map(|one| one.opinion.clone());
    let said = profile.profile.unwrap_or_default();
    let division = &said.registered_division;
    Ok(Some(Company {
        line: format!(
            "注册地 {} · 统一社会信用代码 {}",
            names.place(&names.city_of(division), division),
            said.uscc
        ),
        name: said.company_name,
        state: Tag { text: text.to_owned(), class },
        opinion: opinion.filter(|_| profile.state == "Returned").unwrap_or_default(),
        editable: matches!(profile.state.as_str(), "Pending" | "Returned"),
    }))
}

/// None while they cannot be counted.
async fn shares(visitor: &Visitor, names: &Known) -> Option<Vec<Share>> {
    if !visitor.is(Role::City) {
        return None;
    }
    let request = CountByPlaceRequest { stage: CITY_NODE.to_owned(), by: "county".to_owned() };
    let answer = visitor.applications().count_by_place(request).await.ok()?.into_inner();
    let mut counted: BTreeMap<String, i32> = BTreeMap::new();
    for one in answer.counts.into_iter().filter(|one| visitor.view.scope.contains(&one.prefecture)) {
        *counted.entry(one.county).or_default() += one.count;
    }
    Some(ranked(names, counted))
}

fn ranked(names: &Known, counted: BTreeMap<String, i32>) -> Vec<Share> {
    let mut counted: Vec<_> = counted.into_iter().collect();
    counted.sort_by_key(|(_, count)| Reverse(*count));
    let most = counted.first().map_or(1, |(_, count)| *count);
    let share = |(county, count): (String, i32)| Share {
        name: names.name(&county),
        count,
        length: (count * 100 / most).max(1),
        path: format!("/supervision/county-subsidies?stage={CITY_NODE}&county={county}"),
    };
    counted.into_iter().map(share).collect()
}

/// A task whose application cannot be read just now keeps its number.
async fn task_rows(visitor: &Visitor, names: &Known, tasks: &[Task]) -> Vec<TaskRow> {
    let ids = tasks.iter().filter(|task| task.subject_type == "application");
    let application_ids: Vec<_> = ids.map(|task| task.subject_id.clone()).collect();
    let mut views = BTreeMap::new();
    if !application_ids.is_empty() {
        let asked =
            ListApplicationsRequest { page: first(), application_ids, ..ListApplicationsRequest::default() };
        if let Ok(answer) = visitor.applications().list_applications(asked).await {
            let known = answer.into_inner().applications.into_iter();
            views.extend(known.map(|view| (view.application_id.clone(), view)));
        }
    }
    tasks.iter().map(|task| task_row(visitor, names, task, views.remove(&task.subject_id))).collect()
}

fn task_row(visitor: &Visitor, names: &Known, task: &Task, view: Option<ApplicationView>) -> TaskRow {
    let waiting = format!("{} 天", format::days_since(task.since.as_ref()));
    let place = names.place(&task.prefecture, &task.county);
    if task.subject_type != "application" {
        let text = if task.stage == "Active" { "资料变更待审核" } else { "账号待审核" };
        return TaskRow {
            title: "企业账号审核".to_owned(),
            place,
            tag: Tag { text: text.to_owned(), class: "warn" },
            waiting,
            path: format!("/system/accounts/{}/review", task.subject_id),
            action: "审核".to_owned(),
            ..TaskRow::default()
        };
    }
    let found = view.is_some();
    let view = view.unwrap_or(ApplicationView { stage: task.stage.clone(), ..ApplicationView::default() });
    TaskRow {
        title: if found { view.station_name.clone() } else { task.application_no.clone() },
        line: format!("{} {}", task.application_no, view.operator_name),
        place,
        left: stage::time_left(&view),
        tag: stage::tag(&view, false, true),
        waiting,
        path: visitor.application_path(&task.subject_id),
        action: "办理".to_owned(),
    }
}

fn latest_of(visitor: &Visitor, message: &Message) -> Latest {
    Latest {
        text: message.text.clone(),
        at: format::short(message.at.as_ref()),
        path: messages::path(message, &visitor.roles, |id| visitor.application_path(id)),
        unread: !message.read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_city_is_ranked_by_county_the_most_first() {
        let counted = [("410105", 1), ("410122", 200), ("410181", 100)];
        let counted = counted.map(|(code, count)| (code.to_owned(), count));
        let shares = ranked(&Known::default(), counted.into());
        let rows: Vec<_> = shares.iter().map(|one| (one.name.as_str(), one.count, one.length)).collect();
        assert_eq!(rows, [("410122", 200, 100), ("410181", 100, 50), ("410105", 1, 1)]);
    }
}
