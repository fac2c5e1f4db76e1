//! Pictures to look at: made once from a clean image or a page of a clean PDF, kept beside the content under its hash.
//! They can be made anew at any time, so nothing in the database speaks of them. Each is kept as the worker answers it:
//! a line that says what it is, then its bytes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use chassis::Failure;
use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::{
    blob::{BlobError, Blobs},
    domain::{
        Refusal,
        file::{Kept, Scan},
        preview::{Shown, Size},
    },
    inspect::{
        Drawn, Font, Kind, Undrawn,
        worker::{self, Inspector},
    },
};

/// Pictures made at a time; each holds an original of at most 20 MiB. The same one is made in one place only.
const PLACES: usize = 4;

/// Makes and keeps pictures.
#[derive(Debug)]
pub struct Previews {
    blobs: Blobs,
    inspector: Arc<Inspector>,
    font: Option<Font>,
    places: [Mutex<()>; PLACES],
}

/// What is known of the bytes that show a file; nothing where none do.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// How they are handed out.
    pub media_type: &'static str,
    /// How many.
    pub size: i64,
    /// Hash, hex.
    pub sha256: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pages of the document; 0 for an image.
    pub pages: u32,
    /// Whether text of the document cannot be shown as it was meant.
    pub fonts_missing: bool,
}

/// Bytes in pieces.
pub type Pieces = BoxStream<'static, Result<Bytes, BlobError>>;

/// What a picture is made from and how.
#[derive(Debug, Clone, Copy)]
struct Sheet<'f> {
    kind: Kind,
    sha256: &'f str,
    size: Size,
    page: u32,
}

impl Previews {
    /// Over an object store, the workers that read what people sent, and the font for text that brings none.
    #[must_use]
    pub fn new(blobs: Blobs, inspector: Arc<Inspector>, font: Option<Font>) -> Self {
        Self { blobs, inspector, font, places: std::array::from_fn(|_| Mutex::new(())) }
    }

    /// Opens what shows a file, or a page of it (from 1; an image has one).
    ///
    /// # Errors
    /// `file_not_clean`, `preview_impossible`, `page_out_of_range`; the worker or the object store is away.
    pub async fn open(&self, file: &Kept, size: Size, page: u32) -> Result<(Picture, Pieces), Failure> {
        let media_type = media_type(file)?;
        let Some(kind) = Kind::of_media_type(media_type).filter(|_| Shown::of_media_type(media_type).any())
        else {
            return Ok(nothing());
        };
        let (drawn, bytes) = self.made(Sheet { kind, sha256: &file.declared.sha256, size, page }).await?;
        let picture = Picture {
            media_type: drawn.kind.media_type(),
            size: i64::try_from(bytes.len()).map_err(Failure::internal)?,
            sha256: hex::encode(Sha256::digest(&bytes)),
            width: drawn.width,
            height: drawn.height,
            pages: drawn.pages,
            fonts_missing: drawn.fonts_missing,
        };
        Ok((picture, stream::iter([Ok(bytes)]).boxed()))
    }

    async fn made(&self, sheet: Sheet<'_>) -> Result<(Drawn, Bytes), Failure> {
        if let Some(kept) = self.kept(sheet).await? {
            return Ok(kept);
        }
        let place = sheet.sha256.bytes().last().map_or(0, usize::from) % PLACES;
        let _turn = self.places[place].lock().await;
        // Somebody may have made it while this one waited.
        if let Some(kept) = self.kept(sheet).await? {
            return Ok(kept);
        }
        let made = Bytes::from(self.make(sheet).await?);
        self.blobs.keep_preview(sheet.sha256, sheet.size, sheet.page, made.clone()).await?;
        parted(&made).ok_or_else(|| Failure::internal(std::io::Error::other("an answer without a picture")))
    }

    /// One made before, unless there is a font now that it had needed.
    async fn kept(&self, sheet: Sheet<'_>) -> Result<Option<(Drawn, Bytes)>, Failure> {
        let kept = self.blobs.preview(sheet.sha256, sheet.size, sheet.page).await?;
        let current = |drawn: &Drawn| !drawn.fonts_missing || drawn.font_given || self.font.is_none();
        Ok(kept.as_ref().and_then(parted).filter(|(drawn, _)| current(drawn)))
    }

    async fn make(&self, sheet: Sheet<'_>) -> Result<Vec<u8>, Failure> {
        let original = self.original(sheet.sha256).await?;
        let side = sheet.size.side_max();
        let made = match sheet.kind {
            Kind::Pdf => self.inspector.page(&original, sheet.page, side, self.font.as_ref()).await,
            Kind::Jpeg | Kind::Png | Kind::Ofd if sheet.page == 1 => {
                self.inspector.shrink(sheet.kind, &original, side).await
            }
            Kind::Jpeg | Kind::Png | Kind::Ofd => Ok(Err(Undrawn::NoSuchPage { pages: 1 })),
        };
        Ok(made.map_err(Failure::internal)?.map_err(|undrawn| match undrawn {
            Undrawn::Impossible(threat) => Refusal::PreviewImpossible(threat.id()),
            Undrawn::NoSuchPage { pages } => Refusal::PageOutOfRange { pages },
        })?)
    }

    async fn original(&self, sha256: &str) -> Result<Bytes, Failure> {
        let mut all = BytesMut::new();
        let mut pieces = self.blobs.read(sha256).await?;
        while let Some(piece) = pieces.try_next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

/// A picture and what it is; `None` where the line before it cannot be read.
fn parted(answer: &Bytes) -> Option<(Drawn, Bytes)> {
    let (drawn, begin) = worker::drawn(answer)?;
    Some((drawn, answer.slice(begin..)))
}

/// What is sent where nothing shows a file.
#[must_use]
pub fn nothing() -> (Picture, Pieces) {
    (Picture::default(), stream::empty().boxed())
}

/// As what a file is shown.
///
/// # Errors
/// `file_not_clean`.
pub fn shown(file: &Kept) -> Result<Shown, Refusal> {
    Ok(Shown::of_media_type(media_type(file)?))
}

fn media_type(file: &Kept) -> Result<&str, Refusal> {
    match &file.scan {
        Scan::Clean { media_type, .. } => Ok(media_type),
        Scan::Pending | Scan::Rejected { .. } => Err(Refusal::FileNotClean),
    }
}
