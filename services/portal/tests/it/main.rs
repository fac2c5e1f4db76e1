//! The portal without the services: templates with every kind of value, headers, forms, ways back.

mod guards;
mod inventory;
mod samples;
mod templates;
mod ways;
