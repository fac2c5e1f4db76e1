//! What an application needs around it: rounds, connected stations, files, invoices, a filled dossier.
//!
//! Owns: making them good enough. Not: the samples of the province; those are the demo's.
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use proto::{
    documents::{EnterInvoiceRequest, Invoice},
    reviews::{NodeLimit, Round, RoundPolicy},
    stations::{ConnectorRecord, EquipmentRecord, Station, StationRecord},
};
use tonic::Code;
use xtask::driver::{actor::fresh_id, clock, dossiers::Upload, joint};

use crate::{Company, System, cases::Case, cast::DEPARTMENTS, eventually, wait::PATIENCE};

/// Numbers of companies, stations, invoices and batches; those below are left to tests that name them.
static NUMBER: AtomicU32 = AtomicU32::new(1000);
/// The nodes with a clock. Source: workflow, Nodes.
pub const CLOCKED: [&str; 7] = [
    "CountyReview",
    "PaperCheck",
    "CityReview",
    "AwaitingJointReview",
    "ExpertReview",
    "AwaitingProvince",
    "ProvincialReview",
];
/// What the usual invoice amounts to, fen.
pub const AMOUNT_FEN: i64 = 10_000_000;

impl System {
    /// A number that nothing else in this run has.
    pub fn number(&self) -> u32 {
        NUMBER.fetch_add(1, Ordering::Relaxed)
    }

    /// Today in Asia/Shanghai, YYYY-MM-DD.
    pub fn today(&self) -> String {
        clock::day(0)
    }

    /// The usual round: one file and one invoice are required, everybody is in the sample; made once.
    ///
    /// # Errors
    /// It is refused.
    pub async fn round(&self) -> Result<Round> {
        self.usual_round.get_or_try_init(|| self.round_with(|_| {})).await.cloned()
    }

    /// A round whose policy differs from the usual one.
    ///
    /// # Errors
    /// It is refused.
    pub async fn round_with(&self, change: impl FnOnce(&mut RoundPolicy)) -> Result<Round> {
        let mut policy = joint::policy("2020-01-01", &DEPARTMENTS);
        policy.required_slots = ["M1", "M9"].map(str::to_owned).to_vec();
        policy.sample_permille = 1000;
        change(&mut policy);
        let name = format!("第 {} 批", self.number());
        Ok(self.administrator().await?.create_round(&name, policy).await?)
    }

    /// A round in which every deadline is over as soon as a node is entered, and goes up at once.
    ///
    /// # Errors
    /// It is refused.
    pub async fn impatient_round(&self) -> Result<Round> {
        let limit = |stage: &str| NodeLimit { stage: stage.to_owned(), working_days: 0 };
        self.round_with(|policy| {
            policy.required_slots = vec![];
            policy.limits = CLOCKED.map(limit).to_vec();
            policy.near_working_days = Some(0);
            policy.escalate_after_working_days = Some(0);
        })
        .await
    }

    /// A connected station of a company: one device with two connectors.
    ///
    /// # Errors
    /// The registry or the ingest refuses.
    pub async fn station(&self, company: &Company, county: &str) -> Result<Station> {
        let station =
            company.actor.register_station(record(self.number(), county)).await.context("a station")?;
        company.machine.connect_station(&company.actor, &station).await
    }

    /// Uploads a business licence for a registration that is about to be made; gives the file's id.
    ///
    /// # Errors
    /// The upload is refused.
    pub async fn licence(&self) -> Result<String> {
        let file = self.samples.licence()?;
        let kept = self.platform().nobody().upload_licence(&fresh_id(), file).await.context("a licence")?;
        ensure!(kept.state == "clean", "the licence is {}: {}", kept.state, kept.reason);
        Ok(kept.file_id)
    }

    /// A file that nothing else in this run has the content of.
    ///
    /// # Errors
    /// The samples are not there.
    pub fn paper(&self) -> Result<Upload> {
        Ok(self.samples.upload("01_省级奖补资金项目申请函.pdf")?.marked(&format!("{}", self.number())))
    }

    /// Waits until the dossier of an application may be filled: it opens by an event.
    ///
    /// # Errors
    /// It does not within 30 s.
    pub async fn dossier_opens(&self, case: &Case) -> Result<()> {
        eventually(PATIENCE, &format!("the dossier of {} opens", case.view.application_no), || async {
            match case.operator().dossier(case.id()).await {
                Ok(dossier) => Ok((dossier.state == "open").then_some(())),
                // documents has not heard of the application yet.
                Err(refused) if refused.code == Code::NotFound => Ok(None),
                Err(refused) => Err(refused.into()),
            }
        })
        .await
    }

    /// Fills an open dossier with whatever the round asks for and is not there yet.
    ///
    /// # Errors
    /// A file or invoice is refused.
    pub async fn fill_dossier(&self, case: &Case) -> Result<()> {
        self.dossier_opens(case).await?;
        let (operator, id) = (case.operator(), case.id());
        let required = &case.round.policy.as_ref().context("a round has a policy")?.required_slots;
        let held = operator.dossier(id).await?;
        for slot in required.iter().filter(|slot| slot.as_str() != "M9") {
            let filled = held.slots.iter().any(|one| one.slot == *slot && !one.files.is_empty());
            if !filled {
                self.place_paper(case, slot).await?;
            }
        }
        if held.invoices.is_empty() && required.iter().any(|slot| slot == "M9") {
            let invoice = self.invoice(&case.company, AMOUNT_FEN).await?;
            operator.allocate(&invoice.invoice_id, id, AMOUNT_FEN).await.context("the invoice is used")?;
        }
        Ok(())
    }

    /// Uploads a paper of its own and places it into a slot; gives the file's id.
    ///
    /// # Errors
    /// It is refused.
    pub async fn place_paper(&self, case: &Case, slot: &str) -> Result<String> {
        let file =
            case.operator().upload(case.id(), slot, &self.paper()?).await.with_context(|| slot.to_owned())?;
        ensure!(file.state == "clean", "the file for {slot} is {}: {}", file.state, file.reason);
        case.operator().place(case.id(), slot, &file.file_id).await.with_context(|| slot.to_owned())?;
        Ok(file.file_id)
    }

    /// Enters an invoice with its picture.
    ///
    /// # Errors
    /// It is refused.
    pub async fn invoice(&self, company: &Company, amount_fen: i64) -> Result<Invoice> {
        let picture =
            company.actor.upload_invoice(self.samples.invoice_file()?).await.context("a picture")?;
        let entry = self.invoice_entry(company, amount_fen);
        let entry = EnterInvoiceRequest { file_id: picture.file_id, ..entry };
        company.actor.enter_invoice(entry).await.context("an invoice")
    }

    /// What is typed in for an invoice of its own number.
    pub fn invoice_entry(&self, company: &Company, amount_fen: i64) -> EnterInvoiceRequest {
        EnterInvoiceRequest {
            r#type: "digital_special".to_owned(),
            number: format!("24{:018}", self.number()),
            amount_fen,
            issued_on: "2024-08-01".to_owned(),
            seller: "中原桩造示例设备有限公司".to_owned(),
            buyer_uscc: company.profile.uscc.clone(),
            ..EnterInvoiceRequest::default()
        }
    }
}

/// A station's registry record.
pub fn record(number: u32, county: &str) -> StationRecord {
    let (longitude_e6, latitude_e6) = seat(county);
    let connector = |suffix: u32| ConnectorRecord {
        connector_id: format!("{number:08}0{suffix}"),
        connector_type: 4,
        power_watts: 120_000,
        voltage_upper_volts: 1000,
        voltage_lower_volts: 200,
        current_amps: 250,
        national_standard: 2,
        ..ConnectorRecord::default()
    };
    let device = EquipmentRecord {
        equipment_id: format!("{number:08}"),
        equipment_type: 1,
        power_watts: 240_000,
        connectors: vec![connector(1), connector(2)],
        ..EquipmentRecord::default()
    };
    StationRecord {
        station_code: format!("S{number:08}"),
        name: format!("示例充电站{number}"),
        address: format!("示例路{number}号"),
        county: county.to_owned(),
        longitude_e6,
        latitude_e6,
        start_date: "2024-03-01".to_owned(),
        finish_date: "2024-09-30".to_owned(),
        open_date: "2024-10-15".to_owned(),
        manager: "站长示例".to_owned(),
        manager_phone: "19900010001".to_owned(),
        station_type: 1,
        station_status: 50,
        construction: 255,
        park_nums: 8,
        equipment: vec![device],
        ..StationRecord::default()
    }
}

/// About where a station of a county may stand, micro-degrees: at its seat, and in 郑州 where the sample province has no such
/// county.
fn seat(county: &str) -> (i64, i64) {
    const SEATS: &str = include_str!("../../services/accounts/data/henan-county-seats.csv");
    let micro = |degrees: &str| degrees.parse::<f64>().ok().map(|degrees| (degrees * 1e6).round() as i64);
    let place = |line: &str| match line.split(',').collect::<Vec<_>>().as_slice() {
        [code, _, longitude, latitude, _] if *code == county => micro(longitude).zip(micro(latitude)),
        _ => None,
    };
    SEATS.lines().find_map(place).unwrap_or((113_668_756, 34_798_101))
}
