//! The platform prepared for measuring: officials, one operator with many small stations, applications at two nodes.
//!
//! Owns: what the cases work on. Not: the cases.
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use proto::{
    documents::EnterInvoiceRequest,
    reviews::ApplicationView,
    stations::{ConnectorRecord, EquipmentRecord, StationRecord},
};

use crate::{
    driver::{
        Actor, Platform,
        actor::fresh_id,
        clock, eventually,
        joint::policy,
        officials::Official,
        samples::Samples,
        stations::{all, status},
        worklist::EFFECT_WITHIN,
    },
    fleet::Fleet,
};

/// Division of every station.
pub const COUNTY: &str = "410105";
/// Its city.
pub const CITY: &str = "410100";
/// Of everybody.
pub const PASSWORD: &str = "Songshan-2026!";
/// The city officer's login, who is there once there is a full dossier.
pub const CITY_OFFICER: &str = "city01";
/// Applications prepared at a time.
const AT_ONCE: usize = 8;
/// Number of the station with the full dossier, beyond those of the others.
const FULL: usize = 99_999;
/// Invoices of the full dossier.
const INVOICES: u32 = 3;
/// What each of them amounts to, and how much of it is used, fen.
const AMOUNT_FEN: i64 = 10_000_000;
const USED_FEN: i64 = 6_000_000;

/// Everything that the cases need.
#[derive(Clone, Debug)]
pub struct Field {
    /// The platform.
    pub platform: Platform,
    /// The administrator.
    pub administrator: Actor,
    /// The county officer.
    pub county: Actor,
    /// The operator's person.
    pub operator: Actor,
    /// An expert's id.
    pub expert: String,
    /// The round.
    pub round_id: String,
    /// Applications at `PaperCheck`: a check with missing papers (T07) is a decision that leaves them there.
    pub decided: Arc<Vec<ApplicationView>>,
    /// Applications at `CountyReview`: withdrawn and submitted again and again (T03, T02).
    pub submitted: Arc<Vec<ApplicationView>>,
}

impl Field {
    /// Prepares everything through the services. Errors: a step is refused.
    pub async fn prepare(fleet: &Fleet, decided: usize, submitted: usize) -> Result<Self> {
        let platform = Platform::of(fleet.deployment())?;
        let administrator = platform.first_official(&post("admin01", "administrator", &[]), PASSWORD).await?;
        let county = platform.first_official(&post("county01", "county", &[COUNTY]), PASSWORD).await?;
        let expert =
            platform.first_official(&post("expert01", "expert", &[]), PASSWORD).await?.claims().await?;
        let operator = operator(&platform, &administrator).await?;
        let opens = policy("2026-01-01", &["fgw"]);
        let round_id = administrator.create_round("性能测量", opens).await?.round_id;
        let numbers: Vec<_> = (0..decided + submitted).collect();
        let machine = administrator.issue_machine("测量", &operator.claims().await?.operator_id).await?;
        let mut applications: Vec<_> = stream::iter(numbers)
            .map(|number| apply(&operator, &machine, &round_id, number))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let passed = applications.split_off(submitted);
        let decided = stream::iter(passed)
            .map(|view| {
                let county = &county;
                async move { county.pass(&view, "").await }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let (decided, submitted) = (Arc::new(decided), Arc::new(applications));
        Ok(Self {
            platform,
            administrator,
            county,
            operator,
            expert: expert.subject,
            round_id,
            decided,
            submitted,
        })
    }

    /// One more application, at the city's desk with all nine materials and invoices, and the officer who sits there.
    ///
    /// Errors: a step is refused; the dossier does not open.
    pub async fn full_dossier(&self) -> Result<ApplicationView> {
        self.platform.first_official(&post(CITY_OFFICER, "city", &[CITY]), PASSWORD).await?;
        let (operator, samples) = (&self.operator, Samples::load()?);
        let company = samples.operators.first().context("there is no operator")?;
        let machine = self.administrator.issue_machine("测量", &operator.claims().await?.operator_id).await?;
        let view = apply(operator, &machine, &self.round_id, FULL).await?;
        let view = self.county.pass(&view, "同意").await?;
        let view = self.county.papers_complete(&view, &clock::day(0), "李示例").await?;
        let id = &view.application_id;
        eventually(EFFECT_WITHIN, "the dossier opens", || async {
            // Until its event has come there is none.
            Ok(operator.dossier(id).await.ok().filter(|dossier| dossier.state == "open").map(drop))
        })
        .await?;
        for (slot, file) in samples.materials()? {
            let file = operator.upload(id, slot, &file).await?;
            operator.place(id, slot, &file.file_id).await.context(slot)?;
        }
        for number in 1..=INVOICES {
            let picture = operator.upload_invoice(samples.invoice_file()?).await?;
            let invoice = EnterInvoiceRequest {
                r#type: "digital_special".to_owned(),
                number: format!("249{number:017}"),
                amount_fen: AMOUNT_FEN,
                issued_on: "2025-12-01".to_owned(),
                seller: "中原桩造示例设备有限公司".to_owned(),
                buyer_uscc: company.uscc.clone(),
                file_id: picture.file_id,
                ..EnterInvoiceRequest::default()
            };
            let invoice = operator.enter_invoice(invoice).await?;
            operator.allocate(&invoice.invoice_id, id, USED_FEN).await?;
        }
        Ok(operator.submit_materials(&view, vec![]).await?)
    }
}

fn post(login: &str, role: &str, scope: &[&str]) -> Official {
    Official::new(login, login, role, scope, "")
}

/// An approved company of the sample, signed in.
async fn operator(platform: &Platform, administrator: &Actor) -> Result<Actor> {
    let samples = Samples::load()?;
    let company = samples.operators.first().context("there is no operator")?;
    let nobody = platform.nobody();
    let licence = nobody.upload_licence(&fresh_id(), samples.licence()?).await?;
    let registered = nobody.register(&company.login, PASSWORD, company.profile(&licence.file_id)?).await?;
    administrator.approve(&registered.operator_id, registered.submission_version).await?;
    Ok(platform.sign_in(&company.login, PASSWORD).await?)
}

/// One station with one connector that has reported, and its application at the county.
async fn apply(operator: &Actor, machine: &Actor, round_id: &str, number: usize) -> Result<ApplicationView> {
    let station =
        operator.register_station(record(number)).await?.record.context("a station without record")?;
    machine.push_status(all(&station, status::IDLE, clock::now())).await?;
    let draft = operator.create_application(round_id, &station.station_id).await?;
    let filled = operator.claim_all(&draft).await?;
    Ok(operator.submit_acceptance(&filled, vec![]).await?)
}

fn record(number: usize) -> StationRecord {
    let connector = ConnectorRecord {
        connector_id: format!("9900{number:08}"),
        connector_type: 4,
        power_watts: 120_000,
        ..ConnectorRecord::default()
    };
    StationRecord {
        station_code: format!("99{number:08}"),
        name: format!("测量{number:04}示例充电站"),
        address: "河南省郑州市金水区示例路1号".to_owned(),
        county: COUNTY.to_owned(),
        longitude_e6: 113_668_756,
        latitude_e6: 34_798_101,
        start_date: "2025-10-08".to_owned(),
        finish_date: "2026-02-16".to_owned(),
        manager: "站长示例".to_owned(),
        manager_phone: "19900010001".to_owned(),
        station_type: 1,
        equipment: vec![EquipmentRecord {
            equipment_id: format!("9900{number:07}"),
            equipment_type: 1,
            power_watts: 120_000,
            connectors: vec![connector],
            ..EquipmentRecord::default()
        }],
        ..StationRecord::default()
    }
}
