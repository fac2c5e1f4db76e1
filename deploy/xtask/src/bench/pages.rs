//! Pages of the portal with few and with many applications behind them, beside a bare page of the same run.
//!
//! Owns: the rows, which pages are visited, and what their figures are compared with. Not: what a page shows. The rows are
//! written by statements, not decided: they have no history. The detail is a full dossier at the city's desk, which came there
//! through the services. Source: performance, "Targets"; ui, section 12.
use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result};
use sqlx::{Connection as _, PgConnection};

use super::{
    bare::Bare,
    field::{CITY_OFFICER, COUNTY, Field},
    figures::{Anchor, Better, Cost, Figures, Round},
    visits::{Target, sign_in},
};
use crate::{report::step, services::Service, trial::Trial};

/// How much there is, and how often it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Applications of the first look.
    pub few: i32,
    /// Applications of the second.
    pub many: i32,
    /// Interleaved rounds of each.
    pub rounds: usize,
    /// Visits of each page a round by one visitor.
    pub visits: usize,
    /// How long [`VISITORS`] visit each page a round.
    pub time: Duration,
}

/// Visitors at once. Source: performance, "Targets".
const VISITORS: usize = 32;
/// The list of a county, 50 rows.
const LIST: &str = "/supervision/county-subsidies?size=50";
/// Everything of the province, 50 rows.
const PROVINCE: &str = "/supervision/subsidies/applications?size=50";

/// The figures of a page: times of one visitor and pages a second of many, each with few and with many applications, and
/// bytes.
#[derive(Debug)]
struct Names {
    times: [&'static str; 2],
    rates: [&'static str; 2],
    bytes: &'static str,
}

macro_rules! names {
    ($page:literal) => {
        Names {
            times: [concat!($page, ".few"), concat!($page, ".many")],
            rates: [concat!($page, ".few.c32"), concat!($page, ".many.c32")],
            bytes: concat!($page, ".gzip"),
        }
    };
}

/// The page beside which the others are shown.
const BARE: Names = names!("raw.page");

/// A page that is visited.
struct Visited {
    names: Names,
    at: SocketAddr,
    cookie: String,
    path: String,
}

/// Fills, visits, fills more, visits again. Errors: a page does not come, or a statement is refused.
pub async fn measure(trial: &Trial, extent: Extent) -> Result<Figures> {
    let field = step("people and one round", Field::prepare(&trial.fleet, 1, 1)).await?;
    let (reviews, notifications) =
        (trial.database_url(Service::Reviews)?, trial.database_url(Service::Notifications)?);
    let mut look = PgConnection::connect(&reviews).await?;
    sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&mut look).await?;
    let full = step("a full dossier", field.full_dossier()).await?;
    let pages = pages(trial, &full.application_id).await?;
    let mut figures = Figures::default();
    for (at, count) in [extent.few, extent.many].into_iter().enumerate() {
        step(&format!("{count} applications"), fill(&reviews, &notifications, &field, count)).await?;
        for _ in 0..extent.rounds {
            for page in &pages {
                let target = Target { at: page.at, cookie: &page.cookie, path: &page.path };
                let (alone, bytes) = target.alone(extent.visits).await?;
                figures.keep(page.names.times[at], alone);
                figures.keep(page.names.bytes, Round { value: bytes, ..Round::default() });
                let before = cost(&mut look).await?;
                let together = target.together(VISITORS, extent.time).await?;
                let cost = Cost::between(before, cost(&mut look).await?, together.took.len());
                figures.keep(page.names.rates[at], Round { cost: Some(cost), ..together });
            }
        }
    }
    Bare::asks_the_same(&reviews).await?;
    close(&mut figures, &pages);
    Ok(figures)
}

/// The bare page first, then those of the portal; the detail is of this application.
async fn pages(trial: &Trial, reviewed: &str) -> Result<Vec<Visited>> {
    let deployment = trial.fleet.deployment();
    let bare =
        Bare::serve(deployment.databases.get(&Service::Reviews).context("no database of reviews")?).await?;
    let at: SocketAddr = deployment.address(Service::Portal)?.inlet.parse()?;
    let (county, city) = (sign_in(at, "county01").await?, sign_in(at, CITY_OFFICER).await?);
    let administrator = sign_in(at, "admin01").await?;
    let page = |names, cookie: &str, path: &str| Visited {
        names,
        at,
        cookie: cookie.to_owned(),
        path: path.to_owned(),
    };
    let detail = format!("/supervision/county-subsidies/{reviewed}/review");
    Ok(vec![
        Visited { at: bare.address, ..page(BARE, "", Bare::PATH) },
        page(names!("portal.workbench"), &county, "/workbench"),
        page(names!("portal.list"), &county, LIST),
        page(names!("portal.province"), &administrator, PROVINCE),
        page(names!("portal.detail"), &city, &detail),
    ])
}

/// Statements and WAL bytes of all databases so far.
async fn cost(look: &mut PgConnection) -> Result<(i64, i64)> {
    let sum =
        "SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(wal_bytes), 0)::bigint FROM pg_stat_statements";
    Ok(sqlx::query_as(sum).fetch_one(look).await?)
}

/// Source of each target: performance, "Targets": a list of 50 rows beside the bare page with the same query, 32 visitors,
/// at least 0.40 of its rate; each page with many beside itself with few, at most twice the time. The other ratios are shown.
fn close(figures: &mut Figures, pages: &[Visited]) {
    for Visited { names, .. } in pages {
        let own = names.times != BARE.times;
        let list = own && names.bytes != "portal.workbench.gzip" && names.bytes != "portal.detail.gzip";
        let beside = |metric, target| Some(Anchor { metric, target });
        figures.close(names.times[0], "µs", Better::Lower, beside(BARE.times[0], None).filter(|_| own));
        figures.close(names.times[1], "µs", Better::Lower, beside(names.times[0], Some(2.0)));
        for (at, metric) in names.rates.into_iter().enumerate() {
            let target = list.then_some(0.4);
            figures.close(metric, "pages/s", Better::Higher, beside(BARE.rates[at], target).filter(|_| own));
        }
        figures.close(names.bytes, "B", Better::Lower, None);
    }
}

/// Applications up to a count, half of them at the desk of the county that looks, the rest elsewhere in the province; and the
/// tasks that belong to them.
async fn fill(reviews: &str, notifications: &str, field: &Field, count: i32) -> Result<()> {
    let operator = field.operator.claims().await?.operator_id;
    let mut reviews = PgConnection::connect(reviews).await?;
    sqlx::query(
        "INSERT INTO applications (id, application_no, round_id, policy_version, operator_id, operator_name, station_id,
             station_code, station_name, county, prefecture, stage, version, stage_version, last_version, entered_at,
             created_at, submission_version, submission_kind, submission_hash, last_transition, last_actor_id, last_role,
             last_office, last_at, head_hash)
         SELECT md5('application' || i)::uuid, 'CL2026-' || lpad(i::text, 7, '0'), $1::uuid, 1, $2::uuid, '测量示例公司',
             md5('station' || i)::uuid, 'CL' || i, '测量' || i || '号示例充电站',
             CASE WHEN i % 2 = 0 THEN $3 ELSE '41030' || (2 + i % 5) END, CASE WHEN i % 2 = 0 THEN '410100' ELSE '410300' END,
             CASE WHEN i % 8 = 0 THEN 'PaperCheck' ELSE 'CountyReview' END, 2, 2, 2, now(), now(), 1, 'acceptance', 'x',
             'T02', $2::uuid, 'operator', '', now() - i * interval '1 second', decode(repeat('00', 32), 'hex')
         FROM generate_series(1, $4) AS i ON CONFLICT DO NOTHING",
    )
    .bind(&field.round_id)
    .bind(&operator)
    .bind(COUNTY)
    .bind(count)
    .execute(&mut reviews)
    .await?;
    // Ten connectors in five piles for those that the first pages show.
    sqlx::query(
        "INSERT INTO forms (application_id, edit_version, form, station, edited_at)
         SELECT md5('application' || i)::uuid, 1, jsonb_build_object('connectors', ids),
             jsonb_build_object('total_power_watts', 600000, 'connectors', connectors), now()
         FROM generate_series(1, 1000) AS i, (SELECT jsonb_agg(c::text) AS ids,
             jsonb_agg(jsonb_build_object('id', c::text, 'equipment_id', (c / 2)::text, 'kind', 4)) AS connectors
             FROM generate_series(0, 9) AS c) AS ten ON CONFLICT DO NOTHING",
    )
    .execute(&mut reviews)
    .await?;
    // As autovacuum leaves a table after so many insertions.
    sqlx::query("VACUUM (ANALYZE) applications, forms, application_texts").execute(&mut reviews).await?;
    let mut notifications = PgConnection::connect(notifications).await?;
    sqlx::query(
        "INSERT INTO worklist (subject_type, subject_id, application_no, stage, waits_for, open, desk, county, prefecture,
             operator_id, version, since)
         SELECT 'application', md5('application' || i)::uuid, 'CL2026-' || lpad(i::text, 7, '0'),
             CASE WHEN i % 8 = 0 THEN 'PaperCheck' ELSE 'CountyReview' END, 'county', true, 'county:' || county, county,
             CASE WHEN i % 2 = 0 THEN '410100' ELSE '410300' END, $1::uuid, 2, now() - i * interval '1 second'
         FROM (SELECT i, CASE WHEN i % 2 = 0 THEN $2 ELSE '41030' || (2 + i % 5) END AS county
               FROM generate_series(1, $3) AS i) AS rows ON CONFLICT DO NOTHING",
    )
    .bind(&operator)
    .bind(COUNTY)
    .bind(count)
    .execute(&mut notifications)
    .await?;
    sqlx::query("VACUUM (ANALYZE) worklist").execute(&mut notifications).await?;
    Ok(())
}
