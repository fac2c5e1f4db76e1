//! Where an application stands, as pages show it: words and tag for either side, step of eight, main action.
//!
//! One table; what may be done is never read from it – that is `AllowedActions`. Source: ui, section 4.

use proto::reviews::{ApplicationView, HistoryEntry};

use crate::format;

/// Working days from which on the time left is pointed at. Source: ui, section 4.
const NEAR_WORKING_DAYS: i32 = 3;

/// How one node looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Stable id.
    pub id: &'static str,
    /// What the operator reads, and its tag class.
    pub operator: (&'static str, &'static str),
    /// What reviewers read, and its tag class.
    pub reviewer: (&'static str, &'static str),
    /// 1..=8; 0 where nothing follows a deletion.
    pub step: usize,
    /// The operator's main button.
    pub action: &'static str,
    /// Whose desk shows it; empty at the end.
    pub party: &'static str,
}

const fn row(
    id: &'static str,
    operator: (&'static str, &'static str),
    reviewer: (&'static str, &'static str),
    step: usize,
    action: &'static str,
    party: &'static str,
) -> Row {
    Row { id, operator, reviewer, step, action, party }
}

/// The table, in the order of the workflow.
#[rustfmt::skip]
pub const TABLE: [Row; 15] = [
    row("Draft", ("待提交", "draft"), ("草稿", "draft"), 1, "继续填写", "operator"),
    row("CountyReview", ("县级审核中", "info"), ("县级审核", "info"), 2, "查看详情", "county"),
    row("CountyReturned", ("需修改", "danger"), ("县级审核未通过", "danger"), 2, "修改", "operator"),
    row("PaperCheck", ("待线下初审", "info"), ("验收申请审核通过（待线下初审）", "info"), 3, "查看详情", "county"),
    row("MaterialsDue", ("待上传初审资料", "warn"), ("待提交初审资料", ""), 4, "初审资料提交", "operator"),
    row("CityReview", ("市级审核中", "info"), ("市级审核", "info"), 5, "查看详情", "city"),
    row("CityReturned", ("需修改", "danger"), ("市级退回", "danger"), 5, "初审资料提交", "operator"),
    row("AwaitingJointReview", ("待联合审核", "joint"), ("待发起联合审核", "joint"), 6, "查看详情", "administrator"),
    row("ExpertReview", ("专家组审核中", "joint"), ("专家组审核", "joint"), 7, "查看详情", "experts"),
    row("SupplementDue", ("待补充材料", "warn"), ("专家组审核不通过（待补充材料）", "danger"), 7, "补充材料", "operator"),
    row("AwaitingProvince", ("待省级审核", "joint"), ("专家组审核通过", "joint"), 8, "查看详情", "administrator"),
    row("ProvincialReview", ("省级审核中", "joint"), ("省级厅委审核（抽查复核）", "joint"), 8, "查看详情", "departments"),
    row("Approved", ("审核通过", "ok"), ("审核通过", "ok"), 8, "查看详情", ""),
    row("Deleted", ("已删除", "draft"), ("已删除", "draft"), 0, "查看详情", ""),
    row("Terminated", ("已终止", "draft"), ("已终止", "draft"), 0, "查看详情", ""),
];

/// A node that a newer service knows and this portal does not.
const UNKNOWN: Row = row("", ("—", ""), ("—", ""), 0, "查看详情", "");

/// Names of the eight steps.
pub const STEPS: [&str; 8] = [
    "验收申请",
    "县级审核",
    "资料初审（线下）",
    "初审资料提交",
    "市级审核",
    "发起联合审核",
    "专家组审核",
    "省级厅委审核",
];

/// The step from which on there are materials.
pub const MATERIALS_STEP: usize = 4;

/// The row of a stable id.
pub fn of(id: &str) -> Row {
    TABLE.into_iter().find(|row| row.id == id).unwrap_or(UNKNOWN)
}

/// The nodes that stand on the desks of these parties.
pub fn waiting_for<'a>(parties: &'a [&'static str]) -> impl Iterator<Item = Row> + 'a {
    TABLE.into_iter().filter(|row| parties.contains(&row.party))
}

/// A state tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// Its words.
    pub text: String,
    /// Its class.
    pub class: &'static str,
}

/// The tag of an application. `own_turn`: the reader is who it waits for, and then it is always `warn`.
pub fn tag(view: &ApplicationView, operator: bool, own_turn: bool) -> Tag {
    let row = of(&view.stage);
    let (words, class) = if operator { row.operator } else { row.reviewer };
    let text = if view.stage_label.is_empty() { words.to_owned() } else { view.stage_label.clone() };
    let came_back = class == "danger";
    Tag { text, class: if own_turn && !came_back { "warn" } else { class } }
}

/// What is left of the time at this node; no words where no clock runs. Source: ui, section 4.
pub fn time_left(view: &ApplicationView) -> Tag {
    let Some(left) = view.time_left.filter(|_| view.deadline_at.is_some()) else { return Tag::default() };
    let near = view.light == "yellow" || left.working_days_left <= NEAR_WORKING_DAYS;
    match left.days_over {
        0 => Tag {
            text: format!("剩 {} 个工作日", left.working_days_left),
            class: if near { "warn" } else { "info" },
        },
        days => Tag { text: format!("超期 {days} 天"), class: "danger" },
    }
}

/// Step of eight; the province's return stands at the last one.
pub fn step(view: &ApplicationView) -> usize {
    let from_province = view.last_step.as_ref().is_some_and(|last| last.transition == "T23");
    if view.stage == "SupplementDue" && from_province { 8 } else { of(&view.stage).step }
}

/// One cell of the small bar: d done, c current, w your turn, x came back, n not yet.
pub fn cells(view: &ApplicationView, own_turn: bool) -> Vec<&'static str> {
    let (at, row) = (step(view), of(&view.stage));
    let here = match (row.operator.1, own_turn) {
        ("danger", _) => "x",
        ("ok", _) => "d",
        (_, true) => "w",
        (_, false) => "c",
    };
    (1..=STEPS.len())
        .map(|cell| match cell.cmp(&at) {
            std::cmp::Ordering::Less => "d",
            std::cmp::Ordering::Equal => here,
            std::cmp::Ordering::Greater => "n",
        })
        .collect()
}

/// One step of the bar on the detail page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// `done`, `now`, `bad` or empty.
    pub class: &'static str,
    /// Day, and who.
    pub line: String,
}

/// The transition that ends a step.
const ENDS: [&[&str]; 8] = [&["T02"], &["T04"], &["T06"], &["T09"], &["T11"], &["T14"], &["T16"], &["T22"]];

/// The eight steps of an application with its history, oldest first.
pub fn steps(view: &ApplicationView, history: &[HistoryEntry]) -> Vec<Step> {
    let at = step(view);
    let row = of(&view.stage);
    STEPS
        .into_iter()
        .zip(ENDS)
        .enumerate()
        .map(|(index, (name, ends))| {
            let number = index + 1;
            let passed = number < at || view.stage == "Approved";
            let class = match (passed, number == at, row.reviewer.1) {
                (true, _, _) => "done",
                (false, true, "danger") => "bad",
                (false, true, _) => "now",
                (false, false, _) => "",
            };
            let ended =
                history.iter().rev().find(|entry| passed && ends.contains(&entry.transition.as_str()));
            let line = match (ended, number == at) {
                (Some(entry), _) => format!("{} {}", format::day(entry.occurred_at.as_ref()), entry.office),
                (None, true) => Some(tag(view, false, false).text)
                    .filter(|text| text != name)
                    .unwrap_or_else(|| "办理中".to_owned()),
                (None, false) if passed => String::new(),
                (None, false) => "未开始".to_owned(),
            };
            Step { name, class, line }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proto::reviews::TimeLeft;

    use super::*;

    fn at(stage: &str) -> ApplicationView {
        ApplicationView { stage: stage.to_owned(), ..ApplicationView::default() }
    }

    #[test]
    fn the_bar_shows_what_is_done_whose_turn_it_is_and_what_came_back() {
        assert_eq!(cells(&at("MaterialsDue"), true).join(""), "dddwnnnn");
        assert_eq!(cells(&at("CountyReturned"), true).join(""), "dxnnnnnn");
        assert_eq!(cells(&at("Approved"), false).join(""), "dddddddd");
        let classes: Vec<_> = steps(&at("CityReturned"), &[]).iter().map(|step| step.class).collect();
        assert_eq!(classes, ["done", "done", "done", "done", "bad", "", "", ""]);
    }

    #[test]
    fn a_tag_warns_whose_turn_it_is_unless_it_came_back() {
        assert_eq!(tag(&at("CountyReview"), false, true).class, "warn");
        assert_eq!(tag(&at("CountyReview"), true, false).class, "info");
        assert_eq!(tag(&at("CityReturned"), true, true).class, "danger");
    }

    #[test]
    fn the_time_left_is_said_in_working_days_and_the_time_over_in_days() {
        let left = |working_days_left, days_over| {
            time_left(&ApplicationView {
                deadline_at: Some(prost_types::Timestamp::default()),
                time_left: Some(TimeLeft { working_days_left, days_over }),
                ..ApplicationView::default()
            })
        };
        assert_eq!((left(5, 0).text.as_str(), left(5, 0).class), ("剩 5 个工作日", "info"));
        assert_eq!((left(2, 0).text.as_str(), left(2, 0).class), ("剩 2 个工作日", "warn"));
        assert_eq!((left(0, 3).text.as_str(), left(0, 3).class), ("超期 3 天", "danger"));
        assert_eq!(time_left(&ApplicationView::default()), Tag::default());
    }
}
