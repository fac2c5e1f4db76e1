//! The inlet: one file per gRPC service. `convert.rs` is the only place that knows both proto and domain.

pub mod access;
pub mod checks;
pub mod convert;
pub mod evidence;
pub mod ingest;
pub mod links;
mod quality;
pub mod registry;
pub mod search;
pub mod statistics;
pub mod turns;

use chassis::{Caller, Failure};
use uuid::Uuid;

/// County and prefecture codes whose data the caller may see beside its own; none: everywhere, or only its own.
pub(crate) fn scope(caller: &Caller) -> Option<Vec<String>> {
    // A scope that covers a place without codes covers everything: the province's.
    let bounded = caller.operator_id.is_none() && !caller.covers("", "");
    bounded.then(|| caller.scope.clone())
}

/// The operator that a person or machine belongs to.
///
/// # Errors
/// `no_operator` for a caller without one.
pub(crate) fn operator(caller: &Caller) -> Result<Uuid, Failure> {
    caller
        .operator_id
        .ok_or_else(|| Failure::forbidden("no_operator", "您的账号不属于任何运营商，不能进行此操作"))
}
