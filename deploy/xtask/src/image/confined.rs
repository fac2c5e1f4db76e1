//! Runs the program of an image once as a restricted pod would: nobody, no capability, a root that cannot be written.
//!
//! Owns: unpacking, namespaces, the user. Not: seccomp, cgroup limits and network policies, which need a container engine
//! and a cluster; the network is the machine's. Needs root, `unshare`, `setpriv`, `chroot` and `tar`.
use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{ENTRY_POINT, USER};
use crate::process::{Process, Recipe, Signal};

/// Unpacks the image's one layer into a new folder. Errors: the layout is damaged.
pub fn unpack(layout: &Path, root: &Path) -> Result<()> {
    let blob = |descriptor: &Value| {
        let digest =
            descriptor["digest"].as_str().unwrap_or_default().trim_start_matches("sha256:").to_owned();
        layout.join("blobs/sha256").join(digest)
    };
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json"))?)?;
    let manifest: Value = serde_json::from_slice(&fs::read(blob(&index["manifests"][0]))?)?;
    fs::create_dir_all(root)?;
    let layer = blob(&manifest["layers"][0]);
    let done = Command::new("tar").arg("-xf").arg(layer).arg("-C").arg(root).status()?;
    ensure!(done.success(), "the layer cannot be unpacked");
    Ok(())
}

/// Starts the program inside of an unpacked image. Errors: this machine does not allow it.
pub fn start(
    root: &Path,
    arguments: &[&str],
    environment: Vec<(String, String)>,
    log: &Path,
) -> Result<Process> {
    let mut environment = environment;
    environment.push(("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()));
    let script = format!(
        "mount --make-rprivate / && mount --bind '{root}' '{root}' && mount -o remount,bind,ro,nosuid,nodev '{root}' && \
         exec setpriv --no-new-privs --inh-caps=-all chroot --userspec={USER}:{USER} --groups= '{root}' \"$@\"",
        root = root.display()
    );
    let mut all: Vec<_> = ["--mount", "--ipc", "--uts", "--", "sh", "-c"].map(Into::into).to_vec();
    all.extend([script.into(), "sh".into(), ENTRY_POINT.into()]);
    all.extend(arguments.iter().map(Into::into));
    Process::start(&Recipe {
        name: "the program of the image".into(),
        program: "unshare".into(),
        arguments: all,
        environment,
        bare: true,
        user: None,
        folder: std::env::temp_dir(),
        log: log.to_path_buf(),
        orphaned: Signal::Kill,
    })
}

/// What the kernel says of a running process.
#[derive(Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Its effective user.
    pub user: u32,
    /// Its effective, permitted and inheritable capabilities together.
    pub capabilities: u64,
    /// Whether it can ever gain any.
    pub no_new_privileges: bool,
    /// Whether its root can be written.
    pub writable_root: bool,
}

/// Asks the kernel. Errors: the process is gone.
pub fn confinement(pid: u32) -> Result<Confinement> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|line| line.trim_start_matches(':').trim().to_owned()).with_context(|| format!("no {name}"))
    };
    let bits = |name: &str| anyhow::Ok(u64::from_str_radix(&field(name)?, 16)?);
    let user = field("Uid")?.split_whitespace().nth(1).unwrap_or_default().parse()?;
    let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo"))?;
    // The fifth field is the mount point as this process sees it, the sixth says how it is mounted.
    let root = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .rfind(|line| line.get(4) == Some(&"/"));
    let root = root.context("no root")?;
    Ok(Confinement {
        user,
        capabilities: bits("CapEff")? | bits("CapPrm")? | bits("CapInh")?,
        no_new_privileges: field("NoNewPrivs")? == "1",
        writable_root: !root.get(5).is_some_and(|options| options.split(',').any(|option| option == "ro")),
    })
}
