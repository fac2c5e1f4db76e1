//! Accounts and stations as interconnect sees them, played over real gRPC.
//!
//! The stations played here remember what arrived and answer as told; whether the real ones take it is for the system tests.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use chassis::Failure;
use interconnect::domain::envelope::Secrets;
use proto::{
    accounts::{self, CallerToken},
    stations::{self, ItemResult, Receipt, Receipts},
};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

/// The operator in the platform.
pub const OPERATOR: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

/// What the played neighbours know, do and have seen.
#[derive(Clone, Default)]
pub struct Played(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub organisation: String,
    /// The newest first.
    pub sets: Vec<(Uuid, Option<Secrets>)>,
    pub closed: bool,
    pub suspended: bool,
    pub window_secs: i32,
    pub hosted: Vec<String>,
    pub paths: BTreeMap<String, String>,
    pub spellings: BTreeMap<String, String>,
    /// Connector or order number → reason and field of its rejection; the reason `stale` makes it older than what is held.
    pub rejects: BTreeMap<String, (String, String)>,
    /// How often a link was asked for.
    pub resolved: usize,
    /// Stations answers UNAVAILABLE.
    pub busy: bool,
    /// Stations does not permit the caller.
    pub forbidden: bool,
    /// Stations answers items with nothing.
    pub mute: bool,
    /// Stations lists these many others before those that are held.
    pub pages: usize,
    pub statuses: Vec<stations::StatusItem>,
    /// Of each batch of them, whether it was pulled.
    pub pulled: Vec<bool>,
    pub orders: Vec<stations::OrderItem>,
    /// Orders that ended within any window.
    pub ended: Vec<stations::CheckedOrder>,
    /// Stations is of the release before: it knows of no comparisons.
    pub of_before: bool,
    pub listed: Vec<stations::ReportListedRequest>,
    pub refused: Vec<stations::ReportRefusedRequest>,
    pub statistics: Vec<stations::ReportStatisticsRequest>,
    pub samples: Vec<stations::TelemetryItem>,
    pub upserts: Vec<stations::UpsertStationRequest>,
    pub held: Vec<stations::StationRecord>,
}

impl Played {
    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no test panics inside")
    }

    fn verdict(&self, key: &str) -> ItemResult {
        let state = self.state();
        let outcome = |outcome: &str| ItemResult { outcome: outcome.into(), ..ItemResult::default() };
        match state.rejects.get(key) {
            None => outcome("accepted"),
            Some((reason, _)) if reason == "stale" => outcome("stale"),
            Some((reason, field)) => ItemResult {
                reason: reason.clone(),
                field: field.clone(),
                text: format!("{reason} 的说明"),
                ..outcome("rejected")
            },
        }
    }

    fn awake(&self) -> Result<(), Status> {
        if self.state().forbidden {
            return Err(Failure::forbidden("not_permitted", "不允许").into());
        }
        if self.state().busy { Err(Failure::unavailable("not_stored", "稍后").into()) } else { Ok(()) }
    }
}

fn absent<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("nobody asks this here"))
}

#[tonic::async_trait]
impl stations::links_server::Links for Played {
    async fn resolve_link(
        &self,
        request: Request<stations::ResolveLinkRequest>,
    ) -> Result<Response<stations::ResolvedLink>, Status> {
        let mut state = self.state();
        state.resolved += 1;
        if request.get_ref().organisation_code != state.organisation {
            return Err(Failure::not_found().into());
        }
        let inbound = state.sets.iter().map(|(id, secrets)| stations::SecretSet {
            secret_id: id.to_string(),
            secrets: secrets.clone().map(|secrets| stations::Secrets {
                operator_secret: secrets.operator,
                data_secret: secrets.data,
                data_secret_iv: secrets.data_iv,
                sig_secret: secrets.sig,
            }),
            ..stations::SecretSet::default()
        });
        let link = stations::Link {
            operator_id: OPERATOR.to_string(),
            organisation_code: state.organisation.clone(),
            state: "active".into(),
            open: !state.closed,
            window_secs: state.window_secs,
            hosted: state.hosted.clone(),
            paths: state.paths.clone(),
            spellings: state.spellings.clone(),
            inbound: inbound.collect(),
            ..stations::Link::default()
        };
        Ok(Response::new(stations::ResolvedLink { link: Some(link), outbound: None }))
    }

    async fn approve_link(
        &self,
        _: Request<stations::ApproveLinkRequest>,
    ) -> Result<Response<stations::IssuedSecrets>, Status> {
        absent()
    }
    async fn rotate_secrets(
        &self,
        _: Request<stations::RotateSecretsRequest>,
    ) -> Result<Response<stations::IssuedSecrets>, Status> {
        absent()
    }
    async fn set_peer(
        &self,
        _: Request<stations::SetPeerRequest>,
    ) -> Result<Response<stations::Link>, Status> {
        absent()
    }
    async fn set_terms(
        &self,
        _: Request<stations::SetTermsRequest>,
    ) -> Result<Response<stations::Link>, Status> {
        absent()
    }
    async fn revoke_link(
        &self,
        _: Request<stations::RevokeLinkRequest>,
    ) -> Result<Response<stations::Link>, Status> {
        absent()
    }
    async fn get_link(
        &self,
        _: Request<stations::GetLinkRequest>,
    ) -> Result<Response<stations::Link>, Status> {
        absent()
    }
    async fn list_links(
        &self,
        _: Request<stations::ListLinksRequest>,
    ) -> Result<Response<stations::ListLinksResponse>, Status> {
        absent()
    }
}

#[tonic::async_trait]
impl accounts::machines_server::Machines for Played {
    async fn issue_link_token(
        &self,
        request: Request<accounts::IssueLinkTokenRequest>,
    ) -> Result<Response<CallerToken>, Status> {
        if self.state().suspended || request.get_ref().operator_id != OPERATOR.to_string() {
            return Err(Failure::unauthenticated("client_refused", "凭据无效").into());
        }
        Ok(Response::new(CallerToken { token: "the operator's".into(), expires_at: None }))
    }

    async fn issue_client(
        &self,
        _: Request<accounts::IssueClientRequest>,
    ) -> Result<Response<accounts::IssueClientResponse>, Status> {
        absent()
    }
    async fn revoke_client(
        &self,
        _: Request<accounts::RevokeClientRequest>,
    ) -> Result<Response<accounts::ClientView>, Status> {
        absent()
    }
    async fn list_clients(
        &self,
        _: Request<accounts::ListClientsRequest>,
    ) -> Result<Response<accounts::ListClientsResponse>, Status> {
        absent()
    }
    async fn issue_machine_token(
        &self,
        _: Request<accounts::IssueMachineTokenRequest>,
    ) -> Result<Response<CallerToken>, Status> {
        absent()
    }
}

#[tonic::async_trait]
impl stations::ingest_server::Ingest for Played {
    type PushStationsStream = futures::stream::Empty<Result<Receipt, Status>>;
    type PushStatusStream = futures::stream::Empty<Result<Receipt, Status>>;
    type PushOrdersStream = futures::stream::Empty<Result<Receipt, Status>>;
    type PushTelemetryStream = futures::stream::Empty<Result<Receipt, Status>>;

    async fn check_orders(
        &self,
        request: Request<stations::CheckOrdersRequest>,
    ) -> Result<Response<stations::CheckOrdersResponse>, Status> {
        self.awake()?;
        let state = self.state();
        let disputed = request.into_inner().orders.into_iter().filter_map(|said| {
            let (dispute, _) = state.rejects.get(&said.order_no)?.clone();
            Some(stations::DisputedOrder {
                order_no: said.order_no,
                energy_wh: 9_990,
                total_fen: 999,
                dispute,
            })
        });
        Ok(Response::new(stations::CheckOrdersResponse { disputed: disputed.collect() }))
    }

    async fn push_telemetry(
        &self,
        _: Request<Streaming<stations::TelemetryBatch>>,
    ) -> Result<Response<Self::PushTelemetryStream>, Status> {
        absent()
    }

    async fn send_telemetry(
        &self,
        request: Request<Streaming<stations::TelemetryBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        self.awake()?;
        let mut batches = request.into_inner();
        let mut receipts = Vec::new();
        while let Some(batch) = batches.message().await? {
            let results = batch.items.iter().map(|item| self.verdict(&item.order_no)).collect();
            self.state().samples.extend(batch.items);
            receipts.push(Receipt { batch_id: batch.batch_id, results, ..Receipt::default() });
        }
        Ok(Response::new(Receipts { receipts }))
    }

    async fn push_stations(
        &self,
        _: Request<Streaming<stations::StationBatch>>,
    ) -> Result<Response<Self::PushStationsStream>, Status> {
        absent()
    }
    async fn send_stations(
        &self,
        _: Request<Streaming<stations::StationBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        absent()
    }
    async fn push_status(
        &self,
        _: Request<Streaming<stations::StatusBatch>>,
    ) -> Result<Response<Self::PushStatusStream>, Status> {
        absent()
    }
    async fn push_orders(
        &self,
        _: Request<Streaming<stations::OrderBatch>>,
    ) -> Result<Response<Self::PushOrdersStream>, Status> {
        absent()
    }

    async fn send_status(
        &self,
        request: Request<Streaming<stations::StatusBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        self.awake()?;
        let bearer = request.metadata().get("authorization").expect("a caller");
        assert_eq!(bearer, "Bearer the operator's");
        let mut batches = request.into_inner();
        let mut receipts = Vec::new();
        while let Some(batch) = batches.message().await? {
            let mut results: Vec<_> =
                batch.items.iter().map(|item| self.verdict(&item.connector_id)).collect();
            if self.state().mute {
                results.pop();
            }
            self.state().statuses.extend(batch.items);
            self.state().pulled.push(batch.pulled);
            receipts.push(Receipt { batch_id: batch.batch_id, results, ..Receipt::default() });
        }
        Ok(Response::new(Receipts { receipts }))
    }

    async fn send_orders(
        &self,
        request: Request<Streaming<stations::OrderBatch>>,
    ) -> Result<Response<Receipts>, Status> {
        self.awake()?;
        let mut batches = request.into_inner();
        let mut receipts = Vec::new();
        while let Some(batch) = batches.message().await? {
            let results = batch.items.iter().map(|item| self.verdict(&item.order_no)).collect();
            self.state().orders.extend(batch.items);
            receipts.push(Receipt { batch_id: batch.batch_id, results, ..Receipt::default() });
        }
        Ok(Response::new(Receipts { receipts }))
    }
}

#[tonic::async_trait]
impl stations::registry_server::Registry for Played {
    async fn upsert_station(
        &self,
        request: Request<stations::UpsertStationRequest>,
    ) -> Result<Response<stations::Station>, Status> {
        self.awake()?;
        let body = request.into_inner();
        let code = body.station.as_ref().map(|station| station.station_code.clone()).unwrap_or_default();
        let rejected = self.state().rejects.get(&code).cloned();
        if let Some((reason, field)) = rejected {
            let reason: &'static str = reason.leak();
            return Err(Failure::invalid(reason, field, format!("{reason} 的说明")).into());
        }
        self.state().upserts.push(body);
        Ok(Response::new(stations::Station::default()))
    }

    async fn list_stations(
        &self,
        request: Request<stations::ListStationsRequest>,
    ) -> Result<Response<stations::ListStationsResponse>, Status> {
        let token = request.into_inner().page.map_or_else(String::new, |page| page.page_token);
        let at: usize = token.parse().unwrap_or_default();
        if at < self.state().pages {
            let next_page_token = (at + 1).to_string();
            return Ok(Response::new(stations::ListStationsResponse {
                stations: Vec::new(),
                next_page_token,
            }));
        }
        let held = self.state().held.clone();
        let stations = held
            .into_iter()
            .map(|record| stations::Station { record: Some(record), ..Default::default() })
            .collect();
        Ok(Response::new(stations::ListStationsResponse { stations, next_page_token: String::new() }))
    }

    async fn get_station(
        &self,
        _: Request<stations::GetStationRequest>,
    ) -> Result<Response<stations::Station>, Status> {
        absent()
    }
    async fn list_quality_days(
        &self,
        _: Request<stations::ListQualityDaysRequest>,
    ) -> Result<Response<stations::ListQualityDaysResponse>, Status> {
        absent()
    }
    async fn count_stations(
        &self,
        _: Request<stations::ListStationsRequest>,
    ) -> Result<Response<stations::CountStationsResponse>, Status> {
        absent()
    }
    async fn deactivate_station(
        &self,
        _: Request<stations::DeactivateStationRequest>,
    ) -> Result<Response<stations::Station>, Status> {
        absent()
    }
    async fn list_connection_facts(
        &self,
        _: Request<stations::ListConnectionFactsRequest>,
    ) -> Result<Response<stations::ListConnectionFactsResponse>, Status> {
        absent()
    }
    async fn get_order(
        &self,
        _: Request<stations::GetOrderRequest>,
    ) -> Result<Response<stations::GetOrderResponse>, Status> {
        absent()
    }
    async fn list_quality_items(
        &self,
        _: Request<stations::ListQualityItemsRequest>,
    ) -> Result<Response<stations::ListQualityItemsResponse>, Status> {
        absent()
    }
}

/// Comparisons are reported in the platform's own name, not in the operator's.
fn by_the_platform<T>(request: &Request<T>) {
    let bearer = request.metadata().get("authorization").expect("a caller");
    assert_ne!(bearer, "Bearer the operator's");
}

#[tonic::async_trait]
impl stations::checks_server::Checks for Played {
    async fn report_listed(
        &self,
        request: Request<stations::ReportListedRequest>,
    ) -> Result<Response<stations::CheckOutcome>, Status> {
        self.awake()?;
        by_the_platform(&request);
        if self.state().of_before {
            return Err(chassis::Failure::forbidden("not_permitted", "该操作未开放").into());
        }
        self.state().listed.push(request.into_inner());
        Ok(Response::new(stations::CheckOutcome::default()))
    }

    async fn report_refused(
        &self,
        request: Request<stations::ReportRefusedRequest>,
    ) -> Result<Response<stations::ReportRefusedResponse>, Status> {
        by_the_platform(&request);
        self.state().refused.push(request.into_inner());
        Ok(Response::new(stations::ReportRefusedResponse {}))
    }

    async fn list_ended_orders(
        &self,
        request: Request<stations::ListEndedOrdersRequest>,
    ) -> Result<Response<stations::ListEndedOrdersResponse>, Status> {
        by_the_platform(&request);
        let (orders, until) = (self.state().ended.clone(), request.into_inner().end_time);
        Ok(Response::new(stations::ListEndedOrdersResponse { orders, until }))
    }

    async fn report_statistics(
        &self,
        request: Request<stations::ReportStatisticsRequest>,
    ) -> Result<Response<stations::CheckOutcome>, Status> {
        by_the_platform(&request);
        self.state().statistics.push(request.into_inner());
        Ok(Response::new(stations::CheckOutcome { agreeing: 1, ..Default::default() }))
    }

    async fn report_disputes(
        &self,
        _: Request<stations::ReportDisputesRequest>,
    ) -> Result<Response<stations::CheckOutcome>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}
