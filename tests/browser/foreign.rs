//! Ids of somebody else's lead nowhere: every address with an id is asked for, and sent a form, by those whose it is not.
use anyhow::{Context as _, Result};
use system_tests::{
    PASSWORD, System,
    cases::person_id,
    pages::{Browser, Filled},
};
use xtask::services::Service;

use crate::{kit::routes, scene::Scene, system};

/// An id that nothing has.
const NOBODY: &str = "0190a5c1-7b1e-7c3d-8e4f-5a6b7c8d9e0f";

/// What forms carry beside their token and ids, so that no answer is about what is missing.
const FIELDS: &[(&str, &str)] = &[
    ("version", "1"),
    ("edit_version", "1"),
    ("edits", "1"),
    ("submission_version", "1"),
    ("command", "SubmitMaterials"),
    ("act", "submit"),
    ("decision", "pass"),
    ("verdict", "pass"),
    ("conflict", "none"),
    ("sure", "yes"),
    ("result", "complete"),
    ("checker", "李示例"),
    ("opinion", "请核对申报材料"),
    ("own_opinion", "请核对申报材料"),
    ("reason", "请核对申报材料"),
    ("text", "请核对申报材料"),
    ("slot", "M1"),
    ("item", "M1"),
    ("used_fen", "1"),
];

/// What no form of a stranger changes; what services do by themselves is left out.
const STATE: [(Service, &[&str]); 5] = [
    (
        Service::Reviews,
        &[
            "applications",
            "forms",
            "submissions",
            "history",
            "work_orders",
            "declarations",
            "opinions",
            "rounds",
        ],
    ),
    (
        Service::Documents,
        &["files", "dossiers", "revisions", "placements", "explanations", "invoices", "allocations"],
    ),
    (Service::Accounts, &["operators", "operator_submissions", "users", "machine_clients"]),
    (Service::Stations, &["links", "link_secrets", "joint_tests"]),
    (Service::Notifications, &["notices", "notice_acts", "webhook_secrets", "webhook_acts"]),
];

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
    let machines = "SELECT client_id FROM machine_clients LIMIT 1";
    let machine = system.texts(Service::Accounts, machines).await?;
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
        ("/system/machines/", machine),
        ("/system/notices/", vec![scene.notice.revision_id.clone()]),
        ("/system/rounds/", vec![round]),
        ("/system/subscriptions/", vec![scene.hook.0.clone(), scene.hook.1.clone()]),
        ("/system/users/", vec![person_id(&system.county("410105").await?).await?]),
    ])
}

/// Whoever has to do with none of it, signed in.
async fn strangers(system: &System) -> Result<Vec<(String, Browser)>> {
    let other = system.company(system.number(), "410305").await?;
    system.county("410305").await?;
    system.city("410300").await?;
    system.expert(3).await?;
    let mut signed_in = Vec::new();
    for login in [other.actor.name(), "co_410305", "ci_410300", "expert_03"] {
        let browser = Browser::at(system)?;
        browser.sign_in(login, PASSWORD).await?;
        signed_in.push((login.to_owned(), browser));
    }
    Ok(signed_in)
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_others_lead_to_a_page_that_is_not_there() -> Result<()> {
    let system = system().await?;
    let scene = Scene::set(&system).await?;
    let known = known(&system, &scene).await?;
    let mut faults = Vec::new();
    let mut asked = 0;
    for (login, browser) in strangers(&system).await? {
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

/// Sends a form with everything that one of the portal may carry; answers status and words, without the ids.
async fn sent(browser: &Browser, route: &str, ids: &[String]) -> Result<(u16, String)> {
    let page = browser.get("/workbench").await?;
    let mut form = Filled { action: filled(route, ids), ..page.form("/logout")? };
    for (name, value) in FIELDS {
        form = form.with(name, value);
    }
    for name in ["application_id", "invoice_id", "file_id"] {
        form = form.with(name, ids.last().map_or(NOBODY, String::as_str));
    }
    let shown = match route.rsplit('/').next() {
        Some("files") => browser.post_file(&form, "file", "申请函.pdf", b"%PDF-1.7").await?,
        Some("parts") => browser.post_file(&form, "part", "申请函.pdf", b"%PDF-1.7").await?,
        Some(_) | None => browser.post(&form).await?,
    };
    let words = ids.iter().fold(shown.words(), |words, id| words.replace(id.as_str(), ""));
    Ok((shown.status, words))
}

/// Everything that a form could change, as fingerprints of tables.
async fn state(system: &System) -> Result<Vec<String>> {
    let mut state = Vec::new();
    for (service, tables) in STATE {
        for table in tables {
            let rows = "md5(coalesce(string_agg(one::text, '' ORDER BY one::text), ''))";
            let sql = format!("SELECT '{service} {table} ' || {rows} FROM {table} AS one");
            state.extend(system.texts(service, &sql).await?);
        }
    }
    Ok(state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_ids_of_others_is_answered_as_one_with_ids_of_nobody_and_changes_nothing() -> Result<()> {
    let system = system().await?;
    let scene = Scene::set(&system).await?;
    let known = known(&system, &scene).await?;
    let strangers = strangers(&system).await?;
    system.drained().await?;
    let before = state(&system).await?;
    let nobody = [NOBODY.to_owned(), NOBODY.to_owned()];
    let mut faults = Vec::new();
    let mut asked = 0;
    for (login, browser) in &strangers {
        for route in routes::sent_by_post()?.iter().filter(|route| route.contains('{')) {
            let theirs = sent(browser, route, ids(&known, route)?).await?;
            let none = sent(browser, route, &nobody).await?;
            asked += 1;
            if theirs != none || !(400..500).contains(&theirs.0) {
                faults.push(format!("{login} to {route}: {theirs:?}, of nobody {none:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(asked > 100, "{asked} forms only");
    assert_eq!(state(&system).await?, before);
    system.finish().await
}
