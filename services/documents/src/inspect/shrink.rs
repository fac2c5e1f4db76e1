//! A picture to look at, made anew from the pixels of an image: turned upright, no larger than asked for, and without
//! anything else that the file carried (EXIF, positions, comments, profiles).

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder as _, ImageFormat, codecs::jpeg::JpegEncoder, metadata::Orientation};

use super::{
    Drawn, Kind, Threat,
    image::{decoder, dimensions, threat},
};

/// Quality of a JPEG: small type on a photographed paper stays legible.
const JPEG_QUALITY: u8 = 85;

/// Makes the picture, with `side_max` pixels at most on its longer side; a smaller image keeps its size.
///
/// Errors: `TypeUnsupported` for documents; `ImagePixels`, `Damaged` as at the inspection.
pub fn shrink(kind: Kind, bytes: &[u8], side_max: u32) -> Result<(Drawn, Vec<u8>), Threat> {
    let format = match kind {
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Png => ImageFormat::Png,
        Kind::Pdf | Kind::Ofd => return Err(Threat::TypeUnsupported),
    };
    dimensions(bytes, format)?;
    let mut decoder = decoder(bytes, format)?;
    // An orientation that cannot be read is none.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut small = fitted(DynamicImage::from_decoder(decoder).map_err(threat)?, side_max);
    small.apply_orientation(orientation);
    let (width, height) = (small.width(), small.height());
    let drawn = Drawn { kind, width, height, pages: 0, fonts_missing: false, font_given: false };
    Ok((drawn, written(kind, &flat(kind, small))?))
}

/// A picture as a file; JPEG where `kind` says so, PNG otherwise.
///
/// Errors: `Damaged`, where the encoder fails.
pub(super) fn written(kind: Kind, picture: &DynamicImage) -> Result<Vec<u8>, Threat> {
    let mut out = Cursor::new(Vec::new());
    let done = if kind == Kind::Jpeg {
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY))
    } else {
        picture.write_to(&mut out, ImageFormat::Png)
    };
    done.map_err(threat)?;
    Ok(out.into_inner())
}

/// Takes the whole image, so that it is gone before the next copy is made.
fn fitted(whole: DynamicImage, side_max: u32) -> DynamicImage {
    if whole.width().max(whole.height()) > side_max { whole.thumbnail(side_max, side_max) } else { whole }
}

/// Eight bits a channel, and transparency only where it can be kept.
fn flat(kind: Kind, picture: DynamicImage) -> DynamicImage {
    if kind == Kind::Png && picture.color().has_alpha() {
        DynamicImage::ImageRgba8(picture.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(picture.into_rgb8())
    }
}
