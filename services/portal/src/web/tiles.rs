//! 工作台: the tiles, how much waits for this person by node, and what its office looks at beside that. The page around them is in
//! [`super::workbench`].

use futures::future::join_all;
use proto::{
    notifications::{CountTasksResponse, StageCount},
    reviews::{CountApplicationsRequest, ListApplicationsRequest},
};

use super::{applications, county_subsidies};
use crate::{Role, Visitor, format, frame, list::Filter, stage};

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
    /// Its picture in the sprite.
    pub icon: &'static str,
}

/// The picture of a node of this colour.
fn icon(class: &str) -> &'static str {
    match class {
        "danger" => "undo",
        "warn" => "upload",
        "mute" => "edit",
        "joint" => "users",
        _ => "file",
    }
}

/// A filter of an office's list that has a tile.
struct View {
    label: &'static str,
    line: &'static str,
    class: &'static str,
    icon: &'static str,
    filter: &'static [(&'static str, &'static str)],
}

impl View {
    fn tile(&self, count: i32) -> Tile {
        Tile {
            count,
            label: self.label.to_owned(),
            line: if count == 0 { "无" } else { self.line }.to_owned(),
            path: Filter::of(county_subsidies::LIST, self.filter).here(),
            class: self.class,
            icon: self.icon,
        }
    }
}

/// The tiles of county and city beside those of their nodes: tasks with a card, 红 and 黄. Source: ui, section 3.
const LIGHTS: [View; 2] = [
    View {
        label: "已超期",
        line: "待本单位办理，已过时限",
        class: "danger",
        icon: "alert",
        filter: &[("own", "open"), ("light", "red")],
    },
    View {
        label: "3 日内到期",
        line: "临近时限，以批次规定为准",
        class: "warn",
        icon: "clock",
        filter: &[("own", "open"), ("light", "yellow")],
    },
];
/// The same, of what is no open task.
const VIEWS: &[View] = &[
    View {
        label: "已退回待修改",
        line: "等待运营商重新提交",
        class: "mute",
        icon: "undo",
        filter: &[("tab", "returned")],
    },
    View {
        label: "本月已办",
        line: "本人办理过的申请",
        class: "ok",
        icon: "check",
        filter: &[("own", "month")],
    },
];

/// By node; for county and city also by card. The accounts that wait for an administrator come first.
pub(super) fn tiles(visitor: &Visitor, counts: &CountTasksResponse) -> Vec<Tile> {
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
        Tile { count: number, label: label.to_owned(), line, path, class, icon: icon(class) }
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
    if authority(visitor) {
        tiles.extend(lights(&parties, counts));
    }
    tiles
}

fn authority(visitor: &Visitor) -> bool {
    county_subsidies::AUTHORITIES.into_iter().any(|role| visitor.is(role))
}

/// How many of the office's open tasks have a card: counted with the tasks.
fn lights(parties: &[&'static str], counts: &CountTasksResponse) -> Vec<Tile> {
    let nodes: Vec<_> = stage::waiting_for(parties).map(|row| row.id).collect();
    let own = |one: &&StageCount| one.subject_type == "application" && nodes.contains(&one.stage.as_str());
    let (red, yellow) = counts
        .counts
        .iter()
        .filter(own)
        .fold((0, 0), |(red, yellow), one| (red + one.red, yellow + one.yellow));
    LIGHTS.iter().zip([red, yellow]).map(|(view, count)| view.tile(count.min(1001))).collect()
}

/// Each counts what its list asks for; one that cannot be counted just now is left out.
pub(super) async fn views(visitor: &Visitor) -> Vec<Tile> {
    if !authority(visitor) {
        return Vec::new();
    }
    let counted = join_all(VIEWS.iter().map(|view| async move {
        let filter = Filter::of(county_subsidies::LIST, view.filter);
        let asked = applications::tabbed(county_subsidies::saved(visitor), &filter);
        let asked = ListApplicationsRequest { page: None, ..asked };
        let request = CountApplicationsRequest { filter: Some(asked) };
        let count = visitor.applications().count_applications(request).await.ok()?.into_inner().total;
        Some(view.tile(count))
    }));
    counted.await.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_counted_over_the_nodes_of_the_office_and_over_applications_only() {
        let one = |subject_type: &str, stage: &str, red, yellow| StageCount {
            subject_type: subject_type.into(),
            stage: stage.into(),
            red,
            yellow,
            ..StageCount::default()
        };
        let counts = vec![
            one("application", "CountyReview", 2, 1),
            one("application", "PaperCheck", 1, 0),
            one("application", "CityReview", 5, 5),
            one("operator", "PaperCheck", 7, 7),
        ];
        let tiles = lights(&["county"], &CountTasksResponse { counts });
        let shown: Vec<_> = tiles.iter().map(|tile| (tile.label.as_str(), tile.count)).collect();
        assert_eq!(shown, [("已超期", 3), ("3 日内到期", 1)]);
        assert_eq!(tiles[0].path, "/supervision/county-subsidies?own=open&light=red");
    }
}
