//! A new migration file rebuilds the service (sqlx compiles the files in).

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/documents");
    println!("cargo:rerun-if-changed=../../migrations/chassis");
}
