//! gRPC `Webhooks`: subscriptions, their secrets, and what became of deliveries.

use std::sync::Arc;

use chassis::{Failure, Units, page, rpc};
use proto::notifications::{
    CreateSubscriptionRequest, Delivery, DisableSubscriptionRequest, EnableSubscriptionRequest,
    GetDeliveryRequest, GetDeliveryResponse, GetSubscriptionRequest, ListDeliveriesRequest,
    ListDeliveriesResponse, ListEventTypesRequest, ListEventTypesResponse, ListSubscriptionsRequest,
    ListSubscriptionsResponse, ResendDeliveryRequest, ResendSpanRequest, ResendSpanResponse,
    RotateSecretRequest, SendTestRequest, Subscription, SubscriptionSecret, webhooks_server::Webhooks,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{convert, hooks};
use crate::{
    app::{
        deliver,
        subscribe::{self, Issued, Terms},
    },
    store::{deliveries, receipts, subscriptions},
    vault::Vault,
};

/// Attempts that one answer shows.
const ATTEMPTS_MAX: i64 = 100;

/// Reads from the database, changes in units of work.
pub struct WebhooksInlet {
    /// The service's database.
    pub pool: PgPool,
    /// Its units of work.
    pub units: Units,
    /// Seals secrets.
    pub vault: Arc<Vault>,
    /// What a subscription may be.
    pub terms: Terms,
}

#[tonic::async_trait]
impl Webhooks for WebhooksInlet {
    async fn list_event_types(
        &self,
        _: Request<ListEventTypesRequest>,
    ) -> Result<Response<ListEventTypesResponse>, Status> {
        Ok(Response::new(ListEventTypesResponse { types: hooks::event_types() }))
    }

    async fn create_subscription(
        &self,
        request: Request<CreateSubscriptionRequest>,
    ) -> Result<Response<SubscriptionSecret>, Status> {
        let caller = rpc::caller(&request)?;
        let body = request.into_inner();
        let request_id = hooks::request_id(&body.request_id)?;
        // Not through the replaying path: its stored answer would hold the secret.
        let mut work = self.units.begin(caller).await?;
        let draft = hooks::draft(body);
        let issued = subscribe::create(&mut work, &self.vault, self.terms, request_id, &draft).await?;
        work.commit().await?;
        Ok(Response::new(shown(issued)))
    }

    async fn rotate_secret(
        &self,
        request: Request<RotateSecretRequest>,
    ) -> Result<Response<SubscriptionSecret>, Status> {
        let caller = rpc::caller(&request)?;
        let body = request.into_inner();
        let request_id = hooks::request_id(&body.request_id)?;
        let id = convert::id(&body.subscription_id)?;
        let mut work = self.units.begin(caller).await?;
        let issued = subscribe::rotate(&mut work, &self.vault, self.terms, request_id, id).await?;
        work.commit().await?;
        Ok(Response::new(shown(issued)))
    }

    async fn disable_subscription(
        &self,
        request: Request<DisableSubscriptionRequest>,
    ) -> Result<Response<Subscription>, Status> {
        self.units
            .run(request, |work, body| {
                Box::pin(async move {
                    let row = subscribe::disable(work, convert::id(&body.subscription_id)?).await?;
                    Ok(hooks::subscription(row))
                })
            })
            .await
    }

    async fn enable_subscription(
        &self,
        request: Request<EnableSubscriptionRequest>,
    ) -> Result<Response<Subscription>, Status> {
        let terms = self.terms;
        self.units
            .run(request, move |work, body| {
                Box::pin(async move {
                    let row = subscribe::enable(work, terms, convert::id(&body.subscription_id)?).await?;
                    Ok(hooks::subscription(row))
                })
            })
            .await
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        let body = request.into_inner();
        let limit = page::size(body.page.as_ref())?;
        let after = hooks::place(body.page.as_ref())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = subscriptions::list(&mut db, None, after, limit).await.map_err(Failure::from)?;
        let last = rows.last().map(|row| (row.created_at, row.subscription_id));
        Ok(Response::new(ListSubscriptionsResponse {
            next_page_token: hooks::token(rows.len(), limit, last),
            subscriptions: rows.into_iter().map(hooks::subscription).collect(),
        }))
    }

    async fn get_subscription(
        &self,
        request: Request<GetSubscriptionRequest>,
    ) -> Result<Response<Subscription>, Status> {
        let id = convert::id(&request.into_inner().subscription_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = subscriptions::list(&mut db, Some(id), None, 1).await.map_err(Failure::from)?;
        let row = rows.into_iter().next().ok_or_else(Failure::not_found)?;
        Ok(Response::new(hooks::subscription(row)))
    }

    async fn send_test(&self, request: Request<SendTestRequest>) -> Result<Response<Delivery>, Status> {
        self.units
            .run(request, |work, body: SendTestRequest| {
                Box::pin(async move {
                    let id = convert::id(&body.subscription_id)?;
                    Ok(hooks::delivery(deliver::test(work, id).await?))
                })
            })
            .await
    }

    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        Ok(Response::new(self.deliveries(request.into_inner()).await?))
    }

    async fn get_delivery(
        &self,
        request: Request<GetDeliveryRequest>,
    ) -> Result<Response<GetDeliveryResponse>, Status> {
        let id = convert::id(&request.into_inner().delivery_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let found = deliveries::find(&mut db, id).await.map_err(Failure::from)?;
        let (row, body) = found.ok_or_else(Failure::not_found)?;
        let attempts = deliveries::attempts(&mut db, id, ATTEMPTS_MAX).await.map_err(Failure::from)?;
        let receipts =
            receipts::list(&mut db, row.subscription_id, row.event_id).await.map_err(Failure::from)?;
        Ok(Response::new(GetDeliveryResponse {
            delivery: Some(hooks::delivery(row)),
            body,
            attempts: attempts.into_iter().map(hooks::attempt).collect(),
            receipts: hooks::receipts(receipts),
        }))
    }

    async fn resend_delivery(
        &self,
        request: Request<ResendDeliveryRequest>,
    ) -> Result<Response<Delivery>, Status> {
        self.units
            .run(request, |work, body: ResendDeliveryRequest| {
                Box::pin(async move {
                    Ok(hooks::delivery(deliver::resend(work, convert::id(&body.delivery_id)?).await?))
                })
            })
            .await
    }

    async fn resend_span(
        &self,
        request: Request<ResendSpanRequest>,
    ) -> Result<Response<ResendSpanResponse>, Status> {
        self.units
            .run(request, |work, body: ResendSpanRequest| {
                Box::pin(async move {
                    let resent = deliver::resend_span(work, &hooks::span(&body)?).await?;
                    Ok(ResendSpanResponse { resent: i32::try_from(resent).unwrap_or(i32::MAX) })
                })
            })
            .await
    }
}

impl WebhooksInlet {
    async fn deliveries(&self, body: ListDeliveriesRequest) -> Result<ListDeliveriesResponse, Failure> {
        deliver::known_state(&body.state)?;
        let id = convert::id(&body.subscription_id)?;
        let limit = page::size(body.page.as_ref())?;
        let after = hooks::place(body.page.as_ref())?;
        let mut db = self.pool.acquire().await?;
        if subscriptions::list(&mut db, Some(id), None, 1).await?.is_empty() {
            return Err(Failure::not_found());
        }
        let rows = deliveries::list(&mut db, id, &body.state, after, limit).await?;
        let events: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
        let live = receipts::live(&mut db, id, &events).await?;
        let last = rows.last().map(|row| (row.occurred_at, row.delivery_id));
        Ok(ListDeliveriesResponse {
            next_page_token: hooks::token(rows.len(), limit, last),
            deliveries: hooks::log(rows, live),
        })
    }
}

fn shown(issued: Issued) -> SubscriptionSecret {
    SubscriptionSecret { subscription_id: issued.subscription_id.to_string(), secret: issued.secret }
}
