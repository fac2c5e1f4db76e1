//! `cargo xtask image`: an OCI image layout of one program, made without a registry or a container engine.
//!
//! Owns: what is in the image and its three JSON files; the same inputs give the same bytes. Not: building the program
//! (`cargo`), pushing (`skopeo copy oci:<folder> docker://…`). The image of `deploy/Dockerfile` has the same entry point.
pub mod confined;
mod tar;
pub mod twice;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub use tar::Entry;

/// Who runs it: nobody. Source: reliability, section 14.
pub const USER: u32 = 65_532;
/// Where the program lies inside of the image.
pub const ENTRY_POINT: &str = "/usr/local/bin/program";
/// Authorities of the web, for S3 and webhooks.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";
/// The program that reads what people sent, under limits that another program sets and with a font for what brings none.
/// Source: decision record 21.
const READER: &str = "documents";
/// What sets the limits.
const LIMITS: &str = "usr/bin/prlimit";
/// The font.
const FONT: &str = "usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";

/// What an image is made of.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The program's name.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Seconds since 1970 that every time in the image is set to: `SOURCE_DATE_EPOCH`.
    pub epoch: u64,
}

/// Writes the layout into a new folder and gives the manifest's digest.
///
/// Errors: the program or one of its libraries cannot be read, for `documents` also `prlimit` or the font (Debian:
/// util-linux, fonts-noto-cjk); the folder is there already.
pub fn write(recipe: &Recipe, folder: &Path) -> Result<String> {
    ensure!(!folder.exists(), "{} is there already", folder.display());
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("{} cannot be created", blobs.display()))?;
    let layer = tar::archive(&entries(recipe)?, recipe.epoch)?;
    let layer = Blob::write(&blobs, "application/vnd.oci.image.layer.v1.tar", &layer)?;
    let config = json!({
        "created": created(recipe.epoch)?,
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": [ENTRY_POINT],
            "WorkingDir": "/",
            "Labels": { "org.opencontainers.image.title": format!("yuchong/{}", recipe.name), "org.opencontainers.image.licenses": "Apache-2.0" },
        },
        "rootfs": { "type": "layers", "diff_ids": [layer.digest] },
        "history": [{ "created": created(recipe.epoch)?, "created_by": "cargo xtask image" }],
    });
    let config =
        Blob::write(&blobs, "application/vnd.oci.image.config.v1+json", &serde_json::to_vec(&config)?)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
    });
    let manifest =
        Blob::write(&blobs, "application/vnd.oci.image.manifest.v1+json", &serde_json::to_vec(&manifest)?)?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest.descriptor()],
    });
    fs::write(folder.join("index.json"), serde_json::to_vec(&index)?)?;
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    Ok(manifest.digest)
}

/// A file of the layout, named by its hash.
struct Blob {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl Blob {
    fn write(blobs: &Path, media_type: &'static str, bytes: &[u8]) -> Result<Self> {
        let hash = hex::encode(Sha256::digest(bytes));
        fs::write(blobs.join(&hash), bytes).context("a blob cannot be written")?;
        Ok(Self { media_type, digest: format!("sha256:{hash}"), size: bytes.len() })
    }

    fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.size })
    }
}

fn created(epoch: u64) -> Result<String> {
    let at = time::OffsetDateTime::from_unix_timestamp(i64::try_from(epoch)?)?;
    Ok(at.format(&time::format_description::well_known::Rfc3339)?)
}

/// Lists every file of the image by its path: programs, the libraries that they load, names, authorities.
fn entries(recipe: &Recipe) -> Result<BTreeMap<String, Entry>> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
    let mut files = BTreeMap::new();
    let mut add = |path: &str, entry: Entry| {
        for (at, _) in path.match_indices('/') {
            files.entry(path[..at].to_owned()).or_insert(Entry::Folder);
        }
        files.insert(path.to_owned(), entry);
    };
    let mut programs = vec![(ENTRY_POINT.trim_start_matches('/'), recipe.program.clone())];
    if recipe.name == READER {
        programs.push((LIMITS, Path::new("/").join(LIMITS)));
        add(FONT, Entry::File { bytes: read(&Path::new("/").join(FONT))?, executable: false });
    }
    for (inside, program) in programs {
        add(inside, Entry::File { bytes: read(&program)?, executable: true });
        for library in libraries(&program)? {
            let inside = library.display().to_string();
            add(inside.trim_start_matches('/'), Entry::File { bytes: read(&library)?, executable: true });
        }
    }
    let text = |text: String| Entry::File { bytes: text.into_bytes(), executable: false };
    add("etc/passwd", text(format!("nonroot:x:{USER}:{USER}::/:/sbin/nologin\n")));
    add("etc/group", text(format!("nonroot:x:{USER}:\n")));
    add("etc/nsswitch.conf", text("hosts: files dns\n".to_owned()));
    let authorities = Path::new("/").join(AUTHORITIES);
    if authorities.is_file() {
        add(AUTHORITIES, Entry::File { bytes: read(&authorities)?, executable: false });
    }
    // Places where a pod mounts what may be written.
    for folder in ["tmp", "proc", "dev", "etc/yuchong", "var/lib/yuchong"] {
        add(folder, Entry::Folder);
    }
    Ok(files)
}

/// Asks the loader which libraries a program needs, itself included. Errors: the program is for another system.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output().context("ldd cannot be started")?;
    ensure!(
        output.status.success(),
        "ldd {}: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths = said.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    Ok(paths.collect())
}
