//! `notification_stationStatus`: what connectors are. Source: interconnect protocol, sections 11.5, 12 and 14.
use time::OffsetDateTime;

use crate::domain::{
    fields::{Fields, Findings, Rule},
    link::Link,
};

/// Longest ConnectorID.
pub(crate) const CONNECTOR_ID_MAX: usize = 26;
/// Reports of one message; many more than any operator batches (30).
const REPORTS_MAX: usize = 1000;

/// One connector at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The operator's connector code.
    pub connector_id: String,
    /// 0, 1, 2, 3, 4, 255.
    pub status: i32,
    /// UpdateTime, where it was sent; otherwise the envelope's TimeStamp counts.
    pub at: Option<OffsetDateTime>,
}

pub(super) fn read(fields: &Fields<'_>, link: &Link, findings: &mut Findings) -> Option<Vec<Report>> {
    let names = ["ConnectorStatusInfo", "ConnectorStatusInfos"];
    let mut unused = Findings::default();
    // The government profile sends the members of one connector without a wrapper.
    let bare = fields.list(&names, REPORTS_MAX, &mut unused).is_empty()
        && !fields.text(&["ConnectorID"], CONNECTOR_ID_MAX, &mut unused).is_empty();
    let items = if bare { vec![fields.clone()] } else { fields.needed_list(&names, REPORTS_MAX, findings) };
    Some(items.iter().map(|item| report(item, link, findings)).collect())
}

/// Reads one report; its faults stand in the findings.
pub fn report(fields: &Fields<'_>, link: &Link, findings: &mut Findings) -> Report {
    super::of_link(fields, link, findings);
    let connector_id = fields.id(&["ConnectorID"], CONNECTOR_ID_MAX, findings);
    let status = connector_status(fields, &["Status"], findings);
    fields.integer(&["ParkStatus"], findings);
    fields.integer(&["LockStatus"], findings);
    Report { connector_id, status, at: fields.time(&["UpdateTime"], findings) }
}

/// A status of a connector; an unknown one would corrupt the live picture.
pub(super) fn connector_status(fields: &Fields<'_>, names: &[&str], findings: &mut Findings) -> i32 {
    let status = fields.needed_integer(names, findings).unwrap_or_default();
    if ![0, 1, 2, 3, 4, 255].contains(&status) {
        findings.fault(fields.path(names[0]), Rule::Enumeration);
    }
    i32::try_from(status).unwrap_or_default()
}
