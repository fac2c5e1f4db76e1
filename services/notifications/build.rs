//! Rebuilds the crate when a migration file comes in: the migrations are compiled into the binary.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations/notifications");
    println!("cargo:rerun-if-changed=../../migrations/chassis");
}
