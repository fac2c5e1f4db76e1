//! The gRPC service `Registry`.
use chassis::{Caller, Failure, Units, page, rpc::caller};
use proto::stations::{
    ConnectionCount, CountStationsResponse, DeactivateStationRequest, GetOrderRequest, GetOrderResponse,
    GetStationRequest, ListConnectionFactsRequest, ListConnectionFactsResponse, ListQualityDaysRequest,
    ListQualityDaysResponse, ListQualityItemsRequest, ListQualityItemsResponse, ListStationsRequest,
    ListStationsResponse, Station, UpsertStationRequest, registry_server::Registry,
};
use sqlx::{PgConnection, PgPool};
use time::Duration;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{convert, links::subject, operator, quality, scope};
use crate::{
    app,
    divisions::Divisions,
    domain::{
        Finding, Refusal, bounds::Bounds, connection::Connection, guide::Guide, order, tally::Kind, text,
    },
    memory::Memory,
    store::{self, stations::Filter},
};

/// The inlet of the registry.
pub struct RegistryService {
    /// For reads.
    pub pool: PgPool,
    /// For changes.
    pub units: Units,
    /// The counties.
    pub divisions: Divisions,
    /// The province's box.
    pub province: Bounds,
    /// See the connection rule.
    pub window: Duration,
    /// Forgets what an operator has changed.
    pub memory: Memory,
}

#[tonic::async_trait]
impl Registry for RegistryService {
    async fn upsert_station(
        &self,
        request: Request<UpsertStationRequest>,
    ) -> Result<Response<Station>, Status> {
        let county =
            request.get_ref().station.as_ref().map(|station| station.county.clone()).unwrap_or_default();
        let county = self.divisions.county(&county).await?;
        let (province, window) = (self.province, self.window);
        let changes = caller(&request)?.operator_id;
        let answer = self
            .units
            .run(request, move |work, body: UpsertStationRequest| {
                Box::pin(async move {
                    let operator_id = operator(work.caller())?;
                    let mut wanted = convert::registration(body, operator_id, &work.caller().subject)
                        .map_err(app::register::Untaken::Refused)?;
                    wanted.county = county;
                    let id = app::register::execute(work, &wanted, &province, window).await?;
                    view(work.db(), id, true).await
                })
            })
            .await?;
        changes.into_iter().for_each(|operator_id| self.memory.forget(operator_id));
        Ok(answer)
    }

    async fn get_station(&self, request: Request<GetStationRequest>) -> Result<Response<Station>, Status> {
        let caller = caller(&request)?;
        let id = convert::id(&request.get_ref().station_id)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let own = visible(&mut db, &caller, id).await?;
        Ok(Response::new(view(&mut db, id, own).await?))
    }

    async fn list_stations(
        &self,
        request: Request<ListStationsRequest>,
    ) -> Result<Response<ListStationsResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let size = page::size(body.page.as_ref())?;
        let after: Option<Uuid> = page::after(body.page.as_ref())?;
        let filter = filter(&caller, body)?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = store::stations::list(&mut db, &filter, after, size).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.station_id).collect();
        let data = store::connections::situations(&mut db, &ids).await?;
        let own = caller.operator_id.is_some();
        let stations = rows
            .iter()
            .map(|row| {
                let last = data.get(&row.station_id).and_then(|data| data.last_report_at);
                convert::station(row, Vec::new(), Guide::default(), &[], last, own)
            })
            .collect();
        let next_page_token = next(&ids, size);
        Ok(Response::new(ListStationsResponse { stations, next_page_token }))
    }

    async fn count_stations(
        &self,
        request: Request<ListStationsRequest>,
    ) -> Result<Response<CountStationsResponse>, Status> {
        let caller = caller(&request)?;
        let filter = filter(&caller, request.into_inner())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = store::stations::counts(&mut db, &filter).await?;
        let counts =
            rows.into_iter().map(|(connection, count)| ConnectionCount { connection, count }).collect();
        Ok(Response::new(CountStationsResponse { counts }))
    }

    async fn deactivate_station(
        &self,
        request: Request<DeactivateStationRequest>,
    ) -> Result<Response<Station>, Status> {
        let changes = caller(&request)?.operator_id;
        let answer = self
            .units
            .run(request, |work, body: DeactivateStationRequest| {
                Box::pin(async move {
                    let operator_id = operator(work.caller())?;
                    let id = convert::id(&body.station_id)?;
                    app::deactivate::execute(work, operator_id, id, body.expected_version).await?;
                    view(work.db(), id, true).await
                })
            })
            .await?;
        changes.into_iter().for_each(|operator_id| self.memory.forget(operator_id));
        Ok(answer)
    }

    async fn list_connection_facts(
        &self,
        request: Request<ListConnectionFactsRequest>,
    ) -> Result<Response<ListConnectionFactsResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let id = convert::id(&body.station_id)?;
        let size = page::size(body.page.as_ref())?;
        let before: Option<i64> = page::after(body.page.as_ref())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        visible(&mut db, &caller, id).await?;
        let rows = store::connections::list(&mut db, id, before, size).await?;
        let keys: Vec<i64> = rows.iter().map(|row| row.event_version).collect();
        let facts = rows.iter().map(convert::connection_fact).collect();
        Ok(Response::new(ListConnectionFactsResponse { facts, next_page_token: next(&keys, size) }))
    }

    async fn list_quality_items(
        &self,
        request: Request<ListQualityItemsRequest>,
    ) -> Result<Response<ListQualityItemsResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let operator_id = subject(&caller, &body.operator_id)?;
        if !body.kind.is_empty() && Kind::from_name(&body.kind).is_none() {
            return Err(Failure::from(Finding::new("kind", Refusal::UnknownValue)).into());
        }
        let size = page::size(body.page.as_ref())?;
        let before: Option<i64> = page::after(body.page.as_ref())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let rows = store::quality::list(&mut db, operator_id, &body.kind, before, size).await?;
        let keys: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let items = rows.into_iter().map(convert::quality_item).collect();
        Ok(Response::new(ListQualityItemsResponse { items, next_page_token: next(&keys, size) }))
    }

    async fn list_quality_days(
        &self,
        request: Request<ListQualityDaysRequest>,
    ) -> Result<Response<ListQualityDaysResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let operator_id = subject(&caller, &body.operator_id)?;
        let mut work = self.units.begin(caller).await?;
        let days = quality::days(&body.first_day, &body.last_day, work.now())?;
        let counted = store::quality_days::list(work.db(), operator_id, days).await?;
        let online = store::quality_days::online(work.db(), operator_id, days).await?;
        Ok(Response::new(ListQualityDaysResponse { days: quality::answer(counted, &online) }))
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let operator_id = subject(&caller, &body.operator_id)?;
        // A number that the database cannot be asked for is not held.
        text::identifier(&body.order_no, order::ORDER_NO_MAX).map_err(|_| Failure::not_found())?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let held = store::orders::versions(&mut db, operator_id, &body.order_no).await?;
        if held.is_empty() {
            return Err(Failure::not_found().into());
        }
        let contents = held.into_iter().map(convert::orders::content).collect();
        Ok(Response::new(GetOrderResponse { contents }))
    }
}

/// The token of the next page, when this one is full.
pub(super) fn next<K: serde::Serialize>(keys: &[K], size: i64) -> String {
    let full = i64::try_from(keys.len()).is_ok_and(|count| count == size);
    page::token(keys.last().filter(|_| full))
}

/// Whether the caller may read the station: `Ok(true)` for its own, `Ok(false)` within its scope.
async fn visible(db: &mut PgConnection, caller: &Caller, station_id: Uuid) -> Result<bool, Failure> {
    let row = store::stations::find(db, station_id).await?.ok_or_else(Failure::not_found)?;
    match caller.operator_id {
        Some(operator_id) if operator_id == row.operator_id => Ok(true),
        None if caller.covers(&row.county, &row.prefecture) => Ok(false),
        Some(_) | None => Err(Failure::not_found()),
    }
}

/// The station with all that belongs to it.
async fn view(db: &mut PgConnection, station_id: Uuid, own: bool) -> Result<Station, Failure> {
    let row = store::stations::find(db, station_id).await?.ok_or_else(Failure::not_found)?;
    let equipment = store::connectors::of_station(db, station_id).await?;
    let guide = store::guides::find(db, station_id).await?;
    let states = store::states::of_station(db, station_id).await?;
    let last = states.iter().map(|(_, latest)| latest.alive_at()).max();
    Ok(convert::station(&row, equipment, guide, &states, last, own))
}

fn filter(caller: &Caller, body: ListStationsRequest) -> Result<Filter, Failure> {
    if !body.connection.is_empty() && Connection::from_name(&body.connection).is_none() {
        return Err(Finding::new("connection", Refusal::UnknownValue).into());
    }
    crate::domain::text::optional(&body.search, 100).map_err(|refusal| Finding::new("search", refusal))?;
    for (field, code) in [("county", &body.county), ("prefecture", &body.prefecture)] {
        crate::domain::text::optional(code, 6).map_err(|refusal| Finding::new(field, refusal))?;
    }
    let asked = match body.operator_id.as_str() {
        "" => None,
        named => {
            Some(Uuid::parse_str(named).map_err(|_| Finding::new("operator_id", Refusal::UnknownValue))?)
        }
    };
    Ok(Filter {
        operator_id: caller.operator_id.or(asked),
        scope: scope(caller),
        county: body.county,
        prefecture: body.prefecture,
        connection: body.connection,
        search: body.search.trim().to_lowercase(),
        include_inactive: body.include_inactive,
    })
}
