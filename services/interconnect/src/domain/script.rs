//! The steps of a joint test, in their order, and what counts as passed. Source: interconnect protocol, section 17.
use std::collections::BTreeSet;

use super::{
    answer::{Answer, Trouble},
    bodies::{pulled::Page, station::Station, status::Report},
    fields::{Fault, Findings},
    ret::Ret,
};

/// One thing that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The right secret gives a token.
    Token,
    /// A wrong secret gives none.
    WrongSecret,
    /// A call without a token is refused.
    NoToken,
    /// A call with a wrong token is refused.
    WrongToken,
    /// A call with a wrong signature is refused.
    WrongSignature,
    /// An envelope without this member is refused, and the member named.
    Missing(&'static str),
    /// A message without its mandatory fields is refused.
    BadBody,
    /// The operator's system can be called at all.
    Callable,
    /// The stations come by page, all of them, each once.
    Pages,
    /// So they do one by one.
    OneByOne,
    /// Beyond the last page there is nothing.
    PageBeyond,
    /// The stations break no rule.
    Fields,
    /// A time narrows them to what changed.
    Changes,
    /// Each connector of the stations has a status.
    Status,
    /// Statistics of a day are answered.
    Statistics,
    /// The orders of a day that are held are those of the operator's system.
    OrderCheck,
    /// The operator's own entry is the one of the link.
    Operator,
    /// The operator's system answers soon enough to be asked everything.
    Deadline,
    /// The platform has a status of the last day.
    ReceivedStatus,
    /// The platform has an order of the last week.
    ReceivedOrder,
}

/// The members of an envelope.
pub const MEMBERS: [&str; 5] = ["OperatorID", "Data", "TimeStamp", "Seq", "Sig"];

impl Step {
    /// The stable id.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::WrongSecret => "wrong_secret",
            Self::NoToken => "no_token",
            Self::WrongToken => "wrong_token",
            Self::WrongSignature => "wrong_signature",
            Self::Missing("OperatorID") => "missing_operator_id",
            Self::Missing("Data") => "missing_data",
            Self::Missing("TimeStamp") => "missing_time_stamp",
            Self::Missing("Seq") => "missing_seq",
            Self::Missing(_) => "missing_sig",
            Self::BadBody => "bad_body",
            Self::Callable => "callable",
            Self::Pages => "pages",
            Self::OneByOne => "one_by_one",
            Self::PageBeyond => "page_beyond",
            Self::Fields => "fields",
            Self::Changes => "changes",
            Self::Status => "status",
            Self::Statistics => "statistics",
            Self::OrderCheck => "order_check",
            Self::Operator => "operator_info",
            Self::Deadline => "deadline",
            Self::ReceivedStatus => "received_status",
            Self::ReceivedOrder => "received_order",
        }
    }

    /// Whether a refusal is what this step wants; `None`: it wants an answer.
    #[must_use]
    pub fn wants(self, answer: &Answer) -> Option<bool> {
        match self {
            Self::NoToken | Self::WrongToken => Some(answer.ret == Ret::Token),
            Self::WrongSignature => Some(answer.ret == Ret::Signature),
            Self::Missing(name) => Some(answer.ret == Ret::Envelope && answer.msg.contains(name)),
            // Some platforms say 4003.
            Self::BadBody => Some(matches!(answer.ret, Ret::Business | Ret::Envelope)),
            Self::Token
            | Self::WrongSecret
            | Self::Callable
            | Self::Pages
            | Self::OneByOne
            | Self::PageBeyond
            | Self::Fields
            | Self::Changes
            | Self::Status
            | Self::Statistics
            | Self::OrderCheck
            | Self::Operator
            | Self::Deadline
            | Self::ReceivedStatus
            | Self::ReceivedOrder => None,
        }
    }
}

/// Whether a wrong secret was refused as it should be.
#[must_use]
pub fn secret_refused(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Login { .. } => true,
        Trouble::Refused { ret, .. } => matches!(ret, Ret::Envelope | Ret::Business),
        Trouble::Address
        | Trouble::Unreachable
        | Trouble::TimedOut
        | Trouble::Status(_)
        | Trouble::TooLarge
        | Trouble::Envelope
        | Trouble::Signature
        | Trouble::UnknownRet
        | Trouble::Data
        | Trouble::Body(_)
        | Trouble::Incomplete
        | Trouble::Mismatched
        | Trouble::Platform
        | Trouble::Overdue
        | Trouble::LeaseLost => false,
    }
}

/// Whether nobody can be asked anything more after this.
#[must_use]
pub fn ends(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Address | Trouble::Unreachable | Trouble::TimedOut)
}

/// What a walk over all pages brought.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Stations, each once.
    pub stations: Vec<Station>,
    /// Codes that came more than once.
    pub twice: BTreeSet<String>,
    /// Faults of all stations.
    pub faults: Vec<Fault>,
    /// ItemSize of the last page.
    pub items: i64,
    /// PageCount of the last page.
    pub pages: i64,
    /// Whether more pages were left unread.
    pub cut: bool,
}

impl Listed {
    /// Adds a page.
    pub fn add(&mut self, page: Page) {
        (self.items, self.pages) = (page.items, page.count);
        for (station, Findings { faults, .. }) in page.stations {
            self.faults.extend(faults);
            if self.stations.iter().any(|known| known.code == station.code) {
                self.twice.insert(station.code);
            } else {
                self.stations.push(station);
            }
        }
    }

    /// Whether as many came as were said to exist.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let came = i64::try_from(self.stations.len()).unwrap_or(i64::MAX);
        self.twice.is_empty() && came > 0 && (self.cut || came == self.items)
    }
}

/// Connectors of the stations without a status, and those with one that no station has.
#[must_use]
pub fn unmatched(
    stations: &[Station],
    reports: &[(Report, Findings)],
) -> (BTreeSet<String>, BTreeSet<String>) {
    let devices = stations.iter().flat_map(|station| &station.equipment);
    let expected: BTreeSet<String> =
        devices.flat_map(|device| &device.connectors).map(|gun| gun.code.clone()).collect();
    let sound = reports.iter().filter(|(_, findings)| findings.faults.is_empty());
    let came: BTreeSet<String> = sound.map(|(report, _)| report.connector_id.clone()).collect();
    (&expected - &came, &came - &expected)
}
