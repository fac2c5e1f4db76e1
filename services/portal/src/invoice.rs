//! An invoice as one application's pages show it: what others use, what is left, exact to the fen.

use proto::documents::{Dossier, Invoice};

use crate::{format, materials::Shown};

/// Kinds of invoices. Source: documents, EnterInvoiceRequest.
pub const TYPES: [(&str, &str); 4] = [
    ("digital_special", "数电票（增值税专用发票）"),
    ("digital_general", "数电票（普通发票）"),
    ("vat_special", "增值税专用发票"),
    ("vat_general", "增值税普通发票"),
];

/// One line of the table.
#[derive(Debug, Clone, Default)]
pub struct InvoiceRow {
    /// Its id; also the anchor.
    pub id: String,
    /// Code and number.
    pub number: String,
    /// Day of issue.
    pub issued_on: String,
    /// Who sold.
    pub seller: String,
    /// 价税合计, 元.
    pub amount: String,
    /// What other stations use, 元.
    pub others: String,
    /// What this station can use at most, 元.
    pub remaining: String,
    /// What it uses, 元.
    pub used: String,
    /// 仅本站, or how many share it.
    pub shared: String,
    /// Its picture or file.
    pub file: Option<Shown>,
    /// What keeps it from being submitted.
    pub problem: String,
}

/// Fen that others than this application use.
pub fn used_by_others(invoice: &Invoice, application_id: &str) -> i64 {
    let others = invoice.allocations.iter().filter(|one| one.application_id != application_id);
    others.map(|one| one.used_fen).sum()
}

/// Fen that this application can use at most.
pub fn remaining(invoice: &Invoice, application_id: &str) -> i64 {
    invoice.amount_fen - used_by_others(invoice, application_id)
}

/// Fen that this application uses; 0 where it does not.
pub fn used_here(invoice: &Invoice, application_id: &str) -> i64 {
    let own = invoice.allocations.iter().filter(|one| one.application_id == application_id && !one.held);
    own.map(|one| one.used_fen).sum()
}

/// Code and number.
pub fn number(code: &str, number: &str) -> String {
    if code.is_empty() { number.to_owned() } else { format!("{code} {number}") }
}

/// How many stations share it.
pub fn shared(invoice: &Invoice) -> String {
    match invoice.allocations.len() {
        0 => "尚未使用".to_owned(),
        1 => "仅 1 站使用".to_owned(),
        many => format!("{many} 站共用"),
    }
}

/// The table of a dossier; of an invoice that cannot be read just now it is not shown who else uses it.
pub fn rows(dossier: &Dossier, invoices: &[Invoice]) -> Vec<InvoiceRow> {
    let id = &dossier.application_id;
    let row = |one: &proto::documents::InvoiceUse| {
        let known = invoices.iter().find(|invoice| invoice.invoice_id == one.invoice_id);
        InvoiceRow {
            id: one.invoice_id.clone(),
            number: number(&one.code, &one.number),
            issued_on: known.map_or_else(|| one.issued_on.clone(), |invoice| invoice.issued_on.clone()),
            seller: known.map_or_else(|| one.seller.clone(), |invoice| invoice.seller.clone()),
            amount: format::yuan(one.amount_fen),
            others: known.map_or_else(format::empty, |invoice| format::yuan(used_by_others(invoice, id))),
            remaining: known.map_or_else(format::empty, |invoice| format::yuan(remaining(invoice, id))),
            used: format::yuan(one.used_fen),
            shared: known.map_or_else(String::new, shared),
            file: one.file.as_ref().map(Shown::of),
            problem: String::new(),
        }
    };
    dossier.invoices.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use proto::documents::{Allocation, InvoiceUse};

    use super::*;

    #[test]
    fn what_is_left_counts_everybody_elses_use_and_not_ones_own() {
        let used = |application: &str, used_fen: i64| Allocation {
            application_id: application.into(),
            used_fen,
            ..Allocation::default()
        };
        let allocations = vec![used("a", 6_000), used("b", 3_000)];
        let invoice = Invoice { amount_fen: 10_000, used_fen: 9_000, allocations, ..Invoice::default() };
        assert_eq!((used_by_others(&invoice, "a"), remaining(&invoice, "a")), (3_000, 7_000));
        assert_eq!((used_here(&invoice, "a"), used_here(&invoice, "c")), (6_000, 0));
        assert_eq!(shared(&invoice), "2 站共用");
    }

    #[test]
    fn an_invoice_that_cannot_be_read_just_now_still_says_who_sold_and_when() {
        let used = InvoiceUse {
            invoice_id: "i".into(),
            issued_on: "2026-03-18".into(),
            seller: "示例设备有限公司".into(),
            ..InvoiceUse::default()
        };
        let dossier = Dossier { invoices: vec![used], ..Dossier::default() };
        let row = rows(&dossier, &[]).remove(0);
        assert_eq!((row.issued_on.as_str(), row.seller.as_str()), ("2026-03-18", "示例设备有限公司"));
        assert_eq!((row.others, row.remaining), (format::empty(), format::empty()));
    }
}
