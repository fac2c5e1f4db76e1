//! gRPC `Receipts`: what receivers of webhooks say became of an event.

use std::sync::Arc;

use chassis::{Units, rpc};
use proto::notifications::{ReportReceiptRequest, ReportReceiptResponse, receipts_server::Receipts};
use tonic::{Request, Response, Status};

use super::hooks;
use crate::{
    app::acknowledge::{self, Signed},
    vault::Vault,
};

/// Changes in units of work.
pub struct ReceiptsInlet {
    /// The service's units of work.
    pub units: Units,
    /// Opens secrets.
    pub vault: Arc<Vault>,
}

#[tonic::async_trait]
impl Receipts for ReceiptsInlet {
    async fn report_receipt(
        &self,
        request: Request<ReportReceiptRequest>,
    ) -> Result<Response<ReportReceiptResponse>, Status> {
        let caller = rpc::caller(&request)?;
        let body = request.into_inner();
        // Not through the replaying path: a receipt has a key of its own, and its sender no request id.
        let mut work = self.units.begin(caller).await?;
        let subscription_id = hooks::sender(&body);
        let signed = Signed {
            id: &body.webhook_id,
            timestamp: &body.webhook_timestamp,
            signature: &body.webhook_signature,
            body: &body.body,
        };
        acknowledge::believe(&mut work, &self.vault, subscription_id, signed).await?;
        let (event_id, receipt) = hooks::reported(&body.body)?;
        let (place, live) = acknowledge::keep(&mut work, subscription_id, event_id, receipt).await?;
        work.commit().await?;
        Ok(Response::new(ReportReceiptResponse {
            result: hooks::place_word(place).to_owned(),
            live: Some(hooks::receipt(live, true)),
        }))
    }
}
