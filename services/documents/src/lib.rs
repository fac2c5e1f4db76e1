//! documents.
pub mod inspect;
