//! 发起联合审核: round, cities, panels; then the confirmation with the counts; then one order for each city.

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::{
    accounts::{ListUsersRequest, UserView},
    common,
    reviews::{CityPanel, LaunchJointReviewRequest, ListWorkOrdersRequest, WorkOrderView},
};

use super::{
    Routes,
    orders::{self, LIST},
    subsidies::{self, City, Waiting},
};
use crate::{Answer, Form, Page, Refused, Role, Visitor, list::Filter, order::Order};

/// Where it is launched.
const LAUNCH: &str = "/supervision/subsidies/launch";
/// Experts of one answer, and answers that are read.
const PAGE: i32 = 200;
const PAGES_MAX: usize = 5;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LAUNCH, get(blank))
        .route("/supervision/subsidies/launch/{round}", get(show).post(send))
}

/// Somebody who may sit on a panel.
#[derive(Debug, Clone, Default)]
pub struct Expert {
    /// User id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Where they work; a panel does not judge its own employer.
    pub employer: String,
}

/// A panel to be chosen: of one city, or of all that have none of their own.
#[derive(Debug, Clone, Default)]
pub struct Panel {
    /// What it is for.
    pub title: String,
    /// How it is used.
    pub hint: &'static str,
    /// Name of the field of its members.
    pub members: String,
    /// Name of the field of its lead.
    pub lead: String,
    /// Whether it is of one city.
    pub own: bool,
    /// Whether anything is chosen.
    pub open: bool,
}

/// A city with the panel chosen for it.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// The city, with what waits in it.
    pub city: City,
    /// The panel, the lead first.
    pub panel: Vec<Expert>,
    /// Whether a lead is named.
    pub led: bool,
}

/// The form.
#[derive(Template)]
#[template(path = "launch.html")]
pub struct LaunchPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Rounds in which something waits.
    pub rounds: Vec<Waiting>,
    /// The one that is launched.
    pub waiting: Waiting,
    /// Who may sit on panels.
    pub experts: Vec<Expert>,
    /// Panels to be chosen, the common one first.
    pub panels: Vec<Panel>,
    /// Orders of the chosen cities that stand already: page and title.
    pub standing: Vec<(String, String)>,
}

/// The confirmation.
#[derive(Template)]
#[template(path = "launch_confirm.html")]
pub struct LaunchConfirmPage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Where it posts to.
    pub path: String,
    /// Name of the round.
    pub round: String,
    /// Cities with their panels.
    pub chosen: Vec<Chosen>,
    /// What was entered, to be sent again.
    pub kept: Vec<(String, String)>,
}

impl LaunchConfirmPage {
    /// How many applications are launched.
    pub fn total(&self) -> usize {
        self.chosen.iter().map(|one| one.city.count).sum()
    }
}

/// What both steps need.
struct Scene {
    rounds: Vec<Waiting>,
    waiting: Waiting,
    experts: Vec<Expert>,
}

impl Scene {
    /// Reads it; `round_id` empty: the newest round in which something waits.
    async fn read(visitor: &Visitor, round_id: &str) -> Result<Scene, Refused> {
        visitor.only(&[Role::Administrator])?;
        let known = orders::rounds(visitor).await;
        let rounds = subsidies::waiting(visitor, &known).await?;
        let named = known.iter().find(|(id, _)| id == round_id);
        let waiting = match rounds.iter().find(|one| one.round_id == round_id) {
            Some(found) => found.clone(),
            None if round_id.is_empty() => rounds.first().cloned().unwrap_or_default(),
            None => {
                let (round_id, round) = named.cloned().ok_or_else(Refused::not_found)?;
                Waiting { round_id, round, ..Waiting::default() }
            }
        };
        Ok(Scene { rounds, waiting, experts: experts(visitor).await? })
    }

    /// The cities chosen, each with its own panel or the common one.
    fn chosen(&self, form: &Form) -> Vec<Chosen> {
        let codes = form.values("cities");
        let known = |code: &String| self.waiting.cities.iter().find(|city| city.code == *code).cloned();
        // A city in which nothing waits any more is named all the same: reviews says so.
        let unknown = |code: &String| City { code: code.clone(), name: code.clone(), ..City::default() };
        codes
            .iter()
            .map(|code| {
                let (panel, led) = self.panel(form, code);
                Chosen { city: known(code).unwrap_or_else(|| unknown(code)), panel, led }
            })
            .collect()
    }

    /// Its members, the lead first, and whether a lead is named: who leads sits on it.
    fn panel(&self, form: &Form, code: &str) -> (Vec<Expert>, bool) {
        let own = form.values(&format!("experts_{code}"));
        let own_lead = form.text(&format!("lead_{code}"));
        let (ids, lead) = if own.is_empty() && own_lead.is_empty() {
            (form.values("experts"), form.text("lead"))
        } else {
            (own, own_lead)
        };
        let mut panel: Vec<_> =
            self.experts.iter().filter(|one| ids.contains(&one.id) || one.id == lead).cloned().collect();
        panel.sort_by_key(|one| one.id != lead);
        let led = panel.first().is_some_and(|first| first.id == lead);
        (panel, led)
    }
}

async fn experts(visitor: &Visitor) -> Result<Vec<Expert>, Refused> {
    let (mut found, mut token) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let page = common::Page { page_size: PAGE, page_token: token };
        let request = ListUsersRequest { page: Some(page), role: "expert".to_owned() };
        let answer = visitor.users().list_users(request).await?.into_inner();
        found.extend(answer.users.into_iter().filter(|user| user.active).map(expert));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    Ok(found)
}

fn expert(user: UserView) -> Expert {
    Expert { id: user.user_id, name: user.display_name, employer: user.employer }
}

/// The newest orders of a round.
async fn round_orders(visitor: &Visitor, round_id: &str) -> Result<Vec<WorkOrderView>, Refused> {
    let page = common::Page { page_size: PAGE, page_token: String::new() };
    let request = ListWorkOrdersRequest {
        page: Some(page),
        round_id: round_id.to_owned(),
        ..ListWorkOrdersRequest::default()
    };
    Ok(visitor.joint_review().list_work_orders(request).await?.into_inner().work_orders)
}

/// The number of the next launch of a round.
async fn next_batch(visitor: &Visitor, round_id: &str) -> Result<i32, Refused> {
    let orders = round_orders(visitor, round_id).await?;
    Ok(orders.iter().map(|order| order.batch).max().unwrap_or(0) + 1)
}

/// The form as the URL asks for it: round, and one city or all of them.
async fn blank(visitor: Visitor, filter: Filter) -> Answer {
    let scene = Scene::read(&visitor, filter.value("round")).await?;
    let batch = next_batch(&visitor, &scene.waiting.round_id).await?;
    let one = filter.value("city");
    let cities = scene.waiting.cities.iter().filter(|city| one.is_empty() || city.code == one);
    let cities: Vec<_> = cities.map(|city| ("cities", city.code.clone())).collect();
    let form = Form::filled([("batch", batch.to_string())].into_iter().chain(cities));
    edit(&visitor, scene, form, vec![]).await
}

/// The way back after signing in.
async fn show(visitor: Visitor, Path(round): Path<String>) -> Answer {
    let scene = Scene::read(&visitor, &round).await?;
    let batch = next_batch(&visitor, &round).await?;
    edit(&visitor, scene, Form::filled([("batch", batch.to_string())]), vec![]).await
}

async fn edit(visitor: &Visitor, scene: Scene, form: Form, standing: Vec<(String, String)>) -> Answer {
    let Scene { rounds, waiting, experts } = scene;
    let status = form.status();
    let page = visitor.page(LIST, "发起联合审核").await;
    let panels = panels(&form, &waiting);
    visitor.show(status, &LaunchPage { page, form, rounds, waiting, experts, panels, standing })
}

fn panels(form: &Form, waiting: &Waiting) -> Vec<Panel> {
    let common = Panel {
        title: "所选地市的专家组".to_owned(),
        hint: "没有单独指定的地市都由这个专家组评审；组长缺席时由其他成员按名单次序代行",
        members: "experts".to_owned(),
        lead: "lead".to_owned(),
        ..Panel::default()
    };
    let own = waiting.cities.iter().map(|city| {
        let (members, lead) = (format!("experts_{}", city.code), format!("lead_{}", city.code));
        Panel {
            title: city.name.clone(),
            hint: "不选则使用上面的专家组",
            own: true,
            open: !form.values(&members).is_empty() || !form.value(&lead).is_empty(),
            members,
            lead,
        }
    });
    [common].into_iter().chain(own).collect()
}

/// Field of how many applications of a city the confirmation showed: no other number is launched.
fn seen(city: &str) -> String {
    format!("seen_{city}")
}

async fn confirm(visitor: &Visitor, scene: Scene, form: Form, chosen: Vec<Chosen>) -> Answer {
    let mut kept: Vec<_> = ["cities", "experts"]
        .into_iter()
        .flat_map(|name| form.values(name).into_iter().map(move |value| (name.to_owned(), value)))
        .collect();
    kept.extend(["lead", "batch"].map(|name| (name.to_owned(), form.text(name))));
    for one in &chosen {
        let (panel, lead) = (format!("experts_{}", one.city.code), format!("lead_{}", one.city.code));
        kept.push((seen(&one.city.code), one.city.count.to_string()));
        kept.extend(form.values(&panel).into_iter().map(|value| (panel.clone(), value)));
        kept.push((lead.clone(), form.text(&lead)));
    }
    let page = LaunchConfirmPage {
        page: visitor.page(LIST, "确认发起联合审核").await,
        form,
        path: format!("{LAUNCH}/{}", scene.waiting.round_id),
        round: scene.waiting.round,
        chosen,
        kept,
    };
    visitor.show(StatusCode::OK, &page)
}

async fn send(visitor: Visitor, Path(round): Path<String>, mut form: Form) -> Answer {
    let scene = Scene::read(&visitor, &round).await?;
    let chosen = scene.chosen(&form);
    if form.has("step", "edit") {
        return edit(&visitor, scene, form, vec![]).await;
    }
    if chosen.is_empty() {
        form.mark("cities", "请选择要发起联合审核的地市");
    }
    if let Some(one) = chosen.iter().find(|one| one.panel.is_empty()) {
        form.mark("experts", &format!("请为{}指定专家和组长", one.city.name));
    } else if let Some(one) = chosen.iter().find(|one| !one.led) {
        form.mark("experts", &format!("请为{}指定一位组长", one.city.name));
    }
    if !form.wrongs.is_empty() {
        return edit(&visitor, scene, form, vec![]).await;
    }
    if !form.has("step", "launch") {
        return confirm(&visitor, scene, form, chosen).await;
    }
    launch(&visitor, scene, form, chosen).await
}

/// Page and title of each order that this launch of the chosen cities has; none where they cannot be read.
async fn standing(visitor: &Visitor, round: &Waiting, form: &Form) -> Vec<(String, String)> {
    let orders = round_orders(visitor, &round.round_id).await.unwrap_or_default();
    let (batch, cities) = (form.number("batch"), form.values("cities"));
    let names = visitor.portal.divisions.names().await;
    let meant =
        |order: &&WorkOrderView| i64::from(order.batch) == batch && cities.contains(&order.prefecture);
    let told = |order: &WorkOrderView| {
        let title = Order::of(order, &names, round.round.clone()).title();
        (format!("{LIST}/orders/{}", order.work_order_id), title)
    };
    orders.iter().filter(meant).map(told).collect()
}

async fn launch(visitor: &Visitor, scene: Scene, form: Form, chosen: Vec<Chosen>) -> Answer {
    let cities = chosen.iter().map(|one| CityPanel {
        prefecture: one.city.code.clone(),
        expert_ids: one.panel.iter().map(|expert| expert.id.clone()).collect(),
        lead_id: one.panel.first().map(|expert| expert.id.clone()).unwrap_or_default(),
        seen: i32::try_from(form.number(&seen(&one.city.code))).unwrap_or(0),
    });
    let request = LaunchJointReviewRequest {
        request_id: form.request_id(),
        round_id: scene.waiting.round_id.clone(),
        batch: i32::try_from(form.number("batch")).unwrap_or(0),
        cities: cities.collect(),
    };
    match visitor.joint_review().launch_joint_review(request).await {
        Ok(answer) => {
            let orders = answer.into_inner().work_orders;
            let members: i32 = orders.iter().flat_map(|order| order.progress.values()).sum();
            let done = format!(
                "已发起联合审核：{} 个工单、{members} 个充电站，已通知专家组；请专家先签署回避声明",
                orders.len()
            );
            visitor.done(&format!("{LIST}?round={}", scene.waiting.round_id), &done)
        }
        Err(status) => {
            let mut refused = Refused::from(status);
            let names = visitor.portal.divisions.names().await;
            if let Some(code) = refused.facts.get("prefecture") {
                refused.text = format!("{}：{}", names.name(code), refused.text);
            }
            let launched = refused.reason == "already_launched";
            let standing = if launched { standing(visitor, &scene.waiting, &form).await } else { vec![] };
            edit(visitor, scene, form.refused(refused)?, standing).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        let expert = |id: &str| Expert { id: id.to_owned(), ..Expert::default() };
        Scene {
            rounds: Vec::new(),
            waiting: Waiting::default(),
            experts: ["a", "b", "c"].map(expert).to_vec(),
        }
    }

    fn ids(panel: &[Expert]) -> Vec<&str> {
        panel.iter().map(|one| one.id.as_str()).collect()
    }

    #[test]
    fn a_city_has_its_own_panel_or_the_common_one_with_the_lead_first() {
        let entries = [
            ("cities", "410100"),
            ("cities", "410300"),
            ("experts", "a"),
            ("experts", "b"),
            ("lead", "b"),
            ("lead_410300", "c"),
        ];
        let form = Form::filled(entries.map(|(name, value)| (name, value.to_owned())));
        let chosen = scene().chosen(&form);
        assert_eq!((ids(&chosen[0].panel), chosen[0].led), (vec!["b", "a"], true));
        assert_eq!((ids(&chosen[1].panel), chosen[1].led), (vec!["c"], true));
    }

    #[test]
    fn the_common_lead_does_not_lead_a_panel_of_a_citys_own() {
        let entries = [("cities", "410300"), ("lead", "a"), ("experts_410300", "a")];
        let form = Form::filled(entries.map(|(name, value)| (name, value.to_owned())));
        assert!(!scene().chosen(&form)[0].led);
    }
}
