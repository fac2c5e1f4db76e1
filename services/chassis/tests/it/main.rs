//! The plumbing on real servers: PostgreSQL and NATS, nothing stands in for them.

#![expect(clippy::disallowed_methods, reason = "tests make their own ids")]

mod consumer;
mod outbox;
mod restored;
mod setup;
mod work;
