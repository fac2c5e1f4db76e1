//! The database roles of production: the migration owns the tables, the service reads and writes rows, and only adds to those
//! that are kept.
use std::{path::Path, process::Command};

use anyhow::{Context as _, Result};
use sqlx::{Connection as _, Executor as _, PgConnection};
use xtask::{
    checkout::{Checkout, binaries},
    servers::{Durability, Servers, Tools},
    services::Service,
};

/// The address of a database of the same server, for another role.
fn url(admin: &str, role: &str, database: &str) -> Result<String> {
    let place = admin.rsplit_once('@').context("an address with a login")?.1;
    let host = place.split('/').next().unwrap_or_default();
    Ok(format!("postgres://{role}:of-a-test@{host}/{database}"))
}

/// Runs a subcommand of the service with a database role; gives whether it succeeded, and what it said.
fn run(service: Service, command: &str, url: &str, folder: &Path) -> Result<(bool, String)> {
    let mut program = Command::new(binaries()?.join(service.name()));
    let output = program
        .arg(command)
        .current_dir(folder)
        .env(service.variable("DATABASE__URL"), url)
        // The audit of decisions needs a key to verify with.
        .env(service.variable("IDENTITY__SIGNING_KEY"), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
        .output()?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[tokio::test]
async fn the_migration_owns_the_tables_and_the_service_changes_rows_alone() -> Result<()> {
    let checkout = Checkout::find()?;
    let mut servers = Servers::trial(&checkout, Durability::Quick).await?;
    let admin = servers.postgres.cluster().admin_url().to_owned();
    for service in Service::WITH_DATABASE {
        for _ in 0..2 {
            make_roles(&checkout, service, &admin)?;
        }
        let mut connection = PgConnection::connect(&admin).await?;
        for role in [service.name().to_owned(), format!("{service}_migrate")] {
            // The names are those of our own services.
            let statement = format!("ALTER ROLE {role} PASSWORD 'of-a-test'");
            connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        }
        let owner = url(&admin, &format!("{service}_migrate"), service.name())?;
        let own = url(&admin, service.name(), service.name())?;
        assert!(
            !run(service, "migrate", &own, servers.folder())?.0,
            "{service} changes tables under its own role"
        );
        let (migrated, said) = run(service, "migrate", &owner, servers.folder())?;
        assert!(migrated, "{service}: {said}");
        let (audited, said) = run(service, "audit", &own, servers.folder())?;
        assert!(audited, "{service}: {said}");
        let mut connection = PgConnection::connect(&own).await?;
        connection.execute("DELETE FROM outbox_lease WHERE false").await?;
        if service == Service::Stations {
            partitions(&mut connection).await?;
        }
        only_added_to(&mut connection, service).await?;
        // It grants rights on all tables, and leaves these out.
        make_roles(&checkout, service, &admin)?;
        only_added_to(&mut connection, service).await?;
        let refused = connection.execute("ALTER TABLE outbox ADD COLUMN more text").await;
        assert!(refused.is_err_and(|error| error.to_string().contains("must be owner")), "{service}");
        let refused = connection.execute("CREATE TABLE more (id int)").await;
        assert!(refused.is_err_and(|error| error.to_string().contains("permission denied")), "{service}");
    }
    servers.stop().await
}

/// Runs `roles.sql` as the superuser.
fn make_roles(checkout: &Checkout, service: Service, admin: &str) -> Result<()> {
    let mut made = Command::new(Tools::find_or_install()?.postgres_folder.join("psql"));
    made.arg("--no-psqlrc").arg("--quiet").arg("--variable").arg(format!("service={service}"));
    made.arg("--file").arg(checkout.root().join("deploy/postgres/roles.sql")).arg(admin);
    let made = made.output().context("psql")?;
    assert!(made.status.success(), "{service}: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

/// Tables on which a trigger stands before each change and removal of any row, whatever its name, with their first column.
const KEPT: &str = "SELECT DISTINCT tgrelid::regclass::text, quote_ident(attname) FROM pg_trigger
    JOIN pg_attribute ON attrelid = tgrelid AND attnum = 1
    WHERE NOT tgisinternal AND tgtype & 27 = 27 AND tgqual IS NULL ORDER BY 1";
/// Tables whose rows this role may not change.
const WITHHELD: &str = "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relkind IN ('r', 'p') AND NOT has_table_privilege(oid, 'UPDATE') ORDER BY 1";

/// What is only added to is so by the service's rights already, before any trigger is asked; all of it, and nothing else.
async fn only_added_to(own: &mut PgConnection, service: Service) -> Result<()> {
    let kept: Vec<(String, String)> = sqlx::query_as(KEPT).fetch_all(&mut *own).await?;
    let withheld: Vec<String> = sqlx::query_scalar(WITHHELD).fetch_all(&mut *own).await?;
    let names: Vec<_> = kept.iter().map(|(table, _)| table.clone()).collect();
    assert!(!names.is_empty(), "{service}");
    assert_eq!(names, withheld, "{service}");
    for (table, column) in kept {
        for change in [
            format!("UPDATE {table} SET {column} = {column} WHERE false"),
            format!("DELETE FROM {table} WHERE false"),
            format!("TRUNCATE {table}"),
        ] {
            // Both names are those of the catalogue.
            let refused = own.execute(sqlx::AssertSqlSafe(change.clone())).await.expect_err(&change);
            let code = refused.as_database_error().and_then(|error| error.code());
            assert_eq!(code.as_deref(), Some("42501"), "{change}: {refused}");
        }
        let adds = format!(
            "SELECT has_table_privilege('{table}', 'SELECT') AND has_table_privilege('{table}', 'INSERT')"
        );
        let adds: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(adds)).fetch_one(&mut *own).await?;
        assert!(adds, "{service} cannot read and add to {table}");
    }
    Ok(())
}

/// The service makes and drops its partitions by day, though it owns no table; and it can drop nothing else.
async fn partitions(own: &mut PgConnection) -> Result<()> {
    let day = "current_date + 30";
    let make = format!("SELECT ensure_day_partitions('telemetry', {day}, {day})");
    let made: i32 = sqlx::query_scalar(sqlx::AssertSqlSafe(make)).fetch_one(&mut *own).await?;
    assert_eq!(made, 1);
    own.execute("INSERT INTO telemetry SELECT 1, now() + interval '30 days', '', 0, 0, 0, 0, NULL, now()")
        .await?;
    let dropped: i32 = sqlx::query_scalar("SELECT drop_day_partitions('telemetry', current_date + 60)")
        .fetch_one(&mut *own)
        .await?;
    assert_eq!(dropped, 1);
    for other in [
        "SELECT drop_day_partitions('outbox', current_date)",
        "SELECT drop_day_partitions_of('telemetry', current_date)",
    ] {
        let refused = own.execute(other).await.expect_err("refused").to_string();
        assert!(
            refused.contains("is not partitioned by day") || refused.contains("permission denied"),
            "{refused}"
        );
    }
    Ok(())
}
