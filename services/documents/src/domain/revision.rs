//! The content of a revision: what is in it, what changed against another, what it lacks, and its canonical form.

use std::{collections::BTreeMap, fmt::Write as _};

use time::Date;
use uuid::Uuid;

use super::{Refusal, Slot, invoice::InvoiceType, slot::slots_of};

/// A file in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where.
    pub slot: Slot,
    /// Which file.
    pub file_id: Uuid,
    /// Its content, hex.
    pub sha256: String,
    /// Bytes.
    pub size: i64,
    /// Whether it has passed the inspection.
    pub clean: bool,
}

/// What the application uses of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Which invoice.
    pub invoice_id: Uuid,
    /// The ledger row.
    pub allocation_id: Uuid,
    /// Code as on the paper; empty for digital invoices.
    pub code: String,
    /// Number as on the paper.
    pub number: String,
    /// Normalised identity.
    pub identity: String,
    /// Kind of paper.
    pub invoice_type: InvoiceType,
    /// Day of issue.
    pub issued_on: Date,
    /// Who sold.
    pub seller: String,
    /// Unified social credit code of the buyer.
    pub buyer_uscc: String,
    /// The invoice's amount, fen.
    pub amount_fen: i64,
    /// This application's part, fen.
    pub used_fen: i64,
    /// Σ of all live uses as the ledger has it, fen, and as the invoice says.
    pub balance: (i64, i64),
    /// Its file, the file's content, and whether that is clean.
    pub file: Option<(Uuid, String, bool)>,
}

/// Everything in one revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Files.
    pub placed: Vec<Placed>,
    /// Invoices.
    pub uses: Vec<Use>,
    /// Answers in words, by item.
    pub explanations: BTreeMap<String, String>,
}

/// What became of something between two revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<T> {
    /// Only in the later one.
    Added(T),
    /// Only in the earlier one.
    Removed(T),
    /// Something else took its place.
    Replaced {
        /// In the earlier one.
        before: T,
        /// In the later one.
        after: T,
    },
}

/// The difference between two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference<'c> {
    /// By slot.
    pub slots: Vec<(Slot, Change<&'c Placed>)>,
    /// Invoices whose used part or file differs.
    pub invoices: Vec<Change<&'c Use>>,
}

impl<'c> Difference<'c> {
    /// What changed from `before` to `after`; within a slot, removed and added files are paired as replacements.
    #[must_use]
    pub fn between(before: &'c Content, after: &'c Content) -> Self {
        let mut difference = Self::default();
        for slot in Slot::ALL {
            let here = |placed: &&Placed| placed.slot == slot;
            let lacks = |content: &Content, one: &Placed| {
                !content.placed.iter().any(|other| other.slot == slot && other.sha256 == one.sha256)
            };
            let mut removed = before.placed.iter().filter(here).filter(|one| lacks(after, one));
            let mut added = after.placed.iter().filter(here).filter(|one| lacks(before, one));
            loop {
                let change = match (removed.next(), added.next()) {
                    (Some(before), Some(after)) => Change::Replaced { before, after },
                    (Some(before), None) => Change::Removed(before),
                    (None, Some(after)) => Change::Added(after),
                    (None, None) => break,
                };
                difference.slots.push((slot, change));
            }
        }
        for one in &before.uses {
            match after.uses.iter().find(|other| other.invoice_id == one.invoice_id) {
                None => difference.invoices.push(Change::Removed(one)),
                Some(other) if one.used_fen != other.used_fen || content_of(one) != content_of(other) => {
                    difference.invoices.push(Change::Replaced { before: one, after: other });
                }
                Some(_) => {}
            }
        }
        let known = |one: &&Use| before.uses.iter().any(|other| other.invoice_id == one.invoice_id);
        difference.invoices.extend(after.uses.iter().filter(|one| !known(one)).map(Change::Added));
        difference
    }

    /// Whether anything changed in the slot.
    #[must_use]
    pub fn touches(&self, slot: Slot) -> bool {
        match slot {
            Slot::M9 => !self.invoices.is_empty(),
            Slot::M1
            | Slot::M2
            | Slot::M3a
            | Slot::M3b
            | Slot::M4a
            | Slot::M4b
            | Slot::M5
            | Slot::M6
            | Slot::M7
            | Slot::M8a
            | Slot::M8b => self.slots.iter().any(|(changed, _)| *changed == slot),
        }
    }
}

fn content_of(one: &Use) -> Option<&str> {
    one.file.as_ref().map(|(_, sha256, _)| sha256.as_str())
}

/// What keeps a content from being sealed, in the order of the dossier.
///
/// `base` is the sealed revision that the return judged. An item that names no slot (a field of the form) is judged by
/// reviews, which owns the form. Source: T09, T18.
#[must_use]
pub fn problems(
    content: &Content,
    required: &[Slot],
    items: &[String],
    base: Option<&Content>,
) -> Vec<Refusal> {
    let mut found = Vec::new();
    for slot in Slot::ALL {
        let mut here = content.placed.iter().filter(|placed| placed.slot == slot).peekable();
        if slot.takes_files() && required.contains(&slot) && here.peek().is_none() {
            found.push(Refusal::MaterialMissing(slot));
        }
        if here.any(|placed| !placed.clean) {
            found.push(Refusal::MaterialNotClean(slot.id().to_owned()));
        }
    }
    if required.contains(&Slot::M9) && content.uses.is_empty() {
        found.push(Refusal::InvoiceMissing);
    }
    for one in &content.uses {
        let (ledger, invoice) = one.balance;
        if ledger != invoice || invoice > one.amount_fen {
            found.push(Refusal::InvoiceUnbalanced(one.invoice_id));
        }
        if one.file.as_ref().is_some_and(|(_, _, clean)| !clean) {
            found.push(Refusal::MaterialNotClean(one.invoice_id.to_string()));
        }
    }
    let difference = base.map(|base| Difference::between(base, content));
    for item in items {
        let slots = slots_of(item);
        let changed = |slot: &Slot| difference.as_ref().is_none_or(|difference| difference.touches(*slot));
        let explained =
            content.explanations.keys().any(|key| key == item || slots.iter().any(|slot| slot.meant_by(key)));
        if !slots.is_empty() && !explained && !slots.iter().any(changed) {
            found.push(Refusal::ItemUnanswered(item.clone()));
        }
    }
    found
}

/// The text that the dossier hash covers: application, slots with file hashes, uses, answers; one order, whoever asks.
#[must_use]
pub fn canonical(application_id: Uuid, content: &Content) -> String {
    let mut text = format!("yuchong.dossier.v1\n{application_id}\n");
    let mut placed: Vec<_> = content.placed.iter().collect();
    placed.sort_by(|a, b| (a.slot, &a.sha256).cmp(&(b.slot, &b.sha256)));
    let mut uses: Vec<_> = content.uses.iter().collect();
    uses.sort_by(|a, b| a.identity.cmp(&b.identity));
    // Writing to a String cannot fail.
    for one in placed {
        let _ = writeln!(text, "file {} {} {}", one.slot.id(), one.sha256, one.size);
    }
    for one in uses {
        let file = content_of(one).unwrap_or("-");
        let _ = writeln!(text, "invoice {} {} {} {file}", one.identity, one.amount_fen, one.used_fen);
    }
    for (item, answer) in &content.explanations {
        let _ = writeln!(text, "answer {item} {} {answer}", answer.len());
    }
    text
}

#[cfg(test)]
#[path = "revision_tests.rs"]
mod tests;
