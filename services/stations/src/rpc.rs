//! The inlet: one file per gRPC service. `convert.rs` is the only place that knows both proto and domain.

pub mod access;
pub mod convert;
pub mod evidence;
pub mod ingest;
pub mod links;
mod quality;
pub mod registry;
pub mod turns;

use chassis::{Caller, Failure};
use uuid::Uuid;

/// The operator that a person or machine belongs to.
///
/// # Errors
/// `no_operator` for a caller without one.
pub(crate) fn operator(caller: &Caller) -> Result<Uuid, Failure> {
    caller
        .operator_id
        .ok_or_else(|| Failure::forbidden("no_operator", "您的账号不属于任何运营商，不能进行此操作"))
}
