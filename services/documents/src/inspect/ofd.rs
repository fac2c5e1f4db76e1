//! OFD (GB/T 33190): a container with `OFD.xml`, unpacked under limits, every XML without DTD.

use std::io::{Cursor, Read as _};

use quick_xml::{NsReader, events::Event, name::ResolveResult};
use zip::ZipArchive;

use super::{ENTRIES_MAX, Kind, Threat, UNPACKED_BYTES_MAX, Verdict, holds_test_virus};

/// Namespace of OFD. Source: GB/T 33190-2016.
const NAMESPACE: &[u8] = b"http://www.ofdspec.org/2016";
/// How other containers and programs begin; none may be inside.
const CONTAINERS: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"MZ",
    b"\x7fELF",
    b"%PDF-",
    b"\xd0\xcf\x11\xe0",
];
/// Deepest nesting of elements; real documents stay below 40.
const DEPTH_MAX: usize = 256;

/// Inspects an OFD document.
///
/// Errors: the archive and XML threats; `OfdNoDocument` where `OFD.xml` is missing or is something else.
pub(super) fn inspect(bytes: &[u8]) -> Result<Verdict, Threat> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damage(&error))?;
    if archive.len() > ENTRIES_MAX {
        return Err(Threat::ArchiveEntries);
    }
    if archive.offset() != 0 {
        return Err(Threat::Damaged);
    }
    if archive.has_duplicate_names() {
        return Err(Threat::ArchivePath);
    }
    if archive.has_overlapping_entries().map_err(|error| damage(&error))? {
        return Err(Threat::ArchiveOverlap);
    }
    let mut budget = UNPACKED_BYTES_MAX;
    let mut document = false;
    let mut pages = 0_u32;
    for index in 0..archive.len() {
        let (name, content) = unpack(&mut archive, index, &mut budget)?;
        let root = check_content(&name, &content)?;
        if name == "OFD.xml" {
            document = root;
        }
        if name.ends_with("/Content.xml") && name.contains("/Page_") {
            pages += 1;
        }
    }
    if !document {
        return Err(Threat::OfdNoDocument);
    }
    Ok(Verdict { kind: Kind::Ofd, pages, width: 0, height: 0 })
}

/// One entry's name and bytes, counted as they come out.
fn unpack(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    budget: &mut u64,
) -> Result<(String, Vec<u8>), Threat> {
    let raw = archive.by_index_raw(index).map_err(|error| damage(&error))?;
    if raw.encrypted() {
        return Err(Threat::ArchiveEncrypted);
    }
    if raw.is_symlink() {
        return Err(Threat::ArchiveLink);
    }
    let name = std::str::from_utf8(raw.name_raw()).map_err(|_| Threat::ArchivePath)?.to_owned();
    check_name(&name)?;
    drop(raw);
    let entry = archive.by_index(index).map_err(|error| damage(&error))?;
    let mut content = Vec::new();
    let read = entry.take(*budget + 1).read_to_end(&mut content).map_err(|_| Threat::Damaged)?;
    *budget = budget.checked_sub(read as u64).ok_or(Threat::ArchiveUnpacked)?;
    Ok((name, content))
}

/// No absolute, climbing or odd names.
fn check_name(name: &str) -> Result<(), Threat> {
    let odd = name.is_empty()
        || name.starts_with('/')
        || name.contains(['\\', ':', '\0'])
        || name.split('/').any(|part| part == ".." || part == ".");
    if odd { Err(Threat::ArchivePath) } else { Ok(()) }
}

/// Whether the entry is XML whose root is `ofd:OFD`.
fn check_content(name: &str, content: &[u8]) -> Result<bool, Threat> {
    if holds_test_virus(content) {
        return Err(Threat::Virus);
    }
    if CONTAINERS.iter().any(|signature| content.starts_with(signature)) {
        return Err(Threat::ArchiveNested);
    }
    let lower = name.to_ascii_lowercase();
    let looks = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).trim_ascii_start().starts_with(b"<");
    let utf16 = content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff");
    if lower.ends_with(".xml") || looks || utf16 { check_xml(content) } else { Ok(false) }
}

/// Parses all of it; whether the root is `ofd:OFD`.
fn check_xml(content: &[u8]) -> Result<bool, Threat> {
    let text = std::str::from_utf8(content).map_err(|_| Threat::XmlDamaged)?;
    if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
        return Err(Threat::XmlDtd);
    }
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    let mut root = None;
    let mut depth = 0_usize;
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| Threat::XmlDamaged)?;
        match event {
            Event::Start(element) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(Threat::XmlDamaged);
                }
                let ofd = matches!(namespace, ResolveResult::Bound(bound) if bound.as_ref() == NAMESPACE);
                root.get_or_insert(ofd && element.local_name().as_ref() == b"OFD");
            }
            Event::Empty(_) => {
                root.get_or_insert(false);
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(_) => return Err(Threat::XmlDtd),
            Event::Eof => break,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::GeneralRef(_) => {}
        }
    }
    if depth != 0 {
        return Err(Threat::XmlDamaged);
    }
    root.ok_or(Threat::XmlDamaged)
}

/// What a failure of the container means.
fn damage(error: &zip::result::ZipError) -> Threat {
    if error.to_string().contains("overlap") { Threat::ArchiveOverlap } else { Threat::Damaged }
}
