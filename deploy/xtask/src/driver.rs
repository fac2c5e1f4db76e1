//! The verbs by which a program walks the whole review over the real gRPC services: demo, tests and benchmark.
//!
//! Owns: who acts ([`Actor`]), what came back ([`Refused`]), one small file of verbs for each area, waiting for the
//! effect of an event ([`eventually`]). Decides nothing: every rule is asked of the services.
//!
//! ```text
//! let platform = Platform::of(fleet.deployment())?;
//! let root = platform.first_administrator("admin01").await?;
//! let operator = platform.sign_in("op01", "Chongdian#2026").await?;
//! let draft = operator.create_application(&round, &station).await?;
//! let refused = operator.pass(&draft, "同意").await.unwrap_err();
//! assert_eq!(refused.reason, "not_permitted");
//! ```
pub mod actor;
pub mod clock;
pub mod deadlines;
pub mod dossiers;
pub mod joint;
pub mod links;
pub mod notices;
pub mod officials;
pub mod people;
pub mod platform;
pub mod refused;
pub mod review;
pub mod samples;
pub mod sign_in;
pub mod stations;
pub mod webhooks;
pub mod worklist;

pub use crate::probe::eventually;
pub use actor::Actor;
pub use platform::Platform;
pub use refused::{Answer, Refused};
