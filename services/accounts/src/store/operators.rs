//! Table `operators`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, violates};
use crate::domain::{
    ids::OperatorId,
    lifecycle::{Standing, State},
    operator::Operator,
    refusal::Refusal,
};

struct Row {
    operator_id: Uuid,
    uscc: String,
    company_name: String,
    registered_division: String,
    city: String,
    state: String,
    review_pending: bool,
    version: i64,
    submission_version: i32,
    valid_version: Option<i32>,
    registered_at: OffsetDateTime,
    changed_at: OffsetDateTime,
    changed_by: String,
}

impl TryFrom<Row> for Operator {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "operators", id: row.operator_id.to_string() };
        let state = State::parse(&row.state).ok_or_else(corrupt)?;
        Ok(Self {
            id: OperatorId(row.operator_id),
            uscc: row.uscc,
            company_name: row.company_name,
            registered_division: row.registered_division,
            city: row.city,
            standing: Standing { state, review_pending: row.review_pending },
            version: row.version,
            submission_version: row.submission_version,
            valid_version: row.valid_version,
            registered_at: row.registered_at,
            changed_at: row.changed_at,
            changed_by: row.changed_by,
        })
    }
}

/// The operator, locked until the unit ends.
///
/// # Errors
/// The database.
pub async fn lock(db: &mut PgConnection, id: OperatorId) -> Result<Option<Operator>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.operators.lock
         SELECT operator_id, uscc, company_name, registered_division, city, state, review_pending, version,
                submission_version, valid_version, registered_at, changed_at, changed_by
         FROM operators WHERE operator_id = $1 FOR UPDATE",
        id.0
    )
    .fetch_optional(db)
    .await?
    .map(Operator::try_from)
    .transpose()
}

/// The operator by its id.
///
/// # Errors
/// The database.
pub async fn find(db: &mut PgConnection, id: OperatorId) -> Result<Option<Operator>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.operators.find
         SELECT operator_id, uscc, company_name, registered_division, city, state, review_pending, version,
                submission_version, valid_version, registered_at, changed_at, changed_by
         FROM operators WHERE operator_id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?
    .map(Operator::try_from)
    .transpose()
}

/// The operator by its unified social credit code.
///
/// # Errors
/// The database.
pub async fn find_by_uscc(db: &mut PgConnection, uscc: &str) -> Result<Option<Operator>, StoreError> {
    sqlx::query_as!(
        Row,
        "-- accounts.operators.find_by_uscc
         SELECT operator_id, uscc, company_name, registered_division, city, state, review_pending, version,
                submission_version, valid_version, registered_at, changed_at, changed_by
         FROM operators WHERE uscc = $1",
        uscc
    )
    .fetch_optional(db)
    .await?
    .map(Operator::try_from)
    .transpose()
}

/// Which operators a list shows. A province has a few thousand: what is searched for is looked for in each.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this state.
    pub state: Option<State>,
    /// Only those with something that waits.
    pub review_pending: bool,
    /// A piece of the name, or the begin of the code; lower case; empty for all.
    pub text: String,
    /// A county's or a city's code; empty for all.
    pub division: String,
}

/// A page of operators, the longest registered first, after a key.
///
/// # Errors
/// The database.
pub async fn list(
    db: &mut PgConnection,
    filter: &Filter,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<Operator>, StoreError> {
    let (after_at, after_id) = after.unzip();
    sqlx::query_as!(
        Row,
        "-- accounts.operators.list
         SELECT operator_id, uscc, company_name, registered_division, city, state, review_pending, version,
                submission_version, valid_version, registered_at, changed_at, changed_by
         FROM operators
         WHERE ($1::text IS NULL OR state = $1) AND (NOT $2::boolean OR review_pending)
           AND ($3::timestamptz IS NULL OR (registered_at, operator_id) > ($3, $4::uuid))
           AND ($6 = '' OR strpos(lower(company_name), $6) > 0 OR starts_with(lower(uscc), $6))
           AND ($7 = '' OR registered_division = $7 OR city = $7)
         ORDER BY registered_at, operator_id LIMIT $5",
        filter.state.map(State::name),
        filter.review_pending,
        after_at,
        after_id,
        limit,
        filter.text,
        filter.division
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Operator::try_from)
    .collect()
}

/// State, how many are in it, and with how many of them something waits; of all that text and division leave.
///
/// # Errors
/// The database.
pub async fn counts(db: &mut PgConnection, filter: &Filter) -> Result<Vec<(String, i32, i32)>, StoreError> {
    let rows = sqlx::query!(
        r#"-- accounts.operators.counts
         SELECT state, count(*)::integer AS "count!", (count(*) FILTER (WHERE review_pending))::integer AS "waiting!"
         FROM operators
         WHERE ($1 = '' OR strpos(lower(company_name), $1) > 0 OR starts_with(lower(uscc), $1))
           AND ($2 = '' OR registered_division = $2 OR city = $2)
         GROUP BY state ORDER BY state"#,
        filter.text,
        filter.division
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count, row.waiting)).collect())
}

/// Whether another operator has this code, or has submitted it and waits.
///
/// # Errors
/// The database.
pub async fn uscc_taken(db: &mut PgConnection, uscc: &str, own: OperatorId) -> Result<bool, StoreError> {
    let taken = sqlx::query_scalar!(
        r#"-- accounts.operators.uscc_taken
         SELECT EXISTS (SELECT 1 FROM operators WHERE uscc = $1 AND operator_id <> $2)
             OR EXISTS (SELECT 1 FROM operator_submissions
                        WHERE uscc = $1 AND operator_id <> $2 AND outcome = 'waiting') AS "taken!""#,
        uscc,
        own.0
    )
    .fetch_one(db)
    .await?;
    Ok(taken)
}

/// A new operator. `Ok(Err(refusal))` where another has just taken the code or the licence.
///
/// # Errors
/// The database.
pub async fn insert(db: &mut PgConnection, operator: &Operator) -> Result<Result<(), Refusal>, StoreError> {
    let done = sqlx::query!(
        "-- accounts.operators.insert
         INSERT INTO operators (operator_id, uscc, company_name, registered_division, city, state, review_pending,
                                version, submission_version, valid_version, registered_at, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        operator.id.0,
        operator.uscc,
        operator.company_name,
        operator.registered_division,
        operator.city,
        operator.standing.state.name(),
        operator.standing.review_pending,
        operator.version,
        operator.submission_version,
        operator.valid_version,
        operator.registered_at,
        operator.changed_at,
        operator.changed_by
    )
    .execute(db)
    .await;
    written(done, operator)
}

/// The next version of an operator that this unit has locked. `Ok(Err(refusal))` where another has the code.
///
/// # Errors
/// The database; a version that is not the next one.
pub async fn save(db: &mut PgConnection, operator: &Operator) -> Result<Result<(), Refusal>, StoreError> {
    let done = sqlx::query!(
        "-- accounts.operators.save
         UPDATE operators SET uscc = $2, company_name = $3, registered_division = $4, city = $5, state = $6,
                review_pending = $7, version = $8::bigint, submission_version = $9, valid_version = $10, changed_at = $11,
                changed_by = $12
         WHERE operator_id = $1 AND version = $8::bigint - 1",
        operator.id.0,
        operator.uscc,
        operator.company_name,
        operator.registered_division,
        operator.city,
        operator.standing.state.name(),
        operator.standing.review_pending,
        operator.version,
        operator.submission_version,
        operator.valid_version,
        operator.changed_at,
        operator.changed_by
    )
    .execute(db)
    .await;
    written(done, operator)
}

fn written(
    done: Result<sqlx::postgres::PgQueryResult, sqlx::Error>,
    operator: &Operator,
) -> Result<Result<(), Refusal>, StoreError> {
    match done {
        Ok(result) if result.rows_affected() == 1 => Ok(Ok(())),
        Ok(_) => Err(StoreError::Corrupt { table: "operators", id: operator.id.to_string() }),
        Err(error) if violates(&error, "operators_uscc") => Ok(Err(Refusal::UsccTaken)),
        // The id is that of the licence's registration.
        Err(error) if violates(&error, "operators_pkey") => Ok(Err(Refusal::LicenceUsed)),
        Err(error) => Err(error.into()),
    }
}

/// Why an operator's standing was changed.
#[derive(Debug, Clone, Copy)]
pub struct StandingChange<'a> {
    /// Its own id.
    pub id: Uuid,
    /// Whose standing.
    pub operator: OperatorId,
    /// `suspended` or `reinstated`.
    pub fact: &'a str,
    /// The administrator's words.
    pub reason: &'a str,
    /// Database time.
    pub at: OffsetDateTime,
    /// Who did it.
    pub by: &'a str,
}

/// Keeps the reason of a suspension or reinstatement.
///
/// # Errors
/// The database.
pub async fn insert_standing_change(
    db: &mut PgConnection,
    change: StandingChange<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "-- accounts.operators.insert_standing_change
         INSERT INTO standing_changes (id, operator_id, fact, reason, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, $5, $6)",
        change.id,
        change.operator.0,
        change.fact,
        change.reason,
        change.at,
        change.by,
    )
    .execute(db)
    .await?;
    Ok(())
}
