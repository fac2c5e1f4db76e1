//! Inlets of people: thin, one file per gRPC service; `convert`, and `hooks` for webhooks, alone know both the wire
//! and the domain.

pub mod access;
mod convert;
mod hooks;
mod live;
mod messages;
mod notices;
mod receipts;
mod webhooks;
mod worklist;

pub use live::LiveInlet;
pub use messages::MessagesInlet;
pub use notices::NoticesInlet;
pub use receipts::ReceiptsInlet;
pub use webhooks::WebhooksInlet;
pub use worklist::WorklistInlet;
