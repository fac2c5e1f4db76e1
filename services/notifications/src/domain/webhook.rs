//! Webhooks: what may be subscribed to, how a delivery is signed, and when it is tried again. Source: Standard Webhooks 1.0.0.

pub mod catalogue;
pub mod flaw;
pub mod outcome;
pub mod receipt;
pub mod schedule;
pub mod signature;
pub mod subscription;
