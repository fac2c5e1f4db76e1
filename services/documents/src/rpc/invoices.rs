//! The `Invoices` service.

use chassis::{Caller, Failure, Units, page, rpc::caller};
use proto::documents::{
    AllocateInvoiceRequest, AttachFileRequest, DeleteInvoiceRequest, EnterInvoiceRequest, GetInvoiceRequest,
    Invoice, ListInvoicesRequest, ListInvoicesResponse, ReleaseAllocationRequest, invoices_server::Invoices,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert;
use crate::{
    app::{
        invoices::{self, Company},
        views::{self, InvoiceView},
    },
    neighbours::Neighbours,
    store,
};

/// See the contract.
pub struct InvoicesRpc {
    /// Reads.
    pub pool: PgPool,
    /// Changes.
    pub units: Units,
    /// Asks accounts.
    pub neighbours: Neighbours,
}

impl InvoicesRpc {
    async fn company(&self, caller: &Caller) -> Result<Company, Failure> {
        let operator_id = caller.operator_id.ok_or_else(Failure::not_found)?;
        let operator = self.neighbours.operator(operator_id).await?.ok_or_else(Failure::not_found)?;
        Ok(Company { uscc: operator.uscc, active: operator.state == "Active" })
    }
}

#[tonic::async_trait]
impl Invoices for InvoicesRpc {
    async fn enter_invoice(
        &self,
        request: Request<EnterInvoiceRequest>,
    ) -> Result<Response<Invoice>, Status> {
        let company = self.company(&caller(&request)?).await?;
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let file_id = convert::id_or_none(&body.file_id, "file_id")?;
                    let entered = invoices::enter(work, &company, &convert::entry(&body)?, file_id).await?;
                    Ok(convert::invoice(&entered))
                })
            })
            .await
    }

    async fn allocate_invoice(
        &self,
        request: Request<AllocateInvoiceRequest>,
    ) -> Result<Response<Invoice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let invoice_id = convert::id(&body.invoice_id, "invoice_id")?;
                    let application_id = convert::id(&body.application_id, "application_id")?;
                    let view =
                        invoices::allocate(work, invoice_id, application_id, body.used_fen, body.version)
                            .await?;
                    Ok(convert::invoice(&view))
                })
            })
            .await
    }

    async fn release_allocation(
        &self,
        request: Request<ReleaseAllocationRequest>,
    ) -> Result<Response<Invoice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let invoice_id = convert::id(&body.invoice_id, "invoice_id")?;
                    let application_id = convert::id(&body.application_id, "application_id")?;
                    Ok(convert::invoice(
                        &invoices::release(work, invoice_id, application_id, body.version).await?,
                    ))
                })
            })
            .await
    }

    async fn delete_invoice(
        &self,
        request: Request<DeleteInvoiceRequest>,
    ) -> Result<Response<Invoice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::id(&body.invoice_id, "invoice_id")?;
                    Ok(convert::invoice(&invoices::delete(work, id, body.version).await?))
                })
            })
            .await
    }

    async fn attach_file(&self, request: Request<AttachFileRequest>) -> Result<Response<Invoice>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let id = convert::id(&body.invoice_id, "invoice_id")?;
                    let file_id = convert::id_or_none(&body.file_id, "file_id")?;
                    Ok(convert::invoice(&invoices::attach(work, id, file_id, body.version).await?))
                })
            })
            .await
    }

    async fn get_invoice(&self, request: Request<GetInvoiceRequest>) -> Result<Response<Invoice>, Status> {
        let caller = caller(&request)?;
        let id = convert::id(&request.get_ref().invoice_id, "invoice_id")?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let invoice = store::invoices::find(&mut db, id).await.map_err(Failure::from)?;
        let own = invoice.filter(|invoice| Some(invoice.operator_id) == caller.operator_id);
        let view = views::invoice(&mut db, own.ok_or_else(Failure::not_found)?).await?;
        Ok(Response::new(convert::invoice(&view)))
    }

    async fn list_invoices(
        &self,
        request: Request<ListInvoicesRequest>,
    ) -> Result<Response<ListInvoicesResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let operator_id = caller.operator_id.ok_or_else(Failure::not_found)?;
        let filter = convert::invoice_filter(&body)?;
        let (size, after) = (page::size(body.page.as_ref())?, page::after::<Uuid>(body.page.as_ref())?);
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let found = store::invoices::list(&mut db, operator_id, &filter, after, size + 1).await;
        let mut found = found.map_err(Failure::from)?;
        let more = i64::try_from(found.len()).is_ok_and(|count| count > size);
        found.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let ids: Vec<Uuid> = found.iter().map(|invoice| invoice.id).collect();
        let uses = store::ledger::of_invoices(&mut db, &ids).await.map_err(Failure::from)?;
        let last = ids.last().filter(|_| more).copied();
        let invoices = found
            .into_iter()
            .map(|invoice| {
                let allocations = uses.iter().filter(|one| one.invoice_id == invoice.id).copied().collect();
                convert::invoice(&InvoiceView { invoice, allocations })
            })
            .collect();
        Ok(Response::new(ListInvoicesResponse { invoices, next_page_token: page::token(last.as_ref()) }))
    }
}
