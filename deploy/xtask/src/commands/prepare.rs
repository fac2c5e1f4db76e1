//! `cargo xtask prepare`: the committed metadata of compile-time checked SQL, `services/<service>/.sqlx`.
//!
//! Owns: making it against freshly migrated private databases, and comparing. Not: the queries.
//!
//! One `cargo check` of the whole workspace serves all services: a compiler wrapper gives each crate a folder of its
//! own, because one folder for all would be keyed by query text alone. Source: stack, section 6.
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context as _, Result, bail};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    cargo,
    checkout::{Checkout, binaries},
    ports::Port,
    report::step,
    servers::{Cluster, Durability, Folder, Postgres, Tools},
    services::Service,
};

/// What to do with the metadata.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Change nothing; fail when the committed files are not what the code and migrations give.
    #[arg(long)]
    pub check: bool,
}

const WRAPPER: &str = "#!/bin/sh\n# Gives each service's queries a folder of its own.\n\
    if [ -d \"$YUCHONG_METADATA/$CARGO_PKG_NAME\" ]; then\n\
    export SQLX_OFFLINE_DIR=\"$YUCHONG_METADATA/$CARGO_PKG_NAME\"\nfi\nexec \"$@\"\n";

/// Makes the metadata and writes or compares it. Errors: code does not compile, or `--check` finds a difference.
pub async fn run(arguments: Arguments) -> Result<()> {
    let checkout = Checkout::find()?;
    let folder = Folder::trial(&checkout)?;
    let tools = Tools::find_or_install()?;
    let place = folder.path.join("postgres");
    let postgres = Postgres::start(&tools, &place, Port::Free, Durability::Quick);
    let postgres = step("PostgreSQL", postgres).await?;
    let cluster = postgres.cluster();
    step("databases from the migrations", async {
        for service in Service::WITH_DATABASE {
            lay_out(&checkout, cluster, service).await?;
        }
        Ok(())
    })
    .await?;
    let made = folder.path.join("metadata");
    step("queries against the databases", compile(&checkout, cluster, &made)).await?;
    let mut different = Vec::new();
    for service in Service::WITH_DATABASE {
        let committed = checkout.root().join("services").join(service.name()).join(".sqlx");
        let (old, new) = (read(&committed)?, read(&made.join(service.name()))?);
        different.extend(differences(service, &old, &new));
        if !arguments.check {
            write(&committed, &old, &new)?;
        }
    }
    if arguments.check && !different.is_empty() {
        bail!("query metadata is stale; `cargo xtask prepare` writes it:\n  {}", different.join("\n  "));
    }
    eprintln!("query metadata: {} differences", different.len());
    Ok(())
}

/// Applies the migration files, the chassis's first, as text: the programs that would do it are not built yet.
async fn lay_out(checkout: &Checkout, cluster: &Cluster, service: Service) -> Result<()> {
    cluster.create_database(service.name(), service).await?;
    let mut connection = PgConnection::connect(&cluster.url(service, service.name())).await?;
    for folder in ["chassis", service.name()] {
        let folder = checkout.root().join("migrations").join(folder);
        let mut files: Vec<PathBuf> = match fs::read_dir(&folder) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![],
        };
        files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file)?;
            // Safe: a committed migration.
            let applied = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await;
            applied.with_context(|| format!("{} does not apply", file.display()))?;
        }
    }
    connection.close().await?;
    Ok(())
}

/// Compiles every service against its database; the macros write what they learned into `made/<service>`.
async fn compile(checkout: &Checkout, cluster: &Cluster, made: &Path) -> Result<()> {
    for service in Service::WITH_DATABASE {
        fs::create_dir_all(made.join(service.name()))?;
    }
    // At a lasting place: cargo keeps apart what different wrappers have compiled.
    let wrapper = checkout.dot()?.join("metadata-wrapper.sh");
    fs::write(&wrapper, WRAPPER)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let touched = Touched::all(checkout)?;
    let mut command = cargo::command(checkout, &["check", "--quiet", "--workspace", "--all-targets"]);
    command.env_remove("SQLX_OFFLINE");
    command.env("RUSTC_WORKSPACE_WRAPPER", &wrapper).env("YUCHONG_METADATA", made);
    if let Some(target) = binaries()?.parent() {
        command.env("CARGO_TARGET_DIR", target);
    }
    for service in Service::WITH_DATABASE {
        command.env(service.sql_variable(), cluster.url(service, service.name()));
    }
    let compiled = cargo::run(command).await;
    drop(touched);
    compiled
}

/// Source files made to look new, so that the compiler reads them again; given their times back when dropped.
struct Touched {
    files: Vec<(PathBuf, SystemTime, SystemTime)>,
}

impl Touched {
    fn all(checkout: &Checkout) -> Result<Self> {
        let mut files = Vec::new();
        for service in Service::WITH_DATABASE {
            for file in ["lib.rs", "main.rs"] {
                let path = checkout.root().join("services").join(service.name()).join("src").join(file);
                let Ok(opened) = fs::File::options().append(true).open(&path) else { continue };
                let before = opened.metadata()?.modified()?;
                opened.set_modified(now_of_files(checkout)?)?;
                files.push((path, before, opened.metadata()?.modified()?));
            }
        }
        Ok(Self { files })
    }
}

impl Drop for Touched {
    fn drop(&mut self) {
        for (path, before, set) in &self.files {
            let Ok(opened) = fs::File::options().append(true).open(path) else { continue };
            // A file saved meanwhile keeps its new time.
            if opened.metadata().and_then(|data| data.modified()).is_ok_and(|time| time == *set) {
                // Without the old time the file is compiled once more, nothing worse.
                let _ = opened.set_modified(*before);
            }
        }
    }
}

/// The file system's own time: that of a file written just now.
fn now_of_files(checkout: &Checkout) -> Result<SystemTime> {
    let path = checkout.dot()?.join("touch");
    fs::write(&path, "")?;
    Ok(fs::metadata(&path)?.modified()?)
}

/// Files of a metadata folder by name; empty when there is none.
fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(BTreeMap::new()) };
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}

fn differences(
    service: Service,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in new {
        match old.get(name) {
            None => found.push(format!("{service}: {name} is missing ({})", named(text))),
            Some(before) if before.trim() != text.trim() => {
                found.push(format!("{service}: {name} has changed ({})", named(text)));
            }
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
    found.extend(gone.map(|(name, text)| format!("{service}: {name} belongs to no query ({})", named(text))));
    found
}

/// The name that a query carries in its first line, `-- reviews.applications.lock`.
fn named(text: &str) -> String {
    let query = serde_json::from_str::<serde_json::Value>(text).ok();
    let query = query.as_ref().and_then(|file| file.get("query")?.as_str()).unwrap_or_default();
    query.trim().lines().next().unwrap_or_default().trim_start_matches("-- ").to_owned()
}

fn write(folder: &Path, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Result<()> {
    if new.is_empty() && old.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    for (name, text) in new.iter().filter(|(name, text)| old.get(*name) != Some(text)) {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_changed_and_left_over_metadata_is_named_by_its_query() {
        let file = |query: &str| format!("{{\"query\": \"-- {query}\\nSELECT 1\"}}");
        let old = [("a.json", file("x.a")), ("b.json", file("x.b")), ("c.json", file("x.c"))];
        let new = [("a.json", file("x.a")), ("b.json", file("x.b2")), ("d.json", file("x.d"))];
        let map = |files: [(&str, String); 3]| files.map(|(name, text)| (name.to_owned(), text)).into();
        let found = differences(Service::Reviews, &map(old), &map(new));
        assert_eq!(
            found,
            [
                "reviews: b.json has changed (x.b2)",
                "reviews: d.json is missing (x.d)",
                "reviews: c.json belongs to no query (x.c)"
            ]
        );
    }
}
