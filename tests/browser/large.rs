//! 大字版: a few pages of each role with letters larger by a quarter, judged as all pages are, and by the rules of accessibility
//! at 320 px too. That it is remembered, and needs no script, is in `script_help`.
use anyhow::{Result, ensure};
use system_tests::{cases::Case, eventually, wait::PATIENCE};

use crate::{kit::Window, scene::Scene, system};

/// Letters are large, and the server knows it.
const LARGE: &str = "return document.documentElement.classList.contains('large')
    && !!document.querySelector('form[data-large] [aria-pressed=true]');";

/// Signs in, chooses large letters, and judges these pages.
async fn reads(window: &Window, role: &str, login: &str, paths: &[String]) -> Result<()> {
    window.sign_in_anew(login).await?;
    window.press("大字版").await?;
    eventually(PATIENCE, "the choice is kept", || async {
        Ok(window.client().get_named_cookie("large").await.ok().map(drop))
    })
    .await?;
    for (number, path) in paths.iter().enumerate() {
        window.visit(path).await?;
        window.settled().await?;
        ensure!(window.client().execute(LARGE, vec![]).await? == true, "{path} has small letters");
        window.judge_narrow(&format!("large-{role}-{}", number + 1)).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_every_role_keep_to_the_rules_with_large_letters() -> Result<()> {
    const COUNTIES: &str = "/supervision/county-subsidies";
    const ORDERS: &str = "/supervision/subsidies";
    let system = system().await?;
    let Scene { draft, due, county, papers, city, experts, departments, waiting, .. } =
        Scene::set(&system).await?;
    let workbench = || "/workbench".to_owned();
    let of = |list: &str, case: &Case, part: &str| format!("{list}/{}{part}", case.id());
    let order = format!("{ORDERS}/orders/{}", experts.view.work_order_id);
    let window = Window::before(&system).await?;
    let operator = [
        workbench(),
        of("/subsidy/applications", &draft, "/edit"),
        of("/subsidy/applications", &due, ""),
        of("/subsidy/dossiers", &due, ""),
    ];
    reads(&window, "operator", draft.operator().name(), &operator).await?;
    let at_county =
        [COUNTIES.to_owned(), of(COUNTIES, &county, "/review"), of(COUNTIES, &papers, "/paper-check")];
    reads(&window, "county", "co_410105", &at_county).await?;
    reads(&window, "city", "ci_410100", &[workbench(), of(COUNTIES, &city, "/review")]).await?;
    let launch = format!("{ORDERS}/launch?round={}", waiting.round.round_id);
    let account = format!("/system/accounts/{}/review", draft.company.operator_id);
    let administrator = [ORDERS.to_owned(), launch, account, "/system/users".to_owned()];
    reads(&window, "administrator", "admin01", &administrator).await?;
    reads(&window, "expert", "expert_01", &[order, of(ORDERS, &experts, "")]).await?;
    reads(&window, "department", "pr_fgw", &[ORDERS.to_owned(), of(ORDERS, &departments, "")]).await?;
    window.close().await?;
    system.finish().await
}
