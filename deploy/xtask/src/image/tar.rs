//! The smallest tar archive that container engines read: folders and files, in order, of one time and owner.
//!
//! Owns: the ustar format of what an image needs. Not: links, other owners, long names; it refuses what it cannot write.
use std::collections::BTreeMap;

use anyhow::{Result, ensure};

const BLOCK: usize = 512;

/// One path of an archive.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A folder, readable by everybody.
    Folder,
    /// A file, readable by everybody and writable by nobody.
    File {
        /// What is in it.
        bytes: Vec<u8>,
        /// Whether it may be run.
        executable: bool,
    },
}

/// Packs entries by path; the same entries give the same bytes. Errors: a path of more than 100 bytes.
pub(super) fn archive(entries: &BTreeMap<String, Entry>, epoch: u64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (path, entry) in entries {
        match entry {
            Entry::Folder => out.extend(header(&format!("{path}/"), 0o755, 0, epoch, b'5')?),
            Entry::File { bytes, executable } => {
                let mode = if *executable { 0o555 } else { 0o444 };
                out.extend(header(path, mode, bytes.len(), epoch, b'0')?);
                out.extend_from_slice(bytes);
                out.resize(out.len().next_multiple_of(BLOCK), 0);
            }
        }
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

fn header(path: &str, mode: u32, size: usize, epoch: u64, kind: u8) -> Result<[u8; BLOCK]> {
    ensure!(path.len() <= 100, "{path}: the path is too long for this archive");
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    put(100, format!("{mode:07o}").as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, format!("{epoch:011o}").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}
