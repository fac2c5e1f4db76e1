//! The sample province: operators, stations, invoices and files of `tests/samples`, as the services want them.
//!
//! Owns: reading the files and converting their words, yuan and kilowatts. Not: who does what with them.
use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use proto::{
    accounts::Profile,
    documents::EnterInvoiceRequest,
    stations::{ConnectorRecord, EquipmentRecord, StationRecord},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::dossiers::Upload;

/// Files that go into the slots of a dossier: slot, file. Source: workflow, Materials.
const MATERIALS: &[(&str, &str)] = &[
    ("M1", "01_省级奖补资金项目申请函.pdf"),
    ("M2", "02_真实性承诺书_扫描件.pdf"),
    ("M3a", "03_营业执照.png"),
    ("M3b", "03_营业执照.png"),
    ("M4a", "06_财务决算报告.pdf"),
    ("M4b", "01_省级奖补资金项目申请函.pdf"),
    ("M5", "06_财务决算报告.pdf"),
    ("M6", "06_财务决算报告.pdf"),
    ("M8a", "08_土建照片_带EXIF与GPS.jpg"),
    ("M8b", "08_电气设备安装照片_需旋转.jpg"),
];
const LICENCE: &str = "03_营业执照.png";
const INVOICE: &str = "09_发票_最小OFD.ofd";
/// Files that the inspection must reject or the upload must refuse begin so.
const HOSTILE: &str = "bad_";

/// All of it.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Twelve companies.
    pub operators: Vec<Operator>,
    /// Thirty stations.
    pub stations: Vec<Station>,
    /// Their invoices.
    pub invoices: Vec<Invoice>,
    /// Which station uses how much of which invoice.
    pub allocations: Vec<Allocation>,
    /// Invoices that must be refused, each for one reason.
    pub invalid: Vec<InvalidInvoice>,
    /// Uploads by file name.
    pub uploads: BTreeMap<String, Upload>,
    connectors: Vec<Connector>,
}

/// How far the account of a company gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// 正常.
    Approved,
    /// 待审核.
    Pending,
    /// 审核不通过.
    Rejected,
}

/// A row of operators.csv.
#[derive(Clone, Debug, Deserialize)]
pub struct Operator {
    /// Login.
    pub login: String,
    /// Company.
    pub company_name: String,
    /// Unified social credit code.
    pub uscc: String,
    operator_type: String,
    /// Registered division.
    pub region_code: String,
    contact_name: String,
    contact_phone: String,
    contact_email: String,
    in_province: String,
    /// How far it gets.
    pub account_status: AccountStatus,
}

/// A row of stations.csv.
#[derive(Clone, Debug, Deserialize)]
pub struct Station {
    /// The operator's own code.
    pub station_id: String,
    /// Whose it is.
    pub operator_uscc: String,
    /// Name.
    pub station_name: String,
    /// County code.
    pub county_code: String,
    /// City code; 济源 419001 is its own.
    pub city_code: String,
    address: String,
    lng_gcj02: String,
    lat_gcj02: String,
    station_type: String,
    start_date: String,
    finish_date: String,
    open_date: String,
    manager: String,
    manager_phone: String,
    park_nums: i32,
}

#[derive(Clone, Debug, Deserialize)]
struct Connector {
    connector_id: String,
    equipment_id: String,
    station_id: String,
    connector_type: i32,
    kind: String,
    power_kw: i64,
    voltage_upper: i32,
    voltage_lower: i32,
    current_a: i32,
    national_standard: i32,
}

/// A row of invoices.csv.
#[derive(Clone, Debug, Deserialize)]
pub struct Invoice {
    /// Its number; names it in the allocations.
    pub invoice_key: String,
    invoice_type: String,
    invoice_code: String,
    invoice_number: String,
    issue_date: String,
    seller_name: String,
    /// Whose it is.
    pub buyer_uscc: String,
    total: String,
}

/// A row of invoice_allocations.csv.
#[derive(Clone, Debug, Deserialize)]
pub struct Allocation {
    /// Which invoice.
    pub invoice_key: String,
    /// Which station.
    pub station_id: String,
    used_amount: String,
}

/// A row of invoices_invalid.csv.
#[derive(Clone, Debug, Deserialize)]
pub struct InvalidInvoice {
    /// What is wrong, in Chinese.
    pub case: String,
    /// Number as entered.
    pub invoice_number: String,
    issue_date: String,
    buyer_uscc: String,
    total: String,
    /// The station for which it is used.
    pub station_id: String,
    used_amount: String,
}

impl Samples {
    /// Reads everything. Errors: a file is missing or not as expected.
    pub fn load() -> Result<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples");
        let mut uploads = BTreeMap::new();
        for entry in fs::read_dir(folder.join("uploads")).context("the sample uploads are missing")? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let content = Bytes::from(fs::read(entry.path())?);
            uploads.insert(name.clone(), Upload { name, content });
        }
        Ok(Self {
            operators: table(&folder, "operators.csv")?,
            stations: table(&folder, "stations.csv")?,
            connectors: table(&folder, "connectors.csv")?,
            invoices: table(&folder, "invoices.csv")?,
            allocations: table(&folder, "invoice_allocations.csv")?,
            invalid: table(&folder, "invoices_invalid.csv")?,
            uploads,
        })
    }

    /// A file by its name. Errors: there is none.
    pub fn upload(&self, name: &str) -> Result<&Upload> {
        self.uploads.get(name).with_context(|| format!("tests/samples/uploads/{name} is missing"))
    }

    /// A business licence.
    pub fn licence(&self) -> Result<&Upload> {
        self.upload(LICENCE)
    }

    /// A file for an invoice.
    pub fn invoice_file(&self) -> Result<&Upload> {
        self.upload(INVOICE)
    }

    /// Slot and file of everything that a dossier needs beside invoices. Errors: a file is missing.
    ///
    /// Each file is made its slot's own by a comment, because a dossier refuses the same content twice.
    pub fn materials(&self) -> Result<Vec<(&'static str, Upload)>> {
        let file = |(slot, name): &(&'static str, &str)| Ok((*slot, self.upload(name)?.marked(slot)));
        MATERIALS.iter().map(file).collect()
    }

    /// Files that must be refused or rejected.
    pub fn hostile(&self) -> impl Iterator<Item = &Upload> {
        self.uploads.values().filter(|file| file.name.starts_with(HOSTILE))
    }

    /// The company with this code. Errors: there is none.
    pub fn operator_of(&self, uscc: &str) -> Result<&Operator> {
        self.operators.iter().find(|one| one.uscc == uscc).with_context(|| format!("no operator {uscc}"))
    }

    /// A station as the registry wants it, with its equipment and connectors.
    ///
    /// Errors: a number of the sample does not read.
    pub fn record(&self, station: &Station) -> Result<StationRecord> {
        let mut equipment: BTreeMap<&str, EquipmentRecord> = BTreeMap::new();
        for one in self.connectors.iter().filter(|one| one.station_id == station.station_id) {
            let device = equipment.entry(&one.equipment_id).or_insert_with(|| EquipmentRecord {
                equipment_id: one.equipment_id.clone(),
                equipment_type: if one.kind == "直流" { 1 } else { 2 },
                power_watts: one.power_kw * 1000,
                ..EquipmentRecord::default()
            });
            device.connectors.push(one.record());
        }
        Ok(StationRecord {
            station_code: station.station_id.clone(),
            name: station.station_name.clone(),
            address: station.address.clone(),
            county: station.county_code.clone(),
            longitude_e6: decimal(&station.lng_gcj02, 6)?,
            latitude_e6: decimal(&station.lat_gcj02, 6)?,
            start_date: station.start_date.clone(),
            finish_date: station.finish_date.clone(),
            open_date: station.open_date.clone(),
            manager: station.manager.clone(),
            manager_phone: station.manager_phone.clone(),
            station_type: station_type(&station.station_type)?,
            station_status: 50,
            construction: 255,
            park_nums: station.park_nums,
            equipment: equipment.into_values().collect(),
            ..StationRecord::default()
        })
    }
}

impl Upload {
    /// The same file with a comment of our own, so that its content is unlike that of every other slot's.
    ///
    /// PDF: a `%` line behind the end mark; JPEG: a comment segment; PNG: a text chunk. Others stay as they are.
    #[must_use]
    pub fn marked(&self, mark: &str) -> Upload {
        let mut content = self.content.to_vec();
        if self.name.ends_with(".pdf") {
            content.extend_from_slice(format!("\n% {mark}\n").as_bytes());
        } else if self.name.ends_with(".jpg") && content.len() > 2 {
            // Behind the start marker: FF FE, the length with its own two bytes, the text. Marks are short.
            let length = u16::try_from(mark.len() + 2).unwrap_or(2);
            let segment = [&[0xff, 0xfe], &length.to_be_bytes()[..], &mark.as_bytes()[..usize::from(length) - 2]].concat();
            content.splice(2..2, segment);
        } else if self.name.ends_with(".png") && content.len() > 33 {
            // Behind the header chunk, which ends at byte 33.
            let text = [b"tEXtComment\0", mark.as_bytes()].concat();
            let length = u32::try_from(text.len() - 4).unwrap_or(0);
            let chunk = [&length.to_be_bytes()[..], &text, &crc32(&text).to_be_bytes()].concat();
            content.splice(33..33, chunk);
        }
        Upload { name: self.name.clone(), content: content.into() }
    }
}

/// The checksum of PNG chunks. Source: ISO 3309, as PNG (RFC 2083, section 3.4) uses it.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc)))
}

impl Operator {
    /// What the company says about itself. Errors: a word of the sample is unknown.
    pub fn profile(&self, licence_file_id: &str) -> Result<Profile> {
        let in_province = self.in_province == "是";
        let operator_type = match self.operator_type.as_str() {
            "民营企业" => "private",
            "国有企业" => "state_owned",
            "混合所有制" => "mixed",
            other => bail!("operator type {other} is unknown"),
        };
        // Characters 3 to 8 of the code are the division that registered the company; its first two are the province.
        let province = self.uscc.get(2..4).context("the code is too short")?;
        Ok(Profile {
            company_name: self.company_name.clone(),
            uscc: self.uscc.clone(),
            operator_type: operator_type.to_owned(),
            contact_name: self.contact_name.clone(),
            contact_phone: self.contact_phone.clone(),
            contact_email: self.contact_email.clone(),
            in_province,
            registered_division: self.region_code.clone(),
            home_province: if in_province { String::new() } else { format!("{province}0000") },
            licence_county: String::new(),
            licence_file_id: licence_file_id.to_owned(),
        })
    }

    /// The contact's phone.
    pub fn phone(&self) -> &str {
        &self.contact_phone
    }
}

impl Connector {
    fn record(&self) -> ConnectorRecord {
        ConnectorRecord {
            connector_id: self.connector_id.clone(),
            connector_type: self.connector_type,
            power_watts: self.power_kw * 1000,
            voltage_upper_volts: self.voltage_upper,
            voltage_lower_volts: self.voltage_lower,
            current_amps: self.current_a,
            national_standard: self.national_standard,
            ..ConnectorRecord::default()
        }
    }
}

impl Invoice {
    /// The invoice as it is entered. Errors: an amount or word of the sample does not read.
    pub fn entry(&self) -> Result<EnterInvoiceRequest> {
        let kind = match self.invoice_type.as_str() {
            "数电票（增值税专用发票）" => "digital_special",
            "数电票（普通发票）" => "digital_general",
            "增值税专用发票" => "vat_special",
            "增值税普通发票" => "vat_general",
            other => bail!("invoice type {other} is unknown"),
        };
        Ok(EnterInvoiceRequest {
            r#type: kind.to_owned(),
            code: self.invoice_code.clone(),
            number: self.invoice_number.clone(),
            amount_fen: decimal(&self.total, 2)?,
            issued_on: self.issue_date.clone(),
            seller: self.seller_name.clone(),
            buyer_uscc: self.buyer_uscc.clone(),
            ..EnterInvoiceRequest::default()
        })
    }
}

impl Allocation {
    /// Used amount in fen. Errors: it does not read.
    pub fn used_fen(&self) -> Result<i64> {
        decimal(&self.used_amount, 2)
    }
}

impl InvalidInvoice {
    /// The invoice as it is entered. Errors: the amount does not read.
    pub fn entry(&self) -> Result<EnterInvoiceRequest> {
        Ok(EnterInvoiceRequest {
            r#type: "digital_special".to_owned(),
            number: self.invoice_number.clone(),
            amount_fen: decimal(&self.total, 2)?,
            issued_on: self.issue_date.clone(),
            seller: "示例销售方".to_owned(),
            buyer_uscc: self.buyer_uscc.clone(),
            ..EnterInvoiceRequest::default()
        })
    }

    /// Used amount in fen. Errors: it does not read.
    pub fn used_fen(&self) -> Result<i64> {
        decimal(&self.used_amount, 2)
    }
}

fn table<T: DeserializeOwned>(folder: &std::path::Path, name: &str) -> Result<Vec<T>> {
    let mut reader = csv::Reader::from_path(folder.join(name)).with_context(|| format!("{name} is missing"))?;
    reader.deserialize().map(|row| row.with_context(|| format!("{name} is not as expected"))).collect()
}

/// Source: T/CEC 102, StationType.
fn station_type(name: &str) -> Result<i32> {
    Ok(match name {
        "公共" => 1,
        "公交专用" => 100,
        "物流专用" => 102,
        other => bail!("station type {other} is unknown"),
    })
}

/// Reads a decimal number exactly as a count of its `digits`-th decimals: `decimal("34.798101", 6)` is 34,798,101.
fn decimal(text: &str, digits: usize) -> Result<i64> {
    let wrong = || format!("{text} is not a number with at most {digits} decimals");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!(wrong());
    }
    format!("{whole}{part:0<digits$}").parse().with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_province_is_complete() {
        let samples = Samples::load().unwrap();
        assert_eq!((samples.operators.len(), samples.stations.len()), (12, 30));
        assert_eq!((samples.invoices.len(), samples.allocations.len(), samples.invalid.len()), (61, 63, 7));
        let records: Vec<_> = samples.stations.iter().map(|one| samples.record(one).unwrap()).collect();
        let guns = records.iter().flat_map(|one| &one.equipment).map(|device| device.connectors.len());
        assert_eq!(guns.sum::<usize>(), 552);
        assert_eq!(records[0].longitude_e6, 113_668_756);
        assert_eq!(samples.materials().unwrap().len(), 10);
        assert_eq!(samples.hostile().count(), 8);
        for station in &samples.stations {
            assert_eq!(samples.operator_of(&station.operator_uscc).unwrap().account_status, AccountStatus::Approved);
        }
    }

    #[test]
    fn marks_make_contents_differ() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
        let samples = Samples::load().unwrap();
        let materials = samples.materials().unwrap();
        let contents: std::collections::BTreeSet<_> = materials.iter().map(|(_, file)| &file.content).collect();
        assert_eq!(contents.len(), materials.len());
    }

    #[test]
    fn money_is_read_exactly() {
        assert_eq!(decimal("100000.01", 2).unwrap(), 10_000_001);
        assert_eq!(decimal("7", 2).unwrap(), 700);
        assert!(decimal("1.001", 2).is_err());
    }
}
