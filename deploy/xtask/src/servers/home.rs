//! Where the private servers keep their files.
//!
//! Owns: one place per checkout that the database's user can reach. Not: what the servers put there.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::{
    checkout::{Checkout, open_folder, root_user},
    process::{alive, resident_bytes},
};

/// PostgreSQL refuses to run as root; root becomes this user, which the package creates.
pub const POSTGRES_USER: &str = "postgres";

/// Gives the user to become for PostgreSQL: none when this process is not root.
pub fn postgres_user() -> Option<&'static str> {
    root_user().then_some(POSTGRES_USER)
}

/// Finds the servers' folder: in the dot-folder of the checkout, or, where the database's user cannot reach that,
/// under the system's state or temporary folder and remembered in the dot-folder (`servers.location`).
///
/// Errors: no place can be used.
pub fn find(checkout: &Checkout) -> Result<PathBuf> {
    let dot = checkout.dot()?;
    let note = dot.join("servers.location");
    if let Ok(place) = fs::read_to_string(&note) {
        let place = PathBuf::from(place.trim());
        if place.is_dir() && reachable(&place) {
            return Ok(place);
        }
    }
    let digest = Sha256::digest(checkout.root().as_os_str().as_encoded_bytes());
    let name = format!("yuchong-{}", hex::encode(&digest[..4]));
    let places = [dot.join("servers"), Path::new("/var/lib").join(&name), std::env::temp_dir().join(&name)];
    for place in places {
        if open_folder(&place).is_ok() && reachable(&place) {
            fs::write(&note, place.as_os_str().as_encoded_bytes())
                .with_context(|| format!("{} cannot be written", note.display()))?;
            return Ok(place);
        }
    }
    bail!(
        "no folder that the user {POSTGRES_USER} can reach: tried the checkout, /var/lib, the temporary folder"
    )
}

/// Forgets where the servers' folder is and removes it with all data. Errors: it cannot be removed.
pub fn wipe(checkout: &Checkout) -> Result<()> {
    let place = find(checkout)?;
    fs::remove_dir_all(&place).with_context(|| format!("{} cannot be removed", place.display()))?;
    let note = checkout.dot()?.join("servers.location");
    fs::remove_file(&note).with_context(|| format!("{} cannot be removed", note.display()))
}

/// Gives a folder to the database's user. Errors: the owner cannot be changed.
pub fn hand_over(path: &Path) -> Result<()> {
    let Some(user) = postgres_user() else { return Ok(()) };
    let done = Command::new("chown").arg(user).arg(path).status().context("chown cannot be started")?;
    if done.success() { Ok(()) } else { bail!("{} cannot be given to {user}", path.display()) }
}

/// Removes what trials left whose process is gone.
pub fn sweep(trials: &Path) {
    for entry in fs::read_dir(trials).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner: Option<u32> = name.split('-').next().and_then(|pid| pid.parse().ok());
        // A process without memory is one that nobody has waited for yet: it is over.
        let over = owner.is_none_or(|pid| !alive(pid) || resident_bytes(pid).is_err());
        if over {
            // Another launcher may be sweeping the same folder.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn reachable(place: &Path) -> bool {
    let Some(user) = postgres_user() else { return true };
    Command::new("setpriv")
        .args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups", "--", "test", "-x"])
        .arg(place)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|done| done.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_and_found_again() {
        let checkout = Checkout::find().unwrap();
        let first = find(&checkout).unwrap();
        assert!(reachable(&first));
        assert_eq!(find(&checkout).unwrap(), first);
    }
}
