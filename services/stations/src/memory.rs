//! What this process remembers of connectors: their latest states, and what the registry says of them.
//!
//! Owns: what is answered from it, and for how long. Not: any truth. What is remembered was committed once, and other processes
//! write too, so it may be older than what is held. A repetition is answered from it where every later state knows it as well
//! ([`Latest::repeats`]); news is judged by it only where the statement that writes it finds the same state still held (`app::status`).
//! Source: performance, design rule 4; decision records 46 and 50.
mod recent;
mod shelf;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use time::{Date, Duration as Span, OffsetDateTime};
use uuid::Uuid;

use self::{recent::Recent, shelf::Shelf};
use crate::{
    app::{Batch, status::Line},
    domain::{
        status::{Latest, Report, Status},
        tally::Tally,
        verdict::Verdict,
    },
    store::{connectors::Gone, orders::Connector},
};

/// How often it is told which connectors are gone: for so long one that another process took out of force may still be known here.
pub const REFRESHED_EVERY: Duration = Duration::from_secs(5);
/// It answers nothing when it was not told for so long: the database is away, or two turns failed.
const FRESH: Duration = Duration::from_secs(15);
/// An operator of which another process has just written a state sends through several: so long its news is locked from the start.
const LEFT_FOR: Duration = Duration::from_secs(60);
/// How far each turn looks back: a connector is gone from the beginning of a unit of work that ends later, or was learnt meanwhile.
pub const LOOKS_BACK: Span = Span::minutes(2);

/// Clones share what is remembered.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    states: Shelf<State>,
    connectors: Shelf<Connector>,
    orders: Recent,
    /// Operators of which a state was found to be left, and when.
    left: HashMap<Uuid, Instant>,
    /// The database's time, and when that was here.
    refreshed: Option<(OffsetDateTime, Instant)>,
    /// What was answered and is not counted in the database yet.
    answered: BTreeMap<Uuid, Tally>,
}

/// The state of a connector that has reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Key of everything measured.
    pub connector_key: i64,
    /// Its station.
    pub station_id: Uuid,
    /// What was held.
    pub latest: Latest,
    /// The day whose reports the state counts.
    pub counted_on: Option<Date>,
}

impl State {
    /// Whether the line says nothing new. What its system sends must not be due as a sign of life either.
    fn knows(&self, line: &Line, now: OffsetDateTime) -> bool {
        let Some(source_time) = line.source_time else { return false };
        let Ok(status) = Status::from_code(line.status_code) else { return false };
        let report = Report { status, source_time };
        self.latest.repeats(report) && (line.pulled || !self.latest.hears(report, now))
    }
}

impl Inner {
    /// The database's time by the clock of this process; none where it is not known well enough to answer.
    fn now(&self) -> Option<OffsetDateTime> {
        let (at, since) = self.refreshed?;
        let passed = since.elapsed();
        (passed < FRESH).then(|| at + passed)
    }

    fn knows(&self, operator_id: Uuid, line: &Line, now: OffsetDateTime) -> bool {
        self.states.get(operator_id, &line.connector, now).is_some_and(|state| state.knows(line, now))
    }
}

impl Memory {
    /// The verdicts on a batch that says nothing new at all; they are counted.
    #[must_use]
    pub fn answer(&self, batch: &Batch<Line>) -> Option<Vec<Verdict>> {
        let mut inner = self.inner();
        let now = inner.now()?;
        if !batch.lines.iter().all(|line| inner.knows(batch.operator_id, line, now)) {
            return None;
        }
        let tally = inner.answered.entry(batch.operator_id).or_default();
        tally.duplicate += i64::try_from(batch.lines.len()).unwrap_or(i64::MAX);
        Some(vec![Verdict::Duplicate; batch.lines.len()])
    }

    /// Which lines of a batch say nothing new; the caller counts them.
    #[must_use]
    pub fn known(&self, batch: &Batch<Line>) -> Vec<bool> {
        let inner = self.inner();
        let Some(now) = inner.now() else { return vec![false; batch.lines.len()] };
        batch.lines.iter().map(|line| inner.knows(batch.operator_id, line, now)).collect()
    }

    /// The states of connectors (operator, code) as far as they are remembered, in the order asked; none of an operator whose states
    /// were left within the last minute.
    #[must_use]
    pub fn states(&self, asked: &[(Uuid, &str)]) -> Vec<Option<State>> {
        let inner = self.inner();
        let Some(now) = inner.now() else { return vec![None; asked.len()] };
        let settled = |of: &Uuid| inner.left.get(of).is_none_or(|since| since.elapsed() >= LEFT_FOR);
        let state = |(operator_id, code): &(Uuid, &str)| {
            inner.states.get(*operator_id, code, now).filter(|_| settled(operator_id)).copied()
        };
        asked.iter().map(state).collect()
    }

    /// What the registry says of connectors, likewise.
    #[must_use]
    pub fn connectors(&self, asked: &[(Uuid, &str)]) -> Vec<Option<Connector>> {
        let inner = self.inner();
        let Some(now) = inner.now() else { return vec![None; asked.len()] };
        asked
            .iter()
            .map(|(operator_id, code)| inner.connectors.get(*operator_id, code, now).copied())
            .collect()
    }

    /// Remembers what is held of connectors (operator, code) since a commit of a unit that began at `now`.
    pub fn learn_states(&self, now: OffsetDateTime, held: Vec<(Uuid, String, State)>) {
        // What it has no more room for goes when nobody waits for the lock.
        let emptied = self.inner().states.learn(now, held);
        drop(emptied);
    }

    /// Remembers what a unit that began at `now` has read of the registry.
    pub fn learn_connectors(&self, now: OffsetDateTime, read: Vec<(Uuid, String, Connector)>) {
        let emptied = self.inner().connectors.learn(now, read);
        drop(emptied);
    }

    /// Whether one of these orders (operator, number) was found to be held lately: then it is likely that it is said again. It decides
    /// nothing but what is asked first.
    #[must_use]
    pub fn held_lately<'b>(&self, mut orders: impl Iterator<Item = (Uuid, &'b str)>) -> bool {
        let inner = self.inner();
        orders.any(|order| inner.orders.contains(order))
    }

    /// Remembers orders that are held since a commit.
    pub fn learn_orders<'b>(&self, held: impl Iterator<Item = (Uuid, &'b str)>) {
        let mut inner = self.inner();
        held.for_each(|order| inner.orders.learn(order));
    }

    /// Forgets states that another process has left meanwhile: they are read again.
    pub fn forget_states<'c>(&self, left: impl IntoIterator<Item = (Uuid, &'c str)>) {
        let mut inner = self.inner();
        inner.left.retain(|_, since| since.elapsed() < LEFT_FOR);
        for (operator_id, code) in left {
            inner.states.forget(operator_id, code);
            inner.left.insert(operator_id, Instant::now());
        }
    }

    /// Forgets an operator whose registry this process has just changed: what it sends next is judged by that.
    pub fn forget(&self, operator_id: Uuid) {
        let mut inner = self.inner();
        inner.states.forget_all(operator_id);
        inner.connectors.forget_all(operator_id);
    }

    /// Forgets what is gone at `now`, by the database's clock, and answers for a while from then on.
    pub fn refresh(&self, now: OffsetDateTime, gone: &Gone) {
        let mut inner = self.inner();
        for (operator_id, code) in &gone.connectors {
            inner.states.forget(*operator_id, code);
            inner.connectors.forget(*operator_id, code);
        }
        for (operator_id, stations) in &gone.stations {
            inner.connectors.retain(*operator_id, |connector| !stations.contains(&connector.station_id));
        }
        inner.refreshed = Some((now, Instant::now()));
    }

    /// What was answered, by operator, and has not been [`Memory::counted`].
    #[must_use]
    pub fn answered(&self) -> BTreeMap<Uuid, Tally> {
        self.inner().answered.clone()
    }

    /// Takes note that so much of what was answered is counted in the database.
    pub fn counted(&self, counted: &BTreeMap<Uuid, Tally>) {
        let mut inner = self.inner();
        for (operator_id, tally) in counted {
            if let Some(left) = inner.answered.get_mut(operator_id) {
                left.duplicate -= tally.duplicate;
            }
        }
        inner.answered.retain(|_, left| left.duplicate > 0);
    }

    /// Nothing is half done in here when a thread ends: what it holds stays true.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-12-06 08:00 UTC);
    const OPERATOR: Uuid = Uuid::from_u128(1);
    const STATION: Uuid = Uuid::from_u128(7);

    /// The connector has charged since half an hour ago, and was seen a minute ago.
    fn charging() -> Latest {
        Latest {
            status: Status::Charging,
            changed_at: NOW - Span::minutes(30),
            seen_at: NOW - Span::MINUTE,
            heard_at: None,
        }
    }

    fn line(code: &str, status: Status, at: OffsetDateTime) -> Line {
        Line {
            connector: code.into(),
            status_code: i32::from(status.code()),
            source_time: Some(at),
            pulled: false,
        }
    }

    fn batch(lines: Vec<Line>) -> Batch<Line> {
        Batch { operator_id: OPERATOR, batch_id: "b".into(), lines }
    }

    fn again(code: &str) -> Line {
        line(code, Status::Charging, charging().seen_at)
    }

    fn state(code: &str, latest: Latest) -> (Uuid, String, State) {
        (OPERATOR, code.into(), State { connector_key: 1, station_id: STATION, latest, counted_on: None })
    }

    fn connector(code: &str, station_id: Uuid) -> (Uuid, String, Connector) {
        (OPERATOR, code.into(), Connector { key: 1, station_id, power_watts: 1, place: None })
    }

    fn gone(operator: Uuid, code: &str) -> Gone {
        Gone { connectors: vec![(operator, code.into())], ..Gone::default() }
    }

    fn memory() -> Memory {
        let memory = Memory::default();
        memory.learn_states(NOW, vec![state("C1", charging()), state("C2", charging())]);
        memory.refresh(NOW, &Gone::default());
        memory
    }

    #[test]
    fn only_what_was_said_before_is_answered_and_each_answer_is_counted_once() {
        let memory = memory();
        let snapshot = batch(vec![again("C1"), line("C2", Status::Charging, charging().changed_at)]);
        assert_eq!(memory.answer(&snapshot), Some(vec![Verdict::Duplicate; 2]));
        let news = [
            line("C1", Status::Charging, NOW),
            line("C1", Status::Idle, charging().seen_at),
            line("C3", Status::Charging, charging().seen_at),
            Line { source_time: None, ..again("C1") },
            Line { status_code: 9, ..again("C1") },
        ];
        for line in news {
            let mixed = batch(vec![again("C1"), line]);
            assert_eq!(memory.answer(&mixed), None, "{mixed:?}");
            assert_eq!(memory.known(&mixed), [true, false]);
        }
        let foreign = Batch { operator_id: Uuid::from_u128(2), ..snapshot };
        assert_eq!(memory.answer(&foreign), None);
        let answered = memory.answered();
        assert_eq!((answered.len(), answered[&OPERATOR].duplicate), (1, 2));
        assert!(memory.answer(&batch(vec![again("C1")])).is_some());
        memory.counted(&answered);
        assert_eq!(memory.answered()[&OPERATOR].duplicate, 1);
        memory.counted(&memory.answered());
        assert!(memory.answered().is_empty());
    }

    #[test]
    fn a_sign_of_life_that_is_due_is_passed_on_and_what_was_pulled_is_none() {
        let memory = memory();
        memory.refresh(NOW + Span::minutes(9), &Gone::default());
        assert!(memory.answer(&batch(vec![again("C1")])).is_none(), "seen ten minutes ago");
        assert!(memory.answer(&batch(vec![Line { pulled: true, ..again("C1") }])).is_some());
        let heard = Latest { heard_at: Some(NOW + Span::minutes(9)), ..charging() };
        memory.learn_states(NOW + Span::minutes(9), vec![state("C1", heard)]);
        assert!(memory.answer(&batch(vec![again("C1")])).is_some());
        memory.refresh(NOW + Span::minutes(19), &Gone::default());
        assert!(memory.answer(&batch(vec![Line { pulled: true, ..again("C1") }])).is_none(), "read again");
    }

    #[test]
    fn nothing_is_answered_before_it_was_told_what_is_gone_and_what_is_gone_is_forgotten() {
        let memory = Memory::default();
        memory.learn_states(NOW, vec![state("C1", charging()), state("C2", charging())]);
        memory.learn_connectors(NOW, vec![connector("C1", STATION)]);
        assert!(memory.answer(&batch(vec![again("C1")])).is_none());
        assert_eq!(memory.states(&[(OPERATOR, "C1")]), [None]);
        assert!(memory.connectors(&[(OPERATOR, "C1")])[0].is_none());
        memory.refresh(NOW, &gone(Uuid::from_u128(2), "C2"));
        assert!(memory.connectors(&[(OPERATOR, "C1")])[0].is_some());
        memory.refresh(NOW, &gone(OPERATOR, "C1"));
        assert_eq!(memory.known(&batch(vec![again("C1"), again("C2")])), [false, true]);
        assert!(memory.connectors(&[(OPERATOR, "C1")])[0].is_none());
    }

    #[test]
    fn what_the_registry_says_is_forgotten_with_its_station_and_states_are_not() {
        let memory = memory();
        let other = Uuid::from_u128(8);
        memory.learn_connectors(NOW, vec![connector("C1", STATION), connector("C2", other)]);
        let stations = [(OPERATOR, [STATION].into())].into();
        memory.refresh(NOW, &Gone { stations, ..Gone::default() });
        let kept = memory.connectors(&[(OPERATOR, "C1"), (OPERATOR, "C2")]);
        assert_eq!(kept.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
        assert!(memory.states(&[(OPERATOR, "C1")])[0].is_some());
    }

    #[test]
    fn an_operator_that_has_changed_its_registry_is_read_again() {
        let memory = memory();
        memory.learn_connectors(NOW, vec![connector("C1", STATION)]);
        memory.forget(Uuid::from_u128(2));
        assert!(memory.connectors(&[(OPERATOR, "C1")])[0].is_some());
        memory.forget(OPERATOR);
        assert!(memory.connectors(&[(OPERATOR, "C1")])[0].is_none());
        assert_eq!(memory.states(&[(OPERATOR, "C1"), (OPERATOR, "C2")]), [None, None]);
    }

    #[test]
    fn where_a_state_was_left_meanwhile_news_of_that_operator_is_not_judged_by_memory_and_repetitions_are() {
        let memory = memory();
        let other = Uuid::from_u128(2);
        memory.learn_states(NOW, vec![(other, "C1".into(), state("C1", charging()).2)]);
        memory.forget_states([(OPERATOR, "C1")]);
        let kept = memory.states(&[(OPERATOR, "C1"), (OPERATOR, "C2"), (other, "C1")]);
        assert_eq!(kept.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(memory.known(&batch(vec![again("C1"), again("C2")])), [false, true]);
    }
}
