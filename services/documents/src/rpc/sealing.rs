//! The `Sealing` service, for reviews: idempotent by (application, submission), so it needs no request id.

use chassis::{Units, rpc::caller};
use proto::documents::{
    ReleaseSealRequest, ReleaseSealResponse, Seal, SealDossierRequest, sealing_server::Sealing,
};
use tonic::{Request, Response, Status};

use super::convert;
use crate::app::sealing::{self, For};

/// See the contract.
pub struct SealingRpc {
    /// Changes.
    pub units: Units,
}

#[tonic::async_trait]
impl Sealing for SealingRpc {
    async fn seal_dossier(&self, request: Request<SealDossierRequest>) -> Result<Response<Seal>, Status> {
        let caller = caller(&request)?;
        let ask = convert::ask(request.get_ref())?;
        let application_id = ask.application_id;
        let mut work = self.units.begin(caller).await?;
        let receipt = sealing::seal(&mut work, ask).await?;
        work.commit().await?;
        Ok(Response::new(convert::seal(application_id, &receipt)))
    }

    async fn release_seal(
        &self,
        request: Request<ReleaseSealRequest>,
    ) -> Result<Response<ReleaseSealResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let application_id = convert::id(&body.application_id, "application_id")?;
        let mut work = self.units.begin(caller).await?;
        sealing::release(&mut work, application_id, body.submission_version, For::Holder(body.holder))
            .await?;
        work.commit().await?;
        Ok(Response::new(ReleaseSealResponse {}))
    }
}
