//! 系统管理/账号管理/接口账号: client credentials of operators' own systems; a secret is shown once.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::Path, http::StatusCode, routing::get};
use futures::future::join_all;
use proto::accounts::{
    ClientView, GetOperatorRequest, IssueClientRequest, ListClientsRequest, Operator, RevokeClientRequest,
    directory_client::DirectoryClient,
};
use tonic::Status;

use super::{Routes, back_to};
use crate::{
    Answer, Form, Page, Refused, Role, Visitor, format,
    list::{Filter, Pager},
    stage::Tag,
};

/// Menu path, and the list.
pub const LIST: &str = "/system/machines";
/// Who works here.
pub(super) const OFFICE: [Role; 2] = [Role::Administrator, Role::SystemAdministrator];

/// Companies that are asked for at the same time.
const AT_ONCE: usize = 100;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .route(LIST, get(list))
        .route("/system/machines/new", get(blank).post(issue))
        .route("/system/machines/{id}/revoke", back_to(LIST).post(revoke))
}

/// One client.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Name for people.
    pub name: String,
    /// Its id.
    pub client_id: String,
    /// Whose data it delivers.
    pub company: String,
    /// The company's id, for its link; empty for those who may not see links.
    pub operator_id: String,
    /// Words and class.
    pub state: Tag,
    /// When it was issued.
    pub issued_at: String,
    /// When it was revoked.
    pub revoked_at: String,
    /// For 吊销, with a request id of its own; `None` once it is revoked.
    pub form: Option<Form>,
}

/// The list.
#[derive(Template)]
#[template(path = "machines.html")]
pub struct MachinesPage {
    /// The frame.
    pub page: Page,
    /// Why the last act was refused.
    pub form: Form,
    /// The company whose clients are shown; empty for all.
    pub company: String,
    /// Where a new one is issued.
    pub new: String,
    /// The URL's filter.
    pub filter: Filter,
    /// Clients of this page of the list.
    pub rows: Vec<Row>,
    /// Ways on and back.
    pub pager: Pager,
}

/// A company by its id or its code, as the directory knows it.
pub(super) async fn operator(visitor: &Visitor, operator_id: &str, uscc: &str) -> Result<Operator, Status> {
    let request = GetOperatorRequest { operator_id: operator_id.to_owned(), uscc: uscc.to_owned() };
    let mut directory = DirectoryClient::new(visitor.portal.peer("accounts"));
    Ok(directory.get_operator(request).await?.into_inner())
}

/// Names of the companies of these clients; ids stand for those that cannot be read.
pub(super) async fn companies(visitor: &Visitor, clients: &[ClientView]) -> BTreeMap<String, String> {
    company_names(visitor, clients.iter().map(|client| client.operator_id.clone()).collect()).await
}

/// The same of companies by their ids; nothing has no name.
pub(super) async fn company_names(visitor: &Visitor, ids: BTreeSet<String>) -> BTreeMap<String, String> {
    let ids: Vec<_> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    let mut names = BTreeMap::new();
    for some in ids.chunks(AT_ONCE) {
        let found = join_all(some.iter().map(|id| operator(visitor, id, ""))).await;
        let named = some
            .iter()
            .zip(found)
            .map(|(id, found)| (id.clone(), found.map_or_else(|_| id.clone(), |found| found.company_name)));
        names.extend(named);
    }
    names
}

/// One client as the page shows it.
pub(super) fn row(visitor: &Visitor, client: &ClientView, companies: &BTreeMap<String, String>) -> Row {
    let (text, class) = if client.revoked_at.is_some() { ("已吊销", "draft") } else { ("有效", "ok") };
    Row {
        name: client.name.clone(),
        client_id: client.client_id.clone(),
        company: companies.get(&client.operator_id).cloned().unwrap_or_default(),
        operator_id: if visitor.is(Role::Administrator) { client.operator_id.clone() } else { String::new() },
        state: Tag { text: text.to_owned(), class },
        issued_at: format::moment(client.issued_at.as_ref()),
        revoked_at: format::moment(client.revoked_at.as_ref()),
        form: client.revoked_at.is_none().then(Form::default),
    }
}

async fn page(visitor: &Visitor, filter: Filter, form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let operator_id = filter.value("operator").to_owned();
    let request = ListClientsRequest { page: filter.page(), operator_id: operator_id.clone() };
    let answer = visitor.machines().list_clients(request).await?.into_inner();
    let companies = companies(visitor, &answer.clients).await;
    let company = match operator_id.as_str() {
        "" => String::new(),
        id => operator(visitor, id, "").await?.company_name,
    };
    let status = form.status();
    let page = MachinesPage {
        page: visitor.page(LIST, "接口账号").await,
        form,
        company,
        new: if operator_id.is_empty() {
            format!("{LIST}/new")
        } else {
            format!("{LIST}/new?operator={operator_id}")
        },
        rows: answer.clients.iter().map(|client| row(visitor, client, &companies)).collect(),
        pager: filter.pager(&answer.next_page_token, answer.clients.len()).exported(&filter),
        filter,
    };
    visitor.show(status, &page)
}

async fn list(visitor: Visitor, filter: Filter) -> Answer {
    page(&visitor, filter, Form::default()).await
}

/// The form of a new client, and after it the secret, once.
#[derive(Template)]
#[template(path = "machine_new.html")]
pub struct NewMachinePage {
    /// The frame.
    pub page: Page,
    /// What was entered.
    pub form: Form,
    /// What was issued.
    pub issued: Option<Issued>,
}

/// A client that has just been issued.
#[derive(Debug, Clone, Default)]
pub struct Issued {
    /// Name for people.
    pub name: String,
    /// Whose data it delivers.
    pub company: String,
    /// Its id.
    pub client_id: String,
    /// Kept nowhere in the clear.
    pub client_secret: String,
}

async fn new(visitor: &Visitor, form: Form, issued: Option<Issued>) -> Answer {
    visitor.only(&OFFICE)?;
    let status = form.status();
    let page = visitor.page(LIST, "签发接口账号").await;
    visitor.show(status, &NewMachinePage { page, form, issued })
}

async fn blank(visitor: Visitor, filter: Filter) -> Answer {
    visitor.only(&OFFICE)?;
    let mut form = Form::default();
    if let Ok(found) = operator(&visitor, filter.value("operator"), "").await {
        form.set("uscc", &found.uscc);
        form.set("name", &format!("{}数据接入", found.company_name));
    }
    new(&visitor, form, None).await
}

async fn issue(visitor: Visitor, mut form: Form) -> Answer {
    visitor.only(&OFFICE)?;
    let uscc: String = form.value("uscc").split_whitespace().collect::<String>().to_uppercase();
    let company = match operator(&visitor, "", &uscc).await.map_err(Refused::from) {
        Ok(company) => company,
        Err(refused) if refused.status() == StatusCode::NOT_FOUND => {
            form.mark("uscc", "没有该统一社会信用代码的企业账号，请核对");
            return new(&visitor, form, None).await;
        }
        Err(refused) => return new(&visitor, form.refused(refused)?, None).await,
    };
    let request = IssueClientRequest {
        request_id: form.request_id(),
        name: form.text("name"),
        roles: vec!["ingest".to_owned()],
        operator_id: company.operator_id,
    };
    let name = request.name.clone();
    match visitor.machines().issue_client(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let issued = Issued {
                name,
                company: company.company_name,
                client_id: answer.client_id,
                client_secret: answer.client_secret,
            };
            new(&visitor, Form::default(), Some(issued)).await
        }
        Err(status) => {
            let mut form = form.refused(status)?;
            form.about("display_name", "name");
            form.about("operator_id", "uscc");
            new(&visitor, form, None).await
        }
    }
}

async fn revoke(visitor: Visitor, Path(client_id): Path<String>, form: Form) -> Answer {
    let request = RevokeClientRequest { request_id: form.request_id(), client_id };
    match visitor.machines().revoke_client(request).await {
        Ok(answer) => {
            let done = format!("{}：接口账号已吊销，不能再取得访问凭证", answer.into_inner().name);
            visitor.done(LIST, &done)
        }
        Err(status) => page(&visitor, Filter::of(LIST, &[]), form.refused(status)?).await,
    }
}
