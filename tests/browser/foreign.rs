//! Ids of somebody else's lead nowhere: every address with an id is asked for by those whose it is not.
use anyhow::{Context as _, Result};
use system_tests::{PASSWORD, System, cases::person_id, pages::Browser};

use crate::{kit::routes, scene::Scene, system};

/// The addresses with their ids in place; what begins like this has these.
fn ids<'a>(known: &'a [(&str, Vec<String>)], route: &str) -> Result<&'a [String]> {
    let longest =
        known.iter().filter(|(start, _)| route.starts_with(start)).max_by_key(|(start, _)| start.len());
    let (_, ids) = longest.with_context(|| format!("whose id stands in {route}?"))?;
    Ok(ids)
}

fn filled(route: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let parts = route
        .split('/')
        .map(|part| if part.starts_with('{') { ids.next().map_or("1", String::as_str) } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Whose ids stand in which addresses: of a company, an order and a round that none of the askers has to do with.
async fn known(system: &System, scene: &Scene) -> Result<Vec<(&'static str, Vec<String>)>> {
    let Scene { due, city, experts, departments, .. } = scene;
    let id = |case: &system_tests::cases::Case| case.id().to_owned();
    let station = city.station.record.as_ref().context("a station has a record")?.station_id.clone();
    let invoice = system.invoice(&due.company, 100).await?.invoice_id;
    let (operator, round) = (due.company.operator_id.clone(), experts.round.round_id.clone());
    Ok(vec![
        ("/account/members/", vec![person_id(&due.company.actor).await?]),
        ("/files/", vec![due.company.profile.licence_file_id.clone()]),
        ("/notices/", vec![scene.notice.revision_id.clone()]),
        ("/stations/", vec![station]),
        ("/subsidy/applications/", vec![id(city)]),
        ("/subsidy/dossiers/", vec![id(due), invoice]),
        ("/supervision/county-subsidies/", vec![id(city)]),
        ("/supervision/subsidies/", vec![id(experts)]),
        ("/supervision/subsidies/launch/", vec![round.clone()]),
        ("/supervision/subsidies/orders/", vec![departments.view.work_order_id.clone()]),
        ("/system/accounts/", vec![operator.clone()]),
        ("/system/audit/", vec!["7".to_owned()]),
        ("/system/links/", vec![operator]),
        ("/system/notices/", vec![scene.notice.revision_id.clone()]),
        ("/system/rounds/", vec![round]),
        ("/system/subscriptions/", vec![scene.hook.0.clone(), scene.hook.1.clone()]),
        ("/system/users/", vec![person_id(&system.county("410105").await?).await?]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_others_lead_to_a_page_that_is_not_there() -> Result<()> {
    let system = system().await?;
    let scene = Scene::set(&system).await?;
    let other = system.company(system.number(), "410305").await?;
    system.county("410305").await?;
    system.city("410300").await?;
    system.expert(3).await?;
    let known = known(&system, &scene).await?;
    let mut faults = Vec::new();
    let mut asked = 0;
    for login in [other.actor.name(), "co_410305", "ci_410300", "expert_03"] {
        let browser = Browser::at(&system)?;
        browser.sign_in(login, PASSWORD).await?;
        for route in routes::asked_by_get()?.iter().filter(|route| route.contains('{')) {
            let path = filled(route, ids(&known, route)?);
            let shown = browser.get(&path).await?;
            asked += 1;
            // A preview stands in the frame of a page, which has the way back; a page of a document is a picture there.
            let picture = route.contains("/pages/");
            let said = if picture { "此页无法在线预览" } else { "页面不存在" };
            let back = picture || route.ends_with("/preview") || shown.text.contains("返回工作台");
            if shown.status != 404 || !shown.text.contains(said) || !back {
                faults.push(format!("{login} at {route}: {}", shown.words()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(asked > 100, "{asked} addresses only");
    system.finish().await
}
