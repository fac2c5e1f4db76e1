//! Finding the server programs, or installing them from the distribution.
//!
//! Owns: paths and versions of `postgres`, `initdb` and `nats-server`; asking `apt-get`. Not: running them.
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::checkout::root_user;

/// Source: stack, "NATS here": PostgreSQL 15 is what Debian 12 has.
const POSTGRES_LEAST: u32 = 15;
/// Source: stack, "NATS here".
const NATS_LEAST: (u32, u32) = (2, 9);

/// The server programs of this machine.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The folder with `postgres` and `initdb`.
    pub postgres_folder: PathBuf,
    /// PostgreSQL's major version.
    pub postgres_version: u32,
    /// The broker's program.
    pub nats_server: PathBuf,
    /// The broker's major and minor version.
    pub nats_version: (u32, u32),
}

impl Tools {
    /// Finds both servers; installs what is missing by `apt-get`, after saying so.
    ///
    /// `YUCHONG_POSTGRES_FOLDER` and `YUCHONG_NATS_SERVER` override the search.
    /// Errors: something is missing and cannot be installed, or is too old.
    pub fn find_or_install() -> Result<Self> {
        let missing = match (find_postgres(), find_nats()) {
            (Some(postgres), Some(nats)) => return Self::of(postgres, nats),
            (None, Some(_)) => &["postgresql"][..],
            (Some(_), None) => &["nats-server"],
            (None, None) => &["postgresql", "nats-server"],
        };
        install(missing)?;
        let postgres = find_postgres().with_context(|| {
            format!("no PostgreSQL ≥ {POSTGRES_LEAST} found; name its folder in YUCHONG_POSTGRES_FOLDER")
        })?;
        let nats = find_nats().context("no nats-server found; name it in YUCHONG_NATS_SERVER")?;
        Self::of(postgres, nats)
    }

    fn of((postgres_folder, postgres_version): (PathBuf, u32), nats_server: PathBuf) -> Result<Self> {
        let answer = version(&nats_server)?;
        let nats_version = two_numbers(&answer)
            .with_context(|| format!("{} says no version: {answer}", nats_server.display()))?;
        let (major, minor) = NATS_LEAST;
        ensure!(nats_version >= NATS_LEAST, "{answer} is older than {major}.{minor}");
        Ok(Self { postgres_folder, postgres_version, nats_server, nats_version })
    }
}

/// Finds the newest PostgreSQL that is new enough: override, Debian's folders, PATH.
fn find_postgres() -> Option<(PathBuf, u32)> {
    let mut folders: Vec<PathBuf> = Vec::new();
    match env::var_os("YUCHONG_POSTGRES_FOLDER") {
        Some(folder) => folders.push(folder.into()),
        None => {
            let versioned = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
            folders.extend(versioned.map(|entry| entry.path().join("bin")));
            folders.extend(search_path());
        }
    }
    let whole = folders.into_iter().filter(|folder| folder.join("initdb").is_file());
    let known = whole.filter_map(|folder| {
        let answer = version(&folder.join("postgres")).ok()?;
        let major = numbers(&answer).next()?;
        (major >= POSTGRES_LEAST).then_some((folder, major))
    });
    // The first of the newest: Debian's own folder comes before PATH.
    known.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// Finds the broker: override, PATH, the folder of system programs that not every PATH holds.
fn find_nats() -> Option<PathBuf> {
    match env::var_os("YUCHONG_NATS_SERVER") {
        Some(program) => Some(program.into()),
        None => search_path()
            .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
            .map(|folder| folder.join("nats-server"))
            .find(|program| program.is_file()),
    }
}

fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn version(program: &Path) -> Result<String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The whole numbers in a text, in their order.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok())
}

fn two_numbers(text: &str) -> Option<(u32, u32)> {
    let mut found = numbers(text);
    Some((found.next()?, found.next()?))
}

/// Finds a program of any name.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    search_path().map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Installs packages of the distribution, after saying so. Errors: `apt-get` cannot be run or fails.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    let root = root_user();
    let prefix = if root { "" } else { "sudo " };
    eprintln!(
        "Not found here: {list}. Installing by: {prefix}apt-get install --no-install-recommends {list}"
    );
    let apt = |arguments: &[&str]| -> Result<()> {
        let mut command = if root { Command::new("apt-get") } else { Command::new("sudo") };
        if !root {
            command.arg("apt-get");
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        // The program's own output must not mix with the JSON line of some commands.
        command.stdout(std::process::Stdio::from(std::io::stderr()));
        let done = command.status().context("apt-get cannot be started; install the packages by hand")?;
        if done.success() { Ok(()) } else { bail!("apt-get {}: {done}", arguments.join(" ")) }
    };
    apt(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_servers_say() {
        assert_eq!(two_numbers("nats-server: v2.9.10"), Some((2, 9)));
        assert_eq!(numbers("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)").next(), Some(15));
        assert_eq!(two_numbers("no idea"), None);
    }
}
