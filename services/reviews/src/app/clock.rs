//! T26 and T27: what is done about time. Many applications at once, each by its own step on the one path.
//!
//! These steps leave matter, order and panel as they are, so an order's row is not locked: applications are, in ascending
//! order of their ids and without waiting, so that nobody meets a deadlock here.

use std::collections::{BTreeMap, btree_map::Entry};

use chassis::{Caller, Failure, Units, Work, error::Kind};
use uuid::Uuid;

use super::{Shared, busy_elsewhere, decided, read, save_all};
use crate::{
    domain::{
        act::{Act, Command, Person},
        application::Application,
        history::Step,
        ids::{ApplicationId, OrderId},
        order::Desk,
        stage::Stage,
    },
    store,
};

/// Clocks that one transaction of the timer strikes. Source: ours; some 50 ms.
const BATCH: i64 = 200;

/// What became of one application of a command.
#[derive(Debug)]
pub struct Outcome {
    /// The application, where the person may see it.
    pub application: Option<Application>,
    /// Why nothing changed.
    pub refused: Option<Failure>,
}

/// Carries out one command on many applications, each with the version that was seen; answers in their order.
///
/// # Errors
/// What is wrong with the command itself (INVALID_ARGUMENT); the database is away. Nothing has changed then.
pub async fn each(
    work: &mut Work,
    shared: &Shared,
    act: &Act,
    items: &[(Option<Uuid>, i64)],
) -> Result<Vec<Outcome>, Failure> {
    let mut act = act.clone();
    read::seated(work.db(), &mut act.person).await?;
    let ids: Vec<_> = items.iter().filter_map(|(id, _)| *id).collect();
    let locked = store::clocks::lock_free(work.db(), &ids).await?;
    let mut locked: BTreeMap<_, _> = locked.into_iter().map(|found| (found.id.0, found)).collect();
    let mut panels = BTreeMap::new();
    let mut steps = Vec::new();
    let mut outcomes = Vec::with_capacity(items.len());
    for (id, seen) in items {
        let found = id.and_then(|id| locked.remove(&id));
        let Some(application) = found else {
            outcomes.push(absent(work, shared, &act.person, *id).await?);
            continue;
        };
        let act = Act { seen: Some(*seen), ..act.clone() };
        match judged(work, shared, &application, &act, &mut panels).await {
            Ok(step) => {
                outcomes.push(Outcome { application: Some(step.after.clone()), refused: None });
                steps.push(step);
            }
            Err(failure) => outcomes.push(refused(&application, failure)?),
        }
    }
    save(work, steps).await?;
    Ok(outcomes)
}

/// What is refused for this application; what is wrong with the command itself is refused for all.
fn refused(application: &Application, failure: Failure) -> Result<Outcome, Failure> {
    match failure.kind() {
        Kind::NotFound => Ok(Outcome { application: None, refused: Some(failure) }),
        Kind::Refused | Kind::Conflict => {
            Ok(Outcome { application: Some(application.clone()), refused: Some(failure) })
        }
        Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::Reused
        | Kind::Busy
        | Kind::Unavailable
        | Kind::Internal => Err(failure),
    }
}

/// An application that is not there, not the person's to see, named before, or held by somebody at this moment.
async fn absent(
    work: &mut Work,
    shared: &Shared,
    person: &Person,
    id: Option<Uuid>,
) -> Result<Outcome, Failure> {
    let mut person = person.clone();
    let Some(id) = id else {
        return Ok(Outcome { application: None, refused: Some(Failure::not_found()) });
    };
    match read::application(work.db(), shared, &mut person, ApplicationId(id)).await {
        Ok(application) => Ok(Outcome { application: Some(application), refused: Some(busy_elsewhere()) }),
        Err(failure) => Ok(Outcome { application: None, refused: Some(failure) }),
    }
}

async fn judged(
    work: &mut Work,
    shared: &Shared,
    application: &Application,
    act: &Act,
    panels: &mut BTreeMap<OrderId, Desk>,
) -> Result<Step, Failure> {
    let policy = shared.policies.get(work.db(), application.round_id, application.policy_version).await?;
    let desk = desk(work, application, panels).await?;
    decided(work, application, act, &policy, desk)
}

/// The panel, where it is the one that is waited for; what it has said is of no consequence here.
async fn desk<'a>(
    work: &mut Work,
    application: &Application,
    panels: &'a mut BTreeMap<OrderId, Desk>,
) -> Result<Option<&'a Desk>, Failure> {
    let Some(id) = application.order_id.filter(|_| application.stage == Stage::ExpertReview) else {
        return Ok(None);
    };
    if let Entry::Vacant(place) = panels.entry(id) {
        let order = store::orders::find(work.db(), id).await?.ok_or_else(Failure::not_found)?;
        let seats = store::opinions::panel(work.db(), id).await?;
        let panel = seats.into_iter().map(|seat| seat.panelist).collect();
        place.insert(Desk { order, panel, opinions: Vec::new() });
    }
    Ok(panels.get(&id))
}

/// Saves the steps: those of one row from one node in one statement.
async fn save(work: &mut Work, steps: Vec<Step>) -> Result<(), Failure> {
    let mut groups: BTreeMap<_, Vec<Step>> = BTreeMap::new();
    for step in steps {
        groups.entry((step.row.fact.id(), step.row.by, step.before.stage)).or_default().push(step);
    }
    for steps in groups.values() {
        save_all(work, steps).await?;
    }
    Ok(())
}

/// Strikes every clock that is due; answers how many strokes there were. Source: T27.
///
/// Each batch is a transaction of its own; two processes share the work, because what one has locked the other passes by.
///
/// # Errors
/// The database is away; what was struck before stays.
pub async fn strike(units: &Units, shared: &Shared) -> Result<usize, Failure> {
    let mut strokes = 0;
    loop {
        let mut work = units.begin(Caller::system("reviews-clock")).await?;
        let now = work.now();
        let due = store::clocks::lock_due(work.db(), now, BATCH).await?;
        if due.is_empty() {
            return Ok(strokes);
        }
        let act = Act::new(Person::timer(), Command::StrikeClock);
        let mut steps = Vec::with_capacity(due.len());
        for application in &due {
            let policy =
                shared.policies.get(work.db(), application.round_id, application.policy_version).await?;
            let clock = application.clock.filter(|clock| {
                // Another calendar than when it was wound: it strikes later, or not at all.
                clock.due(now, &policy.limits, &policy.calendar).is_none()
            });
            match clock {
                Some(clock) => {
                    let strikes_at = clock.strikes_at(&policy.limits, &policy.calendar);
                    store::clocks::wind(work.db(), application.id, strikes_at).await?;
                }
                None => steps.push(decided(&work, application, &act, &policy, None)?),
            }
        }
        strokes += steps.len();
        save(&mut work, steps).await?;
        work.commit().await?;
    }
}
