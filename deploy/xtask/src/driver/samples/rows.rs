//! The rows of the sample files, and what the services want to be told about them.
//!
//! Owns: converting words, yuan and kilowatts. Not: reading the files (`samples`).
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use proto::{
    accounts::Profile,
    documents::EnterInvoiceRequest,
    stations::{ConnectorRecord, EquipmentRecord, StationRecord},
};
use serde::Deserialize;

/// Of every station: T/CEC 102 demands one, so that what is pulled is what was registered.
const SERVICE_PHONE: &str = "400-000-0000";

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
    /// County.
    pub county_name: String,
    /// City code; 济源 419001 is its own.
    pub city_code: String,
    /// Address, from the province on.
    pub address: String,
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

/// A row of connectors.csv.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Connector {
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

impl Station {
    /// A station as the registry wants it, with its equipment and connectors.
    ///
    /// Errors: a number of the sample does not read.
    pub(super) fn record(&self, connectors: &[Connector]) -> Result<StationRecord> {
        let mut equipment: BTreeMap<&str, EquipmentRecord> = BTreeMap::new();
        for one in connectors.iter().filter(|one| one.station_id == self.station_id) {
            let device = equipment.entry(&one.equipment_id).or_insert_with(|| EquipmentRecord {
                equipment_id: one.equipment_id.clone(),
                equipment_type: if one.kind == "直流" { 1 } else { 2 },
                power_watts: one.power_kw * 1000,
                ..EquipmentRecord::default()
            });
            device.connectors.push(one.record());
        }
        Ok(StationRecord {
            station_code: self.station_id.clone(),
            name: self.station_name.clone(),
            address: self.address.clone(),
            county: self.county_code.clone(),
            longitude_e6: decimal(&self.lng_gcj02, 6)?,
            latitude_e6: decimal(&self.lat_gcj02, 6)?,
            start_date: self.start_date.clone(),
            finish_date: self.finish_date.clone(),
            open_date: self.open_date.clone(),
            manager: self.manager.clone(),
            manager_phone: self.manager_phone.clone(),
            service_phone: SERVICE_PHONE.to_owned(),
            station_type: station_type(&self.station_type)?,
            station_status: 50,
            construction: 255,
            park_nums: self.park_nums,
            equipment: equipment.into_values().collect(),
            ..StationRecord::default()
        })
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
    fn money_is_read_exactly() {
        assert_eq!(decimal("100000.01", 2).unwrap(), 10_000_001);
        assert_eq!(decimal("7", 2).unwrap(), 700);
        assert!(decimal("1.001", 2).is_err());
    }
}
