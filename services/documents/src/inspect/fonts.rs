//! Fonts that a PDF names and does not carry: what stands in their place, and whether anything can.
//!
//! The fourteen that every reader must know are in the library; for Chinese, Japanese and Korean text one font of the
//! machine stands in, where the service is told of one. It is read only when a page asks for it.

use std::{path::PathBuf, sync::Arc};

use hayro::{
    hayro_interpret::{
        InterpreterSettings,
        font::{FallbackFontQuery, FontData, FontQuery},
        hayro_cmap::CidFamily,
    },
    hayro_syntax::{
        Pdf,
        object::{Array, Dict, Name, Object, Stream, String as Text},
    },
};

/// A font file that stands in for Chinese, Japanese and Korean text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Font {
    /// Where it lies.
    pub path: PathBuf,
    /// Which face of a collection, from 0.
    pub face: u32,
}

/// How pages are drawn: with `font` for text that nothing else can show.
pub(super) fn settings(font: Option<Font>) -> InterpreterSettings {
    InterpreterSettings {
        font_resolver: Arc::new(move |query| match query {
            FontQuery::Standard(standard) => Some(standard.get_font_data()),
            FontQuery::Fallback(asked) if wants_characters(asked) => font.as_ref().and_then(read),
            FontQuery::Fallback(asked) => Some(asked.pick_standard_font().get_font_data()),
        }),
        ..InterpreterSettings::default()
    }
}

/// Whether the text may hold other characters than the fourteen fonts have.
fn wants_characters(asked: &FallbackFontQuery) -> bool {
    asked.character_collection.is_some()
}

/// A file that cannot be read is none.
fn read(font: &Font) -> Option<(FontData, u32)> {
    let bytes = std::fs::read(&font.path).ok()?;
    Some((Arc::new(bytes), font.face))
}

/// Whether a document has text that cannot be shown as it was meant: a font of many characters that it does not carry,
/// and none (or no way to tell the characters) to stand in. Looks at the whole document, so that its first page can say it.
pub(super) fn missing(pdf: &Pdf, font: Option<&Font>) -> bool {
    pdf.objects().into_iter().any(|object| match object {
        Object::Dict(dict) => composite(&dict) && !embedded(&dict) && !(font.is_some() && told(&dict)),
        Object::Stream(_)
        | Object::Null(_)
        | Object::Boolean(_)
        | Object::Number(_)
        | Object::String(_)
        | Object::Name(_)
        | Object::Array(_) => false,
    })
}

fn composite(dict: &Dict<'_>) -> bool {
    dict.get::<Name<'_>>("Subtype").is_some_and(|name| &*name == b"Type0")
}

fn descendant<'a>(dict: &Dict<'a>) -> Option<Dict<'a>> {
    dict.get::<Array<'_>>("DescendantFonts")?.iter::<Dict<'_>>().next()
}

fn embedded(dict: &Dict<'_>) -> bool {
    let descriptor = descendant(dict).and_then(|font| font.get::<Dict<'_>>("FontDescriptor"));
    descriptor.is_some_and(|descriptor| {
        ["FontFile", "FontFile2", "FontFile3"].iter().any(|key| descriptor.get::<Stream<'_>>(key).is_some())
    })
}

/// Whether the file says which characters its codes mean.
fn told(dict: &Dict<'_>) -> bool {
    let collection = || {
        let info = descendant(dict)?.get::<Dict<'_>>("CIDSystemInfo")?;
        let (registry, ordering) = (info.get::<Text<'_>>("Registry")?, info.get::<Text<'_>>("Ordering")?);
        CidFamily::from_registry_ordering(&registry, &ordering).ucs2_cmap()
    };
    dict.contains_key("ToUnicode") || collection().is_some()
}
