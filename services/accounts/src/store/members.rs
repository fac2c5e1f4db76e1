//! Table `users`, as the people of one operator: who owns the account, who has signed in when.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    ids::{OperatorId, UserId},
    members::Standing,
    session::{CredentialState, Lifetimes},
};

/// A user of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What the rules look at.
    pub standing: Standing,
    /// Login name.
    pub login: String,
    /// Name shown.
    pub display_name: String,
    /// Mobile number.
    pub phone: String,
    /// Manages the others.
    pub owner: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last signed in.
    pub signed_in_at: Option<OffsetDateTime>,
    /// Sessions in use.
    pub sessions: i64,
}

/// Every user of an operator, the owner first: the one it was handed to, or the first user; of those who are active, so that
/// a company whose owner the platform deactivated still has one.
///
/// # Errors
/// The database.
pub async fn list(
    db: &mut PgConnection,
    operator: OperatorId,
    lifetimes: Lifetimes,
) -> Result<Vec<Member>, StoreError> {
    let rows = sqlx::query!(
        r#"-- accounts.members.list
         SELECT user_id, login, display_name, phone, active, created_at, deactivated_by, state AS "state?",
                (SELECT max(started_at) FROM sessions WHERE sessions.user_id = users.user_id) AS signed_in_at,
                (SELECT count(*) FROM sessions WHERE sessions.user_id = users.user_id AND ended_at IS NULL
                     AND seen_at > now() - make_interval(secs => $2)
                     AND started_at > now() - make_interval(secs => $3)) AS "sessions!"
         FROM users LEFT JOIN credentials USING (user_id)
         WHERE operator_id = $1 ORDER BY active DESC, owner DESC, created_at, user_id"#,
        operator.0,
        lifetimes.idle.as_seconds_f64(),
        lifetimes.max.as_seconds_f64()
    )
    .fetch_all(db)
    .await?;
    let own: Vec<String> = rows.iter().map(|row| row.user_id.to_string()).collect();
    rows.into_iter()
        .enumerate()
        .map(|(place, row)| {
            let corrupt = || StoreError::Corrupt { table: "credentials", id: row.user_id.to_string() };
            let state = row.state.as_deref();
            let credential =
                state.map(|name| CredentialState::parse(name).ok_or_else(corrupt)).transpose()?;
            let standing = Standing {
                id: UserId(row.user_id),
                active: row.active,
                deactivated_by_owner: row.deactivated_by.is_some_and(|by| own.contains(&by)),
                credential,
            };
            Ok(Member {
                standing,
                login: row.login,
                display_name: row.display_name,
                phone: row.phone,
                owner: place == 0,
                created_at: row.created_at,
                signed_in_at: row.signed_in_at,
                sessions: row.sessions,
            })
        })
        .collect()
}

/// A deactivated user may sign in again.
///
/// # Errors
/// The database.
pub async fn restore(db: &mut PgConnection, id: UserId) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.members.restore
         UPDATE users SET active = true, deactivated_at = NULL, deactivated_by = NULL WHERE user_id = $1 AND NOT active",
        id.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes another user of an operator its owner.
///
/// # Errors
/// The database.
pub async fn hand_over(db: &mut PgConnection, operator: OperatorId, to: UserId) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.members.give_up
         UPDATE users SET owner = false WHERE operator_id = $1 AND owner",
        operator.0
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "-- accounts.members.take_over
         UPDATE users SET owner = true WHERE operator_id = $1 AND user_id = $2",
        operator.0,
        to.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Names by id: logins of people, for lists that name them by id.
///
/// # Errors
/// The database.
pub async fn names(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
    let rows = sqlx::query!(
        r#"-- accounts.members.names
         SELECT user_id AS "id!", login AS "name!" FROM users WHERE user_id = ANY ($1)
         UNION ALL
         SELECT operator_id, company_name FROM operators WHERE operator_id = ANY ($1)"#,
        ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
