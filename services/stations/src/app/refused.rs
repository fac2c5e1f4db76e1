//! Messages of an operator that were refused before their data was looked at: counted by day, and kept as quality items.
//!
//! What the ingest rejects is kept there. Source: interconnect protocol, sections 7 and 18.
use std::{collections::BTreeMap, iter::repeat_n};

use chassis::{Failure, Work};
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::tally::{Kind, Tally},
    store::{self, quality::Item},
};

/// How often one report counts for one item at most; the counts of the day are exact.
const TIMES_KEPT: usize = 100;

/// Equal messages, their texts tame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What they are about.
    pub kind: Kind,
    /// As the standard names it; empty: none that is served.
    pub method: String,
    /// 4001 to 4004.
    pub ret: i32,
    /// Paths of the members that are wrong.
    pub fields: Vec<String>,
    /// What the operator was answered.
    pub text: String,
    /// Of the first of them; empty where it names none.
    pub connector_code: String,
    /// Likewise.
    pub order_no: String,
    /// Of all of them.
    pub station_code: String,
    /// How many, 1 or more.
    pub times: usize,
}

impl Refused {
    /// The stable id of the reason.
    fn reason(&self) -> &'static str {
        match self.ret {
            4001 => "refused_signature",
            4002 => "refused_token",
            4003 if self.fields == ["TimeStamp"] => "refused_clock",
            4003 => "refused_envelope",
            _ => "refused_content",
        }
    }

    fn item(&self, operator_id: Uuid) -> Item {
        Item {
            operator_id,
            kind: self.kind.name(),
            connector_code: self.connector_code.clone(),
            order_no: self.order_no.clone(),
            reason: self.reason(),
            field: self.fields.first().cloned().unwrap_or_default(),
            content: json!({
                "method": self.method, "ret": self.ret, "fields": self.fields, "text": self.text,
                "station_code": self.station_code,
            }),
            batch_id: String::new(),
        }
    }
}

/// Keeps them, and counts them for today.
///
/// # Errors
/// The database is away or busy.
pub async fn execute(work: &mut Work, operator_id: Uuid, refused: &[Refused]) -> Result<(), Failure> {
    let items = refused.iter().flat_map(|one| repeat_n(one.item(operator_id), one.times.min(TIMES_KEPT)));
    store::quality::record(work, items.collect()).await?;
    let mut days: BTreeMap<Kind, i64> = BTreeMap::new();
    for one in refused {
        *days.entry(one.kind).or_default() += i64::try_from(one.times).unwrap_or(i64::MAX);
    }
    for (kind, rejected) in days {
        let tally = Tally { rejected, ..Tally::default() };
        store::quality_days::add(work, kind, &BTreeMap::from([(operator_id, tally)])).await?;
    }
    Ok(())
}
