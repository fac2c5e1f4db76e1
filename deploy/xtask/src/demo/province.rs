//! The freeze, the drawn spot check, and what the province finds.
//!
//! Owns: T20–T24 of the demo. Not: drawing; that is the service's, and anyone can repeat it.
use anyhow::{Context as _, Result, ensure};
use proto::reviews::ApplicationView;

use super::{
    joint::Order,
    materials::replace,
    plan::{CITY_FINDING, EXPERT_FINDING, Goal, MATERIAL_FINDING},
    scene::{Case, Scene},
};
use crate::driver::{
    Actor,
    joint::{Target, Verdict},
};

/// What the province finds in an order of the first batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Nothing,
    Material,
    Experts,
    City,
}

/// Freezes an order, walks the drawn members to `Approved`, and with them the whole order.
///
/// Errors: a step is refused that should not be; the order is not concluded.
pub async fn conclude(scene: &Scene, order: &Order, cases: &[Case]) -> Result<()> {
    let city = order.view.prefecture.as_str();
    concluded(scene, order, cases)
        .await
        .with_context(|| format!("the order of {city}, batch {}", order.view.batch))
}

async fn concluded(scene: &Scene, order: &Order, cases: &[Case]) -> Result<()> {
    let administrator = scene.cast.administrator()?;
    let frozen = administrator.freeze(&administrator.work_order(order.id()).await?).await?;
    ensure!(frozen.state == "frozen", "the order is {}", frozen.state);
    let members = order.members(scene).await?;
    let drawn: Vec<_> = members.iter().filter(|member| member.in_sample).collect();
    ensure!(!drawn.is_empty() || members.is_empty(), "nothing was drawn of {} members", members.len());
    if let Some(outside) = members.iter().find(|member| !member.in_sample) {
        let answer = scene.cast.departments()?[0].pass_member(outside, "").await;
        scene.mistakes.expect("signing a member outside the sample", "not_in_sample", answer)?;
    }
    let finding = match (order.view.batch, order.view.prefecture.as_str()) {
        (1, MATERIAL_FINDING) => Finding::Material,
        (1, EXPERT_FINDING) => Finding::Experts,
        (1, CITY_FINDING) => Finding::City,
        (_, _) => Finding::Nothing,
    };
    let left = cases
        .iter()
        .any(|case| case.view.work_order_id == order.id() && case.way.goal == Goal::ProvincialReview);
    for (index, member) in drawn.into_iter().enumerate() {
        let case =
            cases.iter().find(|case| case.id() == member.application_id).context("a member is nobody's")?;
        let finding = if index == 0 { finding } else { Finding::Nothing };
        check(scene, order, case, member, finding, left).await?;
    }
    if left {
        return Ok(());
    }
    let order_after = administrator.work_order(order.id()).await?;
    ensure!(order_after.state == "concluded", "the order is {} at its end", order_after.state);
    Ok(())
}

/// The departments look at one drawn member.
async fn check(
    scene: &Scene,
    order: &Order,
    case: &Case,
    member: &ApplicationView,
    finding: Finding,
    left: bool,
) -> Result<()> {
    let departments = scene.cast.departments()?;
    let first = departments[0];
    first.task_appears(case.id(), "ProvincialReview").await?;
    let mut case = Case { view: member.clone(), ..case.clone() };
    case.view = first.opine(&case.view, Verdict::Pass, "现场抽查情况与申报一致。").await?;
    if left {
        case.view = first.pass_member(&case.view, "同意。").await?;
        let again = first.pass_member(&case.view, "同意。").await;
        return scene.mistakes.expect("a department's second signature", "department_signed", again);
    }
    match finding {
        Finding::Nothing => {}
        Finding::Material => material(scene, order, &mut case, departments[1]).await?,
        Finding::Experts => experts(scene, order, &mut case, departments[1]).await?,
        Finding::City => return city(&mut case, departments[1]).await,
    }
    sign(&departments, case.view).await
}

/// Every department signs; the last one approves.
async fn sign(departments: &[&Actor], mut view: ApplicationView) -> Result<()> {
    for department in departments {
        view = department.pass_member(&view, "同意。").await?;
    }
    ensure!(view.stage == "Approved", "{} is at {} after every signature", view.application_no, view.stage);
    Ok(())
}

/// G12: the operator supplements, the experts pass, it comes back as a forced sample.
async fn material(scene: &Scene, order: &Order, case: &mut Case, department: &Actor) -> Result<()> {
    let found = "设备合格证与现场铭牌不一致。";
    case.view = department.province_return(&case.view, Target::Operator, found, &["M4b"]).await?;
    case.operator().task_appears(case.id(), "SupplementDue").await?;
    replace(scene, case, "M4b", "更正后").await?;
    case.view = case.operator().submit_supplement(&case.view, vec![]).await?;
    back(order, case).await
}

/// The experts look again, twice: more findings than the round tolerates ask for a wider sample (T24).
async fn experts(scene: &Scene, order: &Order, case: &mut Case, department: &Actor) -> Result<()> {
    let early = department.widen(&department.work_order(order.id()).await?).await;
    scene.mistakes.expect("a wider sample without findings", "threshold_not_exceeded", early)?;
    for found in ["专家意见未覆盖土建工程量。", "专家意见未覆盖设备数量。"] {
        case.view = department.province_return(&case.view, Target::Experts, found, &["M8a"]).await?;
        back(order, case).await?;
    }
    let order_now = department.work_order(order.id()).await?;
    department.widen(&order_now).await?;
    for member in order.members(scene).await?.into_iter().filter(|member| member.in_sample) {
        if member.application_id != case.id() {
            sign(&scene.cast.departments()?, member).await?;
        }
    }
    Ok(())
}

/// The experts pass it again in the frozen order.
async fn back(order: &Order, case: &mut Case) -> Result<()> {
    let lead = order.lead()?;
    lead.task_appears(case.id(), "ExpertReview").await?;
    case.view = lead.pass_member(&case.view, "复核后同意。").await?;
    ensure!(
        case.view.stage == "ProvincialReview" && case.view.in_sample,
        "it comes back as {}",
        case.view.stage
    );
    Ok(())
}

/// The city looks again and passes: the member leaves the order and joins the next one.
async fn city(case: &mut Case, department: &Actor) -> Result<()> {
    let found = "市级复核未核对发票原件。";
    case.view = department.province_return(&case.view, Target::City, found, &["M9"]).await?;
    case.city.task_appears(case.id(), "CityReview").await?;
    case.view = case.city.pass(&case.view, "已核对发票原件，同意上报。").await?;
    Ok(())
}
