//! What one role types and the platform keeps is read by another as text, never as markup: opinions, reasons, names, notes,
//! file names. That every field is tried is in `script`.
use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use system_tests::{PASSWORD, System, companies::profile, eventually, wait::PATIENCE};
use xtask::services::Service;

use crate::{joint::declare, kit::Window, operator::fill_invoice, scene::Scene, script::inert, system};

/// Short enough for every field; a number before it tells one from the other.
const HOSTILE: &str = "<svg onload=window.taken=1>'\"";

/// Puts values into the form that has all these fields and sends it; answers what is missing.
const SEND: &str = r#"
    const [values] = arguments, names = Object.keys(values);
    const of = (form, name) => [...form.elements].filter(f => f.name === name);
    const form = [...document.querySelectorAll('main form')].find(
        form => form.method === 'post' && names.every(name => of(form, name).length));
    if (!form) return 'no form has ' + names;
    for (const [name, value] of Object.entries(values)) for (const f of of(form, name)) {
        if (/^(radio|checkbox)$/.test(f.type)) f.checked = [value].flat().includes(f.value);
        else f.value = value;
    }
    window.before = true;
    form.noValidate = true;
    const buttons = [...form.elements].filter(f => f.type === 'submit' && f.tabIndex >= 0);
    setTimeout(() => form.requestSubmit(buttons.find(b => b.value === 'submit') || buttons[0]));
    return null;"#;

/// Texts that were kept, and by whom, at which path, each is read.
#[derive(Default)]
struct Kept {
    count: usize,
    readings: BTreeMap<String, Vec<(String, String)>>,
}

impl Kept {
    /// A hostile text of its own, to be read by these at these paths.
    fn text(&mut self, readers: &[(&str, &str)]) -> String {
        self.count += 1;
        let text = format!("第{}项{HOSTILE}", self.count);
        for (login, path) in readers {
            self.readings.entry((*login).to_owned()).or_default().push(((*path).to_owned(), text.clone()));
        }
        text
    }

    /// Everybody reads it. Errors: a text is not there, or is more than text.
    async fn are_read(self, window: &Window) -> Result<()> {
        for (login, readings) in self.readings {
            window.sign_in_anew(&login).await?;
            for (path, text) in readings {
                window.visit(&path).await?;
                let read = inert(window, &text).await.with_context(|| format!("{login} at {path}"))?;
                ensure!(read > 0, "{login} does not read {text} at {path}:\n{}", window.text().await?);
            }
        }
        Ok(())
    }
}

/// Sends a form, which is accepted. Errors: it is refused.
async fn send(window: &Window, path: &str, values: Value) -> Result<()> {
    window.visit(path).await?;
    window.settled().await?;
    let missing = window.client().execute(SEND, vec![values.clone()]).await?;
    ensure!(missing.is_null(), "{path}: {missing}");
    inert(window, HOSTILE).await.with_context(|| path.to_owned())?;
    let wrong = "return [...document.querySelectorAll('.errsum')].map(e => e.innerText).join()";
    let wrong = window.client().execute(wrong, vec![]).await?;
    ensure!(wrong == "", "{path} with {values}: {wrong}");
    Ok(())
}

/// An operator's form, company, note, invoice and files; what is handed in is read by the county and the city.
async fn operators(system: &System, window: &Window, scene: &Scene, kept: &mut Kept) -> Result<()> {
    let (draft, due) = (&scene.draft, &scene.due);
    let review = format!("/supervision/county-subsidies/{}/review", draft.id());
    let account = format!("/system/accounts/{}/review", draft.company.operator_id);
    window.sign_in_anew(draft.operator().name()).await?;
    let mut read = |path: &str| kept.text(&[("co_410105", path)]);
    let form = json!({ "station_name": read("/supervision/county-subsidies"), "address": read(&review),
        "manager": read(&review), "act": "submit" });
    send(window, &format!("/subsidy/applications/{}/edit", draft.id()), form).await?;
    let mut read = || kept.text(&[("admin01", &account)]);
    let company = json!({ "company_name": read(), "contact_name": read(), "truth_declared": "yes" });
    send(window, "/account/company/edit", company).await?;

    let desk = format!("/subsidy/dossiers/{}", due.id());
    let review = format!("/supervision/county-subsidies/{}/review", due.id());
    let note = kept.text(&[("ci_410100", &review)]);
    let own = format!("/subsidy/applications/{}", due.id());
    let seller = kept.text(&[(due.operator().name(), &own), ("ci_410100", &review)]);
    send(window, &desk, json!({ "item": "M7", "text": note })).await?;
    window.visit(&format!("{desk}/invoices/new")).await?;
    fill_invoice(system, window, &due.company.profile.uscc, "100000", "60000").await?;
    window.fill("销售方名称", &seller).await?;
    window.press("保存发票").await?;
    window.sees("本站使用金额合计").await?;
    for name in hostile_names(system, window).await? {
        let readers = kept.readings.entry("ci_410100".to_owned()).or_default();
        readers.push((review.clone(), name));
    }
    window.press("提交至").await?;
    window.sees("回执编号").await
}

/// Uploads files whose names are hostile to the dossier shown; answers those that are kept.
async fn hostile_names(system: &System, window: &Window) -> Result<Vec<String>> {
    let folder = system.folder(Service::Portal);
    fs::create_dir_all(&folder)?;
    let long = format!("{}.pdf", "长".repeat(80));
    // A browser sends no quotes in a name.
    let markup = format!("{}.pdf", HOSTILE.replace('"', ""));
    for (name, kept) in [(&markup, true), (&long, true), (&"申请函\u{202e}fdp.pdf".to_owned(), false)] {
        let path = folder.join(name);
        fs::write(&path, system.paper()?.content)?;
        window.attach("省级奖补资金项目申请函：选择文件", &[&path]).await?;
        window.sees(if kept { name } else { "文件名" }).await?;
        window.gone("上传中").await?;
    }
    // The one whose name would be read backwards is told to be renamed, and nothing of it is kept.
    let names = system.texts(Service::Documents, "SELECT name FROM files").await?;
    ensure!(!names.iter().any(|name| name.contains('\u{202e}')), "{names:?}");
    let path = window.path().await?;
    eventually(PATIENCE, "both names are shown as they are", || async {
        window.visit(&path).await?;
        let text = window.text().await?;
        Ok((text.contains(&markup) && text.contains(&long)).then_some(()))
    })
    .await
    .context(window.text().await?)?;
    Ok(vec![markup, long])
}

/// What counties and cities write is read by whoever applied, or by whom it concerns.
async fn authorities(window: &Window, scene: &Scene, kept: &mut Kept) -> Result<()> {
    let Scene { county, papers, city, passed, .. } = scene;
    let desk = |id: &str, part: &str| format!("/supervision/county-subsidies/{id}/{part}");
    let own = |id: &str| format!("/subsidy/applications/{id}");
    let opinion = kept.text(&[(county.operator().name(), &own(county.id()))]);
    window.sign_in_anew("co_410105").await?;
    let back = json!({ "decision": "return", "opinion": opinion, "items": ["manager"] });
    send(window, &desk(county.id(), "review"), back).await?;
    let checker = kept.text(&[("ci_410100", &desk(papers.id(), "print"))]);
    let missing = json!({ "result": "missing", "ticked": ["M1"], "checker": checker });
    send(window, &desk(papers.id(), "paper-check"), missing).await?;
    let reason = kept.text(&[(papers.operator().name(), &own(papers.id()))]);
    send(window, &desk(papers.id(), "revoke"), json!({ "reason": reason })).await?;

    window.sign_in_anew("ci_410100").await?;
    let reason = kept.text(&[("co_410105", &desk(passed.id(), "review"))]);
    send(window, &desk(passed.id(), "take-back"), json!({ "reason": reason })).await?;
    for (command, more) in [("extend", json!({ "working_days": "3" })), ("reassign", json!({}))] {
        let reason = kept.text(&[("co_410105", &desk(city.id(), "review"))]);
        window.visit("/supervision/county-subsidies").await?;
        window.choose(&city.view.application_no, "选择").await?;
        window.press(if command == "extend" { "延期所选" } else { "转办所选" }).await?;
        window.sees("所选申请 1 件").await?;
        if more["working_days"].is_null() {
            window.choose("承办人", "郑州市审核员").await?;
        } else {
            window.fill("延长工作日", "3").await?;
        }
        let (label, verb) =
            if command == "extend" { ("延期原因", "延期") } else { ("转办原因", "转办") };
        window.fill(label, &reason).await?;
        window.press_at(label, verb).await?;
        window.sees(&format!("已{verb} 1 件")).await?;
    }
    let opinion = kept.text(&[(city.operator().name(), &own(city.id()))]);
    let back = json!({ "decision": "return", "opinion": opinion, "mark_M1": "bad" });
    send(window, &desk(city.id(), "review"), back).await
}

/// What experts and departments write.
async fn joint(window: &Window, scene: &Scene, kept: &mut Kept) -> Result<()> {
    let Scene { experts, departments, .. } = scene;
    let member = |id: &str| format!("/supervision/subsidies/{id}");
    let own = |id: &str| format!("/subsidy/applications/{id}");
    for (login, case) in [("expert_01", experts), ("pr_fgw", departments)] {
        window.sign_in_anew(login).await?;
        if login.starts_with("expert") {
            let order = format!("/supervision/subsidies/orders/{}", case.view.work_order_id);
            window.visit(&order).await?;
            declare(window).await?;
        }
        // Nobody but its author and the departments reads an individual opinion, and not for long.
        let text = kept.text(&[]);
        let opinion = json!({ "verdict": "pass", "own_opinion": text });
        send(window, &member(case.id()), opinion).await?;
        window.visit(&member(case.id())).await?;
        ensure!(inert(window, &text).await? > 0, "{login} does not read {text}:\n{}", window.text().await?);
        let text = kept.text(&[(case.operator().name(), &own(case.id())), ("admin01", &member(case.id()))]);
        let mut back = json!({ "decision": "return", "opinion": text, "mark_M1": "bad" });
        if login.starts_with("pr") {
            back["target"] = json!("operator");
        }
        send(window, &member(case.id()), back).await?;
    }
    Ok(())
}

/// What an administrator writes; the applicant is a company that waits for its account.
async fn administrator(window: &Window, scene: &Scene, applicant: &str, kept: &mut Kept) -> Result<()> {
    let (experts, uscc) = (&scene.experts, &scene.city.company.profile.uscc);
    window.sign_in_anew("admin01").await?;
    let reason =
        kept.text(&[(experts.operator().name(), &format!("/subsidy/applications/{}", experts.id()))]);
    let path = format!("/supervision/subsidies/{}/carry-over", experts.id());
    send(window, &path, json!({ "reason": reason })).await?;
    let mut users = || kept.text(&[("admin01", "/system/users")]);
    let user = json!({ "login": "hostile_user", "display_name": users(), "office": users(),
        "contact_phone": "19833330001", "roles": ["county"], "scope": "410105" });
    send(window, "/system/users/new", user).await?;
    let machine = json!({ "uscc": uscc, "name": kept.text(&[("admin01", "/system/machines")]) });
    send(window, "/system/machines/new", machine).await?;
    let name = kept.text(&[(scene.city.operator().name(), "/subsidy/applications/new")]);
    let round = json!({ "name": name, "opens_on": "2020-01-01", "required_slots": ["M1"], "gate_a": "off",
        "gate_b": "off", "expert_rule": "lead", "departments": "fgw" });
    send(window, "/system/rounds/new", round).await?;
    let opinion = kept.text(&[("applicant", "/account/company")]);
    let path = format!("/system/accounts/{applicant}/review");
    send(window, &path, json!({ "decision": "return", "opinion": opinion })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_role_types_is_read_by_another_as_text() -> Result<()> {
    let system = system().await?;
    let scene = Scene::set(&system).await?;
    let applicant = system.with_licence(profile(system.number(), "410105")).await?;
    let applicant = system.platform().nobody().register("applicant", PASSWORD, applicant).await?;
    let window = Window::before(&system).await?;
    let mut kept = Kept::default();
    operators(&system, &window, &scene, &mut kept).await?;
    authorities(&window, &scene, &mut kept).await?;
    joint(&window, &scene, &mut kept).await?;
    administrator(&window, &scene, &applicant.operator_id, &mut kept).await?;
    assert!(kept.count >= 20, "{} texts only", kept.count);
    kept.are_read(&window).await?;
    window.close().await?;
    system.finish().await
}
