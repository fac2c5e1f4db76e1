//! Stations: registered with equipment and connectors, and their status pushed until the gates hold.
//!
//! Owns: the verbs of the registry and the ingest. Not: what counts as connected; stations decides.
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use prost_types::Timestamp;
use proto::stations::{
    ChargeSums, ConnectionFact, DeactivateStationRequest, FindConnectorsRequest, FindConnectorsResponse,
    GetStationRequest, ListChargeDaysRequest, ListConnectionFactsRequest, ListQualityItemsRequest,
    ListStationsRequest, OrderBatch, OrderItem, QualityItem, Receipt, Station, StationBatch, StationItem,
    StationRecord, StatusBatch, StatusItem, TelemetryBatch, TelemetryItem, UpsertStationRequest,
};

use super::{
    actor::{Actor, fresh_id},
    clock::now,
    eventually,
    refused::Answer,
};

/// Status of a connector. Source: T/CEC 102, ConnectorStatus.
pub mod status {
    /// 离网.
    pub const OFFLINE: i32 = 0;
    /// 空闲.
    pub const IDLE: i32 = 1;
    /// 占用（充电中）.
    pub const CHARGING: i32 = 3;
}

/// Most items of one batch. Source: the ingest's contract.
const BATCH_MAX: usize = 1000;
/// Most stations of one batch. Source: likewise.
const STATIONS_MAX: usize = 100;

impl Actor {
    /// Registers a station with its equipment and connectors, or brings it up to date. Errors: as `UpsertStation`.
    pub async fn register_station(&self, record: StationRecord) -> Answer<Station> {
        self.upsert_station(UpsertStationRequest { station: Some(record), ..UpsertStationRequest::default() })
            .await
    }

    /// Registers with exactly these fields; only the request id is added. Errors: as `UpsertStation`.
    pub async fn upsert_station(&self, body: UpsertStationRequest) -> Answer<Station> {
        let body = UpsertStationRequest { request_id: self.request_id(), ..body };
        self.ask(body, |to, request| async move { to.registry().upsert_station(request).await }).await
    }

    /// Reads a station with its live state. Errors: `not_found`, also for a foreign one.
    pub async fn station(&self, station_id: &str) -> Answer<Station> {
        let body = GetStationRequest { station_id: station_id.to_owned() };
        self.ask(body, |to, request| async move { to.registry().get_station(request).await }).await
    }

    /// Every station that the caller may see, oldest first, without connectors.
    pub async fn stations(&self) -> Answer<Vec<Station>> {
        let mut found = Vec::new();
        let mut body = ListStationsRequest::default();
        loop {
            let page = self
                .ask(body.clone(), |to, request| async move { to.registry().list_stations(request).await })
                .await?;
            found.extend(page.stations);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            body.page = Some(proto::common::Page { page_size: 0, page_token: page.next_page_token });
        }
    }

    /// Takes a station out of force. Errors: `station_claimed`, `not_found`.
    pub async fn deactivate_station(&self, station_id: &str) -> Answer<Station> {
        let body = DeactivateStationRequest {
            request_id: self.request_id(),
            station_id: station_id.to_owned(),
            expected_version: None,
        };
        self.ask(body, |to, request| async move { to.registry().deactivate_station(request).await }).await
    }

    /// The dated facts of a station's interconnection, newest first.
    pub async fn connection_facts(&self, station_id: &str) -> Answer<Vec<ConnectionFact>> {
        let body = ListConnectionFactsRequest { station_id: station_id.to_owned(), page: None };
        let page = self
            .ask(body, |to, request| async move { to.registry().list_connection_facts(request).await })
            .await?;
        Ok(page.facts)
    }

    /// What was rejected of the caller's own data, newest first.
    pub async fn quality_items(&self) -> Answer<Vec<QualityItem>> {
        let body = ListQualityItemsRequest::default();
        let page = self
            .ask(body, |to, request| async move { to.registry().list_quality_items(request).await })
            .await?;
        Ok(page.items)
    }

    /// Looks for connectors by place. Errors: as `FindConnectors`.
    pub async fn find_connectors(&self, body: FindConnectorsRequest) -> Answer<FindConnectorsResponse> {
        self.ask(body, |to, request| async move { to.search().find_connectors(request).await }).await
    }

    /// Sums of charge orders. Errors: as `ListChargeDays`.
    pub async fn charge_days(&self, body: ListChargeDaysRequest) -> Answer<Vec<ChargeSums>> {
        let listed = self
            .ask(body, |to, request| async move { to.statistics().list_charge_days(request).await })
            .await?;
        Ok(listed.sums)
    }

    /// Pushes stations as a machine, as they are now, in batches; gives one receipt a batch. Errors: the stream is refused.
    pub async fn push_stations(&self, records: &[StationRecord]) -> Answer<Vec<Receipt>> {
        let item =
            |record: &StationRecord| StationItem { station: Some(record.clone()), source_time: Some(now()) };
        let batches: Vec<_> = records
            .chunks(STATIONS_MAX)
            .map(|records| StationBatch { batch_id: fresh_id(), items: records.iter().map(item).collect() })
            .collect();
        let sent = self
            .ask(batches, |to, request| async move {
                to.ingest().send_stations(request.map(tokio_stream::iter)).await
            })
            .await?;
        Ok(sent.receipts)
    }

    /// Pushes status items as a machine, in batches; gives one receipt a batch. Errors: the stream is refused.
    pub async fn push_status(&self, items: Vec<StatusItem>) -> Answer<Vec<Receipt>> {
        let batches: Vec<_> = items
            .chunks(BATCH_MAX)
            .map(|items| StatusBatch { batch_id: fresh_id(), items: items.to_vec(), pulled: false })
            .collect();
        let sent = self
            .ask(batches, |to, request| async move {
                to.ingest().send_status(request.map(tokio_stream::iter)).await
            })
            .await?;
        Ok(sent.receipts)
    }

    /// Pushes charge orders as a machine, in batches. Errors: the stream is refused.
    pub async fn push_orders(&self, items: Vec<OrderItem>) -> Answer<Vec<Receipt>> {
        let batches: Vec<_> = items
            .chunks(BATCH_MAX)
            .map(|items| OrderBatch { batch_id: fresh_id(), items: items.to_vec() })
            .collect();
        let sent = self
            .ask(batches, |to, request| async move {
                to.ingest().send_orders(request.map(tokio_stream::iter)).await
            })
            .await?;
        Ok(sent.receipts)
    }

    /// Pushes one batch of samples as a machine. Errors: the stream is refused.
    pub async fn push_telemetry(&self, items: Vec<TelemetryItem>) -> Answer<Vec<Receipt>> {
        let batches = vec![TelemetryBatch { batch_id: fresh_id(), items }];
        let sent = self
            .ask(batches, |to, request| async move {
                to.ingest().send_telemetry(request.map(tokio_stream::iter)).await
            })
            .await?;
        Ok(sent.receipts)
    }

    /// Reports every connector of a station as idle now, so that gates A and B hold, and waits for it.
    ///
    /// `reader` is the operator's person: the machine may not read. Errors: an item is rejected; the station does not
    /// count as connected within 30 s.
    pub async fn connect_station(&self, reader: &Actor, station: &Station) -> Result<Station> {
        let record = station.record.as_ref().context("the station has no record")?;
        let receipts = self.push_status(all(record, status::IDLE, now())).await?;
        for receipt in &receipts {
            let first = receipt.results.iter().find(|result| result.outcome == "rejected");
            ensure!(receipt.rejected == 0, "a status of {} is rejected: {first:?}", record.name);
        }
        eventually(Duration::from_secs(30), &format!("{} is connected", record.name), || async {
            let station = reader.station(&record.station_id).await?;
            Ok((station.connection == "connected").then_some(station))
        })
        .await
    }
}

/// One status item for each connector of a station.
pub fn all(record: &StationRecord, status: i32, source_time: Timestamp) -> Vec<StatusItem> {
    let connectors = record.equipment.iter().flat_map(|device| &device.connectors);
    connectors
        .map(|one| StatusItem {
            connector_id: one.connector_id.clone(),
            status,
            source_time: Some(source_time),
        })
        .collect()
}

/// The ids of a station's connectors.
pub fn connector_ids(record: &StationRecord) -> Vec<String> {
    let connectors = record.equipment.iter().flat_map(|device| &device.connectors);
    connectors.map(|one| one.connector_id.clone()).collect()
}
