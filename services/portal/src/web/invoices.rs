//! 发票: entered for one application, used by this or several stations, given back, deleted; 元 exact to the fen.

use askama::Template;
use axum::{
    extract::{DefaultBodyLimit, Path},
    routing::get,
};
use futures::future::join_all;
use proto::{
    accounts::GetOwnProfileRequest,
    common,
    documents::{
        AllocateInvoiceRequest, AttachFileRequest, DeleteInvoiceRequest, EnterInvoiceRequest, GetFileRequest,
        GetInvoiceRequest, Invoice, ListInvoicesRequest, ReleaseAllocationRequest, UploadDeclaration,
    },
    reviews::{ApplicationView, GetApplicationRequest, ListApplicationsRequest},
};
use tonic::Status;

use super::{
    Routes, back_to,
    dossiers::{self, LIST},
};
use crate::{
    Answer, Form, Page, Refused, Role, Upload, Visitor,
    case::Fact,
    entry, format, ids, invoice,
    list::Filter,
    materials::Shown,
    refused::Away,
    upload::{BODY_BYTES_MAX, Held},
};

/// Nodes at which a dossier is open.
const OPEN: [&str; 3] = ["MaterialsDue", "CityReturned", "SupplementDue"];
/// Invoices or applications that are offered for use; the others are found by a search.
pub(super) const LISTED: i32 = 200;
/// Letters of a search; reviews asks for two at least.
const SEARCH_CHARS: std::ops::RangeInclusive<usize> = 2..=50;
/// One invoice, as an application uses it.
const ONE: &str = "/subsidy/dossiers/{id}/invoices/{invoice}";

/// Routes of this area.
pub fn routes() -> Routes {
    let limit = || DefaultBodyLimit::max(BODY_BYTES_MAX);
    Routes::new()
        .route("/subsidy/dossiers/{id}/invoices/new", get(blank).post(enter).layer(limit()))
        .route("/subsidy/dossiers/{id}/invoices/use", back_to(dossiers::ONE).post(reuse))
        .route(ONE, get(show))
        .route("/subsidy/dossiers/{id}/invoices/{invoice}/allocate", back_to(ONE).post(allocate))
        .route("/subsidy/dossiers/{id}/invoices/{invoice}/release", back_to(ONE).post(release))
        .route("/subsidy/dossiers/{id}/invoices/{invoice}/delete", back_to(ONE).post(delete))
        .route("/subsidy/dossiers/{id}/invoices/{invoice}/file", back_to(ONE).post(attach).layer(limit()))
}

/// What was searched for, as far as the services take it.
pub(super) fn searched(form: &Form) -> String {
    form.text("q").chars().filter(|letter| !letter.is_control()).take(*SEARCH_CHARS.end()).collect()
}

/// Every invoice that an application uses, with all its uses.
///
/// # Errors
/// Documents is away.
pub(super) async fn used_by(visitor: &Visitor, application_id: &str) -> Result<Vec<Invoice>, Status> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListInvoicesRequest {
            page: Some(common::Page { page_size: LISTED, page_token }),
            application_id: application_id.to_owned(),
            ..ListInvoicesRequest::default()
        };
        let answer = visitor.invoices().list_invoices(request).await?.into_inner();
        found.extend(answer.invoices);
        if answer.next_page_token.is_empty() {
            return Ok(found);
        }
        page_token = answer.next_page_token;
    }
}

/// The form of a new invoice.
#[derive(Template)]
#[template(path = "invoice_new.html")]
pub struct NewInvoicePage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// For which application.
    pub application: ApplicationView,
    /// Kinds of invoices.
    pub types: Vec<(&'static str, &'static str)>,
}

async fn blank(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&[Role::Operator])?;
    // The buyer is the company itself; where accounts is away, it is typed.
    let profile = visitor.registration().get_own_profile(GetOwnProfileRequest {}).await;
    let profile =
        Away::or(profile, "企业资料")?.map(|answer| answer.into_inner().profile.unwrap_or_default());
    let buyer = profile.map(|profile| profile.uscc).unwrap_or_default();
    new_page(&visitor, &id, Form::filled([("buyer_uscc", buyer)])).await
}

async fn new_page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    let asked = GetApplicationRequest { application_id: id.to_owned() };
    let mut client = visitor.applications();
    let (page, application) = tokio::join!(visitor.page(LIST, "录入发票"), client.get_application(asked));
    let application = application?.into_inner();
    let status = form.status();
    let page = NewInvoicePage { page, form, application, types: invoice::TYPES.to_vec() };
    visitor.show(status, &page)
}

/// An empty sum to use.
const USED_EMPTY: &str = "请填写使用金额";

/// 元 of a field in fen; marks the field where it is none, with `empty` where nothing stands in it.
fn money(form: &mut Form, field: &str, empty: &str) -> i64 {
    if form.text(field).is_empty() {
        form.mark(field, empty);
        return 0;
    }
    match entry::fen(form.value(field)) {
        Some(fen) => fen,
        None => {
            form.mark(field, "金额应为数字，最多两位小数，例如 1,234.50");
            0
        }
    }
}

async fn enter(visitor: Visitor, Path(id): Path<String>, upload: Upload) -> Answer {
    visitor.only(&[Role::Operator])?;
    let Upload { mut form, file } = upload;
    let amount_fen = money(&mut form, "amount_fen", "请填写价税合计");
    let used_fen = if form.text("used_fen").is_empty() { 0 } else { money(&mut form, "used_fen", "") };
    if let Some(file) = file {
        keep(&visitor, &mut form, file).await;
    }
    if !form.wrongs.is_empty() {
        form.renew();
        return new_page(&visitor, &id, form).await;
    }
    let request = EnterInvoiceRequest {
        request_id: form.request_id(),
        r#type: form.text("type"),
        code: form.text("code"),
        number: form.text("number"),
        amount_fen,
        issued_on: form.text("issued_on"),
        seller: form.text("seller"),
        buyer_uscc: form.text("buyer_uscc"),
        file_id: form.text("file_id"),
    };
    let entered = match visitor.invoices().enter_invoice(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => {
            let mut form = form.refused(status)?;
            form.about("file_id", "file");
            return new_page(&visitor, &id, form).await;
        }
    };
    if used_fen == 0 {
        let there = format!("{LIST}/{id}/invoices/{}", entered.invoice_id);
        return visitor.done(&there, "发票已录入，请填写使用金额");
    }
    let request_id = ids::derived(&form.request_id(), "use");
    used(&visitor, &id, &entered.invoice_id, (&id, used_fen, request_id), form).await
}

/// Uploads the file that came with a form; the form then carries its id, so that it need not be chosen again.
async fn keep(visitor: &Visitor, form: &mut Form, file: Held) {
    let name = file.file_name.clone();
    let declaration = UploadDeclaration {
        request_id: ids::derived(&form.request_id(), "file"),
        purpose: "invoice".to_owned(),
        ..UploadDeclaration::default()
    };
    match file.send(visitor, declaration).await.map_err(Refused::from) {
        Ok(kept) if kept.state == "clean" => {
            form.set("file_id", &kept.file_id);
            form.set("file_name", &name);
        }
        Ok(kept) => form.mark("file", &kept.reason_text),
        Err(refused) => form.mark("file", &refused.text),
    }
}

/// Uses a part for an application; a refusal is shown on the invoice's own page.
async fn used(
    visitor: &Visitor,
    id: &str,
    invoice_id: &str,
    (application_id, used_fen, request_id): (&str, i64, String),
    form: Form,
) -> Answer {
    let request = AllocateInvoiceRequest {
        request_id,
        invoice_id: invoice_id.to_owned(),
        application_id: application_id.to_owned(),
        used_fen,
        version: form.number("version"),
    };
    match visitor.invoices().allocate_invoice(request).await {
        Ok(_) if application_id == id => {
            let said = format!("已用于本站 {} 元", format::yuan(used_fen));
            visitor.done(&format!("{LIST}/{id}#invoices"), &said)
        }
        Ok(_) => {
            let said = format!("已用于所选充电站 {} 元", format::yuan(used_fen));
            visitor.done(&format!("{LIST}/{id}/invoices/{invoice_id}"), &said)
        }
        Err(status) => page(visitor, id, invoice_id, form.refused(status)?).await,
    }
}

/// An invoice that was entered before, from the dossier's page.
async fn reuse(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let invoice_id = form.text("invoice_id");
    if invoice_id.is_empty() {
        form.mark("invoice_id", "请选择发票");
    }
    let used_fen = money(&mut form, "used_fen", USED_EMPTY);
    if !form.wrongs.is_empty() {
        return dossiers::page(&visitor, &id, form).await;
    }
    let request = AllocateInvoiceRequest {
        request_id: form.request_id(),
        invoice_id,
        application_id: id.clone(),
        used_fen,
        version: 0,
    };
    match visitor.invoices().allocate_invoice(request).await {
        Ok(_) => {
            let said = format!("已用于本站 {} 元", format::yuan(used_fen));
            visitor.done(&format!("{LIST}/{id}#invoices"), &said)
        }
        Err(status) => dossiers::page(&visitor, &id, form.refused(status)?).await,
    }
}

/// One station's use of an invoice.
#[derive(Debug, Clone, Default)]
pub struct UseRow {
    /// Whose.
    pub application_id: String,
    /// Station and number.
    pub station: String,
    /// 元.
    pub used: String,
    /// Given back, but kept until the next submission stands.
    pub held: bool,
    /// Whether it is the application from which the page was opened.
    pub own: bool,
    /// Whether it can be given back now.
    pub open: bool,
}

/// One invoice.
#[derive(Template)]
#[template(path = "invoice.html")]
pub struct InvoicePage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// From which application it was opened.
    pub application: ApplicationView,
    /// As documents has it.
    pub invoice: Invoice,
    /// Number, seller, sums.
    pub facts: Vec<Fact>,
    /// Its picture or file.
    pub file: Option<Shown>,
    /// Who uses it.
    pub uses: Vec<UseRow>,
    /// Own applications that can use it now: id and words.
    pub targets: Vec<(String, String)>,
    /// Whether there are more than these.
    pub more: bool,
    /// What was searched for among them.
    pub search: String,
}

async fn show(visitor: Visitor, Path((id, invoice_id)): Path<(String, String)>, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    let form = Form::filled([("application_id", id.clone()), ("q", filter.value("q").to_owned())]);
    page(&visitor, &id, &invoice_id, form).await
}

async fn page(visitor: &Visitor, id: &str, invoice_id: &str, form: Form) -> Answer {
    let application = |id: &str| GetApplicationRequest { application_id: id.to_owned() };
    let search = searched(&form);
    let open = ListApplicationsRequest {
        page: Some(common::Page { page_size: LISTED, page_token: String::new() }),
        stages: OPEN.map(str::to_owned).to_vec(),
        text: if SEARCH_CHARS.contains(&search.chars().count()) { search } else { String::new() },
        ..ListApplicationsRequest::default()
    };
    let (mut one, mut two, mut three) = (visitor.applications(), visitor.applications(), visitor.invoices());
    let (frame, own, open, found) = tokio::join!(
        visitor.page(LIST, "发票"),
        one.get_application(application(id)),
        two.list_applications(open),
        three.get_invoice(GetInvoiceRequest { invoice_id: invoice_id.to_owned() }),
    );
    let (own, open, found) = (own?.into_inner(), open?.into_inner(), found?.into_inner());
    let users = join_all(found.allocations.iter().map(|one| async move {
        let asked = GetApplicationRequest { application_id: one.application_id.clone() };
        // A station that cannot be read just now keeps its sum.
        visitor.applications().get_application(asked).await.ok().map(tonic::Response::into_inner)
    }));
    let file = async {
        let asked = GetFileRequest { file_id: found.file_id.clone() };
        if found.file_id.is_empty() { None } else { visitor.files().get_file(asked).await.ok() }
    };
    let (users, file) = tokio::join!(users, file);
    let users: Vec<_> = users.into_iter().flatten().collect();
    let file = file.map(|answer| Shown::of(&answer.into_inner()));
    let status = form.status();
    let more = !open.next_page_token.is_empty();
    let page = sheet(frame, form, own, found, &users, &open.applications, file);
    visitor.show(status, &InvoicePage { more, ..page })
}

/// The page of an invoice with the applications that use it, and those that could.
pub fn sheet(
    page: Page,
    form: Form,
    application: ApplicationView,
    invoice: Invoice,
    users: &[ApplicationView],
    open: &[ApplicationView],
    file: Option<Shown>,
) -> InvoicePage {
    let words = |view: &ApplicationView| format!("{}（{}）", view.station_name, view.application_no);
    let row = |one: &proto::documents::Allocation| {
        let user = users.iter().find(|view| view.application_id == one.application_id);
        UseRow {
            application_id: one.application_id.clone(),
            station: user.map_or_else(format::empty, words),
            used: format::yuan(one.used_fen),
            held: one.held,
            own: one.application_id == application.application_id,
            open: !one.held && user.is_some_and(|view| OPEN.contains(&view.stage.as_str())),
        }
    };
    let uses: Vec<_> = invoice.allocations.iter().map(row).collect();
    let free = |view: &&ApplicationView| {
        !uses.iter().any(|one| one.application_id == view.application_id && !one.held)
    };
    let fact = |name: &'static str, value: String| Fact { name, value: format::or_dash(&value) };
    let kind = invoice::TYPES.iter().find(|(id, _)| *id == invoice.r#type).map_or("", |(_, words)| words);
    let facts = vec![
        fact("发票类型", kind.to_owned()),
        fact("发票号码", invoice::number(&invoice.code, &invoice.number)),
        fact("开票日期", invoice.issued_on.clone()),
        fact("销售方", invoice.seller.clone()),
        fact("购买方信用代码", invoice.buyer_uscc.clone()),
        fact("价税合计（元）", format::yuan(invoice.amount_fen)),
        fact("大写", format::capitals(invoice.amount_fen)),
        fact("已使用（元）", format::yuan(invoice.used_fen)),
        fact("剩余可用（元）", format::yuan(invoice.amount_fen - invoice.used_fen)),
    ];
    let targets = open.iter().filter(free).map(|view| (view.application_id.clone(), words(view))).collect();
    let search = searched(&form);
    InvoicePage { page, form, application, invoice, facts, file, uses, targets, more: false, search }
}

async fn allocate(
    visitor: Visitor,
    Path((id, invoice_id)): Path<(String, String)>,
    mut form: Form,
) -> Answer {
    visitor.only(&[Role::Operator])?;
    let used_fen = money(&mut form, "used_fen", USED_EMPTY);
    let application_id = form.text("application_id");
    if application_id.is_empty() {
        form.mark("application_id", "请选择充电站");
    }
    if !form.wrongs.is_empty() {
        return page(&visitor, &id, &invoice_id, form).await;
    }
    let request_id = form.request_id();
    used(&visitor, &id, &invoice_id, (&application_id, used_fen, request_id), form).await
}

async fn release(visitor: Visitor, Path((id, invoice_id)): Path<(String, String)>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = ReleaseAllocationRequest {
        request_id: form.request_id(),
        invoice_id: invoice_id.clone(),
        application_id: form.text("application_id"),
        version: form.number("version"),
    };
    match visitor.invoices().release_allocation(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}/invoices/{invoice_id}"), "已取消使用，金额可重新分配"),
        Err(status) => page(&visitor, &id, &invoice_id, form.refused(status)?).await,
    }
}

async fn delete(visitor: Visitor, Path((id, invoice_id)): Path<(String, String)>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = DeleteInvoiceRequest {
        request_id: form.request_id(),
        invoice_id: invoice_id.clone(),
        version: form.number("version"),
    };
    match visitor.invoices().delete_invoice(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}#invoices"), "发票已删除，可重新录入"),
        Err(status) => page(&visitor, &id, &invoice_id, form.refused(status)?).await,
    }
}

async fn attach(visitor: Visitor, Path((id, invoice_id)): Path<(String, String)>, upload: Upload) -> Answer {
    visitor.only(&[Role::Operator])?;
    let Upload { mut form, file } = upload;
    match file {
        Some(file) => keep(&visitor, &mut form, file).await,
        None if form.wrongs.is_empty() => form.mark("file", "请选择文件"),
        None => {}
    }
    if !form.wrongs.is_empty() {
        form.renew();
        return page(&visitor, &id, &invoice_id, form).await;
    }
    let request = AttachFileRequest {
        request_id: form.request_id(),
        invoice_id: invoice_id.clone(),
        file_id: form.text("file_id"),
        version: form.number("version"),
    };
    match visitor.invoices().attach_file(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}/invoices/{invoice_id}"), "发票原件已保存"),
        Err(status) => {
            let mut form = form.refused(status)?;
            form.about("file_id", "file");
            page(&visitor, &id, &invoice_id, form).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_sum_is_asked_for_and_a_wrong_one_is_explained() {
        let read = |text: &str| {
            let mut form = Form::filled([("amount_fen", text.to_owned())]);
            (money(&mut form, "amount_fen", "请填写价税合计"), form.wrong("amount_fen").to_owned())
        };
        assert_eq!(read(" "), (0, "请填写价税合计".to_owned()));
        assert_eq!(read("一百").1, "金额应为数字，最多两位小数，例如 1,234.50");
        assert_eq!(read("１，234.5"), (123_450, String::new()));
    }
}
