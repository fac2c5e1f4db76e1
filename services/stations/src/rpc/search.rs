//! The gRPC service `Search`.
use std::collections::HashMap;

use chassis::{Failure, Units, page, rpc::caller};
use proto::stations::{
    FindConnectorsRequest, FindConnectorsResponse, FoundConnector, FoundStation, search_server::Search,
};
use time::{Duration, OffsetDateTime};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{convert, registry::next, scope};
use crate::{
    domain::{
        Finding, Refusal,
        search::{Circle, shown},
        text,
    },
    store::search::{self, Filter, Found, Key, Place},
};

/// The inlet of search.
pub struct SearchService {
    /// Each answer is of one instant, by database time.
    pub units: Units,
    /// How long a report keeps a connector online.
    pub online: Duration,
}

#[tonic::async_trait]
impl Search for SearchService {
    async fn find_connectors(
        &self,
        request: Request<FindConnectorsRequest>,
    ) -> Result<Response<FindConnectorsResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let size = page::size(body.page.as_ref())?;
        let after: Option<Key> = page::after(body.page.as_ref())?;
        text::optional(&body.division, 6)
            .map_err(|refusal| Failure::from(Finding::new("division", refusal)))?;
        let circle = body.near.map(|near| Circle {
            longitude_e6: near.longitude_e6,
            latitude_e6: near.latitude_e6,
            radius_metres: near.radius_metres,
        });
        let circle = circle.map(Circle::checked).transpose().map_err(Failure::from)?;
        let all_own = body.silent_only && caller.operator_id.is_some();
        if circle.is_none() && body.division.is_empty() && !all_own {
            return Err(Failure::from(Finding::new("near", Refusal::Required)).into());
        }
        let (operator_id, scope) = (caller.operator_id, scope(&caller));
        let mut work = self.units.begin(caller).await?;
        let now = work.now();
        let filter = Filter {
            operator_id,
            scope,
            division: body.division,
            available_since: body.available_only.then(|| now - self.online),
            silent_since: body.silent_only.then(|| now - self.online),
            power_watts_min: body.power_watts_min,
        };
        let places = match circle {
            Some(circle) => search::near(work.db(), &circle, &filter, after, size).await?,
            None => search::within(work.db(), &filter, after, size).await?,
        };
        let keys: Vec<Key> = places.iter().map(|place| (place.distance, place.station_id)).collect();
        let ids: Vec<Uuid> = places.iter().map(|place| place.station_id).collect();
        let mut of: HashMap<Uuid, Vec<Found>> = HashMap::new();
        for found in search::connectors(work.db(), &ids, &filter).await? {
            of.entry(found.station_id).or_default().push(found);
        }
        let station = |place: Place| {
            let found = of.remove(&place.station_id).unwrap_or_default();
            station(place, found, now, self.online)
        };
        Ok(Response::new(FindConnectorsResponse {
            stations: places.into_iter().map(station).collect(),
            next_page_token: next(&keys, size),
        }))
    }
}

fn station(place: Place, found: Vec<Found>, now: OffsetDateTime, online: Duration) -> FoundStation {
    let connectors = found.into_iter().map(|found| FoundConnector {
        state: shown(found.latest.as_ref(), place.station_status, now, online).name().to_owned(),
        seen_at: found.latest.map(|latest| convert::timestamp(latest.alive_at())),
        connector_id: found.code,
        power_watts: found.power_watts,
        connector_type: found.connector_type,
    });
    FoundStation {
        connectors: connectors.collect(),
        station_id: place.station_id.to_string(),
        operator_id: place.operator_id.to_string(),
        name: place.name,
        address: place.address,
        county: place.county,
        longitude_e6: place.longitude_e6,
        latitude_e6: place.latitude_e6,
        distance_metres: place.distance,
    }
}
