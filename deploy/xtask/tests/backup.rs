//! `deploy/backup/backup.sh` copies objects while uploads come and go; a stand-in makes the base backup.
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Result, anyhow};

const FILES: usize = 300;
/// Uploads that are not settled yet, at any time.
const WAITING: usize = 200;
const BASE_BACKUP: &str = "#!/bin/sh
for said in \"$@\"; do case \"$said\" in --pgdata=*) mkdir \"${said#--pgdata=}\" ;; esac; done
";

/// An empty folder with a stand-in of `pg_basebackup`.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("programs"))?;
    program(&folder, "pg_basebackup", BASE_BACKUP)?;
    Ok(folder)
}

/// A program that is found before that of the machine.
fn program(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join("programs").join(name);
    fs::write(&path, text)?;
    Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
}

fn backup(folder: &Path, target: &str) -> Result<Output> {
    let path = format!("{}:{}", folder.join("programs").display(), std::env::var("PATH")?);
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../backup/backup.sh"));
    command.args([folder.join("objects"), folder.join(target)]);
    Ok(command.env("PATH", path).env("YUCHONG_BACKUP_URL", "postgres://nobody").output()?)
}

/// Writes, renames, puts once more and removes, as documents does, until told to end.
fn upload(objects: &Path, end: &AtomicBool) -> Result<()> {
    let staged = |path: &Path| PathBuf::from(format!("{}#1", path.display()));
    let waiting = |turn: usize| objects.join(format!("quarantine/{turn}"));
    let mut turn = 0;
    while !end.load(Ordering::Relaxed) {
        let content = objects.join(format!("sha256/{}", turn % FILES));
        fs::write(staged(&waiting(turn)), content_of(turn % FILES))?;
        fs::rename(staged(&waiting(turn)), waiting(turn))?;
        fs::hard_link(waiting(turn), staged(&content))?;
        fs::rename(staged(&content), &content)?;
        if let Some(settled) = turn.checked_sub(WAITING) {
            fs::remove_file(waiting(settled))?;
        }
        turn += 1;
    }
    Ok(())
}

fn content_of(number: usize) -> String {
    format!("{number:05} ").repeat(2_000)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_backup_of_a_busy_store_is_whole_and_holds_nothing_half_written() -> Result<()> {
    let folder = folder("busy_store")?;
    let objects = folder.join("objects");
    for part in ["sha256", "quarantine"] {
        fs::create_dir_all(objects.join(part))?;
    }
    for number in 0..FILES {
        fs::write(objects.join(format!("sha256/{number}")), content_of(number))?;
    }
    let end = Arc::new(AtomicBool::new(false));
    let uploads = thread::spawn({
        let (objects, end) = (objects.clone(), end.clone());
        move || upload(&objects, &end)
    });
    let outputs: Vec<Result<Output>> =
        (0..3).map(|turn| backup(&folder, &format!("backup-{turn}"))).collect();
    end.store(true, Ordering::Relaxed);
    uploads.join().map_err(|_| anyhow!("uploads panicked"))??;
    for (turn, output) in outputs.into_iter().enumerate() {
        let output = output?;
        assert!(output.status.success(), "{}", said(&output));
        let copy = folder.join(format!("backup-{turn}"));
        assert!(copy.join("completed").is_file() && copy.join("postgres").is_dir());
        for number in 0..FILES {
            let copied = fs::read_to_string(copy.join(format!("objects/sha256/{number}")))?;
            assert!(copied == content_of(number), "{number} differs");
        }
        assert_eq!(fs::read_dir(copy.join("objects/sha256"))?.count(), FILES);
    }
    Ok(())
}

#[test]
fn a_backup_that_exists_and_one_that_cannot_be_written_are_refused() -> Result<()> {
    let folder = folder("refused_backup")?;
    fs::create_dir_all(folder.join("objects/sha256"))?;
    fs::write(folder.join("objects/sha256/one"), "1")?;
    assert!(backup(&folder, "backup")?.status.success());
    let again = backup(&folder, "backup")?;
    assert!(!again.status.success() && said(&again).contains("never written over"), "{}", said(&again));

    // A copy that fails for another reason than that something moved.
    program(&folder, "cp", "#!/bin/sh\necho 'cp: error writing: No space left on device' >&2\nexit 1\n")?;
    let full = backup(&folder, "full")?;
    assert!(!full.status.success() && said(&full).contains("No space left"), "{}", said(&full));
    assert!(!folder.join("full/completed").exists(), "half a backup is not taken for one");
    Ok(())
}
