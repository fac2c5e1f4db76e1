//! From values to messages.

use std::collections::BTreeMap;

use prost_types::Timestamp;
use proto::documents as wire;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    app::{
        previews::Picture,
        sealing::Receipt,
        uploads::reason_text,
        views::{DossierView, InvoiceView},
    },
    domain::{
        Refusal, Slot,
        file::{self as files, Kept, Purpose, Scan},
        ledger::Allocation,
        preview::Shown,
        revision::{Change, Content, Difference, Placed, Use},
    },
    labels,
    store::revisions::Sealed,
};

fn stamp(time: OffsetDateTime) -> Timestamp {
    Timestamp { seconds: time.unix_timestamp(), nanos: i32::try_from(time.nanosecond()).unwrap_or(0) }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn text_of(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// A file.
#[must_use]
pub fn file(kept: &Kept) -> wire::File {
    let declared = &kept.declared;
    let (application_id, slot) = match declared.purpose {
        Purpose::Material { application_id, slot } => (application_id.to_string(), slot.id().to_owned()),
        Purpose::Invoice | Purpose::BusinessLicence => (String::new(), String::new()),
    };
    let mut file = wire::File {
        file_id: kept.id.to_string(),
        purpose: declared.purpose.id().to_owned(),
        application_id,
        slot,
        file_name: declared.name.clone(),
        size_bytes: declared.size,
        sha256: declared.sha256.clone(),
        state: kept.scan.id().to_owned(),
        uploaded_at: Some(stamp(kept.uploaded_at)),
        owner_id: declared.owner_id.to_string(),
        ..wire::File::default()
    };
    match &kept.scan {
        Scan::Pending => {}
        Scan::Clean { media_type, pages, width, height } => {
            file.media_type.clone_from(media_type);
            (file.pages, file.width, file.height) = (*pages, *width, *height);
        }
        Scan::Rejected { reason } => {
            file.reason_text = reason_text(reason);
            file.reason.clone_from(reason);
        }
    }
    file
}

fn placed(placed: &Placed, files: &BTreeMap<Uuid, Kept>) -> Option<wire::File> {
    files.get(&placed.file_id).map(file)
}

fn slots(
    content: &Content,
    files: &BTreeMap<Uuid, Kept>,
    editable: impl Fn(Slot) -> bool,
) -> Vec<wire::Slot> {
    Slot::ALL
        .into_iter()
        .map(|slot| wire::Slot {
            slot: slot.id().to_owned(),
            label: labels::slot(slot).to_owned(),
            editable: editable(slot),
            files: content
                .placed
                .iter()
                .filter(|one| one.slot == slot)
                .filter_map(|one| placed(one, files))
                .collect(),
            required: slot.required(),
        })
        .collect()
}

fn invoice_use(one: &Use, files: &BTreeMap<Uuid, Kept>, elsewhere: &[Allocation]) -> wire::InvoiceUse {
    let file_id = one.file.as_ref().map(|(id, _, _)| *id);
    wire::InvoiceUse {
        invoice_id: one.invoice_id.to_string(),
        code: one.code.clone(),
        number: one.number.clone(),
        amount_fen: one.amount_fen,
        used_fen: one.used_fen,
        file_id: text_of(file_id),
        allocation_id: one.allocation_id.to_string(),
        file: file_id.and_then(|id| files.get(&id)).map(file),
        elsewhere: elsewhere
            .iter()
            .filter(|other| other.invoice_id == one.invoice_id)
            .map(allocation)
            .collect(),
        r#type: one.invoice_type.id().to_owned(),
        issued_on: one.issued_on.to_string(),
        seller: one.seller.clone(),
        buyer_uscc: one.buyer_uscc.clone(),
    }
}

fn explanations(content: &Content) -> Vec<wire::Explanation> {
    let one = |(item, text): (&String, &String)| wire::Explanation { item: item.clone(), text: text.clone() };
    content.explanations.iter().map(one).collect()
}

/// A dossier.
#[must_use]
pub fn dossier(view: &DossierView) -> wire::Dossier {
    let dossier = &view.dossier;
    wire::Dossier {
        application_id: dossier.application_id.to_string(),
        operator_id: dossier.operator_id.to_string(),
        state: dossier.state.id().to_owned(),
        revision: dossier.revision,
        edits: dossier.edits,
        editable_items: dossier.items.clone(),
        slots: slots(&view.content, &view.files, |slot| dossier.editable(slot)),
        invoices: view.content.uses.iter().map(|one| invoice_use(one, &view.files, &[])).collect(),
        explanations: explanations(&view.content),
        file_count: i32::try_from(view.taken.files).unwrap_or(i32::MAX),
        file_bytes: view.taken.bytes,
    }
}

/// What is shown of a file.
#[must_use]
pub fn preview(kept: &Kept, shown: Shown, picture: &Picture) -> wire::Preview {
    let fit = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    wire::Preview {
        file: Some(file(kept)),
        shown_as: shown.id().to_owned(),
        media_type: picture.media_type.to_owned(),
        size_bytes: picture.size,
        sha256: picture.sha256.clone(),
        width: fit(picture.width),
        height: fit(picture.height),
        pages: fit(picture.pages),
        fonts_missing: picture.fonts_missing,
    }
}

/// A sealed revision without its content.
#[must_use]
pub fn summary(sealed: &Sealed) -> wire::RevisionSummary {
    wire::RevisionSummary {
        revision: sealed.revision,
        submission_version: sealed.submission_version,
        kind: sealed.kind.clone(),
        dossier_hash: sealed.hash.clone(),
        sealed_at: Some(stamp(sealed.sealed_at)),
        confirmed: sealed.confirmed,
    }
}

/// A sealed revision with its content.
#[must_use]
pub fn revision(
    sealed: &Sealed,
    content: &Content,
    files: &BTreeMap<Uuid, Kept>,
    elsewhere: &[Allocation],
) -> wire::Revision {
    wire::Revision {
        summary: Some(summary(sealed)),
        slots: slots(content, files, |_| false),
        invoices: content.uses.iter().map(|one| invoice_use(one, files, elsewhere)).collect(),
        explanations: explanations(content),
    }
}

/// A difference; `files` are those of both revisions.
#[must_use]
pub fn difference(
    from: i32,
    to: i32,
    found: &Difference<'_>,
    files: &BTreeMap<Uuid, Kept>,
) -> wire::RevisionDiff {
    let slots = found.slots.iter().map(|(slot, change)| {
        let (change, before, after) = parts(*change);
        wire::SlotChange {
            slot: slot.id().to_owned(),
            change: change.to_owned(),
            before: before.and_then(|one| placed(one, files)),
            after: after.and_then(|one| placed(one, files)),
        }
    });
    let invoices = found.invoices.iter().map(|change| {
        let (change, before, after) = parts(*change);
        let which = after.or(before).map(|one| one.invoice_id);
        wire::InvoiceChange {
            invoice_id: text_of(which),
            change: change.to_owned(),
            before_fen: before.map_or(0, |one| one.used_fen),
            after_fen: after.map_or(0, |one| one.used_fen),
        }
    });
    wire::RevisionDiff { from, to, slots: slots.collect(), invoices: invoices.collect() }
}

fn parts<T>(change: Change<T>) -> (&'static str, Option<T>, Option<T>) {
    match change {
        Change::Added(after) => ("added", None, Some(after)),
        Change::Removed(before) => ("removed", Some(before), None),
        Change::Replaced { before, after } => ("replaced", Some(before), Some(after)),
    }
}

/// What is missing.
#[must_use]
pub fn problems(found: &[Refusal]) -> wire::CheckDossierResponse {
    let problems = found
        .iter()
        .map(|refusal| {
            let (reason, item, text) = labels::refusal(refusal);
            wire::Problem { reason: reason.to_owned(), item, text }
        })
        .collect();
    wire::CheckDossierResponse { problems }
}

/// A seal.
#[must_use]
pub fn seal(application_id: Uuid, receipt: &Receipt) -> wire::Seal {
    let Receipt { sealed, content } = receipt;
    wire::Seal {
        application_id: application_id.to_string(),
        submission_version: sealed.submission_version,
        revision: sealed.revision,
        dossier_hash: sealed.hash.clone(),
        sealed_at: Some(stamp(sealed.sealed_at)),
        file_count: count(content.placed.len()),
        invoice_count: count(content.uses.len()),
        allocated_fen: content.uses.iter().map(|one| one.used_fen).sum(),
    }
}

/// An invoice with its uses.
#[must_use]
pub fn invoice(view: &InvoiceView) -> wire::Invoice {
    let invoice = &view.invoice;
    let says = &invoice.checked;
    wire::Invoice {
        invoice_id: invoice.id.to_string(),
        operator_id: invoice.operator_id.to_string(),
        r#type: says.invoice_type.id().to_owned(),
        code: says.code.clone(),
        number: says.number.clone(),
        amount_fen: says.amount_fen,
        used_fen: invoice.used_fen,
        issued_on: says.issued_on.to_string(),
        seller: says.seller.clone(),
        buyer_uscc: says.buyer_uscc.clone(),
        file_id: text_of(invoice.file_id),
        version: invoice.version,
        allocations: view.allocations.iter().map(allocation).collect(),
        deleted: invoice.deleted,
        entered_at: Some(stamp(invoice.entered_at)),
    }
}

fn allocation(one: &Allocation) -> wire::Allocation {
    wire::Allocation {
        allocation_id: one.ledger_id.to_string(),
        application_id: one.application_id.to_string(),
        used_fen: one.used_fen,
        made_at: Some(stamp(one.made_at)),
        held: one.held,
    }
}

/// What may be uploaded, from the rules that check it.
#[must_use]
pub fn upload_limits() -> wire::UploadLimits {
    wire::UploadLimits {
        extensions: files::EXTENSIONS.map(str::to_owned).to_vec(),
        file_bytes_max: files::FILE_BYTES_MAX,
        licence_bytes_max: files::LICENCE_BYTES_MAX,
        application_files_max: files::APPLICATION_FILES_MAX,
        application_bytes_max: files::APPLICATION_BYTES_MAX,
    }
}
