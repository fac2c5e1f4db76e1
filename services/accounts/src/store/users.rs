//! Table `users`: people of operators and officials.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, violates};
use crate::domain::{
    ids::{OperatorId, UserId},
    refusal::Refusal,
    roles::Role,
};

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Login name.
    pub login: String,
    /// Name shown.
    pub display_name: String,
    /// Registered mobile number; may be empty for officials.
    pub phone: String,
    /// The company; none for officials.
    pub operator_id: Option<OperatorId>,
    /// Roles of an official; an operator's user has none of its own.
    pub roles: Vec<Role>,
    /// Division codes of an official.
    pub scope: Vec<String>,
    /// The office as people know it.
    pub office: String,
    /// Code of the provincial department.
    pub department: String,
    /// Name of the employer.
    pub employer: String,
    /// Leads the own office.
    pub lead: bool,
    /// Not deactivated.
    pub active: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl User {
    /// Whether this is an official and not an operator's user.
    pub fn official(&self) -> bool {
        self.operator_id.is_none()
    }
}

struct Row {
    user_id: Uuid,
    login: String,
    display_name: String,
    phone: String,
    operator_id: Option<Uuid>,
    roles: Vec<String>,
    scope: Vec<String>,
    office: String,
    department: String,
    employer: String,
    lead: bool,
    active: bool,
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for User {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let roles = row
            .roles
            .iter()
            .map(|name| {
                Role::official(name)
                    .ok_or(StoreError::Corrupt { table: "users", id: row.user_id.to_string() })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id: UserId(row.user_id),
            login: row.login,
            display_name: row.display_name,
            phone: row.phone,
            operator_id: row.operator_id.map(OperatorId),
            roles,
            scope: row.scope,
            office: row.office,
            department: row.department,
            employer: row.employer,
            lead: row.lead,
            active: row.active,
            created_at: row.created_at,
        })
    }
}

/// The user by its id.
///
/// # Errors
/// The database.
pub async fn find(db: &mut PgConnection, id: UserId) -> Result<Option<User>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.users.find
         SELECT user_id, login, display_name, phone, operator_id, roles, scope, office, department, employer, lead, active,
                created_at
         FROM users WHERE user_id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?
    .map(User::try_from)
    .transpose()
}

/// The user by its login name; upper and lower case count as one.
///
/// # Errors
/// The database.
pub async fn find_by_login(db: &mut PgConnection, login: &str) -> Result<Option<User>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.users.find_by_login
         SELECT user_id, login, display_name, phone, operator_id, roles, scope, office, department, employer, lead, active,
                created_at
         FROM users WHERE lower(login) = lower($1)",
        login
    )
    .fetch_optional(db)
    .await?
    .map(User::try_from)
    .transpose()
}

/// The user, locked until the unit ends.
///
/// # Errors
/// The database.
pub async fn lock(db: &mut PgConnection, id: UserId) -> Result<Option<User>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.users.lock
         SELECT user_id, login, display_name, phone, operator_id, roles, scope, office, department, employer, lead, active,
                created_at
         FROM users WHERE user_id = $1 FOR UPDATE",
        id.0
    )
    .fetch_optional(db)
    .await?
    .map(User::try_from)
    .transpose()
}

/// The users of an operator.
///
/// # Errors
/// The database.
pub async fn of_operator(db: &mut PgConnection, operator: OperatorId) -> Result<Vec<User>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.users.of_operator
         SELECT user_id, login, display_name, phone, operator_id, roles, scope, office, department, employer, lead, active,
                created_at
         FROM users WHERE operator_id = $1 ORDER BY user_id",
        operator.0
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(User::try_from)
    .collect()
}

/// A page of officials by id, after a key, perhaps of one role only.
///
/// # Errors
/// The database.
pub async fn list_officials(
    db: &mut PgConnection,
    role: Option<Role>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.users.list_officials
         SELECT user_id, login, display_name, phone, operator_id, roles, scope, office, department, employer, lead, active,
                created_at
         FROM users
         WHERE operator_id IS NULL AND ($1::text IS NULL OR $1 = ANY (roles))
           AND ($2::uuid IS NULL OR user_id > $2)
         ORDER BY user_id LIMIT $3",
        role.map(Role::name),
        after,
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(User::try_from)
    .collect()
}

/// Active officials who share a role and a division with somebody, by name; of a department those of it only.
///
/// # Errors
/// The database.
pub async fn colleagues(
    db: &mut PgConnection,
    roles: &[String],
    scope: &[String],
    department: &str,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.users.colleagues
         SELECT user_id, login, display_name, phone, operator_id, roles, scope, office, department, employer, lead, active,
                created_at
         FROM users
         WHERE operator_id IS NULL AND active AND roles && $1 AND scope && $2 AND department = $3
         ORDER BY display_name, user_id LIMIT $4",
        roles,
        scope,
        department,
        limit
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(User::try_from)
    .collect()
}

/// A new user. `Ok(Err(refusal))` where the login name is taken.
///
/// # Errors
/// The database.
pub async fn insert(db: &mut PgConnection, user: &User, by: &str) -> Result<Result<(), Refusal>, StoreError> {
    let roles: Vec<String> = user.roles.iter().map(|role| role.name().to_owned()).collect();
    let done = sqlx::query!(
        "-- accounts.users.insert
         INSERT INTO users (user_id, login, display_name, phone, operator_id, roles, scope, office, department, employer,
                            lead, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        user.id.0,
        user.login,
        user.display_name,
        user.phone,
        user.operator_id.map(|operator| operator.0),
        &roles,
        &user.scope,
        user.office,
        user.department,
        user.employer,
        user.lead,
        user.created_at,
        by
    )
    .execute(db)
    .await;
    match done {
        Ok(_) => Ok(Ok(())),
        Err(error) if violates(&error, "users_login") => Ok(Err(Refusal::LoginTaken)),
        Err(error) => Err(error.into()),
    }
}

/// The contact of an operator changed: name and phone of the user who sent that follow, where this user is the contact. Nobody
/// moves the phone of another user by it: codes for a forgotten password go there.
///
/// # Errors
/// The database.
pub async fn follow_contact(
    db: &mut PgConnection,
    operator: OperatorId,
    sent_by: &str,
    former_phone: &str,
    (name, phone): (&str, &str),
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.users.follow_contact
         UPDATE users SET display_name = $4, phone = $5
         WHERE operator_id = $1 AND user_id::text = $2 AND phone = $3",
        operator.0,
        sent_by,
        former_phone,
        name,
        phone
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a user's account; does nothing where it has ended.
///
/// # Errors
/// The database.
pub async fn deactivate(
    db: &mut PgConnection,
    id: UserId,
    at: OffsetDateTime,
    by: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.users.deactivate
         UPDATE users SET active = false, deactivated_at = $2, deactivated_by = $3 WHERE user_id = $1 AND active",
        id.0,
        at,
        by
    )
    .execute(db)
    .await?;
    Ok(())
}
