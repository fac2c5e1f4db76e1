//! Compiles the contracts without a system `protoc`, writes the descriptor set for reflection and completeness
//! tests, and gives every message that carries a `request_id` the trait `Mutation`.
use std::{collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    for service in ["common", "accounts", "stations", "documents", "reviews", "notifications"] {
        let folder = format!("{service}/v1");
        println!("cargo:rerun-if-changed={folder}");
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();
    let descriptors = protox::compile(&files, ["."])?;
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(Path::new(&out).join("mutations.rs"), mutations(&descriptors)?)?;
    // Maps in order: a message has the same bytes each time, by which a repeated request is known.
    tonic_prost_build::configure()
        .bytes(".")
        .btree_map(".yuchong.stations.v1")
        .include_file("contracts.rs")
        .compile_fds(descriptors)?;
    Ok(())
}

/// One `impl Mutation` for each top-level message with a `string request_id`.
fn mutations(descriptors: &prost_types::FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    for file in &descriptors.file {
        for message in &file.message_type {
            if message.field.iter().any(|field| field.name() == "request_id") {
                let path = format!("crate::{}::{}", file.package().replace('.', "::"), message.name());
                found.insert(path, ());
            }
        }
    }
    let mut text = String::new();
    for path in found.keys() {
        writeln!(
            text,
            "impl crate::Mutation for {path} {{ fn request_id(&self) -> &str {{ &self.request_id }} }}"
        )?;
    }
    Ok(text)
}
