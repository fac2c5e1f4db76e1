//! gRPC `Live`: one stream per reader.

use std::pin::Pin;

use chassis::rpc;
use futures::Stream;
use proto::notifications::{Change, WatchRequest, live_server::Live};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::convert;
use crate::{config, live};

/// Opens live streams.
pub struct LiveInlet {
    /// The service's database.
    pub pool: PgPool,
    /// Where signals come from.
    pub hub: live::Hub,
    /// See [`config::Live`].
    pub settings: config::Live,
    /// See [`config::Messages`].
    pub unread_days: u16,
    /// Ends every stream when the process ends.
    pub shutdown: CancellationToken,
}

#[tonic::async_trait]
impl Live for LiveInlet {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<Change, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let viewer = convert::viewer(&rpc::caller(&request)?)?;
        let stream = live::watch(
            &self.hub,
            self.pool.clone(),
            viewer,
            &self.settings,
            self.unread_days,
            self.shutdown.clone(),
        )?;
        Ok(Response::new(Box::pin(stream)))
    }
}
