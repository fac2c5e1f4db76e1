//! The portal without the services: templates with every kind of value, headers, forms, ways back.

mod guards;
mod samples;
mod templates;
