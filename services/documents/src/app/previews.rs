//! Pictures to look at: made once from a clean image or a page of a clean PDF, kept beside the content under its hash.
//! They can be made anew at any time, so nothing in the database speaks of them. Each is kept as the worker answers it:
//! a line that says what it is, then its bytes; or a line that says why there is none, so that what cannot be drawn costs once.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use chassis::{Caller, Failure};
use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
use sha2::{Digest as _, Sha256};

use super::{turns::Turns, unanswered};
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

/// Pictures made at a time: however slow a page is, a place is left for an upload. Each holds an original of at most 20 MiB.
const AT_ONCE: usize = 1;
/// Of one company or official. Source: decision record 36.
const OWN_AT_ONCE: usize = 1;
/// How long a picture waits for its turn; with what it may take itself, the portal has left by then.
const TURN_WAIT: Duration = Duration::from_secs(15);

/// Makes and keeps pictures.
#[derive(Debug)]
pub struct Previews {
    blobs: Blobs,
    inspector: Arc<Inspector>,
    font: Option<Font>,
    turns: Turns,
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

/// A picture and what it is, or why there is none.
type Made = Result<(Drawn, Bytes), Undrawn>;

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
        Self { blobs, inspector, font, turns: Turns::new(AT_ONCE, OWN_AT_ONCE, TURN_WAIT) }
    }

    /// Opens what shows a file, or a page of it (from 1; an image has one).
    ///
    /// # Errors
    /// `file_not_clean`, `preview_impossible`, `preview_busy`, `page_out_of_range`; the worker or the object store is away.
    pub async fn open(
        &self,
        caller: &Caller,
        file: &Kept,
        size: Size,
        page: u32,
    ) -> Result<(Picture, Pieces), Failure> {
        let media_type = media_type(file)?;
        let Some(kind) = Kind::of_media_type(media_type).filter(|_| Shown::of_media_type(media_type).any())
        else {
            return Ok(nothing());
        };
        let made = self.made(caller, Sheet { kind, sha256: &file.declared.sha256, size, page }).await?;
        let (drawn, bytes) = made.map_err(|undrawn| match undrawn {
            Undrawn::Impossible(threat) => Refusal::PreviewImpossible(threat.id()),
            Undrawn::NoSuchPage { pages } => Refusal::PageOutOfRange { pages },
        })?;
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

    async fn made(&self, caller: &Caller, sheet: Sheet<'_>) -> Result<Made, Failure> {
        if let Some(kept) = self.kept(sheet).await? {
            return Ok(kept);
        }
        let _turn = self.turns.take(caller).await.ok_or(Refusal::PreviewBusy)?;
        // Somebody may have made it while this one waited.
        if let Some(kept) = self.kept(sheet).await? {
            return Ok(kept);
        }
        let made = match self.make(sheet).await? {
            Ok(picture) => picture,
            // Pages that are not there are without number.
            Err(undrawn @ Undrawn::NoSuchPage { .. }) => return Ok(Err(undrawn)),
            Err(undrawn @ Undrawn::Impossible(_)) => {
                worker::without_picture(undrawn).map_err(Failure::internal)?
            }
        };
        let made = Bytes::from(made);
        self.blobs.keep_preview(sheet.sha256, sheet.size, sheet.page, made.clone()).await?;
        parted(&made).ok_or_else(|| Failure::internal(std::io::Error::other("an answer without a picture")))
    }

    /// One made before, unless there is a font now that it had needed.
    async fn kept(&self, sheet: Sheet<'_>) -> Result<Option<Made>, Failure> {
        let kept = self.blobs.preview(sheet.sha256, sheet.size, sheet.page).await?;
        let current = |made: &Made| match made {
            Ok((drawn, _)) => !drawn.fonts_missing || drawn.font_given || self.font.is_none(),
            Err(_) => true,
        };
        Ok(kept.as_ref().and_then(parted).filter(current))
    }

    async fn make(&self, sheet: Sheet<'_>) -> Result<Result<Vec<u8>, Undrawn>, Failure> {
        let original = self.original(sheet.sha256).await?;
        let side = sheet.size.side_max();
        let made = match sheet.kind {
            Kind::Pdf => self.inspector.page(&original, sheet.page, side, self.font.as_ref()).await,
            Kind::Jpeg | Kind::Png | Kind::Ofd if sheet.page == 1 => {
                self.inspector.shrink(sheet.kind, &original, side).await
            }
            Kind::Jpeg | Kind::Png | Kind::Ofd => Ok(Err(Undrawn::NoSuchPage { pages: 1 })),
        };
        made.map_err(unanswered)
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

/// What was made; `None` where its line cannot be read.
fn parted(answer: &Bytes) -> Option<Made> {
    Some(worker::drawn(answer)?.map(|(drawn, begin)| (drawn, answer.slice(begin..))))
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
