//! A sealed revision of a dossier as reviewers read it: files by slot, invoices, what changed since the one before.

use std::collections::BTreeMap;

use proto::documents::{Allocation, File, InvoiceUse, Revision, RevisionDiff, SlotChange};

use crate::{
    format, invoice,
    labels::{self, SLOTS},
    materials::Shown,
};

/// What is different from the submission before.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Field, slot or invoice.
    pub what: String,
    /// What stood there; — for nothing.
    pub before: String,
    /// What stands there; — for nothing.
    pub after: String,
}

/// A slot with what is in it.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// M1, M2, M3a …
    pub slot: &'static str,
    /// Name of the field in which it is marked 合格 or 不合格.
    pub mark: String,
    /// The same without the letter in front.
    pub number: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Its files.
    pub papers: Vec<Shown>,
    /// Whether it is different from the revision before.
    pub changed: bool,
    /// What the operator says to it; empty for nothing.
    pub note: String,
}

/// A use of an invoice.
#[derive(Debug, Clone, Default)]
pub struct Invoice {
    /// Code and number.
    pub number: String,
    /// What kind of paper it is.
    pub kind: String,
    /// Day of issue.
    pub issued_on: String,
    /// Who sold.
    pub seller: String,
    /// Unified social credit code of the buyer.
    pub buyer: String,
    /// Its amount, in yuan.
    pub amount: String,
    /// What this application uses, in yuan.
    pub used: String,
    /// What nobody uses, in yuan.
    pub rest: String,
    /// What other applications use.
    pub elsewhere: Vec<Elsewhere>,
    /// Its picture or file.
    pub paper: Option<Shown>,
}

/// Another application's use of an invoice.
#[derive(Debug, Clone, Default)]
pub struct Elsewhere {
    /// Station, number and company; words in their place where the reader may not see it.
    pub name: String,
    /// In yuan.
    pub used: String,
}

/// Station, number and company of other applications, by id.
pub type Others = BTreeMap<String, String>;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Dossier {
    /// Number of the revision; 0 before the first.
    pub revision: i32,
    /// Hash of the revision.
    pub hash: String,
    /// When it was sealed.
    pub at: String,
    /// Every slot, in order; none before the first revision.
    pub materials: Vec<Material>,
    /// Invoices.
    pub invoices: Vec<Invoice>,
    /// What this application uses of them together, in yuan.
    pub used: String,
    /// The same in capitals.
    pub capitals: String,
    /// What changed.
    pub changes: Vec<Change>,
}

impl Dossier {
    /// As a page prints it, with what changed where there is a revision to compare with; `others`: whose invoices are the same.
    pub fn of(revision: &Revision, diff: Option<&RevisionDiff>, others: &Others) -> Dossier {
        let summary = revision.summary.clone().unwrap_or_default();
        let used: i64 = revision.invoices.iter().map(|one| one.used_fen).sum();
        let differs = |slot: &str| {
            diff.is_some_and(|diff| {
                diff.slots.iter().any(|change| change.slot == slot)
                    || (slot == "M9" && !diff.invoices.is_empty())
            })
        };
        let material = |(slot, name): &(&'static str, &'static str)| Material {
            slot,
            mark: format!("mark_{slot}"),
            number: slot.trim_start_matches('M'),
            name,
            papers: papers(revision, slot),
            changed: differs(slot),
            note: revision
                .explanations
                .iter()
                .find(|one| one.item == *slot)
                .map(|one| one.text.clone())
                .unwrap_or_default(),
        };
        Dossier {
            revision: summary.revision,
            hash: summary.dossier_hash,
            at: format::moment(summary.sealed_at.as_ref()),
            materials: SLOTS.iter().map(material).collect(),
            invoices: revision.invoices.iter().map(|one| self::used(one, others)).collect(),
            used: format::yuan(used),
            capitals: format::capitals(used),
            changes: diff.map(changes).unwrap_or_default(),
        }
    }

    /// Names of the slots that changed.
    pub fn changed(&self) -> impl Iterator<Item = &'static str> {
        self.materials.iter().filter(|one| one.changed).map(|one| one.name)
    }

    /// What a browser shows first.
    pub fn first(&self) -> Option<&Shown> {
        self.opened()?.papers.first()
    }

    /// Whether the material of this slot is shown first.
    pub fn opens(&self, slot: &str) -> bool {
        self.opened().is_some_and(|one| one.slot == slot)
    }

    /// The material that is shown first: a changed one before others.
    fn opened(&self) -> Option<&Material> {
        let shown = |changed: bool| {
            self.materials.iter().find(|one| one.changed == changed && !one.papers.is_empty())
        };
        shown(true).or_else(|| shown(false))
    }
}

fn papers(revision: &Revision, slot: &str) -> Vec<Shown> {
    let placed = revision.slots.iter().filter(|one| one.slot == slot).flat_map(|one| &one.files);
    let of_invoices = revision.invoices.iter().filter_map(|one| one.file.as_ref().filter(|_| slot == "M9"));
    placed.chain(of_invoices).map(Shown::of).collect()
}

fn used(one: &InvoiceUse, others: &Others) -> Invoice {
    let taken: i64 = one.elsewhere.iter().map(|other| other.used_fen).sum();
    let elsewhere = |other: &Allocation| Elsewhere {
        name: others.get(&other.application_id).cloned().unwrap_or_else(|| "辖区外的充电站".to_owned()),
        used: format::yuan(other.used_fen),
    };
    Invoice {
        elsewhere: one.elsewhere.iter().map(elsewhere).collect(),
        number: invoice::number(&one.code, &one.number),
        kind: labels::chosen(&invoice::TYPES, &one.r#type),
        issued_on: one.issued_on.clone(),
        seller: one.seller.clone(),
        buyer: one.buyer_uscc.clone(),
        amount: format::yuan(one.amount_fen),
        used: format::yuan(one.used_fen),
        rest: format::yuan(one.amount_fen - one.used_fen - taken),
        paper: one.file.as_ref().map(Shown::of),
    }
}

fn changes(diff: &RevisionDiff) -> Vec<Change> {
    let file =
        |file: &Option<File>| file.as_ref().map_or(format::EMPTY.to_owned(), |file| file.file_name.clone());
    let slot = |change: &SlotChange| Change {
        what: labels::item(&change.slot),
        before: file(&change.before),
        after: file(&change.after),
    };
    let yuan = |fen: i64| {
        if fen == 0 { format::EMPTY.to_owned() } else { format!("使用 {} 元", format::yuan(fen)) }
    };
    let invoices = diff.invoices.iter().map(|change| Change {
        what: "发票".to_owned(),
        before: yuan(change.before_fen),
        after: yuan(change.after_fen),
    });
    diff.slots.iter().map(slot).chain(invoices).collect()
}

#[cfg(test)]
mod tests {
    use proto::documents::Slot;

    use super::*;

    fn file(id: &str, pages: i32, size_bytes: i64) -> File {
        File { file_id: id.to_owned(), pages, size_bytes, ..File::default() }
    }

    #[test]
    fn a_changed_material_is_shown_first_and_invoices_add_up() {
        let slot = |slot: &str, id: &str| Slot {
            slot: slot.to_owned(),
            files: vec![file(id, 3, 1_572_864)],
            ..Slot::default()
        };
        let revision = Revision {
            slots: vec![slot("M1", "a"), slot("M5", "b")],
            invoices: vec![
                InvoiceUse {
                    amount_fen: 10_000,
                    used_fen: 6_000,
                    elsewhere: vec![Allocation { used_fen: 1_000, ..Allocation::default() }],
                    r#type: "vat_special".into(),
                    issued_on: "2026-03-18".into(),
                    seller: "示例设备有限公司".into(),
                    buyer_uscc: "91410105XXXX00019H".into(),
                    ..InvoiceUse::default()
                },
                InvoiceUse { amount_fen: 10_000, used_fen: 4_000, ..InvoiceUse::default() },
            ],
            ..Revision::default()
        };
        let change = SlotChange { slot: "M5".into(), after: Some(file("b", 3, 1)), ..SlotChange::default() };
        let diff = RevisionDiff { slots: vec![change], ..RevisionDiff::default() };
        let dossier = Dossier::of(&revision, Some(&diff), &Others::new());
        assert_eq!(dossier.materials.len(), SLOTS.len());
        assert_eq!(dossier.first().map(|paper| paper.path.as_str()), Some("/files/b/preview"));
        assert!(dossier.opens("M5") && !dossier.opens("M1"));
        assert_eq!(dossier.first().map(|paper| paper.facts.as_str()), Some("3 页 · 1.5 MB"));
        let paper = &dossier.invoices[0];
        assert_eq!((dossier.used.as_str(), paper.rest.as_str()), ("100.00", "30.00"));
        assert_eq!((paper.kind.as_str(), paper.issued_on.as_str()), ("增值税专用发票", "2026-03-18"));
        assert_eq!((paper.seller.as_str(), paper.buyer.as_str()), ("示例设备有限公司", "91410105XXXX00019H"));
        assert_eq!(dossier.changed().collect::<Vec<_>>(), ["竣工验收报告"]);
    }
}
