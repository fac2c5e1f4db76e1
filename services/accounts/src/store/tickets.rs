//! Tables `activation_tickets` and `one_time_codes`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::StoreError;
use crate::domain::ids::UserId;

/// A ticket that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: Uuid,
    /// Whose it is; nobody's where a login and a phone that do not fit asked for it.
    pub user: Option<UserId>,
    /// What it was given for.
    pub why: Why,
    /// Valid until.
    pub expires_at: OffsetDateTime,
}

/// The latest code of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Its id.
    pub id: Uuid,
    /// See [`crate::secrets::code_hash`].
    pub hash: Vec<u8>,
    /// When it was sent.
    pub sent_at: OffsetDateTime,
    /// Valid until.
    pub expires_at: OffsetDateTime,
    /// Wrong tries so far.
    pub tries: i32,
    /// When it was used.
    pub used_at: Option<OffsetDateTime>,
}

/// Why a ticket was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The password was a one-time one.
    OneTimePassword,
    /// An official's password is older than allowed.
    PasswordExpired,
    /// The password was forgotten: nothing is proved yet.
    Reset,
    /// The password was right, a code is asked for. The ticket has the id of its attempt to sign in.
    SecondFactor,
    /// The password was right, and a second factor has to be enrolled first.
    Enrolment,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::OneTimePassword, Self::PasswordExpired, Self::Reset, Self::SecondFactor, Self::Enrolment];

    /// Its name on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneTimePassword => "one_time_password",
            Self::PasswordExpired => "password_expired",
            Self::Reset => "reset",
            Self::SecondFactor => "second_factor",
            Self::Enrolment => "enrolment",
        }
    }

    /// Whether the ticket opens the choice of a password.
    pub fn opens_password(self) -> bool {
        match self {
            Self::OneTimePassword | Self::PasswordExpired | Self::Reset => true,
            Self::SecondFactor | Self::Enrolment => false,
        }
    }

    /// The reason by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name)
    }
}

/// A new ticket; earlier ones of the user end.
///
/// # Errors
/// The database.
pub async fn insert(
    db: &mut PgConnection,
    ticket: &Ticket,
    token_hash: &[u8],
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    if let Some(user) = ticket.user {
        end_all(db, user, at).await?;
    }
    sqlx::query!(
        "-- accounts.tickets.insert
         INSERT INTO activation_tickets (ticket_id, user_id, token_hash, reason, issued_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        ticket.id,
        ticket.user.map(|user| user.0),
        token_hash,
        ticket.why.name(),
        at,
        ticket.expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The ticket of a token, locked; none where it has ended or expired.
///
/// # Errors
/// The database.
pub async fn lock_live(
    db: &mut PgConnection,
    token_hash: &[u8],
    at: OffsetDateTime,
) -> Result<Option<Ticket>, StoreError> {
    let row = sqlx::query!(
        "-- accounts.tickets.lock_live
         SELECT ticket_id, user_id, reason, expires_at FROM activation_tickets
         WHERE token_hash = $1 AND ended_at IS NULL AND expires_at > $2 FOR UPDATE",
        token_hash,
        at
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let id = row.ticket_id;
        let why = Why::parse(&row.reason)
            .ok_or(StoreError::Corrupt { table: "activation_tickets", id: id.to_string() })?;
        Ok(Ticket { id, user: row.user_id.map(UserId), why, expires_at: row.expires_at })
    })
    .transpose()
}

/// Ends every ticket of a user.
///
/// # Errors
/// The database.
pub async fn end_all(db: &mut PgConnection, user: UserId, at: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.tickets.end_all
         UPDATE activation_tickets SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
        user.0,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A new code of a ticket.
///
/// # Errors
/// The database.
pub async fn insert_code(db: &mut PgConnection, ticket: Uuid, code: &Code) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.codes.insert
         INSERT INTO one_time_codes (code_id, ticket_id, code_hash, sent_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        code.id,
        ticket,
        code.hash,
        code.sent_at,
        code.expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The latest code of a ticket.
///
/// # Errors
/// The database.
pub async fn latest_code(db: &mut PgConnection, ticket: Uuid) -> Result<Option<Code>, StoreError> {
    let row = sqlx::query!(
        "-- accounts.codes.latest
         SELECT code_id, code_hash, sent_at, expires_at, tries, used_at FROM one_time_codes
         WHERE ticket_id = $1 ORDER BY sent_at DESC, code_id DESC LIMIT 1",
        ticket
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Code {
        id: row.code_id,
        hash: row.code_hash,
        sent_at: row.sent_at,
        expires_at: row.expires_at,
        tries: row.tries,
        used_at: row.used_at,
    }))
}

/// Counts a wrong try.
///
/// # Errors
/// The database.
pub async fn count_try(db: &mut PgConnection, code: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.codes.count_try
         UPDATE one_time_codes SET tries = tries + 1 WHERE code_id = $1",
        code
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a code as used.
///
/// # Errors
/// The database.
pub async fn use_code(db: &mut PgConnection, code: Uuid, at: OffsetDateTime) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.codes.use
         UPDATE one_time_codes SET used_at = $2 WHERE code_id = $1",
        code,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}
