//! 信息服务/建设补贴/建设补贴管理: the nine materials of an application, put together and handed in.

use askama::{Template, filters::HtmlSafe};
use axum::{extract::Path, http::StatusCode, routing::get};
use proto::{
    common,
    documents::{CheckDossierRequest, Dossier, GetDossierRequest, Invoice, ListInvoicesRequest, Problem},
    reviews::{ApplicationView, GetRoundRequest, SubmitMaterialsRequest, SubmitSupplementRequest},
};
use tonic::Status;
use tracing::Instrument as _;

use super::{
    Routes,
    acceptance::{self, answerable},
    applications::{Rows, Tabs},
    back_to, dossier_files,
    invoices::{self, LISTED},
};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor,
    case::Case,
    format,
    invoice::{self, InvoiceRow},
    labels::FIELDS,
    list::{Filter, Tab},
    materials::{self, Judged, Material},
    refused::Away,
};

/// Menu path, and the list.
pub const LIST: &str = "/subsidy/dossiers";
/// One dossier; every form of the page leads back to it.
pub(super) const ONE: &str = "/subsidy/dossiers/{id}";

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route(ONE, get(show))
        .route("/subsidy/dossiers/{id}/submit", back_to(ONE).post(submit))
        .merge(dossier_files::routes())
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
    let (page, read) = tokio::join!(visitor.page(LIST, title), Rows::read(&visitor, title, filter, request));
    let (mut list, counts) = read?;
    let tabs = super::applications::tabs(TABS, &list.filter, &counts);
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
    /// Whether there are more than these.
    pub more: bool,
    /// What was searched for among them.
    pub search: String,
}

impl HtmlSafe for Desk {}

impl Desk {
    /// What stands in the field for an explanation: what was entered for this item, or what is kept.
    pub fn explanation<'a>(&'a self, item: &str, kept: &'a str) -> &'a str {
        if self.form.has("item", item) { self.form.value("text") } else { kept }
    }

    /// Whether what stands there is kept: the script does not ask before it is left.
    pub fn stored(&self, item: &str, kept: &str) -> bool {
        self.explanation(item, kept) == kept
    }

    /// Whether a field of this item is wrong.
    pub fn wrong(&self, id: &str) -> &str {
        self.form.wrong(id)
    }

    /// Name of the field for an explanation.
    pub fn explain(&self, item: &str) -> String {
        format!("explain-{item}")
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

impl DossierPage {
    /// What somebody else has kept meanwhile in the place of what was entered here; empty where nothing differs.
    pub fn kept_meanwhile(&self, answer: &str) -> &str {
        let kept = self.case.view.answers.iter().find(|one| format!("answer_{}", one.item) == answer);
        let kept = kept.map_or("", |one| one.text.as_str());
        if self.form.overtaken.is_empty() || kept == self.form.value(answer) { "" } else { kept }
    }
}

async fn show(visitor: Visitor, Path(id): Path<String>, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    let form = Form::filled([("q", filter.value("q").to_owned())]);
    if visitor.fragment == "desk" {
        let case = Case::load(&visitor, &id).await?;
        let desk = desk(&visitor, &case.view, Page::default(), form).await?;
        return match desk {
            Ok(mut desk) => {
                desk.page = visitor.page(LIST, "").await;
                visitor.show(StatusCode::OK, &desk)
            }
            // The script then loads the whole page, which says what is away.
            Err(_) => Err(Refused::not_found()),
        };
    }
    page(&visitor, &id, form).await
}

/// The page with a form that was refused, or an empty one.
///
/// # Errors
/// Not found; reviews is away.
pub async fn page(visitor: &Visitor, id: &str, mut form: Form) -> Answer {
    let (page, case, names) = tokio::join!(
        visitor.page(LIST, "初审资料提交"),
        Case::load(visitor, id),
        visitor.portal.divisions.names()
    );
    let case = case?;
    acceptance::fill_answers(&mut form, &case.view);
    if !form.overtaken.is_empty() {
        // The page says who was first and what is kept now; sent again, the form stands on that.
        form.set("version", &case.view.version.to_string());
        form.set("edit_version", &case.view.edit_version.to_string());
    }
    let desk = desk(visitor, &case.view, page.clone(), form.clone()).await?;
    form.name_places("answer_coordinates", &names);
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
    let search = invoices::searched(&form);
    let left = ListInvoicesRequest {
        page: Some(common::Page { page_size: LISTED, page_token: String::new() }),
        text: search.clone(),
        balance_left: true,
        ..ListInvoicesRequest::default()
    };
    let check =
        CheckDossierRequest { application_id: application_id.clone(), required_slots: required.clone() };
    let (mut one, mut two, mut three) = (visitor.dossiers(), visitor.dossiers(), visitor.invoices());
    let (dossier, problems, used, left) = tokio::join!(
        one.get_dossier(GetDossierRequest { application_id }),
        two.check_dossier(check),
        invoices::used_by(visitor, &view.application_id),
        three.list_invoices(left),
    );
    let dossier = match Away::or(dossier, "申报材料")? {
        Ok(dossier) => dossier.into_inner(),
        Err(away) => return Ok(Err(away)),
    };
    // Where a part is away, the table and the buttons still stand; the submission itself checks everything.
    let problems = Away::or(problems, "检查结果")?.map(|answer| answer.into_inner().problems);
    let used = Away::or(used, "发票")?.unwrap_or_default();
    let left = Away::or(left, "发票")?.map(tonic::Response::into_inner).unwrap_or_default();
    let problems = problems.unwrap_or_default();
    let desk = laid_out(view, &dossier, &required, problems, (&used, &left.invoices));
    Ok(Ok(Desk { page, form, more: !left.next_page_token.is_empty(), search, ..desk }))
}

/// The desk of a dossier as documents has it, with the invoices that it uses and those that have something left; frame, form
/// and search are added by the caller.
pub fn laid_out(
    view: &ApplicationView,
    dossier: &Dossier,
    required: &[String],
    problems: Vec<Problem>,
    (used, left): (&[Invoice], &[Invoice]),
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
    let mut rows = invoice::rows(dossier, used);
    for row in &mut rows {
        let found = problems.iter().find(|problem| problem.item == row.id);
        row.problem = found.map(|problem| problem.text.clone()).unwrap_or_default();
    }
    Desk {
        page: Page::default(),
        form: Form::default(),
        application_id: id.clone(),
        edits: dossier.edits,
        locked: materials::locked(&dossier.state),
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
        reusable: left.iter().filter(reusable).map(words).collect(),
        more: false,
        search: String::new(),
        problems: problems.into_iter().map(|problem| (problem.item, problem.text)).collect(),
        materials,
    }
}

/// Goes on to its end when the browser has left meanwhile: a file that has come whole gets into its slot.
pub(super) async fn to_its_end(work: impl Future<Output = Answer> + Send + 'static) -> Answer {
    tokio::spawn(work.in_current_span()).await.map_err(|error| Refused::fault(&error))?
}

/// Keeps what is said to the return, or hands everything in.
async fn submit(visitor: Visitor, Path(id): Path<String>, mut form: Form) -> Answer {
    visitor.only(&[Role::Operator])?;
    let kept = acceptance::keep_answers(&visitor, &id, &mut form).await;
    if form.has("act", "save") {
        return match kept {
            Ok(view) if visitor.fragment == "kept" => Ok(acceptance::kept(&view, &form)),
            Ok(_) => visitor.done(&format!("{LIST}/{id}#hand-in"), "说明已保存，可离开后再继续"),
            Err(status) => page(&visitor, &id, form.refused(status)?).await,
        };
    }
    // A draft that could not be kept keeps nothing back: what is said goes with the submission itself.
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
