//! The rules of T/CEC 102 as plain functions: envelope, values, messages, results. No clock, no network, no links' store.

pub mod answer;
pub mod bodies;
pub mod envelope;
pub mod fields;
pub mod json;
pub mod link;
pub mod method;
pub mod ret;
pub mod script;
