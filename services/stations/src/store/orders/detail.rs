//! The periods of an order as they stand in `details`.
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::domain::period::Period;

/// One period; what was not said is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    #[serde(with = "time::serde::rfc3339")]
    start_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    end_at: OffsetDateTime,
    energy_wh: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    electricity_price_e6: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_price_e6: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    electricity_fen: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_fen: Option<i64>,
}

impl Detail {
    /// What it says.
    #[must_use]
    pub fn period(&self) -> Period {
        Period {
            start_at: self.start_at,
            end_at: self.end_at,
            energy_wh: self.energy_wh,
            electricity_price_e6: self.electricity_price_e6,
            service_price_e6: self.service_price_e6,
            electricity_fen: self.electricity_fen,
            service_fen: self.service_fen,
        }
    }
}

/// Periods on their way into the table; none where there are none.
pub(super) fn of(periods: &[Period]) -> Option<Json<Vec<Detail>>> {
    let detail = |period: &Period| Detail {
        start_at: period.start_at,
        end_at: period.end_at,
        energy_wh: period.energy_wh,
        electricity_price_e6: period.electricity_price_e6,
        service_price_e6: period.service_price_e6,
        electricity_fen: period.electricity_fen,
        service_fen: period.service_fen,
    };
    (!periods.is_empty()).then(|| Json(periods.iter().map(detail).collect()))
}
