//! Progress for people: one bar for each phase, on standard error, and work on several items at once.
//!
//! Owns: showing. Not: what a phase does.
use std::{future::Future, io::IsTerminal as _, time::Instant};

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How many items are worked on at a time: a newcomer's laptop does other things too.
const AT_ONCE: usize = 6;

/// One phase with a known number of items.
pub struct Phase {
    name: &'static str,
    bar: ProgressBar,
    start: Instant,
}

impl Phase {
    /// Shows an empty bar; where nobody watches a terminal, only the end of the phase is printed.
    pub fn start(name: &'static str, items: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(items as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  {prefix} {wide_bar:.green} {pos}/{len} {elapsed}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(padded(name));
        bar.tick();
        Self { name, bar, start: Instant::now() }
    }

    /// One more item is done.
    pub fn tick(&self) {
        self.bar.inc(1);
    }

    /// The phase is over: the bar stays, or its line is printed.
    pub fn end(self) {
        let (name, items, seconds) =
            (padded(self.name), self.bar.position(), self.start.elapsed().as_secs_f32());
        if std::io::stderr().is_terminal() {
            self.bar.finish();
        } else {
            eprintln!("  {name} {items:>4}  {seconds:.1} s");
        }
    }

    /// Works on every item, several at once, and gives the results in the items' order.
    ///
    /// Errors: the first item's that fails; the others under way are dropped.
    pub async fn each<T, R, Done>(
        name: &'static str,
        items: Vec<T>,
        work: impl Fn(T) -> Done,
    ) -> Result<Vec<R>>
    where
        Done: Future<Output = Result<R>>,
    {
        let phase = Phase::start(name, items.len());
        let done = stream::iter(items.into_iter().map(&work))
            .buffered(AT_ONCE)
            .inspect_ok(|_| phase.tick())
            .try_collect()
            .await?;
        phase.end();
        Ok(done)
    }
}

/// Chinese characters are two columns wide.
fn padded(name: &str) -> String {
    let width: usize = name.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
    format!("{name}{}", " ".repeat(24_usize.saturating_sub(width)))
}
