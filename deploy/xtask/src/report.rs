//! What people see while a command works: steps with their seconds, on standard error.
//!
//! Owns: the wording of progress. Standard output is left to results, so that `--json` stays one clean line.
use std::{future::Future, io::IsTerminal as _, time::Instant};

use anyhow::Result;

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

fn paint(sign: &str, colour: &str) -> String {
    if std::io::stderr().is_terminal() { format!("\u{1b}[{colour}m{sign}\u{1b}[0m") } else { sign.to_owned() }
}
