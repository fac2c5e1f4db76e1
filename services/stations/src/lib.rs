//! Stations: the registry of charging stations, their live data, and what that data proves.
//!
//! Owns station → equipment → connector (each claimed by one operator), connector status, charge orders, the
//! interconnection state derived from them, and the claims of applications on connectors. Announces
//! `stations.v1.{registry_changed,connected,went_offline}`. It decides nothing about subsidies.

pub mod domain;
