//! The gRPC service `Links`.
use std::{collections::BTreeMap, sync::Arc};

use chassis::{Caller, Failure, Units, Work, page, rpc::Peer, rpc::caller};
use proto::{
    accounts::{GetOperatorRequest, directory_client::DirectoryClient},
    stations::{
        ApproveLinkRequest, GetLinkRequest, IssuedSecrets, Link, ListLinksRequest, ListLinksResponse,
        ResolveLinkRequest, ResolvedLink, RevokeLinkRequest, RotateSecretsRequest, SetPeerRequest,
        SetTermsRequest, links_server::Links,
    },
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{convert, registry::next};
use crate::{
    app::{self, link::Seen},
    domain::{Finding, Refusal, link},
    store,
    vault::{Unopened, Vault},
};

/// The inlet of links.
pub struct LinksService {
    /// For everything: also reads want one instant.
    pub units: Units,
    /// Opens and seals secrets.
    pub vault: Arc<Vault>,
    /// Whether operators' systems may be inside this network, and called without TLS.
    pub private_addresses: bool,
    /// Knows operators' social credit codes.
    pub accounts: Peer,
}

#[tonic::async_trait]
impl Links for LinksService {
    async fn approve_link(
        &self,
        request: Request<ApproveLinkRequest>,
    ) -> Result<Response<IssuedSecrets>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let request_id = request_id(&body.request_id)?;
        let operator_id = convert::id(&body.operator_id)?;
        let organisation = self.organisation(operator_id).await?;
        // Not through the replaying path: its stored answer would hold the secrets.
        let mut work = self.units.begin(caller).await?;
        let secrets =
            app::link::approve(&mut work, &self.vault, request_id, operator_id, &organisation).await?;
        self.issued(work, operator_id, secrets).await
    }

    async fn rotate_secrets(
        &self,
        request: Request<RotateSecretsRequest>,
    ) -> Result<Response<IssuedSecrets>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let request_id = request_id(&body.request_id)?;
        let operator_id = subject(&caller, &body.operator_id)?;
        let seen = Seen { operator_id, version: body.expected_version };
        let mut work = self.units.begin(caller).await?;
        let secrets = app::link::rotate(&mut work, &self.vault, request_id, seen).await?;
        self.issued(work, operator_id, secrets).await
    }

    async fn set_peer(&self, request: Request<SetPeerRequest>) -> Result<Response<Link>, Status> {
        let (vault, private_addresses) = (self.vault.clone(), self.private_addresses);
        self.units
            .run(request, move |work, body: SetPeerRequest| {
                Box::pin(async move {
                    let operator_id = subject(work.caller(), &body.operator_id)?;
                    let seen = Seen { operator_id, version: body.expected_version };
                    let id = request_id(&body.request_id)?;
                    let peer = convert::links::peer(body);
                    app::link::set_peer(work, &vault, id, seen, peer, private_addresses).await?;
                    view(work, operator_id).await
                })
            })
            .await
    }

    async fn set_terms(&self, request: Request<SetTermsRequest>) -> Result<Response<Link>, Status> {
        self.units
            .run(request, |work, body: SetTermsRequest| {
                Box::pin(async move {
                    let operator_id = convert::id(&body.operator_id)?;
                    let seen = Seen { operator_id, version: body.expected_version };
                    app::link::set_terms(work, seen, convert::links::terms(body)).await?;
                    view(work, operator_id).await
                })
            })
            .await
    }

    async fn revoke_link(&self, request: Request<RevokeLinkRequest>) -> Result<Response<Link>, Status> {
        self.units
            .run(request, |work, body: RevokeLinkRequest| {
                Box::pin(async move {
                    let operator_id = convert::id(&body.operator_id)?;
                    let seen = Seen { operator_id, version: body.expected_version };
                    app::link::revoke(work, seen).await?;
                    view(work, operator_id).await
                })
            })
            .await
    }

    async fn get_link(&self, request: Request<GetLinkRequest>) -> Result<Response<Link>, Status> {
        let caller = caller(&request)?;
        let operator_id = subject(&caller, &request.get_ref().operator_id)?;
        let mut work = self.units.begin(caller).await?;
        Ok(Response::new(view(&mut work, operator_id).await?))
    }

    async fn list_links(
        &self,
        request: Request<ListLinksRequest>,
    ) -> Result<Response<ListLinksResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let size = page::size(body.page.as_ref())?;
        let after: Option<String> = page::after(body.page.as_ref())?;
        let filter = convert::links::filter(body).map_err(Failure::from)?;
        let mut work = self.units.begin(caller).await?;
        let now = work.now();
        let rows = store::links::list(work.db(), &filter, after.as_deref(), size).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.operator_id).collect();
        let kept = store::links::secrets(work.db(), &ids, now).await?;
        let codes: Vec<String> = rows.iter().map(|row| row.organisation_code.clone()).collect();
        // What makes a link long is read one by one: 200 of them are one message.
        let short = |row| Link {
            paths: BTreeMap::default(),
            spellings: BTreeMap::default(),
            authority: String::new(),
            ..convert::links::view(row, &kept)
        };
        let links = rows.into_iter().map(short).collect();
        Ok(Response::new(ListLinksResponse { links, next_page_token: next(&codes, size) }))
    }

    async fn resolve_link(
        &self,
        request: Request<ResolveLinkRequest>,
    ) -> Result<Response<ResolvedLink>, Status> {
        let caller = caller(&request)?;
        let code = request.into_inner().organisation_code;
        if code.chars().any(char::is_control) {
            return Err(Failure::not_found().into());
        }
        let mut work = self.units.begin(caller).await?;
        let row = store::links::find_by_code(work.db(), &code)
            .await?
            .filter(|row| row.state == "active")
            .ok_or_else(Failure::not_found)?;
        let link = resolved(&mut work, &self.vault, row).await?.map_err(Failure::internal)?;
        Ok(Response::new(link))
    }
}

impl LinksService {
    /// The organisation code of an active operator.
    async fn organisation(&self, operator_id: Uuid) -> Result<String, Failure> {
        let asked = GetOperatorRequest { operator_id: operator_id.to_string(), ..Default::default() };
        let operator = DirectoryClient::new(self.accounts.clone()).get_operator(asked).await?.into_inner();
        if operator.state != "Active" {
            return Err(Finding::new("operator_id", Refusal::OperatorNotActive).into());
        }
        let code = link::organisation(&operator.uscc).map(str::to_owned);
        code.ok_or_else(|| Finding::new("operator_id", Refusal::OperatorNotActive).into())
    }

    async fn issued(
        &self,
        mut work: Work,
        operator_id: Uuid,
        secrets: link::Secrets,
    ) -> Result<Response<IssuedSecrets>, Status> {
        let link = view(&mut work, operator_id).await?;
        work.commit().await?;
        let inbound = Some(convert::links::secrets(secrets));
        Ok(Response::new(IssuedSecrets { link: Some(link), inbound }))
    }
}

fn request_id(text: &str) -> Result<Uuid, Failure> {
    Uuid::parse_str(text).map_err(|_| {
        Failure::invalid(
            "request_id_missing",
            "request_id",
            "缺少请求编号：每次提交须带一个 UUID，重试时沿用同一个",
        )
    })
}

/// Whose link is meant: an operator's people mean their own.
pub(super) fn subject(caller: &Caller, named: &str) -> Result<Uuid, Failure> {
    match caller.operator_id {
        Some(own) if named.is_empty() || named == own.to_string() => Ok(own),
        Some(_) => Err(Failure::not_found()),
        None => convert::id(named),
    }
}

/// A link with its secrets, for interconnect; inside, why they cannot be opened.
pub(super) async fn resolved(
    work: &mut Work,
    vault: &Vault,
    row: store::links::Row,
) -> Result<Result<ResolvedLink, Unopened>, Failure> {
    let now = work.now();
    let kept = store::links::secrets(work.db(), &[row.operator_id], now).await?;
    let mut opened = Vec::with_capacity(kept.len());
    for set in &kept {
        match app::link::open(vault, row.operator_id, set)? {
            Ok(secrets) => opened.push(secrets),
            Err(unopened) => return Ok(Err(unopened)),
        }
    }
    Ok(Ok(convert::links::resolved(row, &kept, opened)))
}

async fn view(work: &mut Work, operator_id: Uuid) -> Result<Link, Failure> {
    let row = store::links::find(work.db(), operator_id).await?.ok_or_else(Failure::not_found)?;
    let now = work.now();
    let kept = store::links::secrets(work.db(), &[operator_id], now).await?;
    Ok(convert::links::view(row, &kept))
}
