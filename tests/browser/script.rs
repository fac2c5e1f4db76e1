//! What people type never becomes a script: every text field of every form is filled with markup that would take a page
//! over. What is stored is read by another role in `stored`; that pages work without scripts is in `operator`
//! and `whole`.
use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use system_tests::{PASSWORD, System, cases::Case, companies::profile, eventually, wait::PATIENCE};

use crate::{
    accounts::first_sign_in,
    joint::declare,
    kit::{
        Window,
        forms::{self, Field, is_among},
    },
    scene::Scene,
    system,
};

/// What somebody might type.
const HOSTILE: &str = "<script>window.taken=1</script><img src=data:, onerror=\"window.taken=1\">\"'><svg onload=window.taken=1>";

/// Fills one form of a page and sends it as a person without a mouse would; answers where it goes, with `{}` for ids, and
/// the names of its text fields.
const ATTACK: &str = r#"
    const [number, text] = arguments;
    const form = document.querySelectorAll('main form')[number];
    if (!form) return null;
    const typed = f => f.tagName === 'TEXTAREA' || (f.tagName === 'INPUT' && /^(text|tel|email|search|password|url)$/.test(f.type));
    const fields = [...form.elements];
    const texts = fields.filter(typed);
    if (!texts.length) return null;
    const to = new URL(form.getAttribute('action') || location.pathname, location.href).pathname;
    const answer = [to.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '{}'), texts.map(f => f.name)];
    // As far as a form lets it: the last choice, every box, the last entry.
    for (const f of fields) {
        if (typed(f)) f.value = text;
        else if (f.type === 'radio' || f.type === 'checkbox') f.checked = true;
        else if (f.tagName === 'SELECT' && f.options.length) f.selectedIndex = f.options.length - 1;
    }
    const buttons = fields.filter(f => f.type === 'submit' && f.tabIndex >= 0);
    // A download shows no page.
    if (/下载/.test(buttons.at(-1).textContent)) return answer;
    window.before = true;
    form.noValidate = true;
    form.removeAttribute('data-swap');
    setTimeout(() => form.requestSubmit(buttons.at(-1)));
    return answer;"#;

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
    fields: BTreeSet<Field>,
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
        let (Some(to), Value::Array(names)) = (fields[0].as_str(), &fields[1]) else { continue };
        let names = names.iter().filter_map(Value::as_str);
        tried.fields.extend(names.map(|name| (to.to_owned(), name.to_owned())));
        tried.read += inert(window, HOSTILE).await.with_context(|| format!("{path}, form {number}"))?;
    }
    window.visit(path).await?;
    blocked(window).await.with_context(|| path.to_owned())
}

/// The page shown holds the text as text; answers how often.
///
/// # Errors
/// It does more, or never comes.
pub async fn inert(window: &Window, text: &str) -> Result<u64> {
    let found = eventually(PATIENCE, "the answer is shown", || async {
        let found = window.client().execute(OUTCOME, vec![json!(text)]).await.unwrap_or(Value::Null);
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

/// What somebody can be asked who has not signed in.
async fn strangers(system: &System, window: &Window, tried: &mut Tried) -> Result<()> {
    for path in ["/login", "/password/forgot", "/register"] {
        attack(window, path, tried).await?;
    }
    first_sign_in(system, window, "legacy_script").await?;
    attack(window, "/password/first", tried).await
}

/// What an operator can be asked.
async fn operators(window: &Window, scene: &Scene, invoice: &str, tried: &mut Tried) -> Result<()> {
    let Scene { draft, due, .. } = scene;
    window.sign_in_anew(draft.company.actor.name()).await?;
    let dossier = format!("/subsidy/dossiers/{}", due.id());
    for path in [
        "/subsidy/applications",
        "/subsidy/dossiers",
        "/subsidy/applications/new",
        &format!("/subsidy/applications/{}/edit", draft.id()),
        &dossier,
        &format!("{dossier}/invoices/new"),
        &format!("{dossier}/invoices/{invoice}"),
        // With a search, the field for another one is there.
        &format!("{dossier}/invoices/{invoice}?q=ab"),
        &format!("/subsidy/applications/{}/terminate", due.id()),
        "/account/company/edit",
        "/account/members/new",
        "/account/password",
        "/stations",
        "/interconnect",
        "/interconnect/link/settings",
        "/interconnect/orders",
    ] {
        attack(window, path, tried).await?;
    }
    window.visit(&format!("/subsidy/applications/{}", due.id())).await?;
    window.sees(HOSTILE).await
}

/// What is asked of whoever reminds, hands over and gives time at this desk.
async fn several(window: &Window, desk: &str, case: &Case, tried: &mut Tried) -> Result<()> {
    for command in ["remind", "reassign", "extend"] {
        let item = format!("{}.{}", case.id(), case.view.version);
        attack(window, &format!("{desk}/{command}?item={item}"), tried).await?;
    }
    Ok(())
}

/// What a county and a city can be asked.
async fn authorities(window: &Window, scene: &Scene, tried: &mut Tried) -> Result<()> {
    const DESK: &str = "/supervision/county-subsidies";
    let path = |case: &Case, part: &str| format!("{DESK}/{}/{part}", case.id());
    window.sign_in_anew("co_410105").await?;
    let review = path(&scene.county, "review");
    for path in [path(&scene.papers, "paper-check"), review.clone(), path(&scene.papers, "revoke")] {
        attack(window, &path, tried).await?;
    }
    window.visit(&review).await?;
    window.shows("hostile-history", HOSTILE).await?;
    window.sign_in_anew("ci_410100").await?;
    for path in [DESK.to_owned(), path(&scene.city, "review"), path(&scene.passed, "take-back")] {
        attack(window, &path, tried).await?;
    }
    several(window, DESK, &scene.county, tried).await
}

/// What administrators, experts and departments can be asked.
async fn province(window: &Window, scene: &Scene, applicant: &str, tried: &mut Tried) -> Result<()> {
    const DESK: &str = "/supervision/subsidies";
    let Scene { draft, experts, departments, waiting, .. } = scene;
    let member = |case: &Case| format!("{DESK}/{}", case.id());
    window.sign_in_anew("admin01").await?;
    let standing = format!("/system/accounts/{}/review", draft.company.operator_id);
    let link = format!("/system/links/{}/settings", draft.company.operator_id);
    let orders = format!("/system/links/{}/orders", draft.company.operator_id);
    let withdraw = format!("/system/notices/{}/withdraw", scene.told.revision_id);
    let edit = format!("/system/notices/{}/edit", scene.notice.revision_id);
    for path in [
        "/account/second-factor",
        "/system/users/new",
        "/system/audit",
        "/system/links",
        "/system/machines/new",
        "/system/subscriptions/new",
        &link,
        &orders,
        "/system/rounds/new",
        "/system/notices/new",
        &edit,
        "/system/divisions",
        &withdraw,
        "/system/accounts",
        &format!("/system/accounts/{applicant}/review"),
        // Suspended by the first attack, reinstated by the second.
        &standing,
        &standing,
        &format!("/files/{}/preview", draft.company.profile.licence_file_id),
        DESK,
        &format!("{DESK}/applications"),
        &format!("{DESK}/launch?round={}", waiting.round.round_id),
    ] {
        attack(window, path, tried).await?;
    }
    several(window, DESK, experts, tried).await?;
    attack(window, &format!("{}/carry-over", member(experts)), tried).await?;
    let order = format!("{DESK}/orders/{}", experts.view.work_order_id);
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
    let known = forms::of_templates()?;
    let system = system().await?;
    let scene = Scene::set(&system).await?;
    let spare = system.invoice(&scene.due.company, 100).await?;
    let applicant = system.with_licence(profile(system.number(), "410105")).await?;
    let applicant = system.platform().nobody().register("applicant", PASSWORD, applicant).await?;
    let window = Window::before(&system).await?;
    let mut tried = Tried::default();
    strangers(&system, &window, &mut tried).await?;
    operators(&window, &scene, &spare.invoice_id, &mut tried).await?;
    authorities(&window, &scene, &mut tried).await?;
    province(&window, &scene, &applicant.operator_id, &mut tried).await?;
    let missing: Vec<_> = known.iter().filter(|field| !is_among(field, &tried.fields)).collect();
    assert!(missing.is_empty(), "no form was tried with {missing:?}");
    assert!(tried.read > 50, "the text was read {} times only", tried.read);
    window.close().await?;
    system.finish().await
}
