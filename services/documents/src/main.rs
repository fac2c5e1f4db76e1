//! documents.
fn main() {}
