//! 信息服务/建设补贴/建设补贴申请: the operator's applications and one of them.

use std::collections::BTreeMap;

use askama::{Template, filters::HtmlSafe};
use axum::{extract::Path, http::StatusCode, routing::get};
use chassis::error::Kind;
use proto::{
    accounts::ListColleaguesRequest,
    common,
    documents::{Dossier, GetDossierRequest, Invoice, ListInvoicesRequest},
    reviews::{
        ApplicationView, CountApplicationsRequest, CountApplicationsResponse, ListAndCountRequest,
        ListAndCountResponse, ListApplicationsRequest, ListApplicationsResponse,
    },
};

use super::{Routes, several};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor,
    case::Case,
    divisions::Known,
    format,
    invoice::{self, InvoiceRow},
    list::{Filter, Pager, Tab},
    materials::{self, Judged, Material, Shown},
    refused::Away,
    stage::{self, Tag},
    standing::Standing,
};

/// Menu path, and the list.
pub const LIST: &str = "/subsidy/applications";
/// Invoices of one application that are shown.
const INVOICES: i32 = 200;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new().route(LIST, get(list)).route("/subsidy/applications/{id}", get(show))
}

/// One application in a list, of an operator or a reviewer.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Station.
    pub station: String,
    /// Application number; — while it has none.
    pub number: String,
    /// Company.
    pub operator: String,
    /// City and county.
    pub place: String,
    /// Piles applied for: 12 / 4 with and without a DC connector.
    pub piles: String,
    /// Rated power of the station, kW.
    pub power: String,
    /// Where it stands.
    pub tag: Tag,
    /// What is left of the time there; no words where no clock runs.
    pub left: Tag,
    /// Who of the office does it; empty where nobody is named.
    pub holder: String,
    /// As a box carries it to a command for several; empty where it cannot be chosen.
    pub item: String,
    /// The small bar.
    pub cells: Vec<&'static str>,
    /// Step of eight.
    pub step: usize,
    /// Last change.
    pub at: String,
    /// Whether it waits for the reader.
    pub need: bool,
    /// Its page.
    pub path: String,
    /// The main button.
    pub action: String,
    /// Where it leads.
    pub act: String,
}

impl Row {
    /// As this person reads it.
    pub fn of(visitor: &Visitor, names: &Known, view: &ApplicationView) -> Row {
        let operator = visitor.is(Role::Operator);
        let need = view.yours;
        let action = match (operator, need) {
            (true, _) => stage::of(&view.stage).action,
            (false, true) => "审核",
            (false, false) => "查看详情",
        };
        Row {
            station: view.station_name.clone(),
            number: format::or_dash(&view.application_no),
            operator: view.operator_name.clone(),
            place: names.place(&view.prefecture, &view.county),
            piles: format!("{} / {}", view.dc_piles, view.ac_piles),
            power: format::kilowatts(view.power_watts),
            tag: stage::tag(view, operator, need),
            left: stage::time_left(view),
            holder: String::new(),
            item: if operator || view.waits_for.is_empty() {
                String::new()
            } else {
                several::item(&view.application_id, view.version)
            },
            cells: stage::cells(view, need),
            step: stage::step(view),
            at: format::short(view.entered_at.as_ref().or(view.created_at.as_ref())),
            need,
            path: visitor.application_path(&view.application_id),
            action: action.to_owned(),
            act: if operator { own_way(view) } else { visitor.application_path(&view.application_id) },
        }
    }
}

/// Where an operator goes on with an application.
fn own_way(view: &ApplicationView) -> String {
    let id = &view.application_id;
    match view.stage.as_str() {
        "Draft" | "CountyReturned" => format!("{LIST}/{id}/edit"),
        "MaterialsDue" | "CityReturned" | "SupplementDue" => format!("{}/{id}", super::dossiers::LIST),
        _ => format!("{LIST}/{id}"),
    }
}

/// Saved filters of a list: value in the URL, words, nodes (none for all), who it waits for.
pub type Tabs = &'static [(&'static str, &'static str, &'static [&'static str], &'static str)];

/// Of the operator's list.
pub(super) const TABS: Tabs = &[
    ("", "全部", &[], ""),
    ("need", "需我处理", &[], "operator"),
    (
        "reviewing",
        "审核中",
        &[
            "CountyReview",
            "PaperCheck",
            "CityReview",
            "AwaitingJointReview",
            "ExpertReview",
            "AwaitingProvince",
            "ProvincialReview",
        ],
        "",
    ),
    ("approved", "已通过", &["Approved"], ""),
    ("draft", "待提交", &["Draft"], ""),
];

/// The tabs as links, each with how many it holds.
pub fn tabs(tabs: Tabs, filter: &Filter, counts: &Counts) -> Vec<Tab> {
    // A node that was chosen would narrow the other tabs too.
    let others = filter.without("stage");
    let tab = |(value, label, stages, waits_for): &(&'static str, &'static str, &[&str], &str)| Tab {
        words: (*label).to_owned(),
        count: counts.of(stages, waits_for),
        path: others.with("tab", value),
        current: filter.has("tab", value),
    };
    tabs.iter().map(tab).collect()
}

/// Applications of a list by node; nothing where that cannot be read.
#[derive(Debug, Clone, Default)]
pub struct Counts(Option<CountApplicationsResponse>);

impl Counts {
    /// At these nodes (none: all), where they wait for this party (empty: whoever); 1,001 stands for 1,000+.
    pub fn of(&self, stages: &[&str], waits_for: &str) -> Option<i32> {
        let counted = self.0.as_ref()?;
        if stages.is_empty() && waits_for.is_empty() {
            return Some(counted.total);
        }
        let meant = |id: &str| {
            (stages.is_empty() || stages.contains(&id))
                && (waits_for.is_empty() || stage::of(id).party == waits_for)
        };
        let here = counted.counts.iter().filter(|one| meant(&one.stage)).map(|one| one.count);
        Some(here.sum::<i32>().min(1001))
    }
}

/// What the URL of a list with tabs asks reviews for; a node that is chosen narrows the tab's.
pub fn tabbed(tabs: Tabs, filter: &Filter) -> ListApplicationsRequest {
    let mut request = wanted(filter);
    let tab = tabs.iter().find(|(value, _, _, _)| filter.has("tab", value));
    let Some((_, _, stages, waits_for)) = tab.or(tabs.first()) else { return request };
    if request.stages.is_empty() {
        request.stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
    }
    if request.waits_for.is_empty() {
        (*waits_for).clone_into(&mut request.waits_for);
    }
    request
}

/// What the URL of a list asks reviews for.
pub(super) fn wanted(filter: &Filter) -> ListApplicationsRequest {
    let stage = filter.value("stage");
    ListApplicationsRequest {
        page: filter.page(),
        stages: if stage.is_empty() { Vec::new() } else { vec![stage.to_owned()] },
        prefecture: filter.value("prefecture").to_owned(),
        county: filter.value("county").to_owned(),
        waits_for: filter.value("waits_for").to_owned(),
        round_id: filter.value("round").to_owned(),
        light: filter.value("light").to_owned(),
        text: filter.value("q").trim().to_owned(),
        submitted_from: filter.value("from").to_owned(),
        submitted_to: filter.value("to").to_owned(),
        order: filter.value("order").to_owned(),
        own: filter.value("own").to_owned(),
        ..ListApplicationsRequest::default()
    }
}

/// The table of a list with its ways on and back; by itself where the script asks for the part `list`.
#[derive(Template)]
#[template(path = "part/application_rows.html")]
pub struct Rows {
    /// What the list is called.
    pub title: &'static str,
    /// The URL's filter.
    pub filter: Filter,
    /// Applications of this page of the list.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
    /// Whether companies are named.
    pub reviewer: bool,
    /// Id of the form to which the boxes belong; empty: no boxes.
    pub choosing: &'static str,
    /// What is wrong with the filter; empty where nothing is.
    pub wrong: String,
}

impl HtmlSafe for Rows {}

impl Rows {
    /// Asks reviews for what the URL names, at the nodes of its tab, and for how much each of the list's tabs holds.
    ///
    /// # Errors
    /// reviews is away.
    pub async fn read(
        visitor: &Visitor,
        title: &'static str,
        filter: Filter,
        list: ListApplicationsRequest,
    ) -> Result<(Rows, Counts), Refused> {
        // Tabs say what they hold, whichever is chosen.
        let whole = ListApplicationsRequest { page: None, stages: Vec::new(), ..wanted(&filter) };
        let count = CountApplicationsRequest { filter: Some(whole) };
        let request = ListAndCountRequest { list: Some(list.clone()), count: Some(count) };
        let mut client = visitor.applications();
        let (names, answer) = tokio::join!(visitor.portal.divisions.names(), client.list_and_count(request));
        let (answer, wrong) = match answer.map_err(Refused::from) {
            Ok(answer) => (answer.into_inner(), String::new()),
            // What was typed is no filter: the page says so, and keeps it.
            Err(refused) if refused.kind == Kind::Invalid => (ListAndCountResponse::default(), refused.text),
            Err(refused) => return Err(refused),
        };
        let counts = Counts(answer.counts);
        let ListApplicationsResponse { applications, next_page_token } = answer.list.unwrap_or_default();
        let holders = holders(visitor, &applications).await;
        let row = |view: &ApplicationView| Row {
            holder: holders.get(&view.assignee_id).cloned().unwrap_or_default(),
            ..Row::of(visitor, &names, view)
        };
        let mut pager = filter.pager(&next_page_token, applications.len()).exported(&filter);
        // By deadline only those are listed on which a clock runs; the counts know nothing of clocks.
        if list.order != "deadline" {
            let stages: Vec<_> = list.stages.iter().map(String::as_str).collect();
            pager.total = counts.of(&stages, &list.waits_for);
        }
        let rows = Rows {
            title,
            rows: applications.iter().map(row).collect(),
            pager,
            filter,
            reviewer: !visitor.is(Role::Operator),
            choosing: "",
            wrong,
        };
        Ok((rows, counts))
    }
}

/// Names of those of the reader's office to whom some of these were given.
async fn holders(visitor: &Visitor, views: &[ApplicationView]) -> BTreeMap<String, String> {
    if visitor.is(Role::Operator) || views.iter().all(|view| view.assignee_id.is_empty()) {
        return BTreeMap::new();
    }
    let answer = visitor.users().list_colleagues(ListColleaguesRequest {}).await;
    let colleagues = answer.map(|answer| answer.into_inner().colleagues).unwrap_or_default();
    colleagues.into_iter().map(|one| (one.user_id, one.display_name)).collect()
}

/// The list.
#[derive(Template)]
#[template(path = "applications.html")]
pub struct ApplicationsPage {
    /// The frame.
    pub page: Page,
    /// Saved filters.
    pub tabs: Vec<Tab>,
    /// Nodes to choose from: id and words.
    pub stages: Vec<(&'static str, &'static str)>,
    /// The table.
    pub list: Rows,
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&[Role::Operator])?;
    let title = "建设补贴申请";
    let request = tabbed(TABS, &filter);
    let (page, read) = tokio::join!(visitor.page(LIST, title), Rows::read(&visitor, title, filter, request));
    let (list, counts) = read?;
    if visitor.fragment == "list" {
        return visitor.show(StatusCode::OK, &list);
    }
    let tabs = tabs(TABS, &list.filter, &counts);
    let stages = stage::TABLE.iter().map(|row| (row.id, row.operator.0)).collect();
    visitor.show(StatusCode::OK, &ApplicationsPage { page, tabs, stages, list })
}

/// One application.
#[derive(Template)]
#[template(path = "application.html")]
pub struct ApplicationPage {
    /// The frame.
    pub page: Page,
    /// For the parts that show forms.
    pub form: Form,
    /// Everything about it.
    pub case: Case,
    /// The submission that stands, with what changed and what the gates found.
    pub standing: Result<Standing, Away>,
    /// The nine and the invoices as they are now; none before the paper check has passed.
    pub papers: Option<Result<Papers, Away>>,
}

/// Materials and invoices of the open dossier, or of the sealed one while it is locked.
#[derive(Debug, Clone, Default)]
pub struct Papers {
    /// The nine.
    pub materials: Vec<Material>,
    /// Invoices that it uses.
    pub invoices: Vec<InvoiceRow>,
    /// What it uses of them, 元.
    pub sum: String,
}

impl Papers {
    /// Of a dossier, with the invoices as their ledger has them.
    pub fn of(dossier: &Dossier, invoices: &[Invoice], returned: &[String]) -> Papers {
        let judged = Judged { returned, ..Judged::default() };
        Papers {
            materials: materials::of_dossier(dossier, judged),
            invoices: invoice::rows(dossier, invoices),
            sum: format::yuan(dossier.invoices.iter().map(|one| one.used_fen).sum()),
        }
    }

    /// What the viewer shows first; the others open in it.
    pub fn first(&self) -> Option<&Shown> {
        let files = self.materials.iter().flat_map(|one| &one.places).flat_map(|place| &place.files);
        files.chain(self.invoices.iter().filter_map(|row| row.file.as_ref())).next()
    }
}

async fn show(visitor: Visitor, Path(id): Path<String>) -> Answer {
    visitor.only(&[Role::Operator])?;
    let (page, case) = tokio::join!(visitor.page(LIST, "申请详情"), Case::load(&visitor, &id));
    let case = case?;
    let (standing, papers) = tokio::join!(Standing::load(&visitor, &case.view), papers(&visitor, &case.view));
    let page = ApplicationPage { page, form: Form::default(), case, standing: standing?, papers: papers? };
    visitor.show(StatusCode::OK, &page)
}

async fn papers(visitor: &Visitor, view: &ApplicationView) -> Result<Option<Result<Papers, Away>>, Refused> {
    if stage::step(view) < stage::MATERIALS_STEP {
        return Ok(None);
    }
    let application_id = view.application_id.clone();
    let (mut one, mut two) = (visitor.dossiers(), visitor.invoices());
    let used = ListInvoicesRequest {
        page: Some(common::Page { page_size: INVOICES, page_token: String::new() }),
        application_id: application_id.clone(),
        ..ListInvoicesRequest::default()
    };
    let (dossier, invoices) =
        tokio::join!(one.get_dossier(GetDossierRequest { application_id }), two.list_invoices(used));
    // Without the ledger the uses still stand in the dossier.
    let invoices = Away::or(invoices, "发票")?.map(|answer| answer.into_inner().invoices).unwrap_or_default();
    let dossier = Away::or(dossier, "申报材料")?;
    Ok(Some(dossier.map(|answer| Papers::of(&answer.into_inner(), &invoices, &view.return_items))))
}
