//! 工作台: what waits for this person, with exact counts, and the latest messages.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use askama::Template;
use axum::{http::StatusCode, routing::get};
use futures::future::join_all;
use proto::{
    accounts::GetOwnProfileRequest,
    common,
    notifications::{
        CountTasksRequest, CountTasksResponse, ListMessagesRequest, ListTasksRequest, ListTasksResponse,
        Message, Task,
    },
    reviews::{ApplicationView, GetApplicationRequest, ListApplicationsRequest},
};

use super::{Routes, applications::Row};
use crate::{
    Answer, Page, Refused, Role, Visitor,
    divisions::Known,
    format, frame, labels,
    refused::Away,
    stage::{self, Tag},
};

/// Tasks and messages that fit without scrolling.
const ROWS: i32 = 10;
/// Tasks among which a city's counties are counted.
const COUNTED: i32 = 200;
/// The same of an operator's applications.
const ROWS_OF_MINE: usize = 10;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route("/workbench", get(show))
}

/// One tile.
#[derive(Debug, Clone, Default)]
pub struct Tile {
    /// How many; 1,001 stands for 1,000+.
    pub count: i32,
    /// Of what.
    pub label: String,
    /// The oldest of them.
    pub line: String,
    /// The list with exactly these.
    pub path: String,
    /// Its colour.
    pub class: &'static str,
}

impl Tile {
    /// Its picture in the sprite.
    pub fn icon(&self) -> &'static str {
        match self.class {
            "danger" => "undo",
            "warn" => "upload",
            "mute" => "edit",
            "joint" => "users",
            _ => "file",
        }
    }
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

/// What a county has of a city's tasks.
#[derive(Debug, Clone, Default)]
pub struct Share {
    /// The county.
    pub name: String,
    /// How many.
    pub count: usize,
    /// Length of its bar, of 100 for the longest.
    pub length: usize,
    /// The list with exactly these.
    pub path: String,
}

/// A city's tasks by county, the most first.
#[derive(Debug, Clone, Default)]
pub struct Shares {
    /// One row for each county that has any.
    pub counties: Vec<Share>,
    /// Whether there are more tasks than were counted.
    pub more: bool,
}

/// A message in short.
#[derive(Debug, Clone, Default)]
pub struct Latest {
    /// What it says.
    pub text: String,
    /// When.
    pub at: String,
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
    /// An operator's latest applications, those first that wait for it; none for others.
    pub mine: Option<Result<Vec<Row>, Away>>,
    /// The newest first.
    pub messages: Result<Vec<Latest>, Away>,
    /// Of a city's officer.
    pub shares: Option<Shares>,
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
    let (page, company, counts, tasks, mine, messages) = tokio::join!(
        visitor.page("/workbench", "工作台"),
        company(&visitor, &names),
        counts.count_tasks(CountTasksRequest {}),
        tasks(&visitor, &names),
        mine(&visitor, &names),
        messages.list_messages(latest),
    );
    let (tasks, shares) = tasks?;
    let page = WorkbenchPage {
        page,
        company: company?,
        tiles: Away::or(counts, "待办数量")?.map(|answer| tiles(&visitor, &answer.into_inner())),
        tasks,
        mine: mine?,
        messages: Away::or(messages, "消息")?
            .map(|answer| answer.into_inner().messages.iter().map(latest_of).collect()),
        shares,
    };
    visitor.show(StatusCode::OK, &page)
}

fn first() -> Option<common::Page> {
    Some(common::Page { page_size: ROWS, page_token: String::new() })
}

/// The tasks that are shown, and for a city's officer where all of them lie.
type Tasks = (Result<Vec<TaskRow>, Away>, Option<Shares>);

async fn tasks(visitor: &Visitor, names: &Known) -> Result<Tasks, Refused> {
    if visitor.is(Role::Operator) || visitor.is(Role::OperatorApplicant) {
        return Ok((Ok(Vec::new()), None));
    }
    let page_size = if visitor.is(Role::City) { COUNTED } else { ROWS };
    let page = Some(common::Page { page_size, page_token: String::new() });
    let listed = ListTasksRequest { page, order: "deadline".to_owned(), ..ListTasksRequest::default() };
    let answer = visitor.worklist().list_tasks(listed).await;
    Ok(match Away::or(answer, "待办事项")?.map(tonic::Response::into_inner) {
        Ok(answer) => {
            let shown = &answer.tasks[..answer.tasks.len().min(ROWS as usize)];
            let shares = visitor.is(Role::City).then(|| shares(names, &answer));
            (Ok(task_rows(visitor, names, shown).await), shares)
        }
        Err(away) => (Err(away), None),
    })
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

fn tiles(visitor: &Visitor, counts: &CountTasksResponse) -> Vec<Tile> {
    let operator = visitor.is(Role::Operator);
    let parties = visitor.parties();
    let count = |kind: &str, stage: &str| {
        counts.counts.iter().find(|one| one.subject_type == kind && one.stage == stage)
    };
    let tile = |kind: &str, stage: &str, label: &str, class: &'static str, path: String| {
        let found = count(kind, stage);
        let number = found.map_or(0, |found| found.count);
        let days = format::days_since(found.and_then(|found| found.oldest_since.as_ref()));
        let (red, yellow) = found.map_or((0, 0), |found| (found.red, found.yellow));
        let line = match (number, red, yellow) {
            (0, _, _) => "无".to_owned(),
            (_, 0, 0) => format!("最早一项已等待 {days} 天"),
            (_, 0, near) => format!("{} 件临近时限", frame::count(near)),
            (_, over, _) => format!("{} 件已超期", frame::count(over)),
        };
        Tile { count: number, label: label.to_owned(), line, path, class }
    };
    let mut tiles = Vec::new();
    if visitor.is(Role::Administrator) {
        for (state, label, path) in [
            ("Pending", "账号待审核", "/system/accounts?state=pending"),
            ("Active", "资料变更待审核", "/system/accounts?state=changed"),
        ] {
            tiles.push(tile("operator", state, label, "warn", path.to_owned()));
        }
    }
    tiles.extend(stage::waiting_for(&parties).map(|row| {
        let (label, class) = if operator { row.operator } else { row.reviewer };
        // Two nodes read alike to an operator; the tiles tell them apart.
        let label = match (operator, row.id) {
            (true, "CountyReturned") => "县级未通过，需修改",
            (true, "CityReturned") => "市级退回，需修改",
            (true, "Draft") => "草稿未提交",
            _ => label,
        };
        let class = if class.is_empty() || class == "draft" { "mute" } else { class };
        tile("application", row.id, label, class, visitor.stage_path(row.id))
    }));
    tiles
}

fn shares(names: &Known, answer: &ListTasksResponse) -> Shares {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for task in answer.tasks.iter().filter(|task| task.subject_type == "application") {
        *counts.entry(&task.county).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(1);
    let share = |(county, count): (&str, usize)| Share {
        name: names.name(county),
        count,
        length: (count * 100 / most).max(1),
        path: format!("/supervision/county-subsidies?stage=CityReview&county={county}"),
    };
    let mut counties: Vec<_> = counts.into_iter().map(share).collect();
    counties.sort_by_key(|share| Reverse(share.count));
    Shares { counties, more: !answer.next_page_token.is_empty() }
}

async fn task_rows(visitor: &Visitor, names: &Known, tasks: &[Task]) -> Vec<TaskRow> {
    let views = join_all(tasks.iter().map(|task| async {
        if task.subject_type != "application" {
            return None;
        }
        let asked = GetApplicationRequest { application_id: task.subject_id.clone() };
        // A task whose application cannot be read just now keeps its number.
        visitor.applications().get_application(asked).await.ok().map(tonic::Response::into_inner)
    }))
    .await;
    tasks.iter().zip(views).map(|(task, view)| task_row(visitor, names, task, view)).collect()
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

fn latest_of(message: &Message) -> Latest {
    Latest { text: message.text.clone(), at: format::short(message.at.as_ref()), unread: !message.read }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citys_tasks_are_counted_by_county_the_most_first() {
        let task = |county: &str| Task {
            subject_type: "application".into(),
            county: county.into(),
            ..Task::default()
        };
        let answer = ListTasksResponse {
            tasks: ["410105", "410122", "410122"].map(task).into(),
            next_page_token: String::new(),
        };
        let shares = shares(&Known::default(), &answer);
        let rows: Vec<_> =
            shares.counties.iter().map(|one| (one.name.as_str(), one.count, one.length)).collect();
        assert_eq!(rows, [("410122", 2, 100), ("410105", 1, 50)]);
        assert!(!shares.more);
    }
}
