//! Tables `divisions` and `division_closure`: loading a list, reading it back, predecessors of a scope.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::{Date, Month, macros::date};

use super::StoreError;
use crate::domain::division::{Abolished, Catalogue, Division, Ended, Level, Sort};

/// From when a division of the list counts: GB/T 2260 was first issued in 1980, and the list names no earlier day.
const LISTED_FROM: Date = date!(1980 - 01 - 01);

/// How many rows a load changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Divisions in force.
    pub in_force: usize,
    /// Abolished ones.
    pub abolished: usize,
    /// Rows written or closed.
    pub changed: u64,
}

/// Every division in force and the abolished ones.
///
/// # Errors
/// The database; a list that does not hang together.
pub async fn catalogue(db: &mut PgConnection) -> Result<Catalogue, StoreError> {
    let rows = sqlx::query!(
        "-- accounts.divisions.catalogue
         SELECT code, name, level, parent_code, kind, city_code, full_name, successor_code, change FROM divisions
         WHERE valid_to IS NULL OR kind = 'former'",
    )
    .fetch_all(db)
    .await?;
    let corrupt = |id: &str| StoreError::Corrupt { table: "divisions", id: id.to_owned() };
    let mut divisions = Vec::new();
    let mut abolished = Vec::new();
    for row in rows {
        if let Some(successor) = row.successor_code {
            abolished.push(Abolished { code: row.code, name: row.name, successor, change: row.change });
            continue;
        }
        divisions.push(Division {
            level: Level::ALL
                .into_iter()
                .find(|one| one.name() == row.level)
                .ok_or_else(|| corrupt(&row.code))?,
            sort: Sort::ALL
                .into_iter()
                .find(|one| one.name() == row.kind)
                .ok_or_else(|| corrupt(&row.code))?,
            code: row.code,
            name: row.name,
            parent_code: row.parent_code,
            city_code: row.city_code,
            full_name: row.full_name,
        });
    }
    Catalogue::new(divisions, abolished).map_err(|error| corrupt(&error.to_string()))
}

/// Every division that is no longer in force, by code.
///
/// # Errors
/// The database.
pub async fn ended(db: &mut PgConnection) -> Result<Vec<Ended>, StoreError> {
    Ok(sqlx::query_as!(
        Ended,
        "-- accounts.divisions.ended
         SELECT code, name, city_code FROM divisions WHERE valid_to IS NOT NULL ORDER BY code",
    )
    .fetch_all(db)
    .await?)
}

/// A scope with the abolished divisions that its own replaced. Source: reliability section 10.
///
/// # Errors
/// The database.
pub async fn with_predecessors(db: &mut PgConnection, scope: &[String]) -> Result<Vec<String>, StoreError> {
    let former = sqlx::query_scalar!(
        "-- accounts.divisions.predecessors
         SELECT closure.descendant FROM division_closure AS closure
         JOIN divisions ON divisions.code = closure.descendant
         WHERE closure.ancestor = ANY ($1) AND divisions.successor_code = ANY ($1)
           AND closure.valid_from <= current_date AND (closure.valid_to IS NULL OR closure.valid_to > current_date)
         ORDER BY closure.descendant",
        scope
    )
    .fetch_all(db)
    .await?;
    Ok(scope.iter().cloned().chain(former).collect())
}

/// Makes the tables equal to a list: new rows are written, changed ones follow, those that left are closed today.
///
/// # Errors
/// The database.
pub async fn load(db: &mut PgConnection, catalogue: &Catalogue) -> Result<Loaded, StoreError> {
    sqlx::query!(
        "-- accounts.divisions.serialise
         LOCK TABLE divisions, division_closure IN SHARE ROW EXCLUSIVE MODE",
    )
    .execute(&mut *db)
    .await?;
    let mut changed = write_in_force(db, catalogue).await?;
    changed += write_abolished(db, catalogue).await?;
    changed += close_missing(db, catalogue).await?;
    changed += write_closure(db, catalogue).await?;
    Ok(Loaded { in_force: catalogue.all().count(), abolished: catalogue.all_abolished().count(), changed })
}

async fn write_in_force(db: &mut PgConnection, catalogue: &Catalogue) -> Result<u64, StoreError> {
    let rows: Vec<&Division> = catalogue.all().collect();
    let column = |of: fn(&Division) -> String| rows.iter().map(|row| of(row)).collect::<Vec<String>>();
    let done = sqlx::query!(
        "-- accounts.divisions.write_in_force
         INSERT INTO divisions AS stored (code, name, level, parent_code, kind, city_code, full_name, valid_from)
         SELECT code, name, level, parent_code, kind, city_code, full_name, $8
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              AS given (code, name, level, parent_code, kind, city_code, full_name)
         ON CONFLICT (code) DO UPDATE SET name = excluded.name, level = excluded.level,
             parent_code = excluded.parent_code, kind = excluded.kind, city_code = excluded.city_code,
             full_name = excluded.full_name, successor_code = NULL, change = '', valid_to = NULL
         WHERE (stored.name, stored.level, stored.parent_code, stored.kind, stored.city_code, stored.full_name)
            <> (excluded.name, excluded.level, excluded.parent_code, excluded.kind, excluded.city_code, excluded.full_name)
            OR stored.valid_to IS NOT NULL",
        &column(|row| row.code.clone()),
        &column(|row| row.name.clone()),
        &column(|row| row.level.name().to_owned()),
        &column(|row| row.parent_code.clone()),
        &column(|row| row.sort.name().to_owned()),
        &column(|row| row.city_code.clone()),
        &column(|row| row.full_name.clone()),
        LISTED_FROM
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

async fn write_abolished(db: &mut PgConnection, catalogue: &Catalogue) -> Result<u64, StoreError> {
    let rows: Vec<&Abolished> = catalogue.all_abolished().collect();
    let column = |of: fn(&Abolished) -> String| rows.iter().map(|row| of(row)).collect::<Vec<String>>();
    let ended: Vec<Date> = rows.iter().map(|row| abolished_on(row)).collect();
    let done = sqlx::query!(
        "-- accounts.divisions.write_abolished
         INSERT INTO divisions AS stored (code, name, level, parent_code, kind, city_code, full_name, successor_code, change,
                                          valid_from, valid_to)
         SELECT given.code, given.name, successor.level, successor.parent_code, 'former', successor.city_code, given.name,
                given.successor, given.change, $5, given.ended
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $6::date[])
              AS given (code, name, successor, change, ended)
         JOIN divisions AS successor ON successor.code = given.successor
         ON CONFLICT (code) DO UPDATE SET name = excluded.name, level = excluded.level, kind = 'former',
             parent_code = excluded.parent_code, city_code = excluded.city_code, full_name = excluded.full_name,
             successor_code = excluded.successor_code, change = excluded.change, valid_to = excluded.valid_to
         WHERE (stored.name, stored.kind, stored.successor_code, stored.change)
               IS DISTINCT FROM (excluded.name, excluded.kind, excluded.successor_code, excluded.change)",
        &column(|row| row.code.clone()),
        &column(|row| row.name.clone()),
        &column(|row| row.successor.clone()),
        &column(|row| row.change.clone()),
        LISTED_FROM,
        &ended
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

async fn close_missing(db: &mut PgConnection, catalogue: &Catalogue) -> Result<u64, StoreError> {
    let listed: Vec<String> = catalogue.all().map(|row| row.code.clone()).collect();
    let done = sqlx::query!(
        "-- accounts.divisions.close_missing
         UPDATE divisions SET valid_to = current_date WHERE valid_to IS NULL AND NOT code = ANY ($1)",
        &listed
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

async fn write_closure(db: &mut PgConnection, catalogue: &Catalogue) -> Result<u64, StoreError> {
    let pairs = closure(catalogue);
    let ancestors: Vec<String> = pairs.iter().map(|(ancestor, ..)| ancestor.clone()).collect();
    let descendants: Vec<String> = pairs.iter().map(|(_, descendant, _)| descendant.clone()).collect();
    let since: Vec<Date> = pairs.iter().map(|(.., since)| *since).collect();
    let closed = sqlx::query!(
        "-- accounts.divisions.close_closure
         UPDATE division_closure AS stored SET valid_to = current_date
         WHERE valid_to IS NULL AND NOT EXISTS (SELECT 1 FROM unnest($1::text[], $2::text[]) AS given (ancestor, descendant)
             WHERE given.ancestor = stored.ancestor AND given.descendant = stored.descendant)",
        &ancestors,
        &descendants
    )
    .execute(&mut *db)
    .await?;
    let written = sqlx::query!(
        "-- accounts.divisions.write_closure
         INSERT INTO division_closure (ancestor, descendant, valid_from)
         SELECT ancestor, descendant, CASE WHEN EXISTS (SELECT 1 FROM division_closure AS earlier
                    WHERE (earlier.ancestor, earlier.descendant) = (given.ancestor, given.descendant))
                THEN current_date ELSE since END
         FROM unnest($1::text[], $2::text[], $3::date[]) AS given (ancestor, descendant, since)
         ON CONFLICT DO NOTHING",
        &ancestors,
        &descendants,
        &since
    )
    .execute(db)
    .await?;
    Ok(closed.rows_affected() + written.rows_affected())
}

/// Each division with itself and everything above it; an abolished one with its successor and all above that.
fn closure(catalogue: &Catalogue) -> BTreeSet<(String, String, Date)> {
    let above = |code: &str| {
        let mut chain = vec![code.to_owned()];
        while let Some(parent) = chain
            .last()
            .and_then(|last| catalogue.find(last))
            .map(|division| division.parent_code.clone())
            .filter(|parent| !parent.is_empty() && !chain.contains(parent))
        {
            chain.push(parent);
        }
        chain
    };
    let mut pairs = BTreeSet::new();
    for division in catalogue.all() {
        for ancestor in above(&division.code) {
            pairs.insert((ancestor, division.code.clone(), LISTED_FROM));
        }
    }
    for former in catalogue.all_abolished() {
        pairs.insert((former.code.clone(), former.code.clone(), LISTED_FROM));
        for ancestor in above(&former.successor) {
            pairs.insert((ancestor, former.code.clone(), abolished_on(former)));
        }
    }
    pairs
}

/// The source gives the year only, so the change counts from its first day.
fn abolished_on(row: &Abolished) -> Date {
    row.year().and_then(|year| Date::from_calendar_date(year, Month::January, 1).ok()).unwrap_or(LISTED_FROM)
}
