//! The portal without the services: templates with every kind of value, headers, forms, ways back.

mod exports;
mod guards;
mod inventory;
mod receipts;
mod samples;
mod templates;
mod ways;
