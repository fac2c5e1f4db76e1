//! The inlets for events: one file per subscription.

pub mod on_application;
