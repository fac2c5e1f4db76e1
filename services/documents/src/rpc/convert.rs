//! Between messages and values; the only place that knows both. Unknown values are refused with the field's name.

mod answers;

pub use answers::{
    difference, dossier, file, invoice, preview, problems, revision, seal, summary, upload_limits,
};

use chassis::{Caller, Failure};
use proto::documents as wire;
use time::{Date, macros::format_description};
use uuid::Uuid;

use crate::{
    app::sealing::Ask,
    domain::{
        Refusal, Slot,
        file::{Declared, Purpose},
        invoice::{Entry, InvoiceType},
        preview::Size,
    },
    store::invoices::Filter,
};

/// Characters of what a list is searched for, at most.
const SEARCH_CHARS_MAX: usize = 50;

/// An id; `not_found` for text that is none, as for an id that nobody has.
///
/// # Errors
/// `not_found`.
pub fn id(text: &str, field: &'static str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| Failure::not_found().on(field))
}

/// An id, or `None` for an empty text.
///
/// # Errors
/// `not_found`.
pub fn id_or_none(text: &str, field: &'static str) -> Result<Option<Uuid>, Failure> {
    if text.is_empty() { Ok(None) } else { id(text, field).map(Some) }
}

fn unknown(field: &'static str) -> Failure {
    Failure::invalid("unknown_value", field, "不支持的取值，请核对后重试")
}

/// A slot.
///
/// # Errors
/// `unknown_value`.
pub fn slot(text: &str, field: &'static str) -> Result<Slot, Failure> {
    Slot::of_id(text).ok_or_else(|| unknown(field))
}

/// What invoices are listed.
///
/// # Errors
/// `not_found`; `control_characters`, `search_too_long`.
pub fn invoice_filter(body: &wire::ListInvoicesRequest) -> Result<Filter, Failure> {
    let text = body.text.trim().to_lowercase();
    if text.chars().any(char::is_control) {
        return Err(Refusal::ControlCharacters("text").into());
    }
    if text.chars().count() > SEARCH_CHARS_MAX {
        return Err(Failure::invalid("search_too_long", "text", "查询内容不超过 50 字"));
    }
    Ok(Filter {
        application_id: id_or_none(&body.application_id, "application_id")?,
        text,
        balance_left: body.balance_left,
    })
}

/// The size of a preview; a page where none is named.
///
/// # Errors
/// `unknown_value`.
pub fn preview_size(text: &str) -> Result<Size, Failure> {
    if text.is_empty() { Ok(Size::Page) } else { Size::of_id(text).ok_or_else(|| unknown("size")) }
}

/// Required slots as a person asks for them; none named means the default.
///
/// # Errors
/// `unknown_value`.
pub fn required(texts: &[String]) -> Result<Vec<Slot>, Failure> {
    if texts.is_empty() {
        return Ok(Slot::ALL.into_iter().filter(|slot| slot.required()).collect());
    }
    required_slots(texts)
}

fn required_slots(texts: &[String]) -> Result<Vec<Slot>, Failure> {
    texts.iter().map(|text| slot(text, "required_slots")).collect()
}

/// A declaration of an upload by an operator.
///
/// # Errors
/// `unknown_value`, `not_found` (a caller without a company, an application that is no id).
pub fn declared(body: wire::UploadDeclaration, caller: &Caller) -> Result<Declared, Failure> {
    let owner_id = caller.operator_id.ok_or_else(Failure::not_found)?;
    let purpose = match body.purpose.as_str() {
        "material" => {
            let application_id = id(&body.application_id, "application_id")?;
            Purpose::Material { application_id, slot: slot(&body.slot, "slot")? }
        }
        "invoice" => Purpose::Invoice,
        _ => return Err(unknown("purpose")),
    };
    Ok(declared_for(body, owner_id, purpose))
}

/// A declaration of a licence, by an operator for itself or by anybody for a registration.
///
/// # Errors
/// `unknown_value`; `registration_id_missing`.
pub fn declared_licence(body: wire::UploadDeclaration, caller: &Caller) -> Result<Declared, Failure> {
    if body.purpose != Purpose::BusinessLicence.id() {
        return Err(unknown("purpose"));
    }
    let owner_id = match caller.operator_id {
        Some(operator_id) => operator_id,
        None => Uuid::parse_str(&body.registration_id).ok().filter(|id| !id.is_nil()).ok_or_else(|| {
            Failure::invalid(
                "registration_id_missing",
                "registration_id",
                "缺少注册编号，请刷新注册页面后重试",
            )
        })?,
    };
    Ok(declared_for(body, owner_id, Purpose::BusinessLicence))
}

fn declared_for(body: wire::UploadDeclaration, owner_id: Uuid, purpose: Purpose) -> Declared {
    Declared {
        purpose,
        owner_id,
        name: body.file_name,
        size: body.size_bytes,
        sha256: body.sha256.to_ascii_lowercase(),
    }
}

/// An invoice as it was typed in.
///
/// # Errors
/// `unknown_value` for its type.
pub fn entry(body: &wire::EnterInvoiceRequest) -> Result<Entry, Failure> {
    Ok(Entry {
        invoice_type: InvoiceType::of_id(&body.r#type).ok_or_else(|| unknown("type"))?,
        code: body.code.clone(),
        number: body.number.clone(),
        amount_fen: body.amount_fen,
        issued_on: Date::parse(body.issued_on.trim(), format_description!("[year]-[month]-[day]")).ok(),
        seller: body.seller.clone(),
        buyer_uscc: body.buyer_uscc.clone(),
    })
}

/// What reviews asks to be sealed.
///
/// # Errors
/// `unknown_value`, `not_found`.
pub fn ask(body: &wire::SealDossierRequest) -> Result<Ask, Failure> {
    if !crate::app::sweep::carries_dossier(&body.kind) {
        return Err(unknown("kind"));
    }
    if body.submission_version <= 0 {
        return Err(unknown("submission_version"));
    }
    Ok(Ask {
        application_id: id(&body.application_id, "application_id")?,
        operator_id: id(&body.operator_id, "operator_id")?,
        submission_version: body.submission_version,
        kind: body.kind.clone(),
        required: required_slots(&body.required_slots)?,
        items: body.return_items.clone(),
        holder: body.holder.clone(),
    })
}
