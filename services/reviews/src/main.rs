//! reviews.
fn main() {}
