//! What an uploaded file really is, and whether it may be kept: pure functions from bytes to a verdict.
//!
//! Does not read or write anything itself; [`worker`] runs it in a process of its own with limits.
//! Source: reliability section 13 (uploads).

mod fonts;
mod image;
mod ofd;
mod page;
mod pdf;
mod shrink;
mod verdict;
pub mod worker;

pub use fonts::Font;
pub use page::page;
pub use shrink::shrink;
pub use verdict::{Drawn, Kind, Threat, Undrawn, Verdict};

/// Largest file, bytes. Source: reliability section 13.
pub const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;
/// Largest image, pixels. Source: reliability section 13 (40 megapixels).
pub const PIXELS_MAX: u64 = 40_000_000;
/// Most bytes that a container or the object streams of a PDF may unpack to. Source: reliability section 13.
pub const UNPACKED_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Most entries of a container. Source: reliability section 13.
pub const ENTRIES_MAX: usize = 200;

/// The harmless test pattern that every virus scanner must report, in two halves so that this source is no match.
const TEST_VIRUS: [&[u8]; 2] =
    [b"X5O!P%@AP[4\\PZX54(P^)7CC)7}", b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// The kind that a file name's extension promises; `None` where it is not one of PDF, OFD, JPEG, PNG.
#[must_use]
pub fn kind_of_name(name: &str) -> Option<Kind> {
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    match extension.to_ascii_lowercase().as_str() {
        "pdf" => Some(Kind::Pdf),
        "ofd" => Some(Kind::Ofd),
        "jpg" | "jpeg" => Some(Kind::Jpeg),
        "png" => Some(Kind::Png),
        _ => None,
    }
}

/// Decides by extension and content together.
///
/// Errors: the first [`Threat`] found; a file that cannot be understood completely is refused.
pub fn inspect(name: &str, bytes: &[u8]) -> Result<Verdict, Threat> {
    let promised = kind_of_name(name).ok_or(Threat::TypeUnsupported)?;
    if bytes.is_empty() {
        return Err(Threat::Empty);
    }
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Threat::TooLarge);
    }
    if holds_test_virus(bytes) {
        return Err(Threat::Virus);
    }
    if !starts_as(promised, bytes) {
        return Err(Threat::TypeMismatch);
    }
    match promised {
        Kind::Pdf => pdf::inspect(bytes),
        Kind::Ofd => ofd::inspect(bytes),
        Kind::Jpeg => image::jpeg(bytes),
        Kind::Png => image::png(bytes),
    }
}

fn starts_as(kind: Kind, bytes: &[u8]) -> bool {
    let signature: &[u8] = match kind {
        Kind::Pdf => b"%PDF-",
        Kind::Ofd => b"PK\x03\x04",
        Kind::Jpeg => b"\xff\xd8\xff",
        Kind::Png => b"\x89PNG\r\n\x1a\n",
    };
    bytes.starts_with(signature)
}

fn holds_test_virus(bytes: &[u8]) -> bool {
    let [head, tail] = TEST_VIRUS;
    positions(bytes, head).any(|at| bytes[at + head.len()..].starts_with(tail))
}

/// Where `needle` stands in `bytes`, from front to back.
fn positions<'b>(bytes: &'b [u8], needle: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    let first = needle.first().copied();
    bytes
        .iter()
        .enumerate()
        .filter(move |(_, byte)| Some(**byte) == first)
        .map(|(at, _)| at)
        .filter(move |at| bytes[*at..].starts_with(needle))
}
