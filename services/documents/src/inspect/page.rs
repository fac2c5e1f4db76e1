//! One page of a PDF as a picture: drawn onto white, no larger than asked for, without anything that could be run.
//!
//! Does not judge the file (the inspection did, before it was kept) and does not draw a page by halves: where an image of
//! it cannot be decoded there is no picture, because a page that looks empty would be taken for an empty page.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use hayro::{
    PixmapSettings, RenderCache, RenderSettings,
    hayro_interpret::InterpreterWarning,
    hayro_syntax::{Pdf, page::Page},
    render,
    vello_cpu::color::palette::css::WHITE,
};
use image::{DynamicImage, GrayImage, RgbImage};

use super::{
    Drawn, Kind, Threat, Undrawn,
    fonts::{self, Font},
    shrink::written,
};

/// Pixels for a point (1/72 inch) at most: a small page is not blown up beyond 200 dpi.
const SCALE_MAX: f32 = 200.0 / 72.0;
/// Smallest side of a page that is one, points: below it the longer side would be drawn at the cost of nothing to see.
const SIDE_POINTS_MIN: f32 = 3.0;
/// A PNG above this, bytes, is tried as JPEG too.
const PNG_BYTES_MODEST: usize = 200_000;

/// Draws page `number`, from 1, with `side_max` pixels at most on its longer side.
///
/// Errors: `NoSuchPage`; `Impossible` for what cannot be read (`Damaged`), cannot be decoded, or has no size.
pub fn page(
    bytes: Vec<u8>,
    number: u32,
    side_max: u32,
    font: Option<Font>,
) -> Result<(Drawn, Vec<u8>), Undrawn> {
    let pdf = Pdf::new(bytes).map_err(|_| Threat::Damaged)?;
    let pages = u32::try_from(pdf.pages().len()).map_err(|_| Threat::Limits)?;
    if pages == 0 {
        return Err(Threat::Damaged.into());
    }
    let wanted = number.checked_sub(1).and_then(|index| pdf.pages().get(usize::try_from(index).ok()?));
    let wanted = wanted.ok_or(Undrawn::NoSuchPage { pages })?;
    let (font_given, fonts_missing) = (font.is_some(), fonts::missing(&pdf, font.as_ref()));
    let (picture, font_failed) = drawn(wanted, side_max, font)?;
    let (width, height) = (picture.width(), picture.height());
    let (kind, file) = smaller(&picture)?;
    let fonts_missing = fonts_missing || font_failed;
    Ok((Drawn { kind, width, height, pages, fonts_missing, font_given }, file))
}

/// The pixels, and whether a font of the page could not be used.
fn drawn(page: &Page<'_>, side_max: u32, font: Option<Font>) -> Result<(DynamicImage, bool), Threat> {
    let (width, height) = page.render_dimensions();
    let scale = scale((width, height), side_max).ok_or(Threat::Damaged)?;
    // The library cuts off what is less than a pixel.
    let whole = |side: f32| ((side * scale).round() + 0.01) / side;
    let (image_failed, font_failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut settings = fonts::settings(font);
    let (image, text) = (image_failed.clone(), font_failed.clone());
    settings.warning_sink = Arc::new(move |warning| {
        if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
            image.store(true, Ordering::Relaxed);
        } else if matches!(warning, InterpreterWarning::UnsupportedFont) {
            text.store(true, Ordering::Relaxed);
        }
    });
    let onto = PixmapSettings { x_scale: whole(width), y_scale: whole(height), bg_color: WHITE };
    let pixels = render(page, &RenderCache::new(), &settings, &RenderSettings::default(), &onto);
    if image_failed.load(Ordering::Relaxed) {
        return Err(Threat::Damaged);
    }
    let (width, height) = (u32::from(pixels.width()), u32::from(pixels.height()));
    let picture = flat(width, height, pixels.data_as_u8_slice()).ok_or(Threat::Damaged)?;
    Ok((picture, font_failed.load(Ordering::Relaxed)))
}

/// Pixels for a point; `None` for a page that cannot be shown in any.
fn scale((width, height): (f32, f32), side_max: u32) -> Option<f32> {
    let (longer, shorter) = (width.max(height), width.min(height));
    #[expect(clippy::cast_precision_loss, reason = "at most a few thousand")]
    let scale = (side_max as f32 / longer).min(SCALE_MAX);
    let shown = longer.is_finite() && shorter >= SIDE_POINTS_MIN && shorter * scale >= 1.0;
    shown.then_some(scale)
}

/// The pixels without their transparency, which white has filled; grey where every one is.
fn flat(width: u32, height: u32, rgba: &[u8]) -> Option<DynamicImage> {
    let pixels = || rgba.chunks_exact(4);
    if pixels().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]) {
        let grey = pixels().map(|pixel| pixel[0]).collect();
        return GrayImage::from_raw(width, height, grey).map(DynamicImage::ImageLuma8);
    }
    let colours = pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    RgbImage::from_raw(width, height, colours).map(DynamicImage::ImageRgb8)
}

/// Type and lines stay exact in a PNG; a scanned page is a JPEG, which is much smaller.
fn smaller(picture: &DynamicImage) -> Result<(Kind, Vec<u8>), Threat> {
    let exact = written(Kind::Png, picture)?;
    if exact.len() <= PNG_BYTES_MODEST {
        return Ok((Kind::Png, exact));
    }
    let close = written(Kind::Jpeg, picture)?;
    if close.len() < exact.len() / 2 { Ok((Kind::Jpeg, close)) } else { Ok((Kind::Png, exact)) }
}
