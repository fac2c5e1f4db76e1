//! 系统管理/轮次与参数: rounds with their policies. A policy is set when its round is made; reviews judges it.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::{
    common,
    reviews::{CreateRoundRequest, GetRoundRequest, ListRoundsRequest, Round, RoundPolicy},
};

use super::Routes;
use crate::{
    Answer, Form, Page, Role, Visitor,
    case::Fact,
    format,
    labels::{self, EXPERT_RULES, GATES, SLOTS},
    list::{Filter, Pager},
};

/// Menu path, and the list.
pub const LIST: &str = "/system/rounds";
/// Rounds that a choice offers; a province opens a few in a year.
const CHOICES: i32 = 100;
/// M7 其他说明材料 is optional. Source: workflow, Materials.
const OPTIONAL: &str = "M7";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/system/rounds/new", get(blank).post(create))
        .route("/system/rounds/{id}", get(show))
}

/// The newest rounds; none while reviews is away.
pub async fn newest(visitor: &Visitor) -> Vec<Round> {
    let page = common::Page { page_size: CHOICES, page_token: String::new() };
    let answer = visitor.rounds().list_rounds(ListRoundsRequest { page: Some(page) }).await;
    answer.map(|answer| answer.into_inner().rounds).unwrap_or_default()
}

/// Codes of the departments that rounds name.
pub async fn departments(visitor: &Visitor) -> Vec<String> {
    let rounds = newest(visitor).await;
    let mut codes: Vec<_> =
        rounds.into_iter().filter_map(|round| round.policy).flat_map(|policy| policy.departments).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// One round in the list.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// First and last day.
    pub days: String,
    /// When a panel has decided.
    pub rule: String,
    /// Who signs.
    pub departments: String,
    /// Share of an order that is drawn.
    pub sample: String,
    /// When it was made.
    pub created_at: String,
    /// Its page.
    pub path: String,
}

impl Row {
    fn of(round: &Round) -> Row {
        let policy = round.policy.clone().unwrap_or_default();
        Row {
            name: round.name.clone(),
            days: days(&policy),
            rule: rule(&policy),
            departments: policy.departments.join("、"),
            sample: percent(policy.sample_permille),
            created_at: format::short(round.created_at.as_ref()),
            path: format!("{LIST}/{}", round.round_id),
        }
    }
}

fn days(policy: &RoundPolicy) -> String {
    let end = if policy.closes_on.is_empty() { "不限" } else { &policy.closes_on };
    format!("{} 至 {end}", policy.opens_on)
}

fn rule(policy: &RoundPolicy) -> String {
    let words = labels::chosen(&EXPERT_RULES, &policy.expert_rule);
    if policy.expert_rule == "n_of_m" { format!("{words}（{} 人）", policy.experts_needed) } else { words }
}

/// 125 as 12.5%.
fn percent(permille: i32) -> String {
    match (permille / 10, permille % 10) {
        (whole, 0) => format!("{whole}%"),
        (whole, rest) => format!("{whole}.{rest}%"),
    }
}

/// 12.5 as 125; a text that is none, or finer than a thousandth, as 0, which reviews refuses.
fn permille(text: &str) -> i32 {
    let text = text.trim().trim_end_matches(['%', '％']);
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    match (whole.parse::<i32>(), rest.len(), rest.parse::<i32>()) {
        (Ok(whole @ 0..=100), 1, Ok(rest @ 0..=9)) => whole * 10 + rest,
        _ => 0,
    }
}

/// The list.
#[derive(Template)]
#[template(path = "rounds.html")]
pub struct RoundsPage {
    /// The frame.
    pub page: Page,
    /// Rounds of this page of the list, the newest first.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let answer = visitor.rounds().list_rounds(ListRoundsRequest { page: filter.page() }).await?.into_inner();
    let page = RoundsPage {
        page: visitor.page(LIST, "轮次与参数").await,
        rows: answer.rounds.iter().map(Row::of).collect(),
        pager: filter.pager(&answer.next_page_token, answer.rounds.len()),
    };
    visitor.show(StatusCode::OK, &page)
}

/// One round.
#[derive(Template)]
#[template(path = "round.html")]
pub struct RoundPage {
    /// The frame.
    pub page: Page,
    /// Its name.
    pub name: String,
    /// Version of its policy.
    pub version: i32,
    /// What its policy lays down.
    pub facts: Vec<Fact>,
    /// Materials that it asks for.
    pub slots: Vec<String>,
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let round = visitor.rounds().get_round(GetRoundRequest { round_id: id }).await?.into_inner();
    let policy = round.policy.clone().unwrap_or_default();
    let page = RoundPage {
        page: visitor.page(LIST, "批次详情").await,
        name: round.name.clone(),
        version: policy.version,
        facts: facts(&policy),
        slots: policy.required_slots.iter().map(|slot| labels::item(slot)).collect(),
    };
    visitor.show(StatusCode::OK, &page)
}

fn facts(policy: &RoundPolicy) -> Vec<Fact> {
    let fact = |name, value: String| Fact { name, value: format::or_dash(&value) };
    let freeze = match policy.freeze_after_days {
        0 => "发起后即可锁定".to_owned(),
        days => format!("发起后 {days} 天"),
    };
    vec![
        fact("申报时间", days(policy)),
        fact("互联互通核验", labels::chosen(&GATES, &policy.gate_a)),
        fact("充电数据核验", labels::chosen(&GATES, &policy.gate_b)),
        fact("专家组规则", rule(policy)),
        fact("会签厅委", policy.departments.join("、")),
        fact("抽查比例", percent(policy.sample_permille)),
        fact("扩大抽查", format!("发现问题超过 {} 件", policy.finding_threshold)),
        fact("工单锁定期限", freeze),
    ]
}

/// The form of a new round.
#[derive(Template)]
#[template(path = "round_new.html")]
pub struct NewRoundPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Materials: id and words.
    pub slots: Vec<(&'static str, &'static str)>,
    /// How strict a gate may be.
    pub gates: Vec<(&'static str, &'static str)>,
    /// When a panel has decided.
    pub rules: Vec<(&'static str, &'static str)>,
}

async fn new(visitor: &Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let status = form.status();
    let page = NewRoundPage {
        page: visitor.page(LIST, "新建批次").await,
        form,
        slots: SLOTS.to_vec(),
        gates: GATES.to_vec(),
        rules: EXPERT_RULES.to_vec(),
    };
    visitor.show(status, &page)
}

/// Filled in as the last round was; the first one as the workflow says.
async fn blank(visitor: Visitor) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let last = newest(&visitor).await.into_iter().find_map(|round| round.policy);
    let policy = last.unwrap_or_else(|| RoundPolicy {
        required_slots: SLOTS.iter().map(|(id, _)| (*id).to_owned()).filter(|id| id != OPTIONAL).collect(),
        gate_a: "block".to_owned(),
        gate_b: "block".to_owned(),
        expert_rule: "lead".to_owned(),
        sample_permille: 200,
        ..RoundPolicy::default()
    });
    new(&visitor, filled(&policy)).await
}

fn filled(policy: &RoundPolicy) -> Form {
    let slots = policy.required_slots.iter().map(|slot| ("required_slots", slot.clone()));
    let single = [
        ("gate_a", policy.gate_a.clone()),
        ("gate_b", policy.gate_b.clone()),
        ("expert_rule", policy.expert_rule.clone()),
        ("experts_needed", policy.experts_needed.to_string()),
        ("departments", policy.departments.join(" ")),
        ("sample_permille", percent(policy.sample_permille).trim_end_matches('%').to_owned()),
        ("finding_threshold", policy.finding_threshold.to_string()),
        ("freeze_after_days", policy.freeze_after_days.to_string()),
    ];
    Form::filled(single.into_iter().chain(slots))
}

fn policy(form: &Form) -> RoundPolicy {
    // -1 is what no number can be: reviews names the field.
    let number = |name: &str| form.value(name).trim().parse().unwrap_or(-1);
    let split = |text: &str| {
        let parts = text.split([' ', '　', ',', '，', '、', ';', '；']).map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    RoundPolicy {
        version: 0,
        opens_on: form.text("opens_on"),
        closes_on: form.text("closes_on"),
        required_slots: form.values("required_slots"),
        gate_a: form.text("gate_a"),
        gate_b: form.text("gate_b"),
        expert_rule: form.text("expert_rule"),
        experts_needed: if form.has("expert_rule", "n_of_m") { number("experts_needed") } else { 0 },
        departments: split(form.value("departments")),
        sample_permille: permille(form.value("sample_permille")),
        finding_threshold: number("finding_threshold"),
        freeze_after_days: number("freeze_after_days"),
        // Limits of nodes: as usual.
        ..RoundPolicy::default()
    }
}

async fn create(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = CreateRoundRequest {
        request_id: form.request_id(),
        name: form.text("name"),
        policy: Some(policy(&form)),
    };
    match visitor.rounds().create_round(request).await {
        Ok(answer) => {
            let round = answer.into_inner();
            visitor.done(
                &format!("{LIST}/{}", round.round_id),
                &format!("批次“{}”已创建，申报期内企业可以发起申请", round.name),
            )
        }
        Err(status) => {
            let mut form = form.refused(status)?;
            for wrong in &mut form.wrongs {
                if let Some(field) = wrong.field.strip_prefix("policy.") {
                    wrong.field = field.to_owned();
                }
            }
            new(&visitor, form).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_it_is_written() {
        for (text, number) in [("20", 200), ("12.5%", 125), ("100", 1000), ("0.1", 1), (" 5 ", 50)] {
            assert_eq!(permille(text), number, "{text}");
        }
        for text in ["", "x", "12.55", "101", "-1", "1."] {
            assert_eq!(permille(text), 0, "{text}");
        }
        assert_eq!((percent(200).as_str(), percent(125).as_str()), ("20%", "12.5%"));
    }

    #[test]
    fn a_filled_form_is_the_policy_that_it_was_filled_from() {
        let stored = RoundPolicy {
            opens_on: String::new(),
            required_slots: vec!["M1".into(), "M9".into()],
            gate_a: "block".into(),
            gate_b: "warn".into(),
            expert_rule: "n_of_m".into(),
            experts_needed: 2,
            departments: vec!["fgw".into(), "nyj".into()],
            sample_permille: 125,
            finding_threshold: 1,
            freeze_after_days: 10,
            ..RoundPolicy::default()
        };
        assert_eq!(policy(&filled(&stored)), stored);
    }
}
