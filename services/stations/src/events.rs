//! The inlet of other services' events: one file per subscription.

pub mod on_application;
