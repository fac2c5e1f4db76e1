//! The mistakes that the demo makes on purpose, area by area.
//!
//! Owns: what is tried and which reason must come back. Not: the count (`mistakes`).
use anyhow::{Context as _, Result, ensure};
use proto::{
    documents::Invoice,
    reviews::{ApplicationView, ReturnRequest, RoundPolicy},
};

use super::{
    mistakes::Mistakes,
    roster::PASSWORD,
    scene::{Case, Scene},
};
use crate::driver::{
    Platform,
    actor::fresh_id,
    joint::policy,
    review::judged,
    samples::{InvalidInvoice, Samples},
};

/// A company's first number of the sample that is taken for wrong registrations.
const SOMEBODY: usize = 0;

/// Wrong codes, a wrong division, a wrong password. Errors: something was accepted.
pub async fn registrations(platform: &Platform, samples: &Samples, mistakes: &Mistakes) -> Result<()> {
    let nobody = platform.nobody();
    let operator = samples.operators.get(SOMEBODY).context("there is no operator")?;
    let licence = nobody.upload_licence(&fresh_id(), samples.licence()?).await?;
    let profile = operator.profile(&licence.file_id)?;
    let cases = [
        ("91410105XXXX00019A", "410105", true, "uscc_check"),
        ("91410105XXXX00011P", "410105", true, "uscc_organisation_check"),
        ("91420100XXXX00123G", "410105", false, "division_outside_province"),
    ];
    for (uscc, division, in_province, reason) in cases {
        let mut wrong = profile.clone();
        wrong.uscc = uscc.to_owned();
        wrong.registered_division = division.to_owned();
        wrong.in_province = in_province;
        let answer = nobody.register("nobody01", PASSWORD, wrong).await;
        mistakes.expect(&format!("registering with {uscc} in {division}"), reason, answer)?;
    }
    let refused = platform.sign_in(&operator.login, "Wrong-Password-1").await;
    mistakes.expect("signing in with a wrong password", "sign_in_failed", refused)
}

/// Of a submitted application at the county: stale, foreign, empty. Errors: something was accepted.
pub async fn county(scene: &Scene, case: &Case, other: &Case) -> Result<()> {
    let mistakes = &scene.mistakes;
    let view = &case.view;
    // The draft: a deadline that turned yellow since makes nothing stale.
    let stale = ApplicationView { version: 1, ..view.clone() };
    mistakes.expect("a pass of a stale version", "stale_version", case.county.pass(&stale, "").await)?;
    let mut other_hash = view.clone();
    if let Some(submission) = &mut other_hash.submission {
        submission.hash = "0".repeat(64);
    }
    mistakes.expect(
        "a pass of another submission",
        "stale_submission",
        case.county.pass(&other_hash, "").await,
    )?;
    mistakes.expect(
        "a return without opinion",
        "opinion_missing",
        case.county.send_back(view, "", &["address"]).await,
    )?;
    mistakes.expect(
        "a return without items",
        "items_missing",
        case.county.send_back(view, "请修改。", &[]).await,
    )?;
    let unknown = case.county.send_back(view, "请修改。", &["horoscope"]).await;
    mistakes.expect("a return of an unknown item", "unknown_item", unknown)?;
    let foreign = other.operator().application(case.id()).await;
    mistakes.expect("looking at another company's application", "not_found", foreign)?;
    mistakes.expect("another county's decision", "not_found", other.county.pass(view, "").await)?;
    mistakes.expect("an operator's decision", "not_permitted", case.operator().pass(view, "").await)?;
    let again = case.operator().create_application(&scene.round.round_id, &case.station_id).await;
    mistakes.expect("a second application of a station", "live_application_exists", again)?;
    repeated(scene, case).await
}

/// A repeated request id: the same body is a replay, another one is refused.
async fn repeated(scene: &Scene, case: &Case) -> Result<()> {
    let county = case.county.repeating(&fresh_id());
    let body = ReturnRequest {
        request_id: county.request_id(),
        application_id: case.id().to_owned(),
        version: case.view.version,
        judged: judged(&case.view),
        opinion: String::new(),
        items: vec!["address".to_owned()],
        open_all: false,
    };
    let first = county.send_back_with(body).await;
    scene.mistakes.expect("a return without opinion", "opinion_missing", first)?;
    let administrator = scene.cast.administrator()?.repeating(&fresh_id());
    let good = policy("2026-01-01", &["fgw"]);
    let round = administrator.create_round("重复请求示例", good.clone()).await?;
    let replayed = administrator.create_round("重复请求示例", good.clone()).await?;
    ensure!(round.round_id == replayed.round_id, "a repeated request made a second round");
    let reused = administrator.create_round("另一内容", good.clone()).await;
    scene.mistakes.expect("a repeated request id with another body", "request_reused", reused)?;
    let unknown = RoundPolicy { gate_a: "maybe".to_owned(), ..good };
    let unknown = scene.cast.administrator()?.create_round("未知取值", unknown).await;
    scene.mistakes.expect("an unknown word", "unknown_value", unknown)
}

/// A decision that another one was faster than. Errors: something was accepted.
pub async fn late(scene: &Scene, case: &Case) -> Result<()> {
    let before = &ApplicationView { version: 1, ..case.view.clone() };
    let withdrawn = case.operator().withdraw(before).await;
    scene.mistakes.expect("a withdrawal after the decision", "already_decided", withdrawn)?;
    let stale = case.county.send_back(before, "请修改。", &["address"]).await;
    scene.mistakes.expect("a second decision on what was decided", "stale_version", stale)?;
    let early = case.city.pass(&case.view, "").await;
    scene.mistakes.expect("a city's decision at the county's node", "wrong_stage", early)
}

/// Every row of invoices_invalid.csv, while the dossiers are open. Errors: something was accepted.
pub async fn invoices(scene: &Scene, cases: &[Case]) -> Result<()> {
    for invalid in &scene.samples.invalid {
        let case = cases.iter().find(|case| case.station.station_id == invalid.station_id);
        let case = case.with_context(|| format!("no application of {}", invalid.station_id))?;
        invoice(scene, case, invalid).await.with_context(|| invalid.case.clone())?;
    }
    Ok(())
}

async fn invoice(scene: &Scene, case: &Case, invalid: &InvalidInvoice) -> Result<()> {
    let reason = match invalid.case.as_str() {
        "单次使用超票面" => "used_over_amount",
        "多站累计超票面" => "invoice_overdrawn",
        "购买方不符" => "invoice_buyer_mismatch",
        "同一站重复录入" => "invoice_already_allocated",
        "号码位数错误" => "invoice_number_digits",
        "金额为零" => "used_not_positive",
        "未来日期" => "invoice_date_future",
        other => anyhow::bail!("the case {other} is unknown"),
    };
    let held = case.operator().invoices("").await?;
    let held = held.into_iter().find(|one| one.number == invalid.invoice_number && !one.deleted);
    let (entered, fresh) = match held {
        Some(invoice) => (Ok(invoice), false),
        None => (case.operator().enter_invoice(invalid.entry()?).await, true),
    };
    let invoice: Invoice = match entered {
        Ok(invoice) => invoice,
        Err(refused) => return scene.mistakes.expect::<()>(&invalid.case, reason, Err(refused)),
    };
    let used = case.operator().allocate(&invoice.invoice_id, case.id(), invalid.used_fen()?).await;
    scene.mistakes.expect(&invalid.case, reason, used)?;
    if fresh {
        case.operator().delete_invoice(&invoice.invoice_id).await?;
    }
    Ok(())
}

/// Submitting a dossier of which most is missing. Errors: it was accepted.
pub async fn incomplete(scene: &Scene, case: &Case) -> Result<()> {
    let answer = case.operator().submit_materials(&case.view, vec![]).await;
    scene.mistakes.expect("submitting with empty slots", "material_missing", answer)
}
