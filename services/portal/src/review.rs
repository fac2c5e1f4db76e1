//! The review workspace: an application with what is to be judged, the way through the worklist, and the words that
//! reviewers write often. Shared by every tier; what a decision is sent to stands in the file of the tier.

use proto::{
    notifications::{FindNeighboursRequest, FindNeighboursResponse},
    reviews::Judged,
};

use crate::{
    Form, Refused, Visitor,
    case::Case,
    frame,
    labels::{FIELDS, SLOTS},
    refused::Away,
    stage::{self, Tag},
    standing::Standing,
};

/// How far places and counts are exact. Source: performance, rule 10.
const COUNT_MAX: i32 = 1_000;

/// See the module.
#[derive(Debug, Clone)]
pub struct Review {
    /// State, form, history, what may be done.
    pub case: Case,
    /// What is to be judged; or why not.
    pub standing: Result<Standing, Away>,
    /// The ways on and back.
    pub way: Way,
    /// Words that reviewers write often.
    pub phrases: &'static [&'static str],
    /// Fields of the form that a return can name: id and words.
    pub fields: Vec<(&'static str, &'static str)>,
    /// Where the decision is sent.
    pub path: String,
    /// Where it is made ready for paper.
    pub print: String,
    /// Where its materials are packed.
    pub package: String,
    /// What passing and returning are called.
    pub choices: [(&'static str, &'static str); 2],
    /// Parties to which it can be returned; none where there is no choice.
    pub targets: &'static [(&'static str, &'static str)],
}

/// The way through the reader's own tasks at one node.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// The task before; empty for none.
    pub previous: String,
    /// The task after; empty for none.
    pub next: String,
    /// Where this one stands among them; empty where it is none of them.
    pub place: String,
}

/// Parties to which departments return. Source: workflow, T23.
pub const TARGETS: [(&str, &str); 3] = [
    ("operator", "运营商：材料有问题，补充材料"),
    ("experts", "专家组：评审有问题，重新评审"),
    ("city", "市级主管部门：审核有问题，重新审核"),
];

impl Review {
    /// Reads everything around an application that somebody reviews at `path`.
    ///
    /// # Errors
    /// Not found, also where it is foreign; reviews is away.
    pub async fn load(visitor: &Visitor, id: &str, path: String) -> Result<Review, Refused> {
        let case = Case::load(visitor, id).await?;
        let (standing, way) =
            tokio::join!(Standing::load(visitor, &case.view), Way::find(visitor, &case.view.stage, id));
        let stage = case.view.stage.as_str();
        let sent_back = if stage == "ProvincialReview" {
            "不通过，退回"
        } else {
            "不通过，退回运营商修改"
        };
        Ok(Review {
            phrases: phrases(stage),
            fields: FIELDS.to_vec(),
            choices: [("pass", "通过"), ("return", sent_back)],
            targets: if stage == "ProvincialReview" { &TARGETS } else { &[] },
            standing: standing?,
            case,
            way,
            path,
            print: format!("{}/{id}/print", visitor.list_path()),
            package: format!("{}/{id}/package", visitor.list_path()),
        })
    }

    /// Whether a decision can be given here and now.
    pub fn decides(&self) -> bool {
        self.case.allows("Pass") || self.case.allows("Return")
    }

    /// What is left of the time at this node.
    pub fn left(&self) -> Tag {
        stage::time_left(&self.case.view)
    }

    /// Whether the form is shown: also while it says why it was refused.
    pub fn shows_form(&self, form: &Form) -> bool {
        self.decides() || form.is_refused()
    }
}

impl Way {
    /// Looks a task up among the reader's own at this node.
    pub async fn find(visitor: &Visitor, stage: &str, id: &str) -> Way {
        let found = neighbours(visitor, stage, id).await;
        let path = |id: &str| if id.is_empty() { String::new() } else { visitor.application_path(id) };
        if found.place == 0 {
            return Way { next: path(&found.first_id), ..Way::default() };
        }
        Way {
            previous: path(&found.previous_id),
            next: path(&found.next_id),
            place: place(found.place, found.total),
        }
    }

    /// The page after a decision on `id`: the next task at the same node, or else the list. To be asked before the decision:
    /// afterwards the worklist may no longer know where the task stood.
    pub async fn on(visitor: &Visitor, stage: &str, id: &str) -> String {
        let found = neighbours(visitor, stage, id).await;
        let next = [found.next_id, found.first_id].into_iter().find(|next| !next.is_empty());
        next.map_or_else(|| visitor.list_path().to_owned(), |next| visitor.application_path(&next))
    }
}

/// 待办第 2 件，共 9 件.
fn place(place: i32, total: i32) -> String {
    let total = frame::count(total);
    if place > COUNT_MAX {
        return format!("待办第 1,000 件之后，共 {total} 件");
    }
    format!("待办第 {place} 件，共 {total} 件")
}

/// A task among the reader's own at a node, in the order of the workbench; none while they cannot be read.
async fn neighbours(visitor: &Visitor, stage: &str, id: &str) -> FindNeighboursResponse {
    let asked = FindNeighboursRequest { stage: stage.to_owned(), application_id: id.to_owned() };
    let answer = visitor.worklist().find_neighbours(asked).await;
    answer.map(tonic::Response::into_inner).unwrap_or_default()
}

/// The submission that a form's person has judged.
pub fn judged(form: &Form) -> Option<Judged> {
    let version = i32::try_from(form.number("submission_version")).unwrap_or(0);
    Some(Judged { submission_version: version, submission_hash: form.text("submission_hash") })
}

/// What a return names: the chosen fields and the materials that were marked 不合格.
pub fn items(form: &Form) -> Vec<String> {
    let marked = SLOTS.iter().filter(|(slot, _)| form.has(&format!("mark_{slot}"), "bad"));
    form.values("items").into_iter().chain(marked.map(|(slot, _)| (*slot).to_owned())).collect()
}

/// What the form itself contradicts: no conclusion, or a pass beside something marked 不合格. Refused before it is sent.
pub fn contradicts(form: &Form) -> Option<(&'static str, &'static str)> {
    match form.value("decision") {
        "pass" if !items(form).is_empty() => {
            Some(("decision", "已有标为不合格或需修改的项目，请改选不通过，或更正标记后再通过"))
        }
        "pass" | "return" => None,
        _ => Some(("decision", "请选择总体结论")),
    }
}

fn phrases(stage: &str) -> &'static [&'static str] {
    match stage {
        "CountyReview" => &[
            "申报信息属实，同意上报",
            "站址与现场不符",
            "经纬度有误",
            "充电接口数量与现场不符",
            "开工完工时间有误",
        ],
        "CityReview" => &["材料齐全，同意上报", "缺公章", "发票金额不符", "照片不清晰", "决算报告缺审计签章"],
        "ExpertReview" => &[
            "符合补贴条件，同意",
            "检测报告与设备型号不符",
            "决算金额与发票不符",
            "验收报告不完整",
            "请补充现场照片",
        ],
        "ProvincialReview" => {
            &["抽查符合要求，同意", "材料与现场不符", "发票存疑，请核实", "评审意见与材料不符"]
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_names_chosen_fields_and_marked_materials() {
        let form = Form::filled([
            ("items", "address".to_owned()),
            ("mark_M5", "bad".to_owned()),
            ("mark_M6", "ok".to_owned()),
        ]);
        assert_eq!(items(&form), ["address", "M5"]);
    }

    #[test]
    fn a_place_is_told_as_far_as_it_is_counted() {
        assert_eq!(place(201, 350), "待办第 201 件，共 350 件");
        assert_eq!(place(201, 1001), "待办第 201 件，共 1,000+ 件");
        assert_eq!(place(1001, 1001), "待办第 1,000 件之后，共 1,000+ 件");
    }

    #[test]
    fn a_pass_beside_a_bad_mark_and_a_missing_conclusion_are_not_sent() {
        let form = |decision: &str, mark: &str| {
            Form::filled([("decision", decision.to_owned()), ("mark_M5", mark.to_owned())])
        };
        assert!(contradicts(&form("pass", "bad")).is_some());
        assert!(contradicts(&form("", "ok")).is_some());
        assert!(contradicts(&form("pass", "ok")).is_none());
        assert!(contradicts(&form("return", "bad")).is_none());
    }
}
