//! The plumbing on real servers: PostgreSQL and NATS, nothing stands in for them.

mod consumer;
mod outbox;
mod setup;
mod work;
