//! The `Dossiers` service.

use chassis::{Failure, Units, rpc::caller};
use proto::documents::{
    CheckDossierRequest, CheckDossierResponse, DiffRevisionsRequest, Dossier, ExplainRequest,
    GetDossierRequest, GetRevisionRequest, ListRevisionsRequest, ListRevisionsResponse, PlaceFileRequest,
    RemoveFileRequest, Revision, RevisionDiff, dossiers_server::Dossiers,
};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{convert, readable};
use crate::{
    app::{edits, sealing, views},
    domain::{
        dossier::State,
        revision::{Difference, problems},
    },
    neighbours::Neighbours,
    store::{self, revisions::Sealed},
};

/// See the contract.
pub struct DossiersRpc {
    /// Reads.
    pub pool: PgPool,
    /// Changes.
    pub units: Units,
    /// Asks reviews.
    pub neighbours: Neighbours,
}

/// A sealed revision by its number; 0 means the latest.
async fn sealed(db: &mut PgConnection, application_id: Uuid, revision: i32) -> Result<Sealed, Failure> {
    let mut seals = store::revisions::list(db, application_id).await?;
    let found =
        if revision == 0 { seals.pop() } else { seals.into_iter().find(|seal| seal.revision == revision) };
    found.ok_or_else(|| Failure::not_found().on("revision"))
}

#[tonic::async_trait]
impl Dossiers for DossiersRpc {
    async fn get_dossier(&self, request: Request<GetDossierRequest>) -> Result<Response<Dossier>, Status> {
        let caller = caller(&request)?;
        let id = convert::id(&request.get_ref().application_id, "application_id")?;
        let (dossier, _) = readable(&self.pool, &self.neighbours, &caller, id).await?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        Ok(Response::new(convert::dossier(&views::dossier(&mut db, dossier).await?)))
    }

    async fn place_file(&self, request: Request<PlaceFileRequest>) -> Result<Response<Dossier>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let place = edits::Place {
                        application_id: convert::id(&body.application_id, "application_id")?,
                        slot: convert::slot(&body.slot, "slot")?,
                        file_id: convert::id(&body.file_id, "file_id")?,
                        replaces: convert::id_or_none(&body.replaces_file_id, "replaces_file_id")?,
                        edits: body.edits,
                    };
                    Ok(convert::dossier(&edits::place(work, place).await?))
                })
            })
            .await
    }

    async fn remove_file(&self, request: Request<RemoveFileRequest>) -> Result<Response<Dossier>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let application_id = convert::id(&body.application_id, "application_id")?;
                    let file_id = convert::id(&body.file_id, "file_id")?;
                    Ok(convert::dossier(&edits::remove(work, application_id, file_id, body.edits).await?))
                })
            })
            .await
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<Dossier>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::id(&body.application_id, "application_id")?;
                    Ok(convert::dossier(&edits::explain(work, id, &body.item, &body.text, body.edits).await?))
                })
            })
            .await
    }

    async fn check_dossier(
        &self,
        request: Request<CheckDossierRequest>,
    ) -> Result<Response<CheckDossierResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let required = convert::required(&body.required_slots)?;
        let id = convert::id(&body.application_id, "application_id")?;
        let (dossier, _) = readable(&self.pool, &self.neighbours, &caller, id).await?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let found = match dossier.state {
            State::Open | State::Closed => {
                sealing::missing(&mut db, &dossier, &required, &dossier.items).await?
            }
            State::Sealed => problems(&views::content(&mut db, &dossier).await?, &required, &[], None),
            State::Released => Vec::new(),
        };
        Ok(Response::new(convert::problems(&found)))
    }

    async fn list_revisions(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        let caller = caller(&request)?;
        let id = convert::id(&request.get_ref().application_id, "application_id")?;
        readable(&self.pool, &self.neighbours, &caller, id).await?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let seals = store::revisions::list(&mut db, id).await.map_err(Failure::from)?;
        Ok(Response::new(ListRevisionsResponse { revisions: seals.iter().map(convert::summary).collect() }))
    }

    async fn get_revision(&self, request: Request<GetRevisionRequest>) -> Result<Response<Revision>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let id = convert::id(&body.application_id, "application_id")?;
        let (_, reader) = readable(&self.pool, &self.neighbours, &caller, id).await?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let sealed = sealed(&mut db, id, body.revision).await?;
        let mut content =
            store::contents::sealed(&mut db, id, sealed.revision).await.map_err(Failure::from)?;
        if !reader.sees_invoices() {
            content.uses.clear();
        }
        let files = views::files(&mut db, &content).await?;
        let invoices: Vec<_> = content.uses.iter().map(|one| one.invoice_id).collect();
        let mut uses = store::ledger::of_invoices(&mut db, &invoices).await.map_err(Failure::from)?;
        uses.retain(|one| one.application_id != id);
        Ok(Response::new(convert::revision(&sealed, &content, &files, &uses)))
    }

    async fn diff_revisions(
        &self,
        request: Request<DiffRevisionsRequest>,
    ) -> Result<Response<RevisionDiff>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let id = convert::id(&body.application_id, "application_id")?;
        if body.from <= 0 || body.from >= body.to {
            return Err(Failure::invalid("revision_order", "from", "请选择先后两个版本进行比较").into());
        }
        let (_, reader) = readable(&self.pool, &self.neighbours, &caller, id).await?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let (from, to) = (sealed(&mut db, id, body.from).await?, sealed(&mut db, id, body.to).await?);
        let before = store::contents::sealed(&mut db, id, from.revision).await.map_err(Failure::from)?;
        let after = store::contents::sealed(&mut db, id, to.revision).await.map_err(Failure::from)?;
        let mut files = views::files(&mut db, &before).await?;
        files.extend(views::files(&mut db, &after).await?);
        let mut found = Difference::between(&before, &after);
        if !reader.sees_invoices() {
            found.invoices.clear();
        }
        Ok(Response::new(convert::difference(from.revision, to.revision, &found, &files)))
    }
}
