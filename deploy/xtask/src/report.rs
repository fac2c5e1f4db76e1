//! What people see while a command works: steps with their seconds, on standard error.
//!
//! Owns: the wording of progress. Standard output is left to results, so that `--json` stays one clean line.
use std::{
    env,
    fs::{self, File},
    future::Future,
    io::{IsTerminal as _, Write as _},
    path::Path,
    time::Instant,
};

use anyhow::{Context as _, Result};

/// Names the file to which checks that cannot run here add a line; the test runner shows nothing of a test that passes.
pub const NOT_RUN: &str = "YUCHONG_NOT_RUN";

/// Runs one step and prints its name, then its seconds and whether it succeeded.
///
/// Errors: the step's own.
pub async fn step<T>(name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let start = Instant::now();
    eprintln!("{} {name}", paint("…", "2"));
    let done = work.await;
    let seconds = start.elapsed().as_secs_f32();
    match &done {
        Ok(_) => eprintln!("{} {name}  {seconds:.1} s", paint("✓", "32")),
        Err(_) => eprintln!("{} {name}  {seconds:.1} s", paint("✗", "31")),
    }
    done
}

/// Tells that a check was not run, and why; the end of `cargo xtask test` repeats it. Errors: the file of [`NOT_RUN`] cannot be
/// written.
pub fn not_run(check: &str, why: &str) -> Result<()> {
    eprintln!("NOT RUN: {check}: {why}");
    let Some(path) = env::var_os(NOT_RUN) else { return Ok(()) };
    note(Path::new(&path), &format!("{check}: {why}"))
}

/// Adds a line to a file. Errors: it cannot be written.
fn note(path: &Path, line: &str) -> Result<()> {
    let file = File::options().create(true).append(true).open(path);
    // One write, so that lines of several tests stay whole.
    let mut file = file.with_context(|| format!("{}", path.display()))?;
    file.write_all(format!("{line}\n").as_bytes()).with_context(|| format!("{}", path.display()))
}

/// What was not run, each once. No file: everything was.
pub fn left_out(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}

fn paint(sign: &str, colour: &str) -> String {
    if std::io::stderr().is_terminal() { format!("\u{1b}[{colour}m{sign}\u{1b}[0m") } else { sign.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_run_is_told_once_at_the_end() {
        let path = env::temp_dir().join(format!("yuchong-not-run-{}", std::process::id()));
        assert!(left_out(&path).is_empty());
        for line in ["kustomize: no kubectl", "image: not root", "kustomize: no kubectl"] {
            note(&path, line).unwrap();
        }
        assert_eq!(left_out(&path), ["image: not root", "kustomize: no kubectl"]);
        fs::remove_file(&path).unwrap();
    }
}
