//! 通知公告: written, published, withdrawn. Each change locks its notice, asks the domain, and is recorded beside it.

use chassis::{Failure, Work};
use uuid::Uuid;

use crate::{
    domain::notice::{self, Act, Content, Refusal, State},
    labels,
    store::notices::{self, Notice},
};

/// A revision as the caller saw it.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Which one.
    pub revision_id: Uuid,
    /// Its version on the caller's page.
    pub version: i64,
}

/// Begins a notice, or the next revision of one.
///
/// # Errors
/// What is wrong with the content; `not_found`, `draft_exists`; the database is away.
pub async fn draft(work: &mut Work, revises: Option<Uuid>, content: Content) -> Result<Notice, Failure> {
    let content = checked(content)?;
    let (notice_id, revision) = match revises {
        None => (work.new_id(), 1),
        Some(notice_id) => {
            if !notices::lock(work.db(), notice_id).await? {
                return Err(Failure::not_found());
            }
            let before = notices::revisions(work.db(), notice_id).await?;
            let states: Vec<_> = before.iter().map(|one| one.state).collect();
            notice::may_revise(&states)?;
            (notice_id, before.first().map_or(1, |last| last.revision + 1))
        }
    };
    let drafted = Notice {
        revision_id: work.new_id(),
        notice_id,
        revision,
        version: 1,
        state: State::Draft,
        content,
        changed_at: work.now(),
        published_at: None,
        office: work.caller().office.clone(),
    };
    notices::insert(work.db(), &drafted).await?;
    record(work, &drafted, Act::Drafted, "").await?;
    Ok(drafted)
}

/// Writes a draft anew.
///
/// # Errors
/// What is wrong with the content; `not_found`, `stale_version`, `not_a_draft`; the database is away.
pub async fn change(work: &mut Work, seen: Seen, content: Content) -> Result<Notice, Failure> {
    let content = checked(content)?;
    let draft = locked(work, seen).await?;
    notice::may_change(draft.state)?;
    let next = Notice { content, ..draft };
    save(work, next, Act::Changed, "").await
}

/// Makes a draft readable; the revision before it is replaced.
///
/// # Errors
/// `not_found`, `stale_version`, `not_a_draft`, `pin_passed`; the database is away.
pub async fn publish(work: &mut Work, seen: Seen) -> Result<Notice, Failure> {
    let draft = locked(work, seen).await?;
    let now = work.now();
    notice::may_publish(draft.state, &draft.content, notice::day(now))?;
    let others = notices::revisions(work.db(), draft.notice_id).await?;
    if let Some(last) = others.iter().find(|one| one.state == State::Published) {
        let last = notices::find(work.db(), last.revision_id).await?.ok_or_else(Failure::not_found)?;
        save(work, Notice { state: State::Replaced, ..last }, Act::Replaced, "").await?;
    }
    let next = Notice { state: State::Published, published_at: Some(now), ..draft };
    save(work, next, Act::Published, "").await
}

/// Takes back what is published.
///
/// # Errors
/// `not_found`, `stale_version`, `not_published`, `reason_missing`, `reason_too_long`; the database is away.
pub async fn withdraw(work: &mut Work, seen: Seen, reason: &str) -> Result<Notice, Failure> {
    let published = locked(work, seen).await?;
    notice::may_withdraw(published.state, reason)?;
    save(work, Notice { state: State::Withdrawn, ..published }, Act::Withdrawn, reason.trim()).await
}

fn checked(content: Content) -> Result<Content, Failure> {
    let content = content.tidied();
    let problems = content.problems().into_iter().map(Failure::from);
    match problems.reduce(Failure::and) {
        Some(failure) => Err(failure),
        None => Ok(content),
    }
}

async fn locked(work: &mut Work, seen: Seen) -> Result<Notice, Failure> {
    let found = notices::find(work.db(), seen.revision_id).await?.ok_or_else(Failure::not_found)?;
    notices::lock(work.db(), found.notice_id).await?;
    let now = notices::find(work.db(), seen.revision_id).await?.ok_or_else(Failure::not_found)?;
    if now.version == seen.version {
        return Ok(now);
    }
    Err(Refusal::Stale { version: now.version, office: now.office, at: now.changed_at }.into())
}

async fn save(work: &mut Work, notice: Notice, act: Act, reason: &str) -> Result<Notice, Failure> {
    let next = Notice {
        version: notice.version + 1,
        changed_at: work.now(),
        office: work.caller().office.clone(),
        ..notice
    };
    notices::save(work.db(), &next).await?;
    record(work, &next, act, reason).await?;
    Ok(next)
}

async fn record(work: &mut Work, notice: &Notice, act: Act, reason: &str) -> Result<(), Failure> {
    let by = work
        .caller()
        .id()
        .ok_or_else(|| Failure::unauthenticated("caller_invalid", labels::CALLER_INVALID))?;
    Ok(notices::record(work.db(), notice, act, by, reason).await?)
}
