//! The gRPC service `Statistics`.
use chassis::{Failure, Units, rpc::caller};
use proto::stations::{
    ChargeSums, ListChargeDaysRequest, ListChargeDaysResponse, statistics_server::Statistics,
};
use tonic::{Request, Response, Status};

use super::{links::subject, quality, scope};
use crate::{
    domain::{Finding, Refusal},
    store::charge_days::{self, Filter, Row},
};

/// Rows of one answer.
const ROWS_MAX: usize = 5_000;
/// Members by which sums are kept apart, in the order of [`Filter::by`].
const MEMBERS: [&str; 4] = ["day", "prefecture", "county", "operator"];

/// The inlet of statistics.
pub struct StatisticsService {
    /// For database time.
    pub units: Units,
}

#[tonic::async_trait]
impl Statistics for StatisticsService {
    async fn list_charge_days(
        &self,
        request: Request<ListChargeDaysRequest>,
    ) -> Result<Response<ListChargeDaysResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let operator_id = match (caller.operator_id, body.operator_id.as_str()) {
            (None, "") => None,
            (_, named) => Some(subject(&caller, named)?),
        };
        let division = match body.division.as_str() {
            "" => None,
            code => Some(code.parse().map_err(|_| unknown("division"))?),
        };
        let by = members(&body.by)?;
        let codes = |codes: Vec<String>| codes.iter().filter_map(|code| code.parse().ok()).collect();
        let scope = scope(&caller).map(codes);
        let mut work = self.units.begin(caller).await?;
        let days = quality::days(&body.first_day, &body.last_day, work.now())?;
        let filter = Filter { days: Some(days), operator_id, scope, division, by };
        let most = i64::try_from(ROWS_MAX + 1).unwrap_or(i64::MAX);
        let rows = charge_days::list(work.db(), &filter, most).await?;
        if rows.len() > ROWS_MAX {
            return Err(Failure::from(Finding::new("by", Refusal::TooMany { max: ROWS_MAX })).into());
        }
        Ok(Response::new(ListChargeDaysResponse { sums: rows.into_iter().map(sums).collect() }))
    }
}

fn unknown(field: &str) -> Failure {
    Finding::new(field, Refusal::UnknownValue).into()
}

fn members(by: &[String]) -> Result<[bool; 4], Failure> {
    let mut kept = [false; 4];
    for name in by {
        let at = MEMBERS.iter().position(|member| member == name).ok_or_else(|| unknown("by"))?;
        kept[at] = true;
    }
    Ok(kept)
}

fn sums(row: Row) -> ChargeSums {
    let code = |code: Option<i32>| match code {
        // Looks of a former release have no place.
        None | Some(0) => String::new(),
        Some(code) => format!("{code:06}"),
    };
    ChargeSums {
        day: row.day.map_or_else(String::new, |day| day.to_string()),
        prefecture: code(row.prefecture),
        county: code(row.county),
        operator_id: row.operator_id.map_or_else(String::new, |id| id.to_string()),
        orders: row.orders,
        energy_wh: row.energy_wh,
        electricity_fen: row.electricity_fen,
        service_fen: row.service_fen,
        total_fen: row.total_fen,
        charged_secs: row.charged_secs,
        connector_hours: row.connector_hours,
        online_hours: row.online_hours,
        utilisation_permille: utilisation(row.charged_secs, row.connector_hours),
    }
}

/// Share of connector hours in which was charged, per mille.
fn utilisation(charged_secs: i64, connector_hours: i64) -> i32 {
    match i128::from(connector_hours) * 3_600 {
        0 => 0,
        seconds => i32::try_from(i128::from(charged_secs) * 1_000 / seconds).unwrap_or(i32::MAX),
    }
}
