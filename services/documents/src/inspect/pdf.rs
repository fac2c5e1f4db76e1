//! PDF: complete, readable, and free of script, launch, embedded files and encryption.
//!
//! Every place in the file that reads like the start of an object is followed as a viewer would follow it, also
//! where it hides inside a string, a comment or a stream; names are compared with their `#xx` escapes resolved;
//! object streams are inflated. What cannot be followed is refused. Page content is not interpreted.

use std::io::Read as _;

use super::{Kind, Threat, UNPACKED_BYTES_MAX, Verdict, positions};

use self::lexer::{
    comment_end, data_start, is_regular, name, number, object_header, object_starts, skip_white, string_end,
    word_end,
};

mod lexer;

/// The last bytes in which the end of the file must be marked. Source: ISO 32000-1, annex H (implementation note 18).
const TAIL_BYTES: usize = 1024;
/// Bytes that may be walked, as a multiple of the file: a well-formed file is walked about twice.
const WALK_FACTOR: usize = 8;
/// Filters that an object stream may not use, because nothing here looks through them.
const OTHER_FILTERS: &[&[u8]] = &[
    b"ASCIIHexDecode",
    b"ASCII85Decode",
    b"LZWDecode",
    b"RunLengthDecode",
    b"Crypt",
    b"AHx",
    b"A85",
    b"LZW",
    b"RL",
    b"DCTDecode",
    b"CCITTFaxDecode",
    b"JBIG2Decode",
    b"JPXDecode",
    b"Predictor",
];

/// Inspects a PDF.
///
/// Errors: the PDF threats; `Truncated` and `Damaged` for the structure.
pub(super) fn inspect(bytes: &[u8]) -> Result<Verdict, Threat> {
    if !matches!(bytes.get(5), Some(b'1' | b'2')) || bytes.get(6) != Some(&b'.') {
        return Err(Threat::TypeMismatch);
    }
    let mut walk = Walk {
        bytes,
        left: bytes.len().saturating_mul(WALK_FACTOR) + 4096,
        unpacked: 0,
        pages: 0,
        root: false,
    };
    scan_long_names(bytes)?;
    for start in object_starts(bytes) {
        walk.object(start)?;
    }
    for at in positions(bytes, b"trailer") {
        let names = walk.names(at + b"trailer".len())?;
        walk.judge(&names.found)?;
    }
    structure(bytes)?;
    if !walk.root {
        return Err(Threat::Damaged);
    }
    Ok(Verdict { kind: Kind::Pdf, pages: walk.pages, width: 0, height: 0 })
}

/// Names too long to stand in binary data by chance are refused wherever they are.
fn scan_long_names(bytes: &[u8]) -> Result<(), Threat> {
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'/') {
        let (name, end) = name(bytes, at + found + 1);
        if name.len() >= 6 {
            refuse(&name)?;
        }
        at = end;
    }
    Ok(())
}

/// What a name means for us.
fn refuse(name: &[u8]) -> Result<(), Threat> {
    match name {
        b"JavaScript" | b"JS" | b"XFA" => Err(Threat::PdfScript),
        b"Launch" => Err(Threat::PdfLaunch),
        b"EmbeddedFile" | b"EmbeddedFiles" | b"EF" | b"RichMedia" => Err(Threat::PdfEmbeddedFile),
        b"Encrypt" => Err(Threat::PdfEncrypted),
        _ => Ok(()),
    }
}

/// The header, an end mark near the end, and a `startxref` that points at a cross-reference.
fn structure(bytes: &[u8]) -> Result<(), Threat> {
    let tail = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
    if positions(tail, b"%%EOF").next().is_none() {
        return Err(Threat::Truncated);
    }
    let at = positions(bytes, b"startxref").last().ok_or(Threat::Damaged)?;
    let (number, _) = number(bytes, skip_white(bytes, at + b"startxref".len())).ok_or(Threat::Damaged)?;
    let at = skip_white(bytes, number);
    let table = bytes.get(at..).is_some_and(|rest| rest.starts_with(b"xref"));
    if table || object_header(bytes, at).is_some() { Ok(()) } else { Err(Threat::Damaged) }
}

struct Walk<'b> {
    bytes: &'b [u8],
    /// Bytes that may still be walked.
    left: usize,
    /// Bytes inflated so far.
    unpacked: u64,
    pages: u32,
    /// Whether a document root was named.
    root: bool,
}

/// The names of one object, outside strings and comments.
struct Names {
    found: Vec<Vec<u8>>,
    /// Where the object's stream data begins, if it has one.
    stream: Option<usize>,
}

impl Walk<'_> {
    fn object(&mut self, start: usize) -> Result<(), Threat> {
        let names = self.names(start)?;
        self.judge(&names.found)?;
        let has = |wanted: &[u8]| names.found.iter().any(|name| name == wanted);
        let packed = has(b"ObjStm") || (has(b"N") && has(b"First"));
        let (Some(data), true) = (names.stream, packed) else { return Ok(()) };
        if OTHER_FILTERS.iter().any(|filter| has(filter)) {
            return Err(Threat::PdfUnreadable);
        }
        if has(b"FlateDecode") || has(b"Fl") {
            let inflated = self.inflate(data)?;
            return self.packed(&inflated);
        }
        if has(b"Filter") {
            return Err(Threat::PdfUnreadable);
        }
        let end = positions(&self.bytes[data..], b"endstream").next().ok_or(Threat::Truncated)?;
        let plain = self.bytes[data..data + end].to_vec();
        self.packed(&plain)
    }

    /// Looks through an unpacked object stream: every name, wherever it stands.
    fn packed(&mut self, content: &[u8]) -> Result<(), Threat> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(slash) = content[at..].iter().position(|byte| *byte == b'/') {
            let (name, end) = name(content, at + slash + 1);
            found.push(name);
            at = end;
        }
        self.judge(&found)
    }

    fn judge(&mut self, names: &[Vec<u8>]) -> Result<(), Threat> {
        for (index, name) in names.iter().enumerate() {
            refuse(name)?;
            if name == b"Root" {
                self.root = true;
            }
            if name == b"Page" && index > 0 && names[index - 1] == b"Type" {
                self.pages += 1;
            }
        }
        Ok(())
    }

    fn inflate(&mut self, data: usize) -> Result<Vec<u8>, Threat> {
        let allowed = UNPACKED_BYTES_MAX - self.unpacked;
        let mut inflated = Vec::new();
        let decoder = flate2::read::ZlibDecoder::new(&self.bytes[data..]);
        let read = decoder.take(allowed + 1).read_to_end(&mut inflated).map_err(|_| Threat::PdfUnreadable)?;
        self.unpacked += read as u64;
        if self.unpacked > UNPACKED_BYTES_MAX {
            return Err(Threat::ArchiveUnpacked);
        }
        Ok(inflated)
    }

    /// Reads tokens from `at` to the end of the object or dictionary.
    fn names(&mut self, at: usize) -> Result<Names, Threat> {
        let begin = at;
        let mut names = Names { found: Vec::new(), stream: None };
        let mut at = at;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'%' => at = comment_end(self.bytes, at),
                b'(' => at = string_end(self.bytes, at),
                b'/' => {
                    let (name, end) = name(self.bytes, at + 1);
                    names.found.push(name);
                    at = end;
                }
                _ if is_regular(*byte) => {
                    let end = word_end(self.bytes, at);
                    match &self.bytes[at..end] {
                        b"stream" => {
                            names.stream = Some(data_start(self.bytes, end));
                            at = end;
                            break;
                        }
                        b"endobj" | b"obj" | b"startxref" | b"xref" => {
                            at = end;
                            break;
                        }
                        _ => at = end,
                    }
                }
                _ => at += 1,
            }
        }
        self.left = self.left.checked_sub(at - begin).ok_or(Threat::Damaged)?;
        Ok(names)
    }
}
