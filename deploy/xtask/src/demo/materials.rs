//! The dossier filled, submitted, and the city's review with its detours.
//!
//! Owns: T09–T13 of the demo. Not: the joint review.
use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use proto::documents::Dossier;

use super::{
    plan::{Detour, Goal},
    roster::BOTH_TIERS,
    scene::{Case, Scene},
};

/// Uploads and places every material and uses the invoices, but does not submit.
///
/// Errors: a file is not accepted, a balance is not enough.
pub async fn fill(scene: &Scene, case: Case) -> Result<Case> {
    if case.way.goal < Goal::MaterialsDue {
        return Ok(case);
    }
    case.dossier_opens().await?;
    let mut materials = scene.samples.materials()?;
    if case.way.goal == Goal::MaterialsDue {
        // The rest is left to a person.
        materials.truncate(3);
    }
    for (slot, file) in &materials {
        let file = case.operator().upload(case.id(), slot, file).await?;
        ensure!(file.state == "clean", "{slot} of {}: {}", case.number, file.reason_text);
        case.operator().place(case.id(), slot, &file.file_id).await?;
    }
    if case.way.goal == Goal::MaterialsDue {
        return Ok(case);
    }
    let held = case.operator().invoices("").await?;
    for allocation in scene.samples.allocations.iter().filter(|one| one.station_id == case.station.station_id)
    {
        let invoice = held.iter().find(|one| one.number == allocation.invoice_key && !one.deleted);
        let invoice =
            invoice.with_context(|| format!("invoice {} is not entered", allocation.invoice_key))?;
        case.operator().allocate(&invoice.invoice_id, case.id(), allocation.used_fen()?).await?;
    }
    Ok(case)
}

/// Submits and walks to `AwaitingJointReview`, or to where its plan leaves it at the city.
///
/// Errors: a step is refused that should not be.
pub async fn submit_and_pass(scene: &Scene, mut case: Case) -> Result<Case> {
    let number = case.number;
    submitted_and_passed(scene, &mut case)
        .await
        .with_context(|| format!("application {number}, {}", case.view.stage))?;
    Ok(case)
}

async fn submitted_and_passed(scene: &Scene, case: &mut Case) -> Result<()> {
    if case.way.goal <= Goal::MaterialsDue {
        return Ok(());
    }
    submit(case).await?;
    if case.way.takes(Detour::WithdrawMaterials) {
        case.view = case.operator().withdraw(&case.view).await?;
        case.dossier_opens().await?;
        submit(case).await?;
    }
    if case.way.goal == Goal::CityReview {
        return Ok(());
    }
    if case.way.takes(Detour::FourEyes) {
        let both = &scene.cast.person(BOTH_TIERS)?.actor;
        let refused = both.pass(&case.view, "同意。").await;
        scene.mistakes.expect("deciding at a second tier", "decided_before", refused)?;
    }
    if case.way.takes(Detour::CityReturn) {
        case.view = case.city.send_back(&case.view, "竣工验收报告缺盖章页，请补齐。", &["M5"]).await?;
        case.operator().task_appears(case.id(), "CityReturned").await?;
        replace(scene, case, "M5", "盖章版").await?;
        submit(case).await?;
    }
    pass(case).await?;
    if case.way.takes(Detour::TakeBack) {
        case.view = case.city.take_back(&case.view, "复核发票金额。").await?;
        pass(case).await?;
    }
    Ok(())
}

async fn submit(case: &mut Case) -> Result<()> {
    case.view = case.operator().submit_materials(&case.view, vec![]).await?;
    case.city.task_appears(case.id(), "CityReview").await?;
    Ok(())
}

async fn pass(case: &mut Case) -> Result<()> {
    case.view = case.city.pass(&case.view, "资料齐全，同意上报。").await?;
    case.city.task_goes(case.id()).await?;
    Ok(())
}

/// Answers a return by putting a changed file in the place of the one that was found wanting.
///
/// Errors: the slot is empty; the file is not accepted.
pub async fn replace(scene: &Scene, case: &Case, slot: &'static str, mark: &str) -> Result<Dossier> {
    let dossier = case.dossier_opens().await?;
    let there = dossier.slots.iter().find(|one| one.slot == slot).and_then(|one| one.files.first());
    let there = there.with_context(|| format!("{slot} is empty"))?;
    let materials = scene.samples.materials()?;
    let (_, file) =
        materials.iter().find(|(of, _)| *of == slot).with_context(|| format!("no sample for {slot}"))?;
    let file = case.operator().upload(case.id(), slot, &file.marked(mark)).await?;
    ensure!(file.state == "clean", "{slot}: {}", file.reason_text);
    Ok(case.operator().replace(case.id(), slot, &file.file_id, &there.file_id).await?)
}

/// Counts what a rejected upload was rejected for. Errors: a hostile file was accepted.
pub async fn hostile(scene: &Scene, case: &Case) -> Result<()> {
    try_join_all(scene.samples.hostile().map(|file| async move {
        match case.operator().upload(case.id(), "M7", file).await {
            Ok(answer) => {
                ensure!(answer.state == "rejected", "{} was accepted", file.name);
                scene.mistakes.count(&answer.reason);
            }
            Err(refused) => {
                ensure!(!refused.passing() && !refused.reason.is_empty(), "{}: {refused}", file.name);
                scene.mistakes.count(&refused.reason);
            }
        }
        Ok(())
    }))
    .await?;
    Ok(())
}
