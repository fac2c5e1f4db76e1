//! Tables `divisions` and `users` together: who acts for each division.

use sqlx::PgConnection;

use super::StoreError;
use crate::domain::division::{Level, Sort};

/// A division with the officials who act for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jurisdiction {
    /// Six digits.
    pub code: String,
    /// Name without its parents'.
    pub name: String,
    /// Tier.
    pub level: Level,
    /// Code of the division above; empty for the province.
    pub parent_code: String,
    /// What it is; none for an abolished one.
    pub sort: Option<Sort>,
    /// The city-tier unit that it belongs to.
    pub city_code: String,
    /// Who has its tasks now; empty where nobody is named.
    pub successor: String,
    /// What happened to an abolished one.
    pub change: String,
    /// Active officials of a county's authority whose scope names it.
    pub county_officials: i64,
    /// The same of a city's authority.
    pub city_officials: i64,
}

/// Every division, abolished ones too, by code.
///
/// # Errors
/// The database; a level or sort that is unknown.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Jurisdiction>, StoreError> {
    let rows = sqlx::query!(
        r#"-- accounts.jurisdictions.list
         WITH seats AS (
             SELECT unnest(scope) AS code, roles FROM users
             WHERE active AND operator_id IS NULL AND roles && ARRAY['county', 'city']
         )
         SELECT divisions.code, name, level, parent_code, kind, city_code, successor_code, change,
                valid_to IS NULL AS "in_force!",
                count(*) FILTER (WHERE 'county' = ANY (seats.roles)) AS "county_officials!",
                count(*) FILTER (WHERE 'city' = ANY (seats.roles)) AS "city_officials!"
         FROM divisions LEFT JOIN seats ON seats.code = divisions.code
         GROUP BY divisions.code ORDER BY divisions.code"#,
    )
    .fetch_all(db)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let corrupt = || StoreError::Corrupt { table: "divisions", id: row.code.clone() };
        let sort = Sort::ALL.into_iter().find(|one| one.name() == row.kind);
        if row.in_force && sort.is_none() {
            return Err(corrupt());
        }
        found.push(Jurisdiction {
            level: Level::ALL.into_iter().find(|one| one.name() == row.level).ok_or_else(corrupt)?,
            sort: sort.filter(|_| row.in_force),
            code: row.code,
            name: row.name,
            parent_code: row.parent_code,
            city_code: row.city_code,
            successor: row.successor_code.unwrap_or_default(),
            change: row.change,
            county_officials: row.county_officials,
            city_officials: row.city_officials,
        });
    }
    Ok(found)
}
