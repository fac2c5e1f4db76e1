//! The evidence of gates A and B as it was frozen into a submission, in words. Source: workflow, Gates.

use prost::Message as _;
use proto::stations::GateEvidence;

use crate::{format, stage::Tag};

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Gate A.
    pub linked: Tag,
    /// Since when; — where not.
    pub since: String,
    /// Gate B.
    pub reported: Tag,
    /// When it was looked at.
    pub as_of: String,
    /// The latest report of any connector.
    pub last_report: String,
    /// Claimed connectors.
    pub connectors: Vec<Connector>,
    /// Its hash.
    pub hash: String,
    /// How many connectors have not reported.
    pub silent: usize,
}

/// What a connector has reported.
#[derive(Debug, Clone, Default)]
pub struct Connector {
    /// Its id.
    pub id: String,
    /// The first report; — for none.
    pub first: String,
    /// The last one.
    pub last: String,
    /// Days with at least one.
    pub days: i32,
}

impl Gate {
    /// Reads what reviews has stored; none where the round does not look, or the evidence cannot be read.
    pub fn read(stored: &[u8]) -> Option<Gate> {
        if stored.is_empty() {
            return None;
        }
        GateEvidence::decode(stored).ok().map(|evidence| Gate::of(&evidence))
    }

    fn of(evidence: &GateEvidence) -> Gate {
        let yes_or_no = |holds: bool, yes: &str, no: &str| {
            let (text, class) = if holds { (yes, "ok") } else { (no, "danger") };
            Tag { text: text.to_owned(), class }
        };
        let connectors: Vec<_> = evidence
            .connectors
            .iter()
            .map(|one| Connector {
                id: one.connector_id.clone(),
                first: format::moment(one.first_seen_at.as_ref()),
                last: format::moment(one.last_seen_at.as_ref()),
                days: one.days_covered,
            })
            .collect();
        Gate {
            linked: yes_or_no(evidence.linked, "已接入", "未接入"),
            since: format::or_dash(&evidence.connected_since),
            reported: yes_or_no(evidence.all_reported, "全部上报", "有接口未上报"),
            as_of: format::moment(evidence.as_of.as_ref()),
            last_report: format::moment(evidence.last_report_at.as_ref()),
            silent: evidence.connectors.iter().filter(|one| one.last_seen_at.is_none()).count(),
            connectors,
            hash: evidence.hash.clone(),
        }
    }

    /// What does not hold, in words.
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.linked.class == "danger" {
            hints.push("场站在提交时尚未完成互联互通接入".to_owned());
        }
        if self.silent > 0 {
            hints.push(format!("申报的充电接口中有 {} 个在提交时尚未上报数据", self.silent));
        }
        hints
    }
}

#[cfg(test)]
mod tests {
    use proto::stations::ConnectorEvidence;

    use super::*;

    #[test]
    fn evidence_that_does_not_hold_is_pointed_at() {
        let evidence = GateEvidence {
            linked: true,
            connected_since: "2026-01-05".into(),
            connectors: vec![ConnectorEvidence { connector_id: "1".into(), ..ConnectorEvidence::default() }],
            ..GateEvidence::default()
        };
        let gate = Gate::read(&evidence.encode_to_vec()).expect("it can be read");
        assert_eq!((gate.linked.class, gate.reported.class), ("ok", "danger"));
        assert_eq!(gate.hints(), ["申报的充电接口中有 1 个在提交时尚未上报数据"]);
        assert!(Gate::read(&[]).is_none());
    }
}
