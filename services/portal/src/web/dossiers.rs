//! 信息服务/建设补贴/建设补贴管理: the nine materials of an application, put together and handed in.

use askama::{Template, filters::HtmlSafe};
use axum::{
    extract::{DefaultBodyLimit, Path},
    http::StatusCode,
    response::IntoResponse as _,
    routing::get,
};
use proto::{
    common,
    documents::{
        CheckDossierRequest, Dossier, ExplainRequest, File, GetDossierRequest, Invoice, ListInvoicesRequest,
        PlaceFileRequest, Problem, RemoveFileRequest, UploadDeclaration, UploadPartRequest,
    },
    reviews::{ApplicationView, GetRoundRequest, SubmitMaterialsRequest, SubmitSupplementRequest},
};
use tonic::Status;
use tracing::Instrument as _;

use super::{
    Routes,
    acceptance::{self, answerable},
    applications::{Counts, Rows, Tabs},
    back_to,
};
use crate::{
    Answer, Form, Page, Refused, Role, Upload, Visitor,
    case::Case,
    format, ids,
    invoice::{self, InvoiceRow},
    labels::FIELDS,
    list::{Filter, Tab},
    materials::{self, Judged, Material},
    refused::Away,
    upload::BODY_BYTES_MAX,
};

/// Menu path, and the list.
pub const LIST: &str = "/subsidy/dossiers";
/// One dossier; every form of the page leads back to it.
pub(super) const ONE: &str = "/subsidy/dossiers/{id}";
/// Invoices of a company that are offered for use.
const INVOICES: i32 = 200;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route(ONE, get(show))
        .route(
            "/subsidy/dossiers/{id}/files",
            back_to(ONE).post(upload).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)),
        )
        .route("/subsidy/dossiers/{id}/parts", back_to(ONE).post(part))
        .route("/subsidy/dossiers/{id}/remove", back_to(ONE).post(remove))
        .route("/subsidy/dossiers/{id}/explain", back_to(ONE).post(explain))
        .route("/subsidy/dossiers/{id}/submit", back_to(ONE).post(submit))
}

/// Saved filters of the list: what can be handed in, what is being read, everything past the paper check.
pub(super) const TABS: Tabs = &[
    ("", "待提交资料", &["MaterialsDue", "CityReturned", "SupplementDue"], ""),
    (
        "reviewing",
        "审核中",
        &["CityReview", "AwaitingJointReview", "ExpertReview", "AwaitingProvince", "ProvincialReview"],
        "",
    ),
    ("approved", "已通过", &["Approved"], ""),
];

/// The list.
#[derive(Template)]
#[template(path = "dossiers.html")]
pub struct DossiersPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// The table.
    pub list: Rows,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    let title = "建设补贴管理";
    let request = super::applications::tabbed(TABS, &filter);
    let shown = filter.clone();
    let (page, list, counts) = tokio::join!(
        visitor.page(LIST, title),
        Rows::asked(&visitor, title, filter, request.clone()),
        Counts::read(&visitor, &shown)
    );
    let mut list = list?.counted(&counts, &request);
    let tabs = super::applications::tabs(TABS, &shown, &counts);
    for row in &mut list.rows {
        row.path = row.path.replace(super::applications::LIST, LIST);
    }
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    visitor.show(StatusCode::OK, &DossiersPage { page, tabs, list })
}

/// Everything that changes with an upload; by itself where the script asks for the part `desk`.
#[derive(Template)]
#[template(path = "part/desk.html")]
pub struct Desk {
    /// For the forms' tokens.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// Whose.
    pub application_id: String,
    /// Counts changes; a form names what it saw.
    pub edits: i64,
    /// Why nothing can change now; empty while it can.
    pub locked: &'static str,
    /// The nine.
    pub materials: Vec<Material>,
    /// What keeps it from being submitted: anchor and words.
    pub problems: Vec<(String, String)>,
    /// How many of the required materials are there.
    pub done: usize,
    /// How many are required.
    pub needed: usize,
    /// Files and bytes of what is allowed.
    pub room: String,
    /// Invoices that it uses.
    pub invoices: Vec<InvoiceRow>,
    /// Sum of what it uses, 元.
    pub sum: String,
    /// Whether invoices may change now.
    pub invoices_open: bool,
    /// Invoices of the company with something left: id and words.
    pub reusable: Vec<(String, String)>,
}

impl HtmlSafe for Desk {}

impl Desk {
    /// What stands in the field for an explanation: what was entered for this item, or what is kept.
    pub fn explanation<'a>(&'a self, item: &str, kept: &'a str) -> &'a str {
        if self.form.has("item", item) { self.form.value("text") } else { kept }
    }

    /// Whether a field of this item is wrong.
    pub fn wrong(&self, id: &str) -> &str {
        self.form.wrong(id)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "dossier.html")]
pub struct DossierPage {
    /// The frame.
    pub page: Page,
    /// Answers, and what is wrong.
    pub form: Form,
    /// The application.
    pub case: Case,
    /// The materials; or why not.
    pub desk: Result<Desk, Away>,
    /// What can be said to form fields that the return names: name of the answer, and the field in words.
    pub answers: Vec<(String, &'static str)>,
    /// The command that hands it in, its button, and why it is not allowed.
    pub hand_in: (&'static str, String, String),
    /// Where it goes.
    pub city: String,
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&[Role::Operator])?;
    if visitor.fragment == "desk" {
        let case = Case::load(&visitor, &id).await?;
        let desk = desk(&visitor, &case.view, Page::default(), Form::default()).await?;
        return match desk {
            Ok(mut desk) => {
                desk.page = visitor.page(LIST, "").await;
                visitor.show(StatusCode::OK, &desk)
            }
            // The script then loads the whole page, which says what is away.
            Err(_) => Err(Refused::not_found()),
        };
    }
    page(&visitor, &id, Form::default()).await
}

/// The page with a form that was refused, or an empty one.
///
/// # Errors
/// Not found; reviews is away.
pub async fn page(visitor: &Visitor, id: &str, form: Form) -> Answer {
    let (page, case, names) = tokio::join!(
        visitor.page(LIST, "初审资料提交"),
        Case::load(visitor, id),
        visitor.portal.divisions.names()
    );
    let case = case?;
    let desk = desk(visitor, &case.view, page.clone(), form.clone()).await?;
    let city = names.name(&case.view.prefecture);
    let command = if case.view.stage == "SupplementDue" { "SubmitSupplement" } else { "SubmitMaterials" };
    let button = if command == "SubmitSupplement" {
        "提交补充材料".to_owned()
    } else {
        format!("提交至{city}主管部门审核")
    };
    let why = case.refusal(command);
    let status = form.status();
    let answers = answerable(&case.view);
    let page = DossierPage { page, form, case, desk, answers, hand_in: (command, button, why), city };
    visitor.show(status, &page)
}

async fn desk(
    visitor: &Visitor,
    view: &ApplicationView,
    page: Page,
    form: Form,
) -> Result<Result<Desk, Away>, Refused> {
    let application_id = view.application_id.clone();
    let required = visitor.rounds().get_round(GetRoundRequest { round_id: view.round_id.clone() }).await;
    let policy = Away::or(required, "批次要求")?.map(|answer| answer.into_inner().policy.unwrap_or_default());
    let required = policy.map(|policy| policy.required_slots).unwrap_or_default();
    let first = |page_size| Some(common::Page { page_size, page_token: String::new() });
    let check =
        CheckDossierRequest { application_id: application_id.clone(), required_slots: required.clone() };
    let (mut one, mut two, mut three) = (visitor.dossiers(), visitor.dossiers(), visitor.invoices());
    let (dossier, problems, invoices) = tokio::join!(
        one.get_dossier(GetDossierRequest { application_id }),
        two.check_dossier(check),
        three.list_invoices(ListInvoicesRequest { page: first(INVOICES), ..ListInvoicesRequest::default() }),
    );
    let dossier = match Away::or(dossier, "申报材料")? {
        Ok(dossier) => dossier.into_inner(),
        Err(away) => return Ok(Err(away)),
    };
    // Where a part is away, the table and the buttons still stand; the submission itself checks everything.
    let problems = Away::or(problems, "检查结果")?.map(|answer| answer.into_inner().problems);
    let invoices = Away::or(invoices, "发票")?.map(|answer| answer.into_inner().invoices);
    let desk =
        laid_out(view, &dossier, &required, problems.unwrap_or_default(), &invoices.unwrap_or_default());
    Ok(Ok(Desk { page, form, ..desk }))
}

/// The desk of a dossier as documents has it; frame and form are added by the caller.
pub fn laid_out(
    view: &ApplicationView,
    dossier: &Dossier,
    required: &[String],
    problems: Vec<Problem>,
    invoices: &[Invoice],
) -> Desk {
    let open = dossier.state == "open";
    let problems = if open { problems } else { Vec::new() };
    let judged = Judged { required, returned: &view.return_items, problems: &problems };
    let materials = materials::of_dossier(dossier, judged);
    let id = &dossier.application_id;
    let reusable = |invoice: &&Invoice| {
        invoice::remaining(invoice, id) > 0
            && !dossier.invoices.iter().any(|one| one.invoice_id == invoice.invoice_id)
    };
    let words = |invoice: &Invoice| {
        let left = format::yuan(invoice::remaining(invoice, id));
        let number = invoice::number(&invoice.code, &invoice.number);
        (invoice.invoice_id.clone(), format!("{number}（{}，剩余可用 {left} 元）", invoice.seller))
    };
    let mut rows = invoice::rows(dossier, invoices);
    for row in &mut rows {
        let found = problems.iter().find(|problem| problem.item == row.id);
        row.problem = found.map(|problem| problem.text.clone()).unwrap_or_default();
    }
    Desk {
        page: Page::default(),
        form: Form::default(),
        application_id: id.clone(),
        edits: dossier.edits,
        locked: locked(&dossier.state),
        done: materials.iter().filter(|one| one.required && one.tag.class == "ok").count(),
        needed: materials.iter().filter(|one| one.required).count(),
        room: format!(
            "已上传 {} 个文件，共 {}；合计不超过 60 个、300 MB",
            dossier.file_count,
            format::bytes(dossier.file_bytes)
        ),
        invoices: rows,
        sum: format::yuan(dossier.invoices.iter().map(|one| one.used_fen).sum()),
        invoices_open: open
            && materials.iter().any(|one| one.id == "M9" && one.places.iter().any(|place| place.editable)),
        reusable: invoices.iter().filter(reusable).map(words).collect(),
        problems: problems.into_iter().map(|problem| (problem.item, problem.text)).collect(),
        materials,
    }
}

fn locked(state: &str) -> &'static str {
    match state {
        "open" => "",
        "closed" => "线下初审通过后方可上传初审资料。",
        "sealed" => "材料已提交，审核期间不能修改；如需修改请先撤回。",
        _ => "该申请已删除或终止，材料不能再修改。",
    }
}

/// Goes on to its end when the browser has left meanwhile: a file that has come whole gets into its slot.
async fn to_its_end(work: impl Future<Output = Answer> + Send + 'static) -> Answer {
    tokio::spawn(work.in_current_span()).await.map_err(|error| Refused::fault(&error))?
}

/// One file into one slot. A script gets words instead of a page.
async fn upload(visitor: Visitor, Path(id): Path<String>, upload: Upload) -> Answer {
    visitor.only(&[Role::Operator])?;
    to_its_end(take(visitor, id, upload)).await
}

async fn take(visitor: Visitor, id: String, upload: Upload) -> Answer {
    let Upload { mut form, file } = upload;
    let slot = form.text("slot");
    let Some(file) = file else {
        let spoken = form.wrong("file").to_owned();
        form.mark(&slot, if spoken.is_empty() { "请选择文件" } else { &spoken });
        form.wrongs.retain(|wrong| wrong.field != "file");
        return not_placed(&visitor, &id, form).await;
    };
    let name = file.file_name.clone();
    let kept = match file.send(&visitor, declaration(&id, &form)).await {
        Ok(kept) => kept,
        Err(status) => return not_placed(&visitor, &id, about(form.refused(status)?, &slot)).await,
    };
    place(&visitor, &id, form, &name, kept).await
}

fn declaration(id: &str, form: &Form) -> UploadDeclaration {
    UploadDeclaration {
        request_id: form.request_id(),
        purpose: "material".to_owned(),
        application_id: id.to_owned(),
        slot: form.text("slot"),
        ..UploadDeclaration::default()
    }
}

/// One part of a file, as the script sends it: it is told how much is there, and goes on from there after a lost
/// connection. With the last part the file is placed.
async fn part(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    to_its_end(take_part(visitor, id, form)).await
}

async fn take_part(visitor: Visitor, id: String, form: Form) -> Answer {
    let name = form.text("file_name");
    let declaration = UploadDeclaration {
        file_name: name.clone(),
        size_bytes: form.number("size_bytes"),
        sha256: form.text("sha256"),
        ..declaration(&id, &form)
    };
    let chunk = form.files.first().map(|part| part.bytes.clone()).unwrap_or_default();
    let request = UploadPartRequest { declaration: Some(declaration), offset: form.number("offset"), chunk };
    let answer = match visitor.files().upload_part(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return not_placed(&visitor, &id, form.refused(status)?).await,
    };
    let kept = answer.file.unwrap_or_default();
    if kept.state == "pending" {
        return Ok((StatusCode::ACCEPTED, answer.received_bytes.to_string()).into_response());
    }
    place(&visitor, &id, form, &name, kept).await
}

/// Puts a file that has come whole into its slot.
async fn place(visitor: &Visitor, id: &str, mut form: Form, name: &str, kept: File) -> Answer {
    let slot = form.text("slot");
    if kept.state != "clean" {
        form.mark(&slot, &format!("{name}：{}", kept.reason_text));
        form.renew();
        return not_placed(visitor, id, form).await;
    }
    let request = PlaceFileRequest {
        request_id: ids::derived(&form.request_id(), "place"),
        application_id: id.to_owned(),
        slot: slot.clone(),
        file_id: kept.file_id,
        // A file that is added stands beside whatever others have added meanwhile.
        edits: 0,
        replaces_file_id: form.text("replaces"),
    };
    match visitor.dossiers().place_file(request).await {
        Ok(_) if visitor.fragment == "upload" => Ok((StatusCode::OK, "已上传").into_response()),
        Ok(_) => visitor.done(&format!("{LIST}/{id}#{slot}"), &format!("已上传：{name}")),
        Err(status) => not_placed(visitor, id, about(form.refused(status)?, &slot)).await,
    }
}

async fn not_placed(visitor: &Visitor, id: &str, form: Form) -> Answer {
    if visitor.fragment != "upload" {
        return page(visitor, id, form).await;
    }
    let words: Vec<_> = form.wrongs.iter().map(|wrong| wrong.text.as_str()).collect();
    let words = if words.is_empty() { "上传未成功，请重试".to_owned() } else { words.join("；") };
    Ok((form.status(), words).into_response())
}

/// Whatever the service calls the field, the page shows it at the slot.
fn about(mut form: Form, slot: &str) -> Form {
    for wrong in &mut form.wrongs {
        slot.clone_into(&mut wrong.field);
    }
    form
}

async fn remove(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let request = RemoveFileRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        file_id: form.text("file_id"),
        edits: form.number("edits"),
    };
    let slot = form.text("slot");
    match visitor.dossiers().remove_file(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}#{slot}"), "文件已移除；已提交过的版本仍可查看"),
        Err(status) => page(&visitor, &id, about(form.refused(status)?, &slot)).await,
    }
}

async fn explain(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let item = form.text("item");
    let request = ExplainRequest {
        request_id: form.request_id(),
        application_id: id.clone(),
        item: item.clone(),
        text: form.text("text"),
        edits: form.number("edits"),
    };
    match visitor.dossiers().explain(request).await {
        Ok(_) => visitor.done(&format!("{LIST}/{id}#{item}"), "说明已保存"),
        Err(status) => {
            let form = about(form.refused(status)?, &format!("explain-{item}"));
            page(&visitor, &id, form).await
        }
    }
}

async fn submit(visitor: Visitor, Path(id): Path<String>, form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    match hand_in(&visitor, &id, &form).await {
        Ok(view) => acceptance::done(&visitor, &view).await,
        Err(status) => {
            let mut form = form.refused(status)?;
            for (field, _) in FIELDS {
                form.about(field, &format!("answer_{field}"));
            }
            page(&visitor, &id, form).await
        }
    }
}

async fn hand_in(visitor: &Visitor, id: &str, form: &Form) -> Result<ApplicationView, Status> {
    let (request_id, application_id) = (form.request_id(), id.to_owned());
    let (version, answers) = (form.number("version"), acceptance::answers(form));
    let mut client = visitor.applications();
    let answer = if form.has("command", "SubmitSupplement") {
        let request = SubmitSupplementRequest { request_id, application_id, version, answers };
        client.submit_supplement(request).await?
    } else {
        let request = SubmitMaterialsRequest { request_id, application_id, version, answers };
        client.submit_materials(request).await?
    };
    Ok(answer.into_inner())
}
