//! Rows of `messages` and `message_reads`.

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::COUNT_MAX;
use crate::domain::desk::Viewer;

/// A message to one desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Derived from event and desk.
    pub message_id: Uuid,
    /// The event that it tells of.
    pub event_id: Uuid,
    /// Key of the desk.
    pub desk: String,
    /// The event's type.
    pub kind: String,
    /// `application`, `operator` or `work_order`.
    pub subject_type: &'static str,
    /// Its id.
    pub subject_id: Uuid,
    /// Chinese, ready to show.
    pub text: String,
    /// When the event occurred.
    pub at: OffsetDateTime,
}

/// A message as a viewer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id.
    pub message_id: Uuid,
    /// The event's type.
    pub kind: String,
    /// `application`, `operator` or `work_order`.
    pub subject_type: String,
    /// Its id.
    pub subject_id: Uuid,
    /// Chinese, ready to show.
    pub text: String,
    /// When the event occurred.
    pub at: OffsetDateTime,
    /// Whether this viewer has read it.
    pub read: bool,
}

/// The id of a message: a UUID of version 8 from SHA-256 over event and desk, so that a rebuild makes the same one.
pub fn id(event_id: Uuid, desk: &str) -> Uuid {
    let hash = Sha256::new().chain_update(event_id.as_bytes()).chain_update(desk.as_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Adds messages once; a redelivery finds them there.
///
/// # Errors
/// The database is away.
pub async fn insert(db: &mut PgConnection, messages: &[Message]) -> Result<(), sqlx::Error> {
    if messages.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "-- notifications.messages.insert
        INSERT INTO messages (message_id, event_id, desk, kind, subject_type, subject_id, text, at)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[],
                             $8::timestamptz[])
        ON CONFLICT DO NOTHING",
        &column(messages, |message| message.message_id),
        &column(messages, |message| message.event_id),
        &column(messages, |message| message.desk.clone()),
        &column(messages, |message| message.kind.clone()),
        &column(messages, |message| message.subject_type.to_owned()),
        &column(messages, |message| message.subject_id),
        &column(messages, |message| message.text.clone()),
        &column(messages, |message| message.at),
    )
    .execute(db)
    .await?;
    Ok(())
}

fn column<T>(messages: &[Message], of: impl Fn(&Message) -> T) -> Vec<T> {
    messages.iter().map(of).collect()
}

/// Where unread begins: older messages count as read.
#[derive(Debug, Clone, Copy)]
pub struct Window(pub OffsetDateTime);

impl Window {
    /// The window of so many days before `now`.
    pub fn before(now: OffsetDateTime, days: u16) -> Window {
        Window(now - Duration::days(i64::from(days)))
    }
}

/// The viewer's messages after a key, newest first.
///
/// # Errors
/// The database is away.
pub async fn list(
    db: &mut PgConnection,
    viewer: &Viewer,
    unread_only: bool,
    window: Window,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<MessageRow>, sqlx::Error> {
    let at = after.map(|(at, _)| at);
    let id = after.map(|(_, id)| id);
    sqlx::query_as!(
        MessageRow,
        r#"-- notifications.messages.list
        SELECT message.message_id AS "message_id!", message.kind AS "kind!", message.subject_type AS "subject_type!",
               message.subject_id AS "subject_id!", message.text AS "text!", message.at AS "at!",
               (message.at < $8 OR message.marked) AS "read!"
        FROM (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ) AS desk
        CROSS JOIN LATERAL (
            SELECT mark.user_id IS NOT NULL AS marked, messages.*
            FROM messages
            LEFT JOIN message_reads mark ON mark.user_id = $3 AND mark.message_id = messages.message_id
            WHERE messages.desk = desk.key
              AND ($4::timestamptz IS NULL OR (messages.at, messages.message_id) < ($4, $5))
              AND (NOT $6 OR (messages.at >= $8 AND mark.user_id IS NULL))
            ORDER BY messages.at DESC, messages.message_id DESC LIMIT $7
        ) AS message
        ORDER BY message.at DESC, message.message_id DESC LIMIT $7"#,
        &viewer.desks,
        viewer.expert_id,
        viewer.user_id,
        at,
        id,
        unread_only,
        limit,
        window.0,
    )
    .fetch_all(db)
    .await
}

/// What a live reader compares: unread messages (up to 1,001) and the latest of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Unread messages.
    pub count: i64,
    /// When the latest of them occurred.
    pub latest: Option<OffsetDateTime>,
}

/// Counts what the viewer has not read, exact up to 1,000.
///
/// # Errors
/// The database is away.
pub async fn unread(db: &mut PgConnection, viewer: &Viewer, window: Window) -> Result<Unread, sqlx::Error> {
    sqlx::query_as!(
        Unread,
        r#"-- notifications.messages.unread
        SELECT least(count(*), $4) AS "count!", max(message.at) AS latest
        FROM (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ) AS desk
        CROSS JOIN LATERAL (
            SELECT messages.at FROM messages
            WHERE messages.desk = desk.key AND messages.at >= $5
              AND NOT EXISTS (SELECT 1 FROM message_reads mark
                              WHERE mark.user_id = $3 AND mark.message_id = messages.message_id)
            ORDER BY messages.at DESC, messages.message_id DESC LIMIT $4
        ) AS message"#,
        &viewer.desks,
        viewer.expert_id,
        viewer.user_id,
        COUNT_MAX + 1,
        window.0,
    )
    .fetch_one(db)
    .await
}

/// When a message of one of the viewer's desks occurred; `None` for anybody else's.
///
/// # Errors
/// The database is away.
pub async fn find(
    db: &mut PgConnection,
    viewer: &Viewer,
    message_id: Uuid,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    sqlx::query_scalar!(
        "-- notifications.messages.find
        SELECT messages.at FROM messages
        WHERE messages.message_id = $3
          AND (messages.desk = ANY ($1)
               OR messages.desk IN (SELECT 'experts:' || panel.work_order_id::text
                                    FROM work_order_experts panel WHERE panel.expert_id = $2))",
        &viewer.desks,
        viewer.expert_id,
        message_id,
    )
    .fetch_optional(db)
    .await
}

/// Marks the viewer's messages within the window up to and including one; what is marked stays.
///
/// # Errors
/// The database is away.
pub async fn mark_read(
    db: &mut PgConnection,
    viewer: &Viewer,
    window: Window,
    up_to: (OffsetDateTime, Uuid),
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "-- notifications.messages.mark_read
        INSERT INTO message_reads (user_id, message_id, read_at)
        SELECT $3, messages.message_id, $7
        FROM (
            SELECT unnest($1::text[]) AS key
            UNION ALL
            SELECT 'experts:' || panel.work_order_id::text FROM work_order_experts panel WHERE panel.expert_id = $2
        ) AS desk
        JOIN messages ON messages.desk = desk.key
        WHERE messages.at >= $4 AND (messages.at, messages.message_id) <= ($5, $6)
        ON CONFLICT DO NOTHING",
        &viewer.desks,
        viewer.expert_id,
        viewer.user_id,
        window.0,
        up_to.0,
        up_to.1,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
