//! 系统管理/轮次与参数: rounds with their policies. A policy is set when its round is made; reviews judges it.

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::{
    common,
    reviews::{CreateRoundRequest, GetRoundRequest, ListRoundsRequest, Round},
};

use super::Routes;
use crate::{
    Answer, Form, Page, Role, Visitor,
    case::Fact,
    format,
    labels::{self, DEPARTMENTS, EXPERT_RULES, GATES, SLOTS},
    list::{Filter, Pager},
    parameters::Parameters,
    policy::{self, Limit},
};

/// Menu path, and the list.
pub const LIST: &str = "/system/rounds";
/// Rounds that a choice offers; a province opens a few in a year.
const CHOICES: i32 = 100;

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

/// Departments to choose from, code and name: those that usually sign, and what else rounds name.
pub async fn departments(visitor: &Visitor) -> Vec<(String, String)> {
    known(&newest(visitor).await)
}

fn known(rounds: &[Round]) -> Vec<(String, String)> {
    let usual = DEPARTMENTS.map(|(code, _)| code.to_owned());
    let named = rounds.iter().filter_map(|round| round.policy.as_ref()).flat_map(|one| &one.departments);
    let others: BTreeSet<_> = named.filter(|code| !usual.contains(code)).cloned().collect();
    let named = |code: String| (code.clone(), labels::department(&code));
    usual.into_iter().chain(others).map(named).collect()
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
    pub(super) fn of(round: &Round) -> Row {
        let policy = round.policy.clone().unwrap_or_default();
        Row {
            name: round.name.clone(),
            days: policy::days(&policy),
            rule: policy::rule(&policy),
            departments: policy
                .departments
                .iter()
                .map(|code| labels::department(code))
                .collect::<Vec<_>>()
                .join("、"),
            sample: policy::percent(policy.sample_permille),
            created_at: format::short(round.created_at.as_ref()),
            path: format!("{LIST}/{}", round.round_id),
        }
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
    /// 参数: what holds on the platform now.
    pub parameters: Parameters,
    /// Ways on and back.
    pub pager: Pager,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let (mut rounds, request) = (visitor.rounds(), ListRoundsRequest { page: filter.page() });
    let (answer, parameters) = tokio::join!(rounds.list_rounds(request), Parameters::read(&visitor));
    let answer = answer?.into_inner();
    let page = RoundsPage {
        page: visitor.page(LIST, "轮次与参数").await,
        rows: answer.rounds.iter().map(Row::of).collect(),
        parameters: parameters?,
        pager: filter.pager(&answer.next_page_token, answer.rounds.len()).exported(&filter),
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
        facts: policy::facts(&policy),
        slots: policy.required_slots.iter().map(|slot| labels::item(slot)).collect(),
    };
    visitor.show(StatusCode::OK, &page)
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
    /// Departments to choose from: code and name.
    pub departments: Vec<(String, String)>,
    /// Nodes with a clock.
    pub limits: Vec<Limit>,
}

async fn new(visitor: &Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let status = form.status();
    let (page, departments) = tokio::join!(visitor.page(LIST, "新建批次"), departments(visitor));
    let page = NewRoundPage {
        page,
        form,
        slots: SLOTS.to_vec(),
        gates: GATES.to_vec(),
        rules: EXPERT_RULES.to_vec(),
        departments,
        limits: policy::limits(),
    };
    visitor.show(status, &page)
}

/// Filled in as the last round was; the first one as the workflow says.
async fn blank(visitor: Visitor) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let last = newest(&visitor).await.into_iter().find_map(|round| round.policy);
    let policy = last.unwrap_or_else(policy::usual);
    new(&visitor, policy::filled(&policy)).await
}

async fn create(visitor: Visitor, form: Form) -> Answer {
    visitor.only(&[Role::Administrator])?;
    let request = CreateRoundRequest {
        request_id: form.request_id(),
        name: form.text("name"),
        policy: Some(policy::read(&form)),
    };
    match visitor.rounds().create_round(request).await {
        Ok(answer) => {
            let round = answer.into_inner();
            visitor.portal.rounds.forget();
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
    use proto::reviews::RoundPolicy;

    use super::*;

    #[test]
    fn departments_are_chosen_by_name_and_one_that_only_a_round_names_is_among_them() {
        let policy = RoundPolicy { departments: vec!["zdb".into(), "czt".into()], ..RoundPolicy::default() };
        let round = Round { policy: Some(policy), ..Round::default() };
        let known = known(&[round.clone(), round, Round::default()]);
        let known: Vec<_> = known.iter().map(|(code, name)| (code.as_str(), name.as_str())).collect();
        assert_eq!(known.split_last(), Some((&("zdb", "zdb"), DEPARTMENTS.as_slice())));
    }
}
