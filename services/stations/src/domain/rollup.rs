//! Sums of charge orders by day, operator and place: what one order adds, and what its correction takes away again.
//!
//! An order counts on the day of its end, whole: one that lasts over midnight is not cut.
use std::collections::BTreeMap;

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::day;

/// County and prefecture as numbers. Source: GB/T 2260.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Six digits.
    pub county: i32,
    /// Six digits.
    pub prefecture: i32,
}

impl Place {
    /// The place of two codes; none where one of them is no code.
    #[must_use]
    pub fn of(county: &str, prefecture: &str) -> Option<Self> {
        Some(Self { county: county.parse().ok()?, prefecture: prefecture.parse().ok()? })
    }
}

/// What is summed apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Day of the end, Asia/Shanghai.
    pub day: Date,
    /// Whose.
    pub operator_id: Uuid,
    /// Where.
    pub place: Place,
}

/// What one order counts for.
#[derive(Debug, Clone, Copy)]
pub struct Charge {
    /// Whose.
    pub operator_id: Uuid,
    /// Where; an order without a place counts nowhere.
    pub place: Option<Place>,
    /// Start.
    pub start_at: OffsetDateTime,
    /// End.
    pub end_at: OffsetDateTime,
    /// Wh, electricity, service and total in fen.
    pub amounts: [i64; 4],
}

/// Sums; those of what was taken away are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// How many.
    pub orders: i64,
    /// Wh, electricity, service and total in fen.
    pub amounts: [i64; 4],
    /// Seconds between start and end.
    pub charged_secs: i64,
}

/// What a set of orders changes.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<Key, Sums>);

impl Changes {
    /// Counts an order.
    pub fn add(&mut self, charge: &Charge) {
        self.count(charge, 1);
    }

    /// Counts an order no longer.
    pub fn take(&mut self, charge: &Charge) {
        self.count(charge, -1);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What is left, in the order of the keys: a correction that changes no sum leaves nothing.
    pub fn into_rows(self) -> impl Iterator<Item = (Key, Sums)> {
        self.0.into_iter().filter(|(_, sums)| *sums != Sums::default())
    }

    fn count(&mut self, charge: &Charge, sign: i64) {
        let Some(place) = charge.place else { return };
        let key = Key { day: day::of(charge.end_at), operator_id: charge.operator_id, place };
        let sums = self.0.entry(key).or_default();
        sums.orders += sign;
        sums.charged_secs += sign * (charge.end_at - charge.start_at).whole_seconds();
        for (sum, amount) in sums.amounts.iter_mut().zip(charge.amounts) {
            *sum += sign * amount;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    fn charge(end_at: OffsetDateTime, energy_wh: i64) -> Charge {
        Charge {
            operator_id: Uuid::nil(),
            place: Place::of("410105", "410100"),
            start_at: end_at - Duration::HOUR,
            end_at,
            amounts: [energy_wh, 300, 100, 400],
        }
    }

    #[test]
    fn an_order_counts_on_the_day_of_its_end_and_a_correction_counts_once() {
        let midnight = datetime!(2026-11-25 16:00 UTC);
        let mut changes = Changes::default();
        changes.add(&charge(midnight - Duration::SECOND, 1_000));
        changes.add(&charge(midnight, 2_000));
        changes.take(&charge(midnight, 2_000));
        changes.add(&charge(midnight, 2_500));
        changes.add(&Charge { place: None, ..charge(midnight, 7) });
        let rows: Vec<_> =
            changes.into_rows().map(|(key, sums)| (key.day.day(), sums.orders, sums.amounts[0])).collect();
        assert_eq!(rows, [(25, 1, 1_000), (26, 1, 2_500)]);
    }

    #[test]
    fn a_correction_of_nothing_that_is_summed_changes_no_row() {
        let end_at = datetime!(2026-11-25 08:00 UTC);
        let mut changes = Changes::default();
        changes.take(&charge(end_at, 1_000));
        changes.add(&charge(end_at, 1_000));
        assert_eq!(changes.into_rows().count(), 0);
    }
}
