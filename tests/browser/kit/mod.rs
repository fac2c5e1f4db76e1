//! The browser of the tests: its driver, its windows, and what is judged on every page.
//!
//! Owns: pressing, filling in and reading as a person does. Not: what a page must show; that is each test's.
pub mod driver;
pub mod forms;
pub mod lists;
pub mod log;
pub mod pictures;
pub mod print;
pub mod routes;
pub mod standard;
pub mod window;

pub use window::Window;
