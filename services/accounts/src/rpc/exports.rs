//! `Exports`: the record of what people take out.

use proto::accounts::{
    BeginExportRequest, BeginExportResponse, FinishExportRequest, FinishExportResponse, RecordExportRequest,
    RecordExportResponse, exports_server::Exports,
};
use tonic::{Request, Response, Status};

use crate::app::{Accounts, exports};

/// The service.
pub(super) struct Inlet(pub(super) Accounts);

#[tonic::async_trait]
impl Exports for Inlet {
    async fn begin_export(
        &self,
        request: Request<BeginExportRequest>,
    ) -> Result<Response<BeginExportResponse>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let export = exports::begin(work, body.list, body.filter).await?;
                    Ok(BeginExportResponse { export_id: export.to_string() })
                })
            })
            .await
    }

    async fn finish_export(
        &self,
        request: Request<FinishExportRequest>,
    ) -> Result<Response<FinishExportResponse>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    exports::finish(work, &body.export_id, body.rows).await?;
                    Ok(FinishExportResponse {})
                })
            })
            .await
    }

    async fn record_export(
        &self,
        request: Request<RecordExportRequest>,
    ) -> Result<Response<RecordExportResponse>, Status> {
        self.0
            .units
            .run(request, |work, body| {
                Box::pin(async move {
                    let export = exports::begin(work, body.list, body.filter).await?;
                    exports::finish(work, &export.to_string(), body.rows).await?;
                    Ok(RecordExportResponse {})
                })
            })
            .await
    }
}
