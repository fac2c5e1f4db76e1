//! The rules of worklists, messages and notices as plain functions on plain values: no I/O, no clock, no text for people.
//!
//! Ids here are bare [`uuid::Uuid`]s: this service only passes on what other services named, and never mixes them.

pub mod account;
pub mod application;
pub mod desk;
pub mod notice;
pub mod occurrence;
pub mod refusal;
pub mod stage;
pub mod task;
pub mod tier;
pub mod webhook;
pub mod work_order;
