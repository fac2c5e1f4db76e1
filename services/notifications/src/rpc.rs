//! Inlets of people: thin, one file per gRPC service; `convert` alone knows both the wire and the domain.

pub mod access;
mod convert;
mod live;
mod messages;
mod notices;
mod worklist;

pub use live::LiveInlet;
pub use messages::MessagesInlet;
pub use notices::NoticesInlet;
pub use worklist::WorklistInlet;
