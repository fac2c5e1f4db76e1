//! The one path: an event moves the task, tells the desks, and hints the live readers; a reader marks messages. Webhooks have
//! files of their own.

pub mod acknowledge;
pub mod body;
pub mod deliver;
pub mod notices;
pub mod subscribe;

use chassis::{Failure, Work};
use uuid::Uuid;

use crate::{
    domain::{
        account,
        application::Moved,
        desk::{Desk, Viewer},
        occurrence::Occurrence,
        refusal::Refusal,
        task::{Subject, Task},
        webhook::flaw::Flaw,
        work_order,
    },
    labels,
    live::Hub,
    store::{
        messages::{self, Message, Window},
        work_orders,
        worklist::{self, Saved},
    },
};

/// An application moved: its task goes to the desk that acts next, the operator and that desk are told.
///
/// # Errors
/// A contradiction in the event ([`Refusal`]), or the database is away.
pub async fn application_moved(
    work: &mut Work,
    hub: &Hub,
    occurrence: Occurrence,
    moved: &Moved,
) -> Result<(), Failure> {
    let task = moved.task().map_err(contradiction)?;
    let mut desks = save_task(work, &task).await?;
    if let Some(order) = moved.drawn_into() {
        work_orders::add_sample(work.db(), order, &[moved.application_id]).await?;
    }
    let told: Vec<Message> = moved
        .told(&task)
        .into_iter()
        .map(|(desk, fact, audience)| {
            message(occurrence, &desk, &moved.kind, task.subject, labels::application(moved, fact, audience))
        })
        .collect();
    messages::insert(work.db(), &told).await?;
    desks.extend(told.into_iter().map(|message| message.desk));
    hub.hint(work, occurrence.event_id, desks, task.subject.id());
    Ok(())
}

/// An account changed: the administrators' task opens or closes, the operator (and they) are told.
///
/// # Errors
/// The database is away.
pub async fn account_changed(
    work: &mut Work,
    hub: &Hub,
    occurrence: Occurrence,
    changed: &account::Changed,
) -> Result<(), Failure> {
    let task = changed.task();
    let mut desks = save_task(work, &task).await?;
    let told: Vec<Message> = changed
        .told()
        .into_iter()
        .map(|(desk, fact, audience)| {
            let text = labels::account(changed, fact, audience).to_owned();
            message(occurrence, &desk, &changed.kind, task.subject, text)
        })
        .collect();
    messages::insert(work.db(), &told).await?;
    desks.extend(told.into_iter().map(|message| message.desk));
    hub.hint(work, occurrence.event_id, desks, task.subject.id());
    Ok(())
}

/// A work order changed: its panel and its drawn members are taken over, the desk concerned is told.
///
/// # Errors
/// The database is away.
pub async fn work_order_changed(
    work: &mut Work,
    hub: &Hub,
    occurrence: Occurrence,
    changed: &work_order::Changed,
) -> Result<(), Failure> {
    work_orders::save(work.db(), changed).await?;
    let subject = Subject::WorkOrder(changed.work_order_id);
    // A new panel changes what its experts see, message or not.
    let mut desks = vec![Desk::Experts(changed.work_order_id).key()];
    if let Some((desk, fact)) = changed.told() {
        let text = labels::work_order(changed, fact);
        messages::insert(work.db(), &[message(occurrence, &desk, &changed.kind, subject, text)]).await?;
        desks.push(desk.key());
    }
    hub.hint(work, occurrence.event_id, desks, subject.id());
    Ok(())
}

/// Marks the viewer's messages up to and including one; answers how many were new.
///
/// # Errors
/// `not_found` where the message is not the viewer's; the database is away.
pub async fn mark_read(
    work: &mut Work,
    viewer: &Viewer,
    up_to: Uuid,
    unread_days: u16,
) -> Result<u64, Failure> {
    let now = work.now();
    let at = messages::find(work.db(), viewer, up_to).await?.ok_or_else(Failure::not_found)?;
    let window = Window::before(now, unread_days);
    Ok(messages::mark_read(work.db(), viewer, window, (at, up_to), now).await?)
}

/// The keys of the desks that the task left and reached; none where the row was already further.
async fn save_task(work: &mut Work, task: &Task) -> Result<Vec<String>, Failure> {
    Ok(match worklist::save(work.db(), task).await? {
        Saved::Passed => Vec::new(),
        Saved::Moved { from_desk } => {
            [from_desk, task.desk_key()].into_iter().filter(|key| !key.is_empty()).collect()
        }
    })
}

fn message(occurrence: Occurrence, desk: &Desk, kind: &str, subject: Subject, text: String) -> Message {
    let desk = desk.key();
    Message {
        message_id: messages::id(occurrence.event_id, &desk),
        event_id: occurrence.event_id,
        desk,
        kind: kind.to_owned(),
        subject_type: subject.kind(),
        subject_id: subject.id(),
        text,
        at: occurrence.at,
    }
}

fn contradiction(refusal: Refusal) -> Failure {
    Failure::invalid(refusal.reason(), refusal.field(), labels::refusal(refusal))
}

/// A refusal about webhooks, with its words.
pub fn flawed(flaw: Flaw) -> Failure {
    let text = labels::webhooks::flaw(flaw);
    match flaw.field() {
        Some(field) => Failure::invalid(flaw.reason(), field, text),
        None => Failure::refused(flaw.reason(), text),
    }
}
