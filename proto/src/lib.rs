//! The contracts between services and with the outside: messages, gRPC services, events. No behaviour.
//!
//! `proto/README.md` says how contracts grow. Generated code is not ours to document; the `.proto` files are.

#[expect(clippy::all, reason = "generated code")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/contracts.rs"));
}
pub use generated::yuchong;

pub use yuchong::{
    accounts::v1 as accounts, common::v1 as common, documents::v1 as documents,
    notifications::v1 as notifications, reviews::v1 as reviews, stations::v1 as stations,
};

/// The compiled `FileDescriptorSet` of every contract: for reflection and completeness tests.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// A request that changes something and so carries an idempotency key.
///
/// Implemented (by the build script) for every message with a field `string request_id`.
/// Source: reliability section 6.
pub trait Mutation {
    /// The caller-made UUID that makes a repetition of this request a replay; required.
    fn request_id(&self) -> &str;
}

include!(concat!(env!("OUT_DIR"), "/mutations.rs"));
