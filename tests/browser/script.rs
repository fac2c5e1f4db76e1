//! What people type never becomes a script: every text field of every form is filled with markup that would take a page
//! over. That pages work without scripts is in `operator`.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use system_tests::{cases::Case, eventually, wait::PATIENCE};

use crate::{joint::declare, kit::Window, scene::Scene, system};

/// What somebody might type.
const HOSTILE: &str = "<script>window.taken=1</script><img src=data:, onerror=\"window.taken=1\">\"'><svg onload=window.taken=1>";

/// Fills one form of a page and sends it as a person without a mouse would; answers the names of its text fields.
const ATTACK: &str = r#"
    const [number, text] = arguments;
    const form = document.querySelectorAll('main form')[number];
    if (!form) return null;
    const typed = f => f.tagName === 'TEXTAREA' || (f.tagName === 'INPUT' && /^(text|tel|email|search|password|url)$/.test(f.type));
    const fields = [...form.elements];
    const texts = fields.filter(typed);
    if (!texts.length) return [];
    // As far as a form lets it: the last choice, every box, the last entry.
    for (const f of fields) {
        if (typed(f)) f.value = text;
        else if (f.type === 'radio' || f.type === 'checkbox') f.checked = true;
        else if (f.tagName === 'SELECT' && f.options.length) f.selectedIndex = f.options.length - 1;
    }
    const buttons = fields.filter(f => f.type === 'submit' && f.tabIndex >= 0);
    // A download shows no page.
    if (/下载/.test(buttons.at(-1).textContent)) return texts.map(f => f.name);
    window.before = true;
    form.noValidate = true;
    form.removeAttribute('data-swap');
    setTimeout(() => form.requestSubmit(buttons.at(-1)));
    return texts.map(f => f.name);"#;

/// Whether the answer is there: markup of ours, a script that ran, and how often the text is read or kept in a field.
const OUTCOME: &str = "
    if (window.before || document.readyState !== 'complete') return null;
    const kept = [...document.querySelectorAll('input,textarea')].filter(f => f.value.includes(arguments[0])).length;
    return {
        markup: document.querySelectorAll('[onerror],[onload],body script').length,
        taken: window.taken !== undefined,
        read: kept + document.body.innerText.split(arguments[0]).length - 1,
    };";

/// What the forms of one run had.
#[derive(Default)]
struct Tried {
    fields: BTreeSet<String>,
    read: u64,
}

/// Attacks every form of a page, each on the page as it is shown anew, then the page as if it had not escaped the text.
async fn attack(window: &Window, path: &str, tried: &mut Tried) -> Result<()> {
    window.visit(path).await?;
    window.settled().await?;
    let forms =
        window.client().execute("return document.querySelectorAll('main form').length", vec![]).await?;
    // The last one first: what decides stands above what does not.
    for number in (0..forms.as_u64().context("a count")?).rev() {
        window.visit(path).await?;
        window.settled().await?;
        let fields = window.client().execute(ATTACK, vec![json!(number), json!(HOSTILE)]).await?;
        let Value::Array(fields) = fields else { continue };
        if fields.is_empty() {
            continue;
        }
        tried.fields.extend(fields.iter().filter_map(Value::as_str).map(str::to_owned));
        tried.read += inert(window).await.with_context(|| format!("{path}, form {number}"))?;
    }
    window.visit(path).await?;
    blocked(window).await.with_context(|| path.to_owned())
}

/// The page shown holds the text as text; answers how often.
async fn inert(window: &Window) -> Result<u64> {
    let found = eventually(PATIENCE, "the answer is shown", || async {
        let found = window.client().execute(OUTCOME, vec![json!(HOSTILE)]).await.unwrap_or(Value::Null);
        Ok(Some(found).filter(|found| !found.is_null()))
    })
    .await?;
    let complaints = window.complaints().await?;
    ensure!(
        found["markup"] == 0 && found["taken"] == false && complaints.is_empty(),
        "{found} {complaints:?}"
    );
    found["read"].as_u64().context("a count")
}

/// The policy of the page refuses the same text even where it stands unescaped: put in place by the browser's own tools,
/// past what guards scripts that write markup.
async fn blocked(window: &Window) -> Result<()> {
    window.settled().await?;
    let document = window.devtools("DOM.getDocument", json!({})).await?;
    let heading = json!({ "nodeId": document["root"]["nodeId"], "selector": "main h1" });
    let heading = window.devtools("DOM.querySelector", heading).await?;
    let markup = json!({ "nodeId": heading["nodeId"], "outerHTML": format!("<p>{HOSTILE}</p>") });
    window.devtools("DOM.setOuterHTML", markup).await?;
    eventually(PATIENCE, "the policy blocks what is injected", || async {
        let complaints = window.complaints().await?.join("\n");
        Ok(complaints.contains("Executing inline event handler violates").then_some(()))
    })
    .await?;
    let taken = window.client().execute("return window.taken === undefined", vec![]).await?;
    ensure!(taken == true, "a script that was injected ran");
    Ok(())
}

/// Names of the text fields that the portal's templates have; those with a name made up while rendering are left out.
fn fields_of_templates() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../services/portal/templates"));
    for part in [folder.join("part"), folder] {
        for entry in fs::read_dir(&part)?.flatten().filter(|entry| entry.path().is_file()) {
            names.extend(fields_of(&entry.path())?);
        }
    }
    Ok(names)
}

fn fields_of(template: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(template)?;
    let kinds = ["f::text(form, ", "f::area(form, ", "f::password(form, "];
    let made = kinds.iter().flat_map(|kind| text.split(kind).skip(1));
    let made = made.filter(|rest| !rest.split(')').next().unwrap_or_default().contains("\"date\""));
    let written =
        ["<input class=\"in", "<textarea class=\"in"].into_iter().flat_map(|tag| text.split(tag).skip(1));
    let written = written.map(|rest| rest.split('>').next().unwrap_or_default());
    let plain =
        |rest: &&str| !["\"date\"", "\"file\""].iter().any(|kind| rest.contains(&format!("type={kind}")));
    let written = written.filter(plain).filter_map(|rest| rest.split("name=").nth(1));
    let names = made.chain(written).filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    Ok(names.filter(|name| !name.contains('{')).map(str::to_owned).collect())
}

/// What an operator can be asked.
async fn operators(window: &Window, scene: &Scene, tried: &mut Tried) -> Result<()> {
    let Scene { draft, due, .. } = scene;
    window.sign_in_anew(draft.company.actor.name()).await?;
    let invoices = format!("/subsidy/dossiers/{}/invoices/new", due.id());
    for path in [
        "/subsidy/applications/new",
        &format!("/subsidy/applications/{}/edit", draft.id()),
        &format!("/subsidy/dossiers/{}", due.id()),
        &invoices,
        &format!("/subsidy/applications/{}/terminate", due.id()),
        "/account/company/edit",
        "/account/password",
        "/stations",
    ] {
        attack(window, path, tried).await?;
    }
    window.visit(&format!("/subsidy/applications/{}", due.id())).await?;
    window.sees(HOSTILE).await
}

/// What a county and a city can be asked.
async fn authorities(window: &Window, scene: &Scene, tried: &mut Tried) -> Result<()> {
    let path = |case: &Case, part: &str| format!("/supervision/county-subsidies/{}/{part}", case.id());
    window.sign_in_anew("co_410105").await?;
    let review = path(&scene.county, "review");
    for path in [path(&scene.papers, "paper-check"), review.clone(), path(&scene.papers, "revoke")] {
        attack(window, &path, tried).await?;
    }
    window.visit(&review).await?;
    window.shows("hostile-history", HOSTILE).await?;
    window.sign_in_anew("ci_410100").await?;
    for path in [path(&scene.city, "review"), path(&scene.passed, "take-back")] {
        attack(window, &path, tried).await?;
    }
    for command in ["remind", "reassign", "extend"] {
        let item = format!("{}.{}", scene.county.id(), scene.county.view.version);
        attack(window, &format!("/supervision/county-subsidies/{command}?item={item}"), tried).await?;
    }
    Ok(())
}

/// What administrators, experts and departments can be asked.
async fn province(window: &Window, scene: &Scene, tried: &mut Tried) -> Result<()> {
    let Scene { draft, experts, departments, waiting, .. } = scene;
    let member = |case: &Case| format!("/supervision/subsidies/{}", case.id());
    window.sign_in_anew("admin01").await?;
    let review = format!("/system/accounts/{}/review", draft.company.operator_id);
    let launch = format!("/supervision/subsidies/launch?round={}", waiting.round.round_id);
    let carry_over = format!("{}/carry-over", member(experts));
    for path in
        ["/system/users/new", "/system/machines/new", "/system/rounds/new", &launch, &carry_over, &review]
    {
        attack(window, path, tried).await?;
    }
    let order = format!("/supervision/subsidies/orders/{}", experts.view.work_order_id);
    window.sign_in_anew("expert_01").await?;
    window.visit(&order).await?;
    declare(window).await?;
    for path in [&member(experts), &order] {
        attack(window, path, tried).await?;
    }
    window.sign_in_anew("pr_fgw").await?;
    attack(window, &member(departments), tried).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_into_any_field_stays_text_and_the_policy_blocks_what_is_injected() -> Result<()> {
    let system = system().await?;
    let scene = Scene::set(&system).await?;
    let window = Window::before(&system).await?;
    let mut tried = Tried::default();
    for path in ["/login", "/register"] {
        attack(&window, path, &mut tried).await?;
    }
    operators(&window, &scene, &mut tried).await?;
    authorities(&window, &scene, &mut tried).await?;
    province(&window, &scene, &mut tried).await?;
    let missing: Vec<_> = fields_of_templates()?.difference(&tried.fields).cloned().collect();
    assert!(missing.is_empty(), "no form was tried with {missing:?}");
    assert!(tried.read > 50, "the text was read {} times only", tried.read);
    window.close().await?;
    system.finish().await
}
