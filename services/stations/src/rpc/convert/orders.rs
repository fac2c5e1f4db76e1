//! Messages of charge orders to values and back.
use prost_types::Timestamp;
use proto::stations::{ChargePeriod, OrderContent, OrderItem};
use time::OffsetDateTime;

use super::{instant, timestamp};
use crate::{
    app,
    domain::{
        Finding, Refusal,
        order::Order,
        period::{self, Period},
    },
    store::orders::{Detail, Version},
};

/// An order as it came, or the first field that is no time.
#[must_use]
pub fn line(item: OrderItem) -> app::order::Line {
    match times(&item) {
        Ok(times) => app::order::Line::Read(order(item, times)),
        Err(found) => {
            app::order::Line::Unread { found, order_no: item.order_no, connector: item.connector_id }
        }
    }
}

/// Start, end, source time, periods.
type Times = (OffsetDateTime, OffsetDateTime, OffsetDateTime, Vec<Period>);

fn times(item: &OrderItem) -> Result<Times, Finding> {
    let periods = item.details.iter().enumerate();
    Ok((
        time("start_time", item.start_time.as_ref())?,
        time("end_time", item.end_time.as_ref())?,
        time("source_time", item.source_time.as_ref())?,
        periods.map(|(at, said)| period(at, said)).collect::<Result<_, _>>()?,
    ))
}

fn order(item: OrderItem, (start_at, end_at, source_time, periods): Times) -> Order {
    Order {
        order_no: item.order_no,
        connector_code: item.connector_id,
        start_at,
        end_at,
        energy_wh: item.energy_wh,
        electricity_fen: item.electricity_fen,
        service_fen: item.service_fen,
        total_fen: item.total_fen,
        stop_reason: item.stop_reason,
        source_time,
        periods,
    }
}

fn period(at: usize, said: &ChargePeriod) -> Result<Period, Finding> {
    Ok(Period {
        start_at: time(format!("details[{at}].start_time"), said.start_time.as_ref())?,
        end_at: time(format!("details[{at}].end_time"), said.end_time.as_ref())?,
        energy_wh: said.energy_wh,
        electricity_price_e6: said.electricity_price_e6,
        service_price_e6: said.service_price_e6,
        electricity_fen: said.electricity_fen,
        service_fen: said.service_fen,
    })
}

fn time(field: impl Into<String>, at: Option<&Timestamp>) -> Result<OffsetDateTime, Finding> {
    instant(at).ok_or_else(|| Finding::new(field, Refusal::BadTime))
}

/// A content of an order, with what was said of its periods.
#[must_use]
pub fn content(version: Version) -> OrderContent {
    let details = version.details.as_ref().map(|details| details.0.as_slice()).unwrap_or_default();
    let item = OrderItem {
        details: details.iter().map(Detail::period).map(detail).collect(),
        order_no: version.order_no,
        connector_id: version.connector_code,
        start_time: Some(timestamp(version.start_at)),
        end_time: Some(timestamp(version.end_at)),
        energy_wh: version.energy_wh,
        electricity_fen: version.electricity_fen,
        service_fen: version.service_fen,
        total_fen: version.total_fen,
        stop_reason: i32::from(version.stop_reason),
        source_time: Some(timestamp(version.source_time)),
    };
    OrderContent {
        contradictory: times(&item)
            .is_ok_and(|times| period::contradiction(&order(item.clone(), times)).is_some()),
        order: Some(item),
        received_at: Some(timestamp(version.received_at)),
        superseded_at: version.superseded_at.map(timestamp),
    }
}

fn detail(period: Period) -> ChargePeriod {
    ChargePeriod {
        start_time: Some(timestamp(period.start_at)),
        end_time: Some(timestamp(period.end_at)),
        energy_wh: period.energy_wh,
        electricity_price_e6: period.electricity_price_e6,
        service_price_e6: period.service_price_e6,
        electricity_fen: period.electricity_fen,
        service_fen: period.service_fen,
    }
}
