//! What this process remembers of connectors' latest states: a report that was taken before is answered without the database.
//!
//! Owns: which reports are answered so, and for how long. Not: any truth. What is remembered was committed once, and other processes
//! write too, so it may be older than what is held. It therefore only answers what every later state knows as well
//! ([`Latest::repeats`]); everything else goes to the database. Source: performance, design rule 4; decision record 46.
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use time::{Duration as Span, OffsetDateTime};
use uuid::Uuid;

use crate::{
    app::{Batch, status::Line},
    domain::{
        status::{Latest, Report, Status},
        tally::Tally,
        verdict::Verdict,
    },
};

/// How often it is told which connectors are gone: for so long one that another process took out of force may still be known here.
pub const REFRESHED_EVERY: Duration = Duration::from_secs(5);
/// It answers nothing when it was not told for so long: the database is away, or two turns failed.
const FRESH: Duration = Duration::from_secs(15);
/// How far each turn looks back: a connector is gone from the beginning of a unit of work that ends later, or was learnt meanwhile.
pub const LOOKS_BACK: Span = Span::minutes(2);
/// After so long a state is read again, whatever happens; as often as a repetition is noted as a sign of life.
const KEPT: Span = Span::minutes(10);
/// Connectors of a province, with about 160 bytes each. Source: performance, "Scale to keep in mind". Beyond it all is forgotten.
const CONNECTORS_MAX: usize = 500_000;

/// Clones share what is remembered.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// By operator and connector code.
    states: HashMap<Uuid, HashMap<Box<str>, Remembered>>,
    /// The database's time, and when that was here.
    refreshed: Option<(OffsetDateTime, Instant)>,
    /// What was answered and is not counted in the database yet.
    answered: BTreeMap<Uuid, Tally>,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    latest: Latest,
    learnt_at: OffsetDateTime,
}

impl Remembered {
    /// Whether the line says nothing new. What its system sends must not be due as a sign of life either.
    fn knows(&self, line: &Line, now: OffsetDateTime) -> bool {
        let Some(source_time) = line.source_time else { return false };
        let Ok(status) = Status::from_code(line.status_code) else { return false };
        let report = Report { status, source_time };
        now - self.learnt_at < KEPT
            && self.latest.repeats(report)
            && (line.pulled || !self.latest.hears(report, now))
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
        let states = self.states.get(&operator_id);
        states.and_then(|states| states.get(line.connector.as_str())).is_some_and(|one| one.knows(line, now))
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

    /// Remembers what is held of connectors (operator, code) since a commit of a unit that began at `now`.
    pub fn learn(&self, now: OffsetDateTime, held: Vec<(Uuid, String, Latest)>) {
        let mut inner = self.inner();
        let connectors: usize = inner.states.values().map(HashMap::len).sum();
        if connectors + held.len() > CONNECTORS_MAX {
            inner.states.clear();
        }
        for (operator_id, code, latest) in held {
            let remembered = Remembered { latest, learnt_at: now };
            inner.states.entry(operator_id).or_default().insert(code.into_boxed_str(), remembered);
        }
    }

    /// Forgets connectors that are gone at `now`, by the database's clock, and answers for a while from then on.
    pub fn refresh(&self, now: OffsetDateTime, removed: &[(Uuid, String)]) {
        let mut inner = self.inner();
        for (operator_id, code) in removed {
            if let Some(states) = inner.states.get_mut(operator_id) {
                states.remove(code.as_str());
            }
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

    fn memory() -> Memory {
        let memory = Memory::default();
        memory.learn(NOW, vec![(OPERATOR, "C1".into(), charging()), (OPERATOR, "C2".into(), charging())]);
        memory.refresh(NOW, &[]);
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
        memory.refresh(NOW + Span::minutes(9), &[]);
        assert!(memory.answer(&batch(vec![again("C1")])).is_none(), "seen ten minutes ago");
        assert!(memory.answer(&batch(vec![Line { pulled: true, ..again("C1") }])).is_some());
        memory.learn(
            NOW + Span::minutes(9),
            vec![(OPERATOR, "C1".into(), Latest { heard_at: Some(NOW + Span::minutes(9)), ..charging() })],
        );
        assert!(memory.answer(&batch(vec![again("C1")])).is_some());
        memory.refresh(NOW + Span::minutes(19), &[]);
        assert!(memory.answer(&batch(vec![Line { pulled: true, ..again("C1") }])).is_none(), "read again");
    }

    #[test]
    fn nothing_is_answered_before_it_was_told_what_is_gone_and_what_is_gone_is_forgotten() {
        let memory = Memory::default();
        memory.learn(NOW, vec![(OPERATOR, "C1".into(), charging()), (OPERATOR, "C2".into(), charging())]);
        assert!(memory.answer(&batch(vec![again("C1")])).is_none());
        memory.refresh(NOW, &[(OPERATOR, "C1".into()), (Uuid::from_u128(2), "C2".into())]);
        assert_eq!(memory.known(&batch(vec![again("C1"), again("C2")])), [false, true]);
    }

    #[test]
    fn more_connectors_than_a_province_has_are_not_remembered() {
        let memory = memory();
        let many = (0..CONNECTORS_MAX).map(|number| (OPERATOR, number.to_string(), charging())).collect();
        memory.learn(NOW, many);
        assert_eq!(memory.known(&batch(vec![again("C1"), again("0")])), [false, true]);
    }
}
