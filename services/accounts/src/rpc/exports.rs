//! `Exports`: the record of what people take out.

use proto::accounts::{RecordExportRequest, RecordExportResponse, exports_server::Exports};
use tonic::{Request, Response, Status};

use crate::app::{Accounts, exports};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl Exports for Inlet {
    async fn record_export(
        &self,
        request: Request<RecordExportRequest>,
    ) -> Result<Response<RecordExportResponse>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    exports::export(work, &body.list, &body.filter, body.rows).await?;
                    Ok(RecordExportResponse {})
                })
            })
            .await
    }
}
