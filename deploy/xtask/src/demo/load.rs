//! The sample province from nothing: officials, companies, stations with their data, invoices, one round.
//!
//! Owns: the order in which they come. Not: the review (`acceptance` and the files after it).
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use proto::{
    documents::EnterInvoiceRequest,
    notifications::NoticeContent,
    reviews::{NodeLimit, Round, RoundPolicy},
};

use super::{
    cast::Cast,
    mistakes::Mistakes,
    plan::{Detour, way},
    progress::Phase,
    roster::{self, ADMINISTRATOR, DEPARTMENTS, PASSWORD},
};
use crate::driver::{
    Actor, Platform,
    actor::fresh_id,
    joint::policy,
    samples::{AccountStatus, Operator, Samples},
};

/// The round of the sample province.
pub const ROUND: &str = "2026 年示例批次";
/// Title, text and audiences of what is published.
const NOTICES: [(&str, &str, &[&str]); 2] = [
    (
        "关于做好市、县级审核工作的通知（示例）",
        "请各市、县级主管部门在办理时限内完成审核。\n\n退回时请写明审批意见，并逐项指出需要修改的内容。",
        &["authorities"],
    ),
    (
        "2026 年度充电设施建设补贴申报通知（示例）",
        "2026 年度充电设施建设补贴开始申报。\n\n请在“信息服务/建设补贴/建设补贴申请”中提交验收申请；县级审核通过后，携带九类纸质资料到县级主管部门办理初审。\n\n充电站须先接入平台并上报数据。",
        &["public", "operators"],
    ),
];
const OPINION: &str = "营业执照住所与注册地不一致，请核对后重新提交。";

/// Loads the sample province unless it is there; gives everybody signed in, and its round.
///
/// Errors: a step is refused; a loading that was cut half-way is found.
pub async fn load(platform: &Platform, samples: &Samples, mistakes: &Mistakes) -> Result<(Cast, Round)> {
    if let Some(round) = find(platform).await? {
        return Ok((Cast::sign_in(platform, samples).await?, round));
    }
    let administrator = platform.first_official(&roster::administrator(), PASSWORD).await?;
    let security = platform.first_official(&roster::security(), PASSWORD).await?;
    let roster = roster::officials(samples);
    let system = roster.first().context("the roster is empty")?;
    let refused = administrator.create_official(system).await;
    mistakes.expect("an administrator who grants system rights", "role_not_grantable", refused)?;
    Phase::each("主管部门与专家", roster, |official| {
        let grantor = if roster::separated(&official) { &security } else { &administrator };
        async move { grantor.appoint(&official, PASSWORD).await }
    })
    .await?;
    let operators = samples.operators.clone();
    Phase::each("运营商注册", operators, |operator| {
        register(platform, samples, &administrator, operator)
    })
    .await?;
    super::refused::registrations(platform, samples, mistakes).await?;
    // An official has one session: from here on everybody acts through the cast.
    let cast = Cast::sign_in(platform, samples).await?;
    stations(samples, &cast).await?;
    invoices(samples, &cast).await?;
    let departments: Vec<_> = DEPARTMENTS.iter().map(|(code, _)| *code).collect();
    // One finding is tolerated; the second one asks for a wider sample. County and city have three working days, which is
    // near from the start: what is left on their desks shows 黄.
    let limit = |stage: &str| NodeLimit { stage: stage.to_owned(), working_days: 3 };
    let policy = RoundPolicy {
        finding_threshold: 1,
        limits: ["CountyReview", "CityReview"].map(limit).to_vec(),
        ..policy("2026-01-01", &departments)
    };
    let round = cast.administrator()?.create_round(ROUND, policy).await?;
    notices(cast.administrator()?).await?;
    Ok((cast, round))
}

/// What the province tells its companies, and everybody.
async fn notices(administrator: &Actor) -> Result<()> {
    for (title, body, audiences) in NOTICES {
        let content = NoticeContent {
            title: title.to_owned(),
            body: body.to_owned(),
            audiences: audiences.iter().map(|code| (*code).to_owned()).collect(),
            pinned_until: String::new(),
        };
        let draft = administrator.draft_notice(content).await?;
        administrator.publish_notice(&draft).await?;
    }
    Ok(())
}

/// The round, if the province is loaded. Errors: it is loaded half.
async fn find(platform: &Platform) -> Result<Option<Round>> {
    let Ok(administrator) = platform.sign_in(ADMINISTRATOR, PASSWORD).await else { return Ok(None) };
    match administrator.rounds().await?.into_iter().find(|round| round.name == ROUND) {
        Some(round) => Ok(Some(round)),
        None => bail!("a loading of the sample province was cut; `cargo xtask down --wipe` forgets it"),
    }
}

/// Registers one company and takes it as far as the sample says.
async fn register(
    platform: &Platform,
    samples: &Samples,
    administrator: &Actor,
    operator: Operator,
) -> Result<()> {
    let nobody = platform.nobody();
    let licence = nobody.upload_licence(&fresh_id(), samples.licence()?).await?;
    ensure!(licence.state == "clean", "the licence is {}: {}", licence.state, licence.reason_text);
    let profile = operator.profile(&licence.file_id)?;
    let registered = nobody.register(&operator.login, PASSWORD, profile).await;
    let registered = registered.with_context(|| format!("{} registers", operator.login))?;
    let (id, version) = (&registered.operator_id, registered.submission_version);
    administrator.task_appears(id, "Pending").await?;
    match operator.account_status {
        AccountStatus::Pending => {}
        AccountStatus::Rejected => drop(administrator.return_registration(id, version, OPINION).await?),
        AccountStatus::Approved => {
            administrator.approve(id, version).await?;
            administrator.task_goes(id).await?;
        }
    }
    Ok(())
}

/// Registers every station and lets its operator's system report, but for those that shall find a gate closed.
async fn stations(samples: &Samples, cast: &Cast) -> Result<()> {
    let administrator = cast.administrator()?;
    let mut machines = BTreeMap::new();
    for station in &samples.stations {
        let company = cast.company(&station.operator_uscc)?;
        if !machines.contains_key(&company.operator_id) {
            let machine = administrator.issue_machine("充电运营系统", &company.operator_id).await?;
            machines.insert(company.operator_id.clone(), machine);
        }
    }
    let numbered: Vec<_> = samples.stations.iter().enumerate().collect();
    Phase::each("场站与充电设备", numbered, |(number, station)| {
        let machines = &machines;
        async move {
            let company = cast.company(&station.operator_uscc)?;
            let registered = company.actor.register_station(samples.record(station)?).await?;
            if !way(number).takes(Detour::GateFirst) {
                machines[&company.operator_id].connect_station(&company.actor, &registered).await?;
            }
            anyhow::Ok(())
        }
    })
    .await?;
    Ok(())
}

/// Enters every invoice with its file.
async fn invoices(samples: &Samples, cast: &Cast) -> Result<()> {
    Phase::each("发票", samples.invoices.iter().collect(), |invoice| async move {
        let company = &cast.company(&invoice.buyer_uscc)?.actor;
        let file = company.upload_invoice(samples.invoice_file()?).await?;
        ensure!(file.state == "clean", "the invoice's file is {}: {}", file.state, file.reason_text);
        company.enter_invoice(EnterInvoiceRequest { file_id: file.file_id, ..invoice.entry()? }).await?;
        anyhow::Ok(())
    })
    .await?;
    Ok(())
}
