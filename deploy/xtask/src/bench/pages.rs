//! Pages of the portal with few and with many applications behind them, beside a bare page of the same run.
//!
//! Owns: the rows, the visits and their figures. Not: what a page shows. The rows are written by statements, not decided:
//! they have no history. Source: performance, "Targets"; ui, section 12.
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use askama::Template;
use axum::{Router, extract::State, http::StatusCode, response::Html, routing::get};
use sqlx::{Connection as _, PgConnection, PgPool, Row as _, postgres::PgPoolOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower_http::compression::CompressionLayer;

use super::{
    field::{COUNTY, Field, PASSWORD},
    figures::{Anchor, Better, Figures, Round},
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
    /// Visits of each page a round.
    pub visits: usize,
}

/// A page that is visited: its figures with few and many applications, and the size of what came.
struct Visited {
    few: &'static str,
    many: &'static str,
    bytes: &'static str,
    login: &'static str,
    path: String,
}

/// The list of a county, 50 rows.
const LIST: &str = "/supervision/county-subsidies?size=50";
/// Everything of the province, 50 rows.
const PROVINCE: &str = "/supervision/subsidies/applications?size=50";

/// Fills, visits, fills more, visits again. Errors: a page does not come, or a statement is refused.
pub async fn measure(trial: &Trial, extent: Extent) -> Result<Figures> {
    let field = step("people and one round", Field::prepare(&trial.fleet, 1, 1)).await?;
    let (reviews, notifications) =
        (trial.database_url(Service::Reviews)?, trial.database_url(Service::Notifications)?);
    let bare = Bare::serve(&reviews).await?;
    let portal: SocketAddr = trial.fleet.deployment().address(Service::Portal)?.inlet.parse()?;
    let detail = format!("/supervision/county-subsidies/{}/review", field.submitted[0].application_id);
    let pages = [
        page(
            ["portal.workbench.few", "portal.workbench.many", "portal.workbench.gzip"],
            "county01",
            "/workbench",
        ),
        page(["portal.list.few", "portal.list.many", "portal.list.gzip"], "county01", LIST),
        page(["portal.province.few", "portal.province.many", "portal.province.gzip"], "admin01", PROVINCE),
        page(["portal.detail.few", "portal.detail.many", "portal.detail.gzip"], "county01", &detail),
    ];
    let mut cookies = Vec::new();
    for login in ["county01", "admin01"] {
        cookies.push((login, sign_in(portal, login).await?));
    }
    let mut figures = Figures::default();
    for (count, many) in [(extent.few, false), (extent.many, true)] {
        step(&format!("{count} applications"), fill(&reviews, &notifications, &field, count)).await?;
        for _ in 0..extent.rounds {
            for (metric, path) in bare.pages(many) {
                figures.keep(metric, visits(bare.address, "", path, extent.visits).await?.0);
            }
            for page in &pages {
                let cookie = cookies.iter().find(|(login, _)| *login == page.login).context("signed in")?;
                let (round, bytes) = visits(portal, &cookie.1, &page.path, extent.visits).await?;
                figures.keep(if many { page.many } else { page.few }, round);
                figures.keep(page.bytes, Round { value: bytes, ..Round::default() });
            }
        }
    }
    close(&mut figures, &pages);
    Ok(figures)
}

fn page([few, many, bytes]: [&'static str; 3], login: &'static str, path: &str) -> Visited {
    Visited { few, many, bytes, login, path: path.to_owned() }
}

/// Source of each target: performance, "Targets": a list beside a page with the same query and no session, at least 0.40
/// of its rate; many beside few, at most twice the time; 9 kB a page of 50 rows.
fn close(figures: &mut Figures, pages: &[Visited]) {
    let beside = |metric, target| Some(Anchor { metric, target });
    figures.close("raw.page.bare", "µs", Better::Lower, None);
    figures.close("raw.page.query.few", "µs", Better::Lower, None);
    figures.close("raw.page.query.many", "µs", Better::Lower, beside("raw.page.query.few", 2.0));
    for page in pages {
        let own =
            (page.few == "portal.list.few").then_some(Anchor { metric: "raw.page.query.few", target: 2.5 });
        figures.close(page.few, "µs", Better::Lower, own);
        figures.close(page.many, "µs", Better::Lower, beside(page.few, 2.0));
        figures.close(page.bytes, "B", Better::Lower, None);
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
    sqlx::query("ANALYZE applications, application_texts").execute(&mut reviews).await?;
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
    sqlx::query("ANALYZE worklist").execute(&mut notifications).await?;
    Ok(())
}

/// One row of the bare page.
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

/// A server without sessions, services and frame: one page with rows at hand, one that asks the database itself.
struct Bare {
    address: SocketAddr,
}

impl Bare {
    async fn serve(reviews: &str) -> Result<Self> {
        let pool = PgPoolOptions::new().max_connections(4).connect(reviews).await?;
        let pages = Router::new()
            .route("/bare", get(at_hand))
            .route("/query", get(asked))
            .layer(CompressionLayer::new())
            .with_state(pool);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        // It ends with the program.
        tokio::spawn(async move { axum::serve(listener, pages).await });
        Ok(Self { address })
    }

    fn pages(&self, many: bool) -> [(&'static str, &'static str); 2] {
        [
            ("raw.page.bare", "/bare"),
            (if many { "raw.page.query.many" } else { "raw.page.query.few" }, "/query"),
        ]
    }
}

fn shown(rows: Vec<Line>) -> Result<Html<String>, StatusCode> {
    BarePage { rows }.render().map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn at_hand() -> Result<Html<String>, StatusCode> {
    let row = |number: usize| Line {
        station: format!("测量{number}号示例充电站"),
        number: format!("CL2026-{number:07}"),
        operator: "测量示例公司".to_owned(),
        stage: "CountyReview".to_owned(),
    };
    shown((0..50).map(row).collect())
}

async fn asked(State(pool): State<PgPool>) -> Result<Html<String>, StatusCode> {
    let rows = sqlx::query(
        "SELECT station_name, application_no, operator_name, stage FROM applications
         WHERE county = $1 AND submission_version > 0 ORDER BY last_at DESC, id DESC LIMIT 50",
    )
    .bind(COUNTY)
    .fetch_all(&pool)
    .await
    .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let text = |row: &sqlx::postgres::PgRow, at: usize| row.try_get(at).unwrap_or_default();
    shown(
        rows.iter()
            .map(|row| Line {
                station: text(row, 0),
                number: text(row, 1),
                operator: text(row, 2),
                stage: text(row, 3),
            })
            .collect(),
    )
}

/// Visits a page so many times after one that does not count: times to the first byte, with their median as the value; and
/// the bytes of the last body.
async fn visits(to: SocketAddr, cookie: &str, path: &str, visits: usize) -> Result<(Round, f64)> {
    ask(to, "GET", cookie, path, "").await?;
    let (mut took, mut bytes) = (Vec::with_capacity(visits), 0.0);
    for _ in 0..visits {
        let answer = ask(to, "GET", cookie, path, "").await?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        took.push(answer.first_byte);
        bytes = answer.body.len() as f64;
    }
    took.sort_unstable();
    let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
    Ok((Round { value: p50.as_secs_f64() * 1e6, took, cost: None }, bytes))
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
    first_byte: Duration,
}

/// One request on a connection of its own; the clock runs from sending it.
async fn ask(to: SocketAddr, method: &str, cookie: &str, path: &str, form: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(to).await?;
    let packed = if method == "GET" { "Accept-Encoding: gzip\r\n" } else { "" };
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {to}\r\nOrigin: http://{to}\r\nCookie: {cookie}\r\n{packed}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let start = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    let mut all = vec![0; 1];
    stream.read_exact(&mut all).await.with_context(|| format!("{path} gave no answer"))?;
    let first_byte = start.elapsed();
    stream.read_to_end(&mut all).await?;
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").context("the answer is not HTTP")?;
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
    Ok(Answer { status, head, body: all[end + 4..].to_vec(), first_byte })
}

/// Signs in by the form; gives the cookie.
async fn sign_in(portal: SocketAddr, login: &str) -> Result<String> {
    let page = ask(portal, "GET", "", "/login", "").await?;
    let visit = cookie(&page.head).context("no cookie of the visit")?;
    let page = plain_page(portal, &visit).await?;
    let field = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        page.split(&start).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    };
    let form = format!(
        "form_token={}&request_id={}&login={login}&password={PASSWORD}",
        field("form_token").replace('+', "%2B").replace('=', "%3D"),
        field("request_id")
    );
    let signed_in = ask(portal, "POST", &visit, "/login", &form).await?;
    ensure!(signed_in.status == 303, "{login}: {}", String::from_utf8_lossy(&signed_in.body));
    cookie(&signed_in.head).context("no cookie of the session")
}

/// The sign-in page as text.
async fn plain_page(portal: SocketAddr, visit: &str) -> Result<String> {
    let mut stream = TcpStream::connect(portal).await?;
    let request = format!("GET /login HTTP/1.0\r\nHost: {portal}\r\nCookie: {visit}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut all = String::new();
    stream.read_to_string(&mut all).await?;
    Ok(all)
}

/// The last cookie that an answer sets.
fn cookie(head: &str) -> Option<String> {
    let mut set = head
        .lines()
        .rev()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, value)| name.eq_ignore_ascii_case("set-cookie") && !value.contains("Max-Age=0"));
    let (_, value) = set.next()?;
    Some(value.split(';').next().unwrap_or_default().to_owned())
}
