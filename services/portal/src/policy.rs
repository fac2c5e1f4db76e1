//! The policy of a round, as its form asks for it and as pages print it. reviews judges it.

use proto::reviews::{NodeLimit, RoundPolicy};

use crate::{
    Form,
    case::Fact,
    entry, format,
    labels::{self, EXPERT_RULES, GATES, SLOTS},
    stage,
};

/// M7 其他说明材料 is optional. Source: workflow, Materials.
const OPTIONAL: &str = "M7";
/// Nodes with a clock, and the usual working days of each. Source: reviews, RoundPolicy.limits.
const CLOCKS: [(&str, i32); 7] = [
    ("CountyReview", 5),
    ("PaperCheck", 5),
    ("CityReview", 10),
    ("AwaitingJointReview", 20),
    ("ExpertReview", 15),
    ("AwaitingProvince", 10),
    ("ProvincialReview", 15),
];
/// Working days before the last one, and after it, where a round says nothing. Source: reviews, RoundPolicy.
const NEAR: i32 = 3;
const ESCALATE: i32 = 2;

/// First and last day.
pub fn days(policy: &RoundPolicy) -> String {
    let end = if policy.closes_on.is_empty() { "不限" } else { &policy.closes_on };
    format!("{} 至 {end}", policy.opens_on)
}

/// When a panel has decided.
pub fn rule(policy: &RoundPolicy) -> String {
    let words = labels::chosen(&EXPERT_RULES, &policy.expert_rule);
    if policy.expert_rule == "n_of_m" { format!("{words}（{} 人）", policy.experts_needed) } else { words }
}

/// 125 as 12.5%.
pub fn percent(permille: i32) -> String {
    match (permille / 10, permille % 10) {
        (whole, 0) => format!("{whole}%"),
        (whole, rest) => format!("{whole}.{rest}%"),
    }
}

/// 12.5 as 125; a text that is none, or finer than a thousandth, as 0, which reviews refuses.
fn permille(text: &str) -> i32 {
    let text = entry::plain(text);
    let text = text.trim_end_matches(['%', '％']);
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    match (whole.parse::<i32>(), rest.len(), rest.parse::<i32>()) {
        (Ok(whole @ 0..=100), 1, Ok(rest @ 0..=9)) => whole * 10 + rest,
        _ => 0,
    }
}

/// What it lays down, by name.
pub fn facts(policy: &RoundPolicy) -> Vec<Fact> {
    let fact = |name, value: String| Fact { name, value: format::or_dash(&value) };
    let freeze = match policy.freeze_after_days {
        0 => "发起后即可冻结".to_owned(),
        days => format!("发起后 {days} 天"),
    };
    let mut facts = vec![
        fact("申报时间", days(policy)),
        fact("互联互通核验", labels::chosen(&GATES, &policy.gate_a)),
        fact("充电数据核验", labels::chosen(&GATES, &policy.gate_b)),
        fact("专家组规则", rule(policy)),
        fact(
            "会签厅委",
            policy.departments.iter().map(|code| labels::department(code)).collect::<Vec<_>>().join("、"),
        ),
        fact("抽查比例", percent(policy.sample_permille)),
        fact("扩大抽查", format!("发现问题超过 {} 件", policy.finding_threshold)),
        fact("工单冻结期限", freeze),
        fact("临近提醒（黄牌）", format!("到期前 {} 个工作日", policy.near_working_days.unwrap_or(NEAR))),
        fact("逾期（红牌）", "超过时限起".to_owned()),
        fact(
            "超期上报",
            format!("超期 {} 个工作日后", policy.escalate_after_working_days.unwrap_or(ESCALATE)),
        ),
    ];
    facts.extend(CLOCKS.iter().map(|(id, usual)| Fact {
        name: clock_name(id),
        value: format!("{} 个工作日", set(policy, id).unwrap_or(*usual)),
    }));
    facts
}

fn clock_name(id: &str) -> &'static str {
    match id {
        "PaperCheck" => "线下初审",
        "AwaitingJointReview" => "发起联合审核",
        "AwaitingProvince" => "冻结工单",
        "ProvincialReview" => "省级厅委审核",
        _ => stage::of(id).reviewer.0,
    }
}

fn set(policy: &RoundPolicy, id: &str) -> Option<i32> {
    policy.limits.iter().find(|limit| limit.stage == id).map(|limit| limit.working_days)
}

/// A node with a clock, as the form asks for its working days.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Name of the field.
    pub field: String,
    /// What is done within the time.
    pub label: &'static str,
}

/// Nodes with a clock.
pub fn limits() -> Vec<Limit> {
    CLOCKS.iter().map(|(id, _)| Limit { field: format!("limit_{id}"), label: clock_name(id) }).collect()
}

/// What the first round is offered.
pub fn usual() -> RoundPolicy {
    RoundPolicy {
        required_slots: SLOTS.iter().map(|(id, _)| (*id).to_owned()).filter(|id| id != OPTIONAL).collect(),
        gate_a: "block".to_owned(),
        gate_b: "block".to_owned(),
        expert_rule: "lead".to_owned(),
        sample_permille: 200,
        ..RoundPolicy::default()
    }
}

/// The form of a policy like this one; its days are left open.
pub fn filled(policy: &RoundPolicy) -> Form {
    let slots = policy.required_slots.iter().map(|slot| ("required_slots", slot.clone()));
    let departments = policy.departments.iter().map(|code| ("departments", code.clone()));
    let single = [
        ("gate_a", policy.gate_a.clone()),
        ("gate_b", policy.gate_b.clone()),
        ("expert_rule", policy.expert_rule.clone()),
        ("experts_needed", policy.experts_needed.to_string()),
        ("sample_permille", percent(policy.sample_permille).trim_end_matches('%').to_owned()),
        ("finding_threshold", policy.finding_threshold.to_string()),
        ("freeze_after_days", policy.freeze_after_days.to_string()),
    ];
    let clocks = [
        ("near_working_days", policy.near_working_days.unwrap_or(NEAR).to_string()),
        ("escalate_after_working_days", policy.escalate_after_working_days.unwrap_or(ESCALATE).to_string()),
    ];
    let mut form = Form::filled(single.into_iter().chain(slots).chain(departments).chain(clocks));
    for (id, usual) in CLOCKS {
        form.set(&format!("limit_{id}"), &set(policy, id).unwrap_or(usual).to_string());
    }
    form
}

/// What was entered; what is no number is sent as one that reviews refuses.
pub fn read(form: &Form) -> RoundPolicy {
    // -1 is what no number can be: reviews names the field.
    let number = |name: &str| entry::plain(form.value(name)).parse().unwrap_or(-1);
    RoundPolicy {
        version: 0,
        opens_on: form.text("opens_on"),
        closes_on: form.text("closes_on"),
        required_slots: form.values("required_slots"),
        gate_a: form.text("gate_a"),
        gate_b: form.text("gate_b"),
        expert_rule: form.text("expert_rule"),
        experts_needed: if form.has("expert_rule", "n_of_m") { number("experts_needed") } else { 0 },
        departments: form.values("departments"),
        sample_permille: permille(form.value("sample_permille")),
        finding_threshold: number("finding_threshold"),
        freeze_after_days: number("freeze_after_days"),
        limits: CLOCKS
            .iter()
            .map(|(id, _)| NodeLimit {
                stage: (*id).to_owned(),
                working_days: number(&format!("limit_{id}")),
            })
            .collect(),
        near_working_days: Some(number("near_working_days")),
        escalate_after_working_days: Some(number("escalate_after_working_days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_it_is_written() {
        for (text, number) in
            [("20", 200), ("12.5%", 125), ("100", 1000), ("0.1", 1), (" 5 ", 50), ("１２．５％", 125)]
        {
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
            departments: vec!["fgw".into(), "nyj".into(), "zdb".into()],
            sample_permille: 125,
            finding_threshold: 1,
            freeze_after_days: 10,
            limits: CLOCKS
                .iter()
                .map(|(id, _)| NodeLimit { stage: (*id).to_owned(), working_days: 7 })
                .collect(),
            near_working_days: Some(1),
            escalate_after_working_days: Some(0),
            ..RoundPolicy::default()
        };
        assert_eq!(read(&filled(&stored)), stored);
        let mut form = filled(&stored);
        form.set("freeze_after_days", "１，0００ ");
        form.set("limit_CityReview", "１０");
        let typed = read(&form);
        assert_eq!((typed.freeze_after_days, set(&typed, "CityReview")), (1000, Some(10)));
    }
}
