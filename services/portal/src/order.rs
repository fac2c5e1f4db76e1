//! A work order as any page shows it: state, progress, panel, draws. Source: workflow, T14 to T24.

use proto::reviews::{Draw, PanelMember, WorkOrderView};

use crate::{
    divisions::Known,
    format,
    stage::{self, Tag},
};

/// Ranks that a page lists of one draw; the download has them all.
const RANKS: usize = 200;

/// One order in a list, and the head of its page.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The city whose applications it holds.
    pub city: String,
    /// Name of the round; its id where rounds cannot be read.
    pub round: String,
    /// Number of the launch.
    pub batch: i32,
    /// Version that a command about it names.
    pub version: i64,
    /// Where it stands.
    pub state: Tag,
    /// Members, those that left not counted.
    pub total: i32,
    /// Members that the experts have passed.
    pub passed: i32,
    /// Members that wait for the operator.
    pub supplements: i32,
    /// Members that left.
    pub left: i32,
    /// Findings since the last draw.
    pub findings: i32,
    /// Members by node, in the order of the workflow.
    pub progress: Vec<(String, i32)>,
    /// When it was launched.
    pub launched: String,
    /// When it should be frozen.
    pub due: String,
    /// When it was frozen.
    pub frozen: String,
    /// When it was concluded.
    pub concluded: String,
    /// SHA-256 over its members.
    pub hash: String,
    /// Whether the reader has to declare before anything else.
    pub need: bool,
}

/// State of an order: words and tag class.
pub fn state(id: &str) -> (&'static str, &'static str) {
    match id {
        "open" => ("专家组审核", "joint"),
        "frozen" => ("省级厅委审核", "joint"),
        "concluded" => ("已办结", "ok"),
        _ => ("—", ""),
    }
}

impl Order {
    /// As a page prints it; `round` is the name of its round.
    pub fn of(view: &WorkOrderView, names: &Known, round: String) -> Order {
        let (text, class) = state(&view.state);
        let at = |id: &str| view.progress.get(id).copied().unwrap_or(0);
        Order {
            id: view.work_order_id.clone(),
            city: names.name(&view.prefecture),
            round,
            batch: view.batch,
            version: view.version,
            state: Tag { text: text.to_owned(), class },
            total: view.progress.values().sum(),
            passed: at("AwaitingProvince") + at("ProvincialReview") + at("Approved"),
            supplements: at("SupplementDue"),
            left: view.left,
            findings: view.findings,
            progress: stage::TABLE
                .iter()
                .filter(|row| at(row.id) > 0)
                .map(|row| (row.reviewer.0.to_owned(), at(row.id)))
                .collect(),
            launched: format::moment(view.launched_at.as_ref()),
            due: format::moment(view.freeze_due_at.as_ref()),
            frozen: format::moment(view.frozen_at.as_ref()),
            concluded: format::moment(view.concluded_at.as_ref()),
            hash: view.membership_hash.clone(),
            need: false,
        }
    }

    /// City and number of the launch.
    pub fn title(&self) -> String {
        format!("{}联合审核工单（第 {} 次发起）", self.city, self.batch)
    }
}

/// Somebody on the panel.
#[derive(Debug, Clone, Default)]
pub struct Seat {
    /// Name.
    pub name: String,
    /// 组长 or 成员.
    pub duty: &'static str,
    /// What was declared.
    pub declared: Tag,
}

impl Seat {
    /// As a page prints it.
    pub fn of(member: &PanelMember) -> Seat {
        let conflicts = member.conflict_application_ids.len();
        let (text, class) = match (member.declared, member.conflicted, conflicts) {
            (false, _, _) => ("未声明".to_owned(), "draft"),
            (true, true, _) => ("全部回避".to_owned(), "danger"),
            (true, false, 0) => ("无利益冲突".to_owned(), "ok"),
            (true, false, some) => (format!("回避 {some} 件"), "warn"),
        };
        Seat {
            name: member.name.clone(),
            duty: if member.lead { "组长" } else { "成员" },
            declared: Tag { text, class },
        }
    }
}

/// One draw, with all that it takes to repeat it.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// 1: the freeze; then each wider sample.
    pub number: i32,
    /// What it is called.
    pub title: &'static str,
    /// When.
    pub at: String,
    /// The seed.
    pub seed: String,
    /// The population's hash.
    pub population: String,
    /// Share in percent.
    pub share: String,
    /// How many were drawn by rank.
    pub size: i32,
    /// How many members there were.
    pub members: usize,
    /// How many are in, with the forced ones.
    pub chosen: usize,
    /// The first of them by rank.
    pub ranks: Vec<Rank>,
}

/// A member in a draw.
#[derive(Debug, Clone, Default)]
pub struct Rank {
    /// The application.
    pub application_id: String,
    /// Its rank.
    pub rank: String,
    /// 抽中, 必查 or nothing.
    pub tag: Tag,
}

impl Drawn {
    /// As a page prints it.
    pub fn of(draw: &Draw) -> Drawn {
        let tag = |forced: bool, chosen: bool| match (forced, chosen) {
            (true, _) => Tag { text: "必查".to_owned(), class: "warn" },
            (false, true) => Tag { text: "抽中".to_owned(), class: "info" },
            (false, false) => Tag::default(),
        };
        let ranks = draw.ranking.iter().take(RANKS).map(|one| Rank {
            application_id: one.application_id.clone(),
            rank: one.rank.clone(),
            tag: tag(one.forced, one.chosen),
        });
        Drawn {
            number: draw.number,
            title: if draw.number == 1 { "冻结工单时抽取" } else { "扩大抽查" },
            at: format::moment(draw.drawn_at.as_ref()),
            seed: draw.seed.clone(),
            population: draw.population_hash.clone(),
            share: format!("{}.{}%", draw.permille / 10, draw.permille % 10),
            size: draw.size,
            members: draw.ranking.len(),
            chosen: draw.ranking.iter().filter(|one| one.chosen || one.forced).count(),
            ranks: ranks.collect(),
        }
    }
}

/// A draw as a table that programs read: one line for each member.
pub fn ranking(draw: &Draw) -> String {
    let mut lines = vec!["application_id,submission_hash,rank,forced,chosen".to_owned()];
    lines.extend(draw.ranking.iter().map(|one| {
        format!("{},{},{},{},{}", one.application_id, one.submission_hash, one.rank, one.forced, one.chosen)
    }));
    lines.join("\r\n") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_stands_in_the_order_of_the_workflow_and_counts_what_the_experts_passed() {
        let view = WorkOrderView {
            state: "open".into(),
            progress: [("AwaitingProvince", 2), ("ExpertReview", 3), ("SupplementDue", 1)]
                .map(|(stage, count)| (stage.to_owned(), count))
                .into(),
            ..WorkOrderView::default()
        };
        let order = Order::of(&view, &Known::default(), "第二批".into());
        assert_eq!((order.total, order.passed, order.supplements), (6, 2, 1));
        let words: Vec<_> = order.progress.iter().map(|(words, _)| words.as_str()).collect();
        assert_eq!(words, ["专家组审核", "专家组审核不通过（待补充材料）", "专家组审核通过"]);
    }

    #[test]
    fn a_declaration_says_whether_the_person_may_judge() {
        let seat = |declared, conflicted, conflicts: usize| {
            Seat::of(&PanelMember {
                declared,
                conflicted,
                conflict_application_ids: vec!["7".into(); conflicts],
                ..PanelMember::default()
            })
            .declared
            .text
        };
        assert_eq!(seat(false, false, 0), "未声明");
        assert_eq!(seat(true, false, 0), "无利益冲突");
        assert_eq!(seat(true, false, 2), "回避 2 件");
        assert_eq!(seat(true, true, 2), "全部回避");
    }
}
