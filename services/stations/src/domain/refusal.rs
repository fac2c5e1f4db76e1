//! Every reason for which this service says no, with its stable id. The Chinese words are in `labels.rs`.
use thiserror::Error;
use time::OffsetDateTime;

use super::link::Change;

/// Why a rule said no. The id that callers see is [`Refusal::reason`]; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A mandatory value is missing.
    #[error("a value is required")]
    Required,
    /// A text is longer than allowed; lengths in characters.
    #[error("{length} characters, at most {max}")]
    TooLong {
        /// Longest allowed.
        max: usize,
        /// What came.
        length: usize,
    },
    /// A text holds a control character (interconnect section 9).
    #[error("a control character")]
    ControlCharacter,
    /// An identifier holds a blank.
    #[error("a blank in an identifier")]
    Blank,
    /// A number is outside its range; both ends are allowed.
    #[error("not within {min}..={max}")]
    OutOfRange {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A code that the enumeration does not have.
    #[error("unknown value")]
    UnknownValue,
    /// Not a date YYYY-MM-DD, or not an instant of the years 2010 to 2100.
    #[error("not a date or time")]
    BadTime,
    /// Too many elements in a list.
    #[error("more than {max} elements")]
    TooMany {
        /// Most allowed.
        max: usize,
    },
    /// The same identifier twice in one message.
    #[error("the identifier occurs twice")]
    Repeated,
    /// The county code is not a county-level division in force.
    #[error("no such county")]
    UnknownDivision,
    /// Coordinates outside of the province's box (interconnect section 18, group A).
    #[error("coordinates outside of the province")]
    CoordinatesOutside,
    /// Longitude and latitude are exchanged.
    #[error("longitude and latitude are exchanged")]
    CoordinatesSwapped,
    /// Start, finish and opening are not in this order.
    #[error("dates out of order")]
    DatesOutOfOrder,
    /// A date after today (Asia/Shanghai).
    #[error("date in the future")]
    DateInFuture,
    /// A connector is stronger than its equipment (interconnect section 18, group A).
    #[error("connector power above equipment power")]
    PowerAboveEquipment,
    /// The lower voltage limit is above the upper one.
    #[error("voltage limits out of order")]
    VoltageOutOfOrder,
    /// The identifier is in use by another station or operator.
    #[error("identifier in use elsewhere")]
    CodeTaken,
    /// The station has changed since the caller read it.
    #[error("stale version, current is {current}")]
    StaleVersion {
        /// The version that stands.
        current: i64,
    },
    /// The registry holds newer data of the operator's system (interconnect section 8).
    #[error("older than what is held")]
    StaleSource,
    /// The station is part of a live application.
    #[error("station is claimed by an application")]
    StationClaimed,
    /// The connector is part of a live application.
    #[error("connector {connector} is claimed by an application")]
    ConnectorClaimed {
        /// The operator's code of the connector.
        connector: String,
    },
    /// No connector of this code at this station (or of this operator).
    #[error("unknown connector")]
    UnknownConnector,
    /// The source time is more than five minutes ahead of the database clock.
    #[error("source time in the future")]
    TimeInFuture,
    /// The source time is further back than this service takes.
    #[error("source time too long ago")]
    TimeTooOld,
    /// Another status of the same connector for the same instant is held.
    #[error("contradicts an earlier report of the same instant")]
    Contradiction,
    /// An order ends before it starts, or at the same instant.
    #[error("order ends before it starts")]
    EndBeforeStart,
    /// An order lasts longer than 48 hours.
    #[error("order too long")]
    TooLongCharge,
    /// Energy above what the connector can deliver in that time (interconnect section 18, group A).
    #[error("energy above rated power times duration")]
    EnergyImplausible,
    /// Total money is not electricity plus service (interconnect section 18, group A).
    #[error("amounts do not add up")]
    AmountMismatch,
    /// Other content under a held order number, and not newer (reliability section 6).
    #[error("order number held with other content")]
    OrderConflict,
    /// The operator is not active, or its social credit code holds no organisation code.
    #[error("the operator is not active")]
    OperatorNotActive,
    /// A link delivers its own operator's data only.
    #[error("hosted operators are not served")]
    HostedNotServed,
    /// An operator's system is called by TLS only (interconnect section 5).
    #[error("not https")]
    HttpsRequired,
    /// No certificate in PEM, or more than certificates.
    #[error("no readable certificate")]
    CertificateUnreadable,
    /// The operator's link stands already.
    #[error("the link exists")]
    LinkExists,
    /// The link was revoked.
    #[error("the link was revoked")]
    LinkRevoked,
    /// The link has changed since the caller read it.
    #[error("the link has changed, its version is {current}")]
    LinkChanged {
        /// The version that stands.
        current: i64,
        /// What was done last; none where that was not kept.
        last: Option<Change>,
    },
    /// The request has issued secrets before, and they are not shown twice.
    #[error("the request has issued secrets")]
    SecretsIssued,
    /// The installation has no key under which secrets could be kept.
    #[error("no key for secrets")]
    LinksClosed,
    /// The link's last joint test ended a short while ago.
    #[error("the next joint test opens at {opens_at}")]
    TestTooSoon {
        /// When it may be asked for again.
        opens_at: OffsetDateTime,
    },
    /// The lease of a link has ended, or somebody else has it.
    #[error("the lease is lost")]
    LeaseLost,
}

impl Refusal {
    /// The stable id of the reason, snake case; part of the contract.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "control_character",
            Self::Blank => "blank",
            Self::OutOfRange { .. } => "out_of_range",
            Self::UnknownValue => "unknown_value",
            Self::BadTime => "bad_time",
            Self::TooMany { .. } => "too_many",
            Self::Repeated => "repeated",
            Self::UnknownDivision => "unknown_division",
            Self::CoordinatesOutside => "coordinates_outside",
            Self::CoordinatesSwapped => "coordinates_swapped",
            Self::DatesOutOfOrder => "dates_out_of_order",
            Self::DateInFuture => "date_in_future",
            Self::PowerAboveEquipment => "power_above_equipment",
            Self::VoltageOutOfOrder => "voltage_out_of_order",
            Self::CodeTaken => "code_taken",
            Self::StaleVersion { .. } | Self::LinkChanged { .. } => "stale_version",
            Self::StaleSource => "stale_source",
            Self::StationClaimed => "station_claimed",
            Self::ConnectorClaimed { .. } => "connector_claimed",
            Self::UnknownConnector => "unknown_connector",
            Self::TimeInFuture => "time_in_future",
            Self::TimeTooOld => "time_too_old",
            Self::Contradiction => "contradiction",
            Self::EndBeforeStart => "end_before_start",
            Self::TooLongCharge => "charge_too_long",
            Self::EnergyImplausible => "energy_implausible",
            Self::AmountMismatch => "amount_mismatch",
            Self::OrderConflict => "order_conflict",
            Self::OperatorNotActive => "operator_not_active",
            Self::HostedNotServed => "hosted_not_served",
            Self::HttpsRequired => "https_required",
            Self::CertificateUnreadable => "certificate_unreadable",
            Self::LinkExists => "link_exists",
            Self::LinkRevoked => "link_revoked",
            Self::SecretsIssued => "secrets_issued",
            Self::LinksClosed => "links_closed",
            Self::TestTooSoon { .. } => "joint_test_too_soon",
            Self::LeaseLost => "lease_lost",
        }
    }

    /// Whether the refusal is about the state that is held, not about the value that was sent.
    #[must_use]
    pub fn about_state(&self) -> bool {
        match self {
            Self::StaleVersion { .. }
            | Self::StaleSource
            | Self::StationClaimed
            | Self::ConnectorClaimed { .. }
            | Self::CodeTaken
            | Self::OperatorNotActive
            | Self::LinkExists
            | Self::LinkRevoked
            | Self::LinkChanged { .. }
            | Self::SecretsIssued
            | Self::LinksClosed
            | Self::TestTooSoon { .. }
            | Self::LeaseLost => true,
            Self::Required
            | Self::TooLong { .. }
            | Self::ControlCharacter
            | Self::Blank
            | Self::OutOfRange { .. }
            | Self::UnknownValue
            | Self::BadTime
            | Self::TooMany { .. }
            | Self::Repeated
            | Self::UnknownDivision
            | Self::CoordinatesOutside
            | Self::CoordinatesSwapped
            | Self::DatesOutOfOrder
            | Self::DateInFuture
            | Self::PowerAboveEquipment
            | Self::VoltageOutOfOrder
            | Self::UnknownConnector
            | Self::TimeInFuture
            | Self::TimeTooOld
            | Self::HostedNotServed
            | Self::HttpsRequired
            | Self::CertificateUnreadable
            | Self::Contradiction
            | Self::EndBeforeStart
            | Self::TooLongCharge
            | Self::EnergyImplausible
            | Self::AmountMismatch
            | Self::OrderConflict => false,
        }
    }
}

/// A refusal with the field that it is about, e.g. `equipment[1].connectors[0].power_watts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Path of the field inside the message; empty when the whole is meant.
    pub field: String,
    /// What is wrong with it.
    pub refusal: Refusal,
}

impl Finding {
    /// A finding about one field.
    pub fn new(field: impl Into<String>, refusal: Refusal) -> Self {
        Self { field: field.into(), refusal }
    }
}
