//! JPEG and PNG: dimensions before decoding, a complete decode, and nothing foreign behind the end.

use std::io::Cursor;

use image::{ImageDecoder, ImageReader, Limits};

use super::{Kind, PIXELS_MAX, Threat, Verdict};

/// Most memory that a decode may take, bytes: below the worker's 256 MiB, above 40 megapixels of RGBA.
const DECODE_BYTES_MAX: u64 = 176 * 1024 * 1024;

/// Inspects a JPEG.
///
/// Errors: `Truncated` without an end marker, `ImageTrailing`, `ImagePixels`, `Damaged`.
pub(super) fn jpeg(bytes: &[u8]) -> Result<Verdict, Threat> {
    let (width, height) = dimensions(bytes, image::ImageFormat::Jpeg)?;
    let end = jpeg_end(bytes)?;
    let mut rest = trim_zeros(&bytes[end..]);
    // Phones append further whole JPEGs (previews, gain maps); anything else behind the end is foreign.
    while !rest.is_empty() {
        if !rest.starts_with(b"\xff\xd8\xff") {
            return Err(Threat::ImageTrailing);
        }
        rest = trim_zeros(&rest[jpeg_end(rest)?..]);
    }
    decode(&bytes[..end], image::ImageFormat::Jpeg)?;
    Ok(Verdict { kind: Kind::Jpeg, pages: 0, width, height })
}

/// Inspects a PNG.
///
/// Errors: `Truncated` without an end chunk, `ImageTrailing`, `ImagePixels`, `Damaged`.
pub(super) fn png(bytes: &[u8]) -> Result<Verdict, Threat> {
    let (width, height) = dimensions(bytes, image::ImageFormat::Png)?;
    let end = png_end(bytes)?;
    if end != bytes.len() {
        return Err(Threat::ImageTrailing);
    }
    decode(bytes, image::ImageFormat::Png)?;
    Ok(Verdict { kind: Kind::Png, pages: 0, width, height })
}

fn reader(bytes: &[u8], format: image::ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    reader
}

/// Width and height from the header alone.
pub(super) fn dimensions(bytes: &[u8], format: image::ImageFormat) -> Result<(u32, u32), Threat> {
    let (width, height) = match reader(bytes, format).into_dimensions() {
        Ok(found) => found,
        Err(image::ImageError::Limits(_)) => return Err(Threat::ImagePixels),
        Err(_) => return Err(Threat::Damaged),
    };
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(Threat::ImagePixels);
    }
    if width == 0 || height == 0 {
        return Err(Threat::Damaged);
    }
    Ok((width, height))
}

/// A decoder whose pixels fit into the memory that it may take.
pub(super) fn decoder(bytes: &[u8], format: image::ImageFormat) -> Result<impl ImageDecoder, Threat> {
    let decoder = reader(bytes, format).into_decoder().map_err(threat)?;
    if decoder.total_bytes() > DECODE_BYTES_MAX { Err(Threat::ImagePixels) } else { Ok(decoder) }
}

fn decode(bytes: &[u8], format: image::ImageFormat) -> Result<(), Threat> {
    let decoder = decoder(bytes, format)?;
    let size = usize::try_from(decoder.total_bytes()).map_err(|_| Threat::ImagePixels)?;
    let mut pixels = vec![0; size];
    decoder.read_image(&mut pixels).map_err(threat)
}

/// What a failure of the decoder means.
#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
pub(super) fn threat(error: image::ImageError) -> Threat {
    match error {
        image::ImageError::Limits(_) => Threat::ImagePixels,
        image::ImageError::Decoding(_)
        | image::ImageError::Encoding(_)
        | image::ImageError::Parameter(_)
        | image::ImageError::Unsupported(_)
        | image::ImageError::IoError(_) => Threat::Damaged,
    }
}

fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    &bytes[start..]
}

/// Offset behind the end marker, by walking the segments and the entropy-coded data.
fn jpeg_end(bytes: &[u8]) -> Result<usize, Threat> {
    let mut at = 2;
    loop {
        let marker = match (bytes.get(at), bytes.get(at + 1)) {
            (Some(0xff), Some(0xff)) => {
                at += 1;
                continue;
            }
            (Some(0xff), Some(marker)) => *marker,
            (Some(_), Some(_)) => return Err(Threat::Damaged),
            (None | Some(_), None) | (None, Some(_)) => return Err(Threat::Truncated),
        };
        at += 2;
        match marker {
            0xd9 => return Ok(at),
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = match (bytes.get(at), bytes.get(at + 1)) {
                    (Some(high), Some(low)) => usize::from(*high) << 8 | usize::from(*low),
                    (None | Some(_), None) | (None, Some(_)) => return Err(Threat::Truncated),
                };
                if length < 2 {
                    return Err(Threat::Damaged);
                }
                at += length;
                if marker == 0xda {
                    at = scan_end(bytes, at)?;
                }
            }
        }
    }
}

/// Offset of the marker that ends the entropy-coded data which starts at `at`.
fn scan_end(bytes: &[u8], mut at: usize) -> Result<usize, Threat> {
    loop {
        let (Some(first), Some(second)) = (bytes.get(at), bytes.get(at + 1)) else {
            return Err(Threat::Truncated);
        };
        match (first, second) {
            (0xff, 0x00 | 0xd0..=0xd7) => at += 2,
            (0xff, 0xff) => at += 1,
            (0xff, _) => return Ok(at),
            _ => at += 1,
        }
    }
}

/// Offset behind the IEND chunk, by walking the chunks.
fn png_end(bytes: &[u8]) -> Result<usize, Threat> {
    let mut at = 8_usize;
    loop {
        let (Some(length), Some(kind)) = (bytes.get(at..at + 4), bytes.get(at + 4..at + 8)) else {
            return Err(Threat::Truncated);
        };
        let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let end = at.checked_add(length).and_then(|end| end.checked_add(12)).ok_or(Threat::Damaged)?;
        if end > bytes.len() {
            return Err(Threat::Truncated);
        }
        if kind == b"IEND" {
            return Ok(end);
        }
        at = end;
    }
}
