//! The page that lists are measured beside: axum, askama and the query of the list, with no session, service or frame.
//!
//! Owns: that server. Source: performance, "Targets".
use std::net::SocketAddr;

use anyhow::{Result, ensure};
use askama::Template;
use axum::{Router, extract::State, http::StatusCode, response::Html, routing::get};
use sqlx::{Connection as _, PgConnection, PgPool, Row as _, postgres::PgPoolOptions};
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;

use super::field::COUNTY;

/// Connections, as many as the service has.
const CONNECTIONS: u32 = 32;
/// The query of a county's list, word for word; [`Bare::asks_the_same`] compares it with what the service asks.
const QUERY: &str = "-- reviews.lists.walk
 SELECT NULL::uuid[] AS persons, NULL::text[] AS tiers, s.submitted_at, now() AS read_at,
 p.dc_piles, p.ac_piles, coalesce((f.station ->> 'total_power_watts')::bigint, 0) AS power_watts, a.* FROM (SELECT found.id FROM
 UNNEST('{Draft,CountyReview,CountyReturned,PaperCheck,MaterialsDue,CityReview,CityReturned,AwaitingJointReview,ExpertReview,\
 SupplementDue,AwaitingProvince,ProvincialReview,Approved,Terminated}'::text[]) AS node (stage)
 CROSS JOIN (SELECT $1::text OFFSET 0) AS own (key) CROSS JOIN LATERAL (SELECT last_at, id FROM applications
     WHERE county = own.key AND submission_version > 0 AND stage >= node.stage AND (stage, last_at, id)
         < (node.stage, 'infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
     ORDER BY stage DESC, last_at DESC, id DESC LIMIT 50) AS found
 ORDER BY found.last_at DESC, found.id DESC LIMIT 50) AS page
 JOIN applications a ON a.id = page.id
 LEFT JOIN submissions s ON s.application_id = a.id AND s.version = a.submission_version
 LEFT JOIN forms f ON f.application_id = a.id
 CROSS JOIN LATERAL (
     SELECT (count(*) FILTER (WHERE pile.dc))::integer AS dc_piles, (count(*) FILTER (WHERE NOT pile.dc))::integer AS ac_piles
     FROM (SELECT bool_or(c.kind = 4) AS dc
         FROM jsonb_to_recordset(f.station -> 'connectors') AS c (id text, equipment_id text, kind integer)
         WHERE coalesce(s.form, f.form) -> 'connectors' ? c.id GROUP BY c.equipment_id) AS pile) AS p
 ORDER BY a.last_at DESC, a.id DESC";

/// One row of the page.
#[derive(Clone, Debug, Default)]
struct Line {
    station: String,
    number: String,
    operator: String,
    stage: String,
}

/// A page with nothing around its rows.
#[derive(Template)]
#[template(
    ext = "html",
    source = "<!doctype html><html lang=\"zh-CN\"><title>列表</title><table>{% for row in rows %}<tr><td>{{ row.station }}</td>\
              <td>{{ row.number }}</td><td>{{ row.operator }}</td><td>{{ row.stage }}</td></tr>{% endfor %}</table></html>"
)]
struct BarePage {
    rows: Vec<Line>,
}

/// The server. It ends with the program.
#[derive(Clone, Copy, Debug)]
pub struct Bare {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Bare {
    /// Where the page is.
    pub const PATH: &str = "/list";

    /// Serves over the database as the service's own role. Errors: no connection, no port.
    pub async fn serve(reviews: &str) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .test_before_acquire(false)
            .connect(reviews)
            .await?;
        let pages =
            Router::new().route(Self::PATH, get(list)).layer(CompressionLayer::new()).with_state(pool);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, pages).await });
        Ok(Self { address })
    }

    /// Fails where the page and the service's list, both visited before, were two statements to the database, or those of
    /// two roles.
    pub async fn asks_the_same(database: &str) -> Result<()> {
        let mut look = PgConnection::connect(database).await?;
        let statements: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '-- reviews.lists.walk%county = own.key%'
                 AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_one(&mut look)
        .await?;
        ensure!(statements == 1, "the bare page and the county's list are {statements} statements, not one");
        Ok(())
    }
}

async fn list(State(pool): State<PgPool>) -> Result<Html<String>, StatusCode> {
    let rows = sqlx::query(QUERY)
        .bind(COUNTY)
        .fetch_all(&pool)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let text = |row: &sqlx::postgres::PgRow, name: &str| row.try_get(name).unwrap_or_default();
    let line = |row: &sqlx::postgres::PgRow| Line {
        station: text(row, "station_name"),
        number: text(row, "application_no"),
        operator: text(row, "operator_name"),
        stage: text(row, "stage"),
    };
    let page = BarePage { rows: rows.iter().map(line).collect() };
    page.render().map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
