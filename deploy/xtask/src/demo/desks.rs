//! Who of the sample province has something to do, read back from the worklist.
//!
//! Owns: finding a sign-in for each role. Not: making work; the demo leaves some at every desk.
use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use sqlx::{Connection as _, PgConnection};

use super::roster::{self, ADMINISTRATOR, DEPARTMENTS};
use crate::{deployment::Deployment, services::Service};

/// Parties with their roles in words, in the order of the review.
const PARTIES: [(&str, &str); 6] = [
    ("operator", "运营商"),
    ("county", "县级主管部门"),
    ("city", "市级主管部门"),
    ("administrator", "平台管理员"),
    ("experts", "专家"),
    ("departments", "省级厅委"),
];

/// For each role the sign-in with the most open tasks, and how many they are. Errors: a database is away.
pub async fn busiest(deployment: &Deployment) -> Result<Vec<(&'static str, String, i64)>> {
    let mut notifications = connect(deployment, Service::Notifications).await?;
    let desks: Vec<(String, String, String, String, String, i64)> = sqlx::query_as(
        "SELECT waits_for, CASE WHEN waits_for = 'county' THEN county ELSE '' END,
             CASE WHEN waits_for = 'city' THEN prefecture ELSE '' END,
             CASE waits_for WHEN 'operator' THEN operator_id::text WHEN 'experts' THEN work_order_id::text ELSE '' END,
             coalesce(voice, ''), count(*)
         FROM worklist LEFT JOIN LATERAL unnest(awaited) AS voice ON true
         WHERE open GROUP BY 1, 2, 3, 4, 5 ORDER BY count(*), 1, 2, 3, 4, 5",
    )
    .fetch_all(&mut notifications)
    .await?;
    let mut accounts = connect(deployment, Service::Accounts).await?;
    let logins: Vec<(String, String)> =
        sqlx::query_as("SELECT coalesce(operator_id, user_id)::text, login FROM users WHERE active ORDER BY created_at DESC, user_id DESC")
            .fetch_all(&mut accounts)
            .await?;
    let logins: BTreeMap<_, _> = logins.into_iter().collect();
    let mut reviews = connect(deployment, Service::Reviews).await?;
    let leads: Vec<(String, String)> =
        sqlx::query_as("SELECT work_order_id::text, expert_id::text FROM panel WHERE lead")
            .fetch_all(&mut reviews)
            .await?;
    let leads: BTreeMap<_, _> = leads.into_iter().collect();
    let mut found = BTreeMap::new();
    for (party, county, city, id, voice, count) in desks {
        let login = match party.as_str() {
            "operator" => logins.get(&id).cloned().unwrap_or_default(),
            "county" => roster::county(&county),
            "city" => roster::city(&city),
            // Where single voices are waited for, one that can still act; else whoever leads.
            "experts" if voice.is_empty() => {
                leads.get(&id).and_then(|lead| logins.get(lead)).cloned().unwrap_or_default()
            }
            "experts" => logins.get(&voice).cloned().unwrap_or_default(),
            "departments" if voice.is_empty() => roster::department(DEPARTMENTS[0].0),
            "departments" => roster::department(&voice),
            _ => ADMINISTRATOR.to_owned(),
        };
        // The rows rise by their count: the last one stays.
        found.insert(party, (login, count));
    }
    let row = |(party, role): (&str, &'static str)| {
        let (login, count) = found.get(party).cloned().unwrap_or_default();
        (role, login, count)
    };
    Ok(PARTIES.map(row).into())
}

/// The same for people.
///
/// # Errors
/// A database is away.
pub async fn table(deployment: &Deployment) -> Result<String> {
    let mut lines = vec!["  with something to do".to_owned()];
    for (role, login, count) in busiest(deployment).await? {
        let line =
            if count == 0 { "暂无待办".to_owned() } else { format!("{login}（待办 {count} 件）") };
        lines.push(format!("    {role}  {line}"));
    }
    Ok(lines.join("\n"))
}

async fn connect(deployment: &Deployment, service: Service) -> Result<PgConnection> {
    let url = deployment.databases.get(&service).with_context(|| format!("{service} has no database"))?;
    PgConnection::connect(url).await.with_context(|| format!("the database of {service} is away"))
}
