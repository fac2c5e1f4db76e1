//! Databases and roles of a PostgreSQL server, private or named by `YUCHONG_TEST_POSTGRES`.
//!
//! Owns: what a superuser does for the services: create, copy, drop. Not: tables (migrations) or the process.
use std::{str::FromStr as _, time::Duration};

use anyhow::{Context as _, Result, ensure};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::services::Service;

/// Access to a server as its superuser.
#[derive(Clone, Debug)]
pub struct Cluster {
    options: PgConnectOptions,
    url: String,
    /// Everything between `postgres://user:` and `/database`: password, host and port.
    place: String,
}

impl Cluster {
    /// Takes a superuser's address, `postgres://user:password@host:port/database`.
    ///
    /// Errors: the address is not of that form.
    pub fn at(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url).context("the superuser's address is not valid")?;
        let rest = url.split_once("://").context("the address has no scheme")?.1;
        let place = rest.rsplit_once('/').context("the address names no database")?.0;
        let (login, host) = place.rsplit_once('@').context("the address names no user")?;
        let place = match login.split_once(':') {
            Some((_, password)) => format!("{password}@{host}"),
            None => host.to_owned(),
        };
        Ok(Self { options: options.disable_statement_logging(), url: url.to_owned(), place })
    }

    /// Gives the superuser's address.
    pub fn admin_url(&self) -> &str {
        &self.url
    }

    /// Gives the address of a database for a service's own role. The role has the superuser's password: these are
    /// private servers of one developer or test run.
    pub fn url(&self, service: Service, database: &str) -> String {
        let colon = if self.place.contains('@') { ":" } else { "@" };
        format!("postgres://{service}{colon}{}/{database}", self.place)
    }

    /// Gives the superuser's address of a database.
    pub fn admin_url_of(&self, database: &str) -> String {
        let base = self.url.rsplit_once('/').map_or(self.url.as_str(), |(base, _)| base);
        format!("{base}/{database}")
    }

    /// Tells whether the server takes connections and answers.
    pub async fn answers(&self) -> bool {
        let asked = timeout(Duration::from_secs(2), async {
            let mut connection = self.connect().await?;
            sqlx::query("SELECT 1").execute(&mut connection).await?;
            connection.close().await?;
            anyhow::Ok(())
        });
        matches!(asked.await, Ok(Ok(())))
    }

    /// Connects as superuser. Errors: the server refuses or is away.
    pub async fn connect(&self) -> Result<PgConnection> {
        PgConnection::connect_with(&self.options).await.context("PostgreSQL takes no connection")
    }

    /// Makes the login role of a service if it is missing; it owns its databases and nothing else.
    ///
    /// Errors: the server refuses.
    pub async fn create_role(&self, service: Service) -> Result<()> {
        let mut connection = self.connect().await?;
        let password = self.place.rsplit_once('@').map_or("", |(password, _)| password);
        ensure!(!password.contains(['\'', '\\']), "the superuser's password may not contain quotes");
        // Several test processes do this at once; the lock lets one after the other look and create.
        let statement = format!(
            "DO $$ BEGIN PERFORM pg_advisory_xact_lock(7290001); \
             IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{service}') THEN \
             CREATE ROLE {service} LOGIN PASSWORD '{password}'; END IF; END $$"
        );
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Makes an empty database owned by a service, with its role; nothing happens when it exists.
    ///
    /// Errors: the name is not plain (`a-z`, digits, `_`), or the server refuses.
    pub async fn create_database(&self, name: &str, owner: Service) -> Result<()> {
        self.create_role(owner).await?;
        if self.exists(name).await? {
            return Ok(());
        }
        self.execute(name, |name| {
            format!("CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING UTF8 LOCALE 'C.UTF-8'")
        })
        .await
    }

    /// Copies a database to which nobody is connected; the copy has the same owner of everything in it.
    ///
    /// Errors: as [`Cluster::create_database`]; somebody is connected to the template.
    pub async fn copy_database(&self, template: &str, name: &str, owner: Service) -> Result<()> {
        plain(template)?;
        self.execute(name, |name| format!("CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}")).await
    }

    /// Drops a database, also when somebody is connected. Errors: the server refuses.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        self.execute(name, |name| format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
    }

    /// Tells whether a database exists. Errors: the server is away.
    pub async fn exists(&self, name: &str) -> Result<bool> {
        let mut connection = self.connect().await?;
        let found = sqlx::query("SELECT FROM pg_database WHERE datname = $1").bind(name);
        let found = found.fetch_optional(&mut connection).await?.is_some();
        connection.close().await?;
        Ok(found)
    }

    async fn execute(&self, name: &str, statement: impl FnOnce(&str) -> String) -> Result<()> {
        plain(name)?;
        let mut connection = self.connect().await?;
        // Safe: the only foreign text is the name, and that is plain.
        sqlx::raw_sql(AssertSqlSafe(statement(name))).execute(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }
}

fn plain(name: &str) -> Result<()> {
    let fine = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 63
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    ensure!(fine, "`{name}` is not a plain database name");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_password_and_place() {
        let cluster = Cluster::at("postgres://yuchong:secret@127.0.0.1:15432/postgres").unwrap();
        assert_eq!(cluster.url(Service::Reviews, "trial"), "postgres://reviews:secret@127.0.0.1:15432/trial");
        assert_eq!(cluster.admin_url_of("trial"), "postgres://yuchong:secret@127.0.0.1:15432/trial");
        let trusting = Cluster::at("postgres://postgres@127.0.0.1:5432/postgres").unwrap();
        assert_eq!(trusting.url(Service::Reviews, "trial"), "postgres://reviews@127.0.0.1:5432/trial");
    }

    #[test]
    fn a_name_that_could_hide_sql_is_refused() {
        assert!(plain("yuchong_reviews_7").is_ok());
        for name in ["", "7a", "a b", "a;drop", "a\"b", "Ä"] {
            assert!(plain(name).is_err(), "{name}");
        }
    }
}
