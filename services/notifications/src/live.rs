//! The live stream: wakes readers after a commit, and lets each compare what it showed last with what is there now.
//!
//! Counts always come from the database, so a reader that is slow, or that missed a wake-up, is late but never wrong.
//! Does not carry data: a signal only says at which desks to look. Signals stay in this process; a change that another
//! replica made is seen at the next regular look (`live.look_secs`).

mod hub;
mod watcher;

pub use hub::{Hub, Settler, Signal};
pub use watcher::{Watcher, watch};
