//! Where things lie: the checkout, its dot-folder `.yuchong/`, the binaries beside the running one.
//!
//! Owns: paths and the lock that keeps two launchers apart. Not: what is kept in the folders.
use std::{
    env,
    fs::{self, File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context as _, Result, bail};

/// A working copy of the project.
#[derive(Clone, Debug)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// Finds the checkout around the current folder, else the one this program was built from.
    ///
    /// Errors: neither is a checkout.
    pub fn find() -> Result<Self> {
        let here = env::current_dir().context("the current folder cannot be read")?;
        let built = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in here.ancestors().chain(built.ancestors()) {
            if folder.join("deploy/nats/streams.toml").is_file() && folder.join("Cargo.lock").is_file() {
                return Ok(Self { root: folder.to_path_buf() });
            }
        }
        bail!("no checkout of the project around {}", here.display())
    }

    /// Gives the folder that holds the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Gives the git-ignored folder for private servers, keys and logs; creates it.
    ///
    /// Errors: it cannot be created.
    pub fn dot(&self) -> Result<PathBuf> {
        let dot = self.root.join(".yuchong");
        open_folder(&dot)?;
        Ok(dot)
    }

    /// Takes the lock of the data folder and writes this process's id into it.
    ///
    /// Answers `Err(pid)` inside when another launcher holds it. Errors: the lock file cannot be used.
    pub fn lock(&self) -> Result<std::result::Result<Lock, u32>> {
        let path = self.dot()?.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                write!(file, "{}", std::process::id())?;
                Ok(Ok(Lock { file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.rewind()?;
                file.read_to_string(&mut text)?;
                Ok(Err(text.trim().parse().unwrap_or(0)))
            }
            Err(TryLockError::Error(error)) => Err(error).context("the data folder cannot be locked"),
        }
    }
}

/// The lock of the data folder; given back when dropped or when the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An error here only leaves an old process id behind in an unlocked file.
        let _ = self.file.set_len(0);
    }
}

/// Creates a folder that other users of this machine (the database's own user) can pass through.
///
/// Errors: it cannot be created or changed.
pub fn open_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("{} cannot be created", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("{} cannot be opened to the database's user", path.display()))
}

/// Gives the folder of the running executable: the services' binaries are beside it.
///
/// A test runs in `deps/`; then it is the folder above. The answer is kept from the first call on, because a build
/// replaces the file. Errors: the system does not say where the program lies.
pub fn binaries() -> Result<PathBuf> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = FOLDER.get() {
        return Ok(folder.clone());
    }
    let program = env::current_exe().context("the running program's path is unknown")?;
    let folder = program.parent().context("the running program lies in no folder")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(FOLDER.get_or_init(|| folder.to_path_buf()).clone())
}

/// Tells whether this process runs as root.
pub fn root_user() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_found_from_a_package_folder() {
        let checkout = Checkout::find().unwrap();
        assert!(checkout.root().join("migrations").is_dir());
        assert!(!binaries().unwrap().ends_with("deps"));
    }
}
