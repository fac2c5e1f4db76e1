//! No page is left out: whatever the portal answers to GET is opened by a role that may, and judged.
use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use system_tests::{System, cases::Case};

use crate::{
    accounts::first_sign_in,
    joint::declare,
    kit::{Window, routes},
    scene::Scene,
    system,
};

/// The status of the page shown.
const STATUS: &str = "return performance.getEntriesByType('navigation')[0].responseStatus";

/// Asks for something, and lets go of what comes after its head.
const FETCH: &str = "
    const [path, done] = arguments;
    const stop = new AbortController();
    fetch(path, { redirect: 'manual', signal: stop.signal }).then(answer => {
        done([answer.type, answer.status, answer.headers.get('content-type') || '']);
        stop.abort();
    }, error => done(['' + error, 0, '']));";

/// A way past every address.
struct Tour<'a> {
    window: &'a Window,
    seen: BTreeSet<String>,
    /// What is not as it must be: one run names it all.
    faults: Vec<String>,
}

impl Tour<'_> {
    /// Opens a page, which must be there whole, and judges it.
    async fn page(&mut self, route: &str, ids: &[&str]) -> Result<()> {
        self.page_of(route, ids, "").await
    }

    /// The same with a query.
    async fn page_of(&mut self, route: &str, ids: &[&str], query: &str) -> Result<()> {
        self.seen.insert(route.to_owned());
        if let Err(error) = self.whole(route, &filled(route, ids), query).await {
            self.faults.push(format!("{error:#}"));
        }
        Ok(())
    }

    async fn whole(&self, route: &str, path: &str, query: &str) -> Result<()> {
        let window = self.window;
        window.visit(&format!("{path}{query}")).await?;
        let text = window.settled().await?;
        let status = window.client().execute(STATUS, vec![]).await?;
        ensure!(status == 200, "{path}: {status}\n{text}");
        let here = window.path().await?;
        ensure!(here == path, "{path} leads to {here}");
        ensure!(!text.contains("暂时无法读取"), "{path}: a part is away\n{text}");
        let name: Vec<_> = route.split(['/', '{', '}']).filter(|part| !part.is_empty()).collect();
        window.judge(&format!("page-{}", name.join("-"))).await
    }

    /// Asks for what is no page: a file, data, or the way to a page.
    async fn no_page(&mut self, route: &str, ids: &[&str]) -> Result<()> {
        let path = filled(route, ids);
        let told = self.window.client().execute_async(FETCH, vec![json!(path)]).await?;
        let kind = told[2].as_str().unwrap_or_default();
        let led = told[0] == "opaqueredirect";
        if !led && (told[1] != 200 || kind.starts_with("text/html")) {
            self.faults.push(format!("{path}: {told}"));
        }
        self.seen.insert(route.to_owned());
        Ok(())
    }

    /// The first link of the page shown whose address has this part and ends with an id. Errors: there is none.
    async fn link(&self, part: &str) -> Result<String> {
        let find = "return [...document.querySelectorAll('main a[href]')].map(a => a.getAttribute('href'))
            .find(href => href.includes(arguments[0]) && /[0-9a-f-]{36}$/.test(href))";
        let found = self.window.client().execute(find, vec![json!(part)]).await?;
        let Value::String(path) = found else { anyhow::bail!("no link has {part}") };
        Ok(path)
    }
}

/// The address with its ids in place.
fn filled(route: &str, ids: &[&str]) -> String {
    let mut ids = ids.iter();
    let parts = route
        .split('/')
        .map(|part| if part.starts_with('{') { ids.next().copied().unwrap_or_default() } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// What is open to everybody.
async fn strangers(system: &System, tour: &mut Tour<'_>) -> Result<()> {
    for route in ["/login", "/password/forgot", "/register", "/accessibility", "/privacy", "/notices"] {
        tour.page(route, &[]).await?;
    }
    for route in ["/", "/divisions", "/login/code", "/login/enrol"] {
        tour.no_page(route, &[]).await?;
    }
    first_sign_in(system, tour.window, "legacy_tour").await?;
    tour.page("/password/first", &[]).await
}

/// What an operator opens.
async fn operators(tour: &mut Tour<'_>, scene: &Scene) -> Result<()> {
    let Scene { draft, due, city, .. } = scene;
    tour.window.sign_in_anew(draft.operator().name()).await?;
    tour.no_page("/files/{id}/pages/{number}", &[&draft.company.profile.licence_file_id, "1"]).await?;
    for route in [
        "/workbench",
        "/messages",
        "/account/company",
        "/account/company/edit",
        "/account/members",
        "/account/members/new",
        "/account/password",
        "/interconnect",
        "/interconnect/connectors",
        "/interconnect/defects",
        "/interconnect/link",
        "/interconnect/link/settings",
        "/interconnect/orders",
        "/stations",
        "/subsidy/applications",
        "/subsidy/applications/new",
        "/subsidy/dossiers",
    ] {
        tour.page(route, &[]).await?;
    }
    tour.window.visit("/account/members").await?;
    let member = tour.link("/account/members/").await?;
    for route in [
        "/account/members/{id}",
        "/account/members/{id}/password",
        "/account/members/{id}/sessions",
        "/account/members/{id}/deactivate",
        "/account/members/{id}/restore",
        "/account/members/{id}/owner",
    ] {
        tour.page(route, &[last(&member)]).await?;
    }
    for route in ["/subsidy/applications/{id}/edit", "/subsidy/applications/{id}/delete"] {
        tour.page(route, &[draft.id()]).await?;
    }
    for route in [
        "/subsidy/applications/{id}",
        "/subsidy/applications/{id}/terminate",
        "/subsidy/dossiers/{id}",
        "/subsidy/dossiers/{id}/invoices/new",
    ] {
        tour.page(route, &[due.id()]).await?;
    }
    let station = &draft.station.record.as_ref().context("a station has a record")?.station_id;
    tour.page("/stations/{id}", &[station]).await?;
    for route in [
        "/live",
        "/session",
        "/messages/export",
        "/account/members/export",
        "/interconnect/connectors/export",
        "/interconnect/defects/export",
        "/interconnect/export",
        "/stations/export",
        "/subsidy/applications/export",
        "/subsidy/dossiers/export",
        "/subsidy/invoices/export",
    ] {
        tour.no_page(route, &[]).await?;
    }
    tour.window.sign_in_anew(city.operator().name()).await?;
    for route in ["/subsidy/applications/{id}/withdraw", "/subsidy/applications/{id}/print"] {
        tour.page(route, &[city.id()]).await?;
    }
    tour.no_page("/subsidy/applications/{id}/package", &[city.id()]).await?;
    tour.window.visit(&format!("/subsidy/dossiers/{}", city.id())).await?;
    let invoice = tour.link("/invoices/").await?;
    tour.page("/subsidy/dossiers/{id}/invoices/{invoice}", &[city.id(), last(&invoice)]).await
}

/// What a county and a city open.
async fn authorities(tour: &mut Tour<'_>, scene: &Scene) -> Result<()> {
    let Scene { county, papers, city, passed, .. } = scene;
    tour.window.sign_in_anew("co_410105").await?;
    for route in
        ["/supervision/county-subsidies", "/supervision/statistics", "/supervision/statistics/connectors"]
    {
        tour.page(route, &[]).await?;
    }
    for route in ["/supervision/statistics/export", "/supervision/statistics/connectors/export"] {
        tour.no_page(route, &[]).await?;
    }
    for (route, case) in [
        ("/supervision/county-subsidies/{id}/paper-check", papers),
        ("/supervision/county-subsidies/{id}/revoke", papers),
    ] {
        tour.page(route, &[case.id()]).await?;
    }
    tour.page_of("/supervision/county-subsidies/reassign", &[], &chosen(county)).await?;
    tour.window.sign_in_anew("ci_410100").await?;
    for (route, case) in [
        ("/supervision/county-subsidies/{id}/review", city),
        ("/supervision/county-subsidies/{id}/print", city),
        ("/supervision/county-subsidies/{id}/take-back", passed),
    ] {
        tour.page(route, &[case.id()]).await?;
    }
    tour.page_of("/supervision/county-subsidies/remind", &[], &chosen(county)).await?;
    tour.page_of("/supervision/county-subsidies/extend", &[], &chosen(county)).await?;
    tour.no_page("/supervision/county-subsidies/{id}/package", &[city.id()]).await?;
    tour.no_page("/supervision/county-subsidies/export", &[]).await
}

/// An application as the boxes of a list name it.
fn chosen(case: &Case) -> String {
    format!("?item={}.{}", case.id(), case.view.version)
}

/// What an administrator opens.
async fn administrator(tour: &mut Tour<'_>, scene: &Scene) -> Result<()> {
    let Scene { draft, experts, departments, waiting, hook, .. } = scene;
    tour.window.sign_in_anew("admin01").await?;
    for route in [
        "/supervision/subsidies",
        "/supervision/subsidies/applications",
        "/supervision/subsidies/launch",
        "/account/profile",
        "/account/second-factor",
        "/login/again",
        "/system/accounts",
        "/system/audit",
        "/system/divisions",
        "/system/links",
        "/system/machines",
        "/system/machines/new",
        "/system/notices",
        "/system/notices/new",
        "/system/rounds",
        "/system/rounds/new",
        "/system/subscriptions",
        "/system/subscriptions/new",
        "/system/users/new",
        "/system/users",
    ] {
        tour.page(route, &[]).await?;
    }
    let user = tour.link("/system/users/").await?;
    for route in [
        "/system/users/{id}",
        "/system/users/{id}/password",
        "/system/users/{id}/second-factor",
        "/system/users/{id}/deactivate",
        "/system/users/{id}/unlock",
        "/system/users/{id}/sessions",
    ] {
        tour.page(route, &[last(&user)]).await?;
    }
    tour.page("/system/audit/chains/{shard}", &["7"]).await?;
    notices(tour, scene).await?;
    tour.page("/system/subscriptions/{id}", &[&hook.0]).await?;
    tour.no_page("/system/subscriptions/{id}/export", &[&hook.0]).await?;
    tour.page("/system/subscriptions/{id}/deliveries/{delivery}", &[&hook.0, &hook.1]).await?;
    tour.page("/system/rounds/{id}", &[&waiting.round.round_id]).await?;
    tour.page("/supervision/subsidies/launch/{round}", &[&waiting.round.round_id]).await?;
    tour.page("/system/accounts/{id}/review", &[&draft.company.operator_id]).await?;
    for route in [
        "/system/links/{id}",
        "/system/links/{id}/settings",
        "/system/links/{id}/defects",
        "/system/links/{id}/orders",
    ] {
        tour.page(route, &[&draft.company.operator_id]).await?;
    }
    tour.no_page("/system/links/{id}/defects/export", &[&draft.company.operator_id]).await?;
    for route in ["/files/{id}/preview", "/files/{id}/original"] {
        tour.page(route, &[&draft.company.profile.licence_file_id]).await?;
    }
    tour.page("/supervision/subsidies/{id}/carry-over", &[experts.id()]).await?;
    tour.page("/supervision/subsidies/{id}/print", &[experts.id()]).await?;
    tour.page_of("/supervision/subsidies/remind", &[], &chosen(experts)).await?;
    tour.page_of("/supervision/subsidies/extend", &[], &chosen(experts)).await?;
    tour.page_of("/supervision/subsidies/reassign", &[], &chosen(experts)).await?;
    let (open, frozen) = (&experts.view.work_order_id, &departments.view.work_order_id);
    tour.page("/supervision/subsidies/orders/{id}/freeze", &[open]).await?;
    tour.page("/supervision/subsidies/orders/{id}/widen", &[frozen]).await?;
    tour.no_page("/supervision/subsidies/orders/{id}/draws/{number}", &[frozen, "1"]).await?;
    tour.no_page("/supervision/subsidies/orders/{id}/export", &[open]).await?;
    tour.no_page("/supervision/subsidies/{id}/package", &[experts.id()]).await?;
    for route in [
        "/supervision/subsidies/export",
        "/supervision/subsidies/applications/export",
        "/system/accounts/export",
        "/system/users/export",
        "/system/rounds/export",
        "/system/links/export",
        "/system/machines/export",
        "/system/notices/export",
        "/system/subscriptions/export",
        "/system/divisions/export",
    ] {
        tour.no_page(route, &[]).await?;
    }
    Ok(())
}

/// What an administrator opens of a notice, on its way.
async fn notices(tour: &mut Tour<'_>, scene: &Scene) -> Result<()> {
    let draft = &scene.notice;
    for route in ["/system/notices/{id}", "/system/notices/{id}/edit", "/system/notices/{id}/publish"] {
        tour.page(route, &[&draft.revision_id]).await?;
    }
    let told = &scene.told;
    tour.page("/system/notices/{id}/withdraw", &[&told.revision_id]).await?;
    tour.page("/notices/{id}", &[&told.notice_id]).await
}

/// What an expert and a department open.
async fn joint(tour: &mut Tour<'_>, scene: &Scene) -> Result<()> {
    let order = &scene.experts.view.work_order_id;
    tour.window.sign_in_anew("expert_01").await?;
    tour.page("/supervision/subsidies/orders/{id}", &[order]).await?;
    declare(tour.window).await?;
    tour.page("/supervision/subsidies/orders/{id}/interest", &[order]).await?;
    tour.page("/supervision/subsidies/{id}", &[scene.experts.id()]).await?;
    tour.window.sign_in_anew("pr_fgw").await?;
    tour.page("/supervision/subsidies/{id}/opinion", &[scene.departments.id()]).await
}

/// What an audit administrator opens, who finds the way at the workbench.
async fn auditor(system: &System, tour: &mut Tour<'_>) -> Result<()> {
    system.official("auditor", "audit_administrator", &["410000"]).await?;
    tour.window.sign_in_anew("auditor").await?;
    tour.window.visit("/workbench").await?;
    tour.window.press_at("常用功能", "操作日志").await?;
    tour.window.sees("防篡改凭证").await?;
    tour.no_page("/system/audit/export", &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_opened_by_a_role_that_may_and_found_in_order() -> Result<()> {
    let system = system().await?;
    let scene = Scene::set(&system).await?;
    let window = Window::before(&system).await?;
    let mut tour = Tour { window: &window, seen: BTreeSet::new(), faults: Vec::new() };
    strangers(&system, &mut tour).await?;
    operators(&mut tour, &scene).await?;
    authorities(&mut tour, &scene).await?;
    administrator(&mut tour, &scene).await?;
    joint(&mut tour, &scene).await?;
    auditor(&system, &mut tour).await?;
    let Tour { seen, faults, .. } = tour;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let known = routes::asked_by_get()?;
    let (left_out, gone): (Vec<_>, Vec<_>) =
        (known.difference(&seen).collect(), seen.difference(&known).collect());
    assert!(left_out.is_empty() && gone.is_empty(), "never opened: {left_out:?}; no longer there: {gone:?}");
    window.close().await?;
    system.finish().await
}
