//! This service with a real PostgreSQL and, where events must travel, a real NATS server of its own.

mod dead_letters;
mod deadlines;
mod events;
mod letters;
mod live;
mod messages;
mod notices;
mod order;
mod rebuild;
mod receipts;
mod receiver;
mod settings;
mod setup;
mod visibility;
mod webhooks;
