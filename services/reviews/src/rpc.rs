//! Inlets: one file per gRPC service, thin. `convert.rs` alone knows both contracts and domain.

pub mod access;
pub mod applications;
pub mod convert;
pub mod deadlines;
pub mod facts;
pub mod joint_review;
pub mod lists;
pub mod rounds;
pub mod views;

use std::sync::Arc;

use proto::reviews::CountApplicationsResponse;
use sqlx::PgPool;

use crate::{
    app::Shared,
    evidence::Neighbours,
    store::lists::{Filter, Part},
    together::Together,
};

/// What every inlet holds.
#[derive(Clone)]
pub struct Inlet {
    /// Units of work, for changes.
    pub units: chassis::Units,
    /// The database, for reads.
    pub pool: PgPool,
    /// What commands share.
    pub shared: Shared,
    /// The other services.
    pub neighbours: Neighbours,
    /// Prefixes of shown numbers.
    pub numbers: crate::config::Numbers,
    /// Counts that are being read, by what may be seen and what is asked for.
    pub counting: Arc<Together<(Vec<Part>, Filter), CountApplicationsResponse>>,
}
