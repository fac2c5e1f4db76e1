//! The sample province: operators, stations, invoices and files of `tests/samples`, as the services want them.
//!
//! Owns: reading the files and converting their words, yuan and kilowatts. Not: who does what with them.
mod mark;
mod rows;

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use proto::stations::StationRecord;
use serde::de::DeserializeOwned;

use self::rows::Connector;
pub use self::rows::{AccountStatus, Allocation, InvalidInvoice, Invoice, Operator, Station};
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
        station.record(&self.connectors)
    }
}

fn table<T: DeserializeOwned>(folder: &std::path::Path, name: &str) -> Result<Vec<T>> {
    let mut reader =
        csv::Reader::from_path(folder.join(name)).with_context(|| format!("{name} is missing"))?;
    reader.deserialize().map(|row| row.with_context(|| format!("{name} is not as expected"))).collect()
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
            assert_eq!(
                samples.operator_of(&station.operator_uscc).unwrap().account_status,
                AccountStatus::Approved
            );
        }
    }

    #[test]
    fn marks_make_contents_differ() {
        let samples = Samples::load().unwrap();
        let materials = samples.materials().unwrap();
        let contents: std::collections::BTreeSet<_> =
            materials.iter().map(|(_, file)| &file.content).collect();
        assert_eq!(contents.len(), materials.len());
    }
}
