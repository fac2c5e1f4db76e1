//! Rows of `notices` and `notice_acts`.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::domain::notice::{Act, Audience, Content, State};

/// One revision of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its own id.
    pub revision_id: Uuid,
    /// The same for every revision.
    pub notice_id: Uuid,
    /// 1, 2, 3 …
    pub revision: i32,
    /// Counts its changes.
    pub version: i64,
    /// Where it stands.
    pub state: State,
    /// What it says; without body where it was listed.
    pub content: Content,
    /// When it was changed last.
    pub changed_at: OffsetDateTime,
    /// When it was published; none for a draft.
    pub published_at: Option<OffsetDateTime>,
    /// Office of whoever changed it last.
    pub office: String,
}

/// What was done to a revision, by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Code of the act.
    pub act: String,
    /// When.
    pub at: OffsetDateTime,
    /// The user.
    pub by_user_id: Uuid,
    /// The user's office at that time.
    pub office: String,
    /// Of a withdrawal.
    pub reason: String,
}

struct Row {
    revision_id: Uuid,
    notice_id: Uuid,
    revision: i32,
    version: i64,
    state: String,
    title: String,
    body: String,
    audiences: Vec<String>,
    pinned_until: Option<Date>,
    changed_at: OffsetDateTime,
    published_at: Option<OffsetDateTime>,
    office: String,
}

impl Row {
    fn read(self) -> Result<Notice, sqlx::Error> {
        let corrupt =
            || sqlx::Error::Decode(format!("impossible row of notices: {}", self.revision_id).into());
        let audiences = self.audiences.iter().map(|code| Audience::parse(code).ok_or_else(corrupt));
        Ok(Notice {
            state: State::parse(&self.state).ok_or_else(corrupt)?,
            content: Content {
                audiences: audiences.collect::<Result<_, sqlx::Error>>()?,
                title: self.title,
                body: self.body,
                pinned_until: self.pinned_until,
            },
            revision_id: self.revision_id,
            notice_id: self.notice_id,
            revision: self.revision,
            version: self.version,
            changed_at: self.changed_at,
            published_at: self.published_at,
            office: self.office,
        })
    }
}

fn codes(audiences: &[Audience]) -> Vec<String> {
    audiences.iter().map(|one| one.code().to_owned()).collect()
}

/// Keeps every other change of a notice waiting until the end of the transaction; false where there is no such notice.
///
/// # Errors
/// The database is away, or the other change takes too long.
pub async fn lock(db: &mut PgConnection, notice_id: Uuid) -> Result<bool, sqlx::Error> {
    let first = sqlx::query_scalar!(
        "-- notifications.notices.lock
        SELECT revision FROM notices WHERE notice_id = $1 AND revision = 1 FOR UPDATE",
        notice_id
    )
    .fetch_optional(db)
    .await?;
    Ok(first.is_some())
}

/// A revision with its text.
///
/// # Errors
/// The database is away.
pub async fn find(db: &mut PgConnection, revision_id: Uuid) -> Result<Option<Notice>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "-- notifications.notices.find
        SELECT revision_id, notice_id, revision, version, state, title, body, audiences, pinned_until, changed_at,
               published_at, office
        FROM notices WHERE revision_id = $1",
        revision_id
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}

/// Every revision of a notice, newest first, without bodies.
///
/// # Errors
/// The database is away.
pub async fn revisions(db: &mut PgConnection, notice_id: Uuid) -> Result<Vec<Notice>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- notifications.notices.revisions
        SELECT revision_id, notice_id, revision, version, state, title, '' AS "body!", audiences, pinned_until, changed_at,
               published_at, office
        FROM notices WHERE notice_id = $1 ORDER BY revision DESC"#,
        notice_id
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Revisions in a state, or every one that has not been replaced, newest first, without bodies.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    state: Option<State>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Notice>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- notifications.notices.list
        SELECT revision_id, notice_id, revision, version, state, title, '' AS "body!", audiences, pinned_until, changed_at,
               published_at, office
        FROM notices
        WHERE (state = $1 OR ($1::text IS NULL AND state <> 'Replaced')) AND ($2::uuid IS NULL OR revision_id < $2)
        ORDER BY revision_id DESC LIMIT $3"#,
        state.map(State::code),
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A new revision.
///
/// # Errors
/// The database is away.
pub async fn insert(db: &mut PgConnection, notice: &Notice) -> Result<(), sqlx::Error> {
    let content = &notice.content;
    sqlx::query!(
        "-- notifications.notices.insert
        INSERT INTO notices (revision_id, notice_id, revision, version, state, title, body, audiences, pinned_until,
                             changed_at, published_at, office)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        notice.revision_id,
        notice.notice_id,
        notice.revision,
        notice.version,
        notice.state.code(),
        content.title,
        content.body,
        &codes(&content.audiences),
        content.pinned_until,
        notice.changed_at,
        notice.published_at,
        notice.office
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The next version of a revision, over the one before it.
///
/// # Errors
/// The database is away, or another version stands though the notice was locked.
pub async fn save(db: &mut PgConnection, notice: &Notice) -> Result<(), sqlx::Error> {
    let content = &notice.content;
    let done = sqlx::query!(
        "-- notifications.notices.save
        UPDATE notices SET version = $2::bigint, state = $3, title = $4, body = $5, audiences = $6, pinned_until = $7,
               changed_at = $8, published_at = $9, office = $10
        WHERE revision_id = $1 AND version = $2::bigint - 1",
        notice.revision_id,
        notice.version,
        notice.state.code(),
        content.title,
        content.body,
        &codes(&content.audiences),
        content.pinned_until,
        notice.changed_at,
        notice.published_at,
        notice.office
    )
    .execute(db)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Records what was done with the version that it made.
///
/// # Errors
/// The database is away.
pub async fn record(
    db: &mut PgConnection,
    notice: &Notice,
    act: Act,
    by: Uuid,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "-- notifications.notices.record
        INSERT INTO notice_acts (revision_id, version, act, at, by_user_id, office, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7)",
        notice.revision_id,
        notice.version,
        act.code(),
        notice.changed_at,
        by,
        notice.office,
        reason
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was done to a revision, oldest first.
///
/// # Errors
/// The database is away.
pub async fn deeds(db: &mut PgConnection, revision_id: Uuid) -> Result<Vec<Deed>, sqlx::Error> {
    sqlx::query_as!(
        Deed,
        "-- notifications.notices.deeds
        SELECT act, at, by_user_id, office, reason FROM notice_acts WHERE revision_id = $1 ORDER BY version",
        revision_id
    )
    .fetch_all(db)
    .await
}

/// Where a page of readers ended: whether pinned, when published, which revision.
pub type Place = (bool, OffsetDateTime, Uuid);

/// What is published for these audiences, pinned ones first, then the latest, without bodies.
///
/// # Errors
/// The database is away.
pub async fn published(
    db: &mut PgConnection,
    audiences: &[Audience],
    today: Date,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Notice>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- notifications.notices.published
        SELECT revision_id, notice_id, revision, version, state, title, '' AS "body!", audiences, pinned_until, changed_at,
               published_at, office
        FROM notices
        WHERE state = 'Published' AND audiences && $1
          AND ($3::boolean IS NULL OR (COALESCE(pinned_until >= $2, false), published_at, revision_id) < ($3, $4, $5))
        ORDER BY COALESCE(pinned_until >= $2, false) DESC, published_at DESC, revision_id DESC LIMIT $6"#,
        &codes(audiences),
        today,
        after.map(|(pinned, ..)| pinned),
        after.map(|(_, at, _)| at),
        after.map(|(.., id)| id),
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// The published revision of a notice with its text, if it is for one of these audiences.
///
/// # Errors
/// The database is away.
pub async fn find_published(
    db: &mut PgConnection,
    audiences: &[Audience],
    notice_id: Uuid,
) -> Result<Option<Notice>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "-- notifications.notices.find_published
        SELECT revision_id, notice_id, revision, version, state, title, body, audiences, pinned_until, changed_at,
               published_at, office
        FROM notices WHERE notice_id = $1 AND state = 'Published' AND audiences && $2",
        notice_id,
        &codes(audiences)
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}
