//! From nothing to the passed paper check: applying, the county, and the detours on the way.
//!
//! Owns: T01–T08, T25 of the demo. Not: materials and what follows.
use anyhow::{Context as _, Result};
use proto::reviews::SaveAcceptanceRequest;

use super::{
    plan::{Detour, Goal},
    roster::BOTH_TIERS,
    scene::{Case, Scene},
};
use crate::{
    driver::{clock::day, worklist::EFFECT_WITHIN},
    probe::eventually,
};

/// Walks one application to `MaterialsDue`, or to where its plan leaves it at the county.
///
/// Errors: a step is refused that should not be.
pub async fn walk(scene: &Scene, mut case: Case) -> Result<Case> {
    let case_no = case.number;
    walked(scene, &mut case).await.with_context(|| format!("application {case_no}, {}", case.view.stage))?;
    Ok(case)
}

async fn walked(scene: &Scene, case: &mut Case) -> Result<()> {
    apply(scene, case).await?;
    if case.way.takes(Detour::DeleteDraft) {
        case.operator().delete(&case.view).await?;
        apply(scene, case).await?;
    }
    if case.way.takes(Detour::GateFirst) {
        gate_first(scene, case).await?;
    }
    submit(case).await?;
    if case.way.takes(Detour::WithdrawAcceptance) {
        case.view = case.operator().withdraw(&case.view).await?;
        submit(case).await?;
    }
    if case.way.goal == Goal::CountyReview {
        return Ok(());
    }
    if case.way.takes(Detour::CountyReturn) {
        county_returns(case).await?;
    }
    county_passes(scene, case).await?;
    if case.way.takes(Detour::CountyRevoke) {
        case.view = case.county.revoke_pass(&case.view, "验收申请的地址与现场不符，撤回初审意见。").await?;
        amend_address(case).await?;
        county_passes(scene, case).await?;
    }
    if case.way.goal == Goal::PaperCheck {
        return Ok(());
    }
    papers(scene, case).await?;
    if case.way.takes(Detour::Terminate) {
        case.view = case.operator().terminate(&case.view, "场站拟改扩建，重新申请。").await?;
        apply(scene, case).await?;
        submit(case).await?;
        county_passes(scene, case).await?;
        papers(scene, case).await?;
    }
    Ok(())
}

/// T01: a draft with every connector claimed.
async fn apply(scene: &Scene, case: &mut Case) -> Result<()> {
    let draft = case.operator().create_application(&scene.round.round_id, &case.station_id).await?;
    case.view = case.operator().claim_all(&draft).await?;
    Ok(())
}

/// T02, once stations has heard that an application before it is over; and the county learns of it.
async fn submit(case: &mut Case) -> Result<()> {
    case.view = eventually(EFFECT_WITHIN, "the connectors are free", || async {
        match case.operator().submit_acceptance(&case.view, vec![]).await {
            Err(refused) if refused.reason == "connector_claimed" => Ok(None),
            submitted => Ok(Some(submitted?)),
        }
    })
    .await?;
    case.county.task_appears(case.id(), "CountyReview").await?;
    Ok(())
}

/// The station is not connected yet: gate A refuses; then its operator's system reports.
async fn gate_first(scene: &Scene, case: &Case) -> Result<()> {
    let refused = case.operator().submit_acceptance(&case.view, vec![]).await;
    scene.mistakes.expect("submitting for a station that is not connected", "gate_a", refused)?;
    let station = case.operator().station(&case.station_id).await?;
    let machine =
        scene.cast.administrator()?.issue_machine("充电运营系统（补）", &case.company.operator_id).await?;
    machine.connect_station(case.operator(), &station).await?;
    Ok(())
}

/// T05, the operator amends what was named, T02 again.
async fn county_returns(case: &mut Case) -> Result<()> {
    case.view = case.county.send_back(&case.view, "地址请写明门牌与入口。", &["address"]).await?;
    case.operator().task_appears(case.id(), "CountyReturned").await?;
    amend_address(case).await
}

async fn amend_address(case: &mut Case) -> Result<()> {
    let seen = case.operator().application(case.id()).await?;
    let address = format!("{}（东门入口）", seen.form.as_ref().map_or("", |form| &form.address));
    let edit = SaveAcceptanceRequest { address: Some(address), ..SaveAcceptanceRequest::default() };
    case.view = case.operator().save_acceptance(&seen, edit).await?;
    submit(case).await
}

/// T04: the county's officer, or the one with both posts.
async fn county_passes(scene: &Scene, case: &mut Case) -> Result<()> {
    let officer =
        if case.way.takes(Detour::FourEyes) { &scene.cast.person(BOTH_TIERS)?.actor } else { &case.county };
    case.view = officer.pass(&case.view, "验收申请内容属实，同意。").await?;
    officer.task_appears(case.id(), "PaperCheck").await?;
    Ok(())
}

/// T07 where papers are missing at first, then T06.
async fn papers(scene: &Scene, case: &mut Case) -> Result<()> {
    if case.way.takes(Detour::PapersMissing) {
        case.view = case.county.papers_missing(&case.view, &["M5", "M6"], &day(0), "王示例").await?;
    }
    let officer =
        if case.way.takes(Detour::FourEyes) { &scene.cast.person(BOTH_TIERS)?.actor } else { &case.county };
    case.view = officer.papers_complete(&case.view, &day(0), "王示例").await?;
    case.operator().task_appears(case.id(), "MaterialsDue").await?;
    Ok(())
}
