//! Pictures to look at: made from a clean image once, kept beside the content under its hash. They can be made anew at
//! any time, so nothing in the database speaks of them.

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
    inspect::{Kind, size_of, worker::Inspector},
};

/// Pictures made at a time; each holds an original of at most 20 MiB. The same one is made in one place only.
const PLACES: usize = 4;

/// Makes and keeps pictures.
#[derive(Debug)]
pub struct Previews {
    blobs: Blobs,
    inspector: Arc<Inspector>,
    places: [Mutex<()>; PLACES],
}

/// What is known of the bytes that show a file; nothing where none do.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// How they are handed out.
    pub media_type: String,
    /// How many.
    pub size: i64,
    /// Hash, hex.
    pub sha256: String,
    /// Pixels across; 0 for documents.
    pub width: u32,
    /// Pixels down; 0 for documents.
    pub height: u32,
}

/// Bytes in pieces.
pub type Pieces = BoxStream<'static, Result<Bytes, BlobError>>;

impl Previews {
    /// Over an object store and the workers that read what people sent.
    #[must_use]
    pub fn new(blobs: Blobs, inspector: Arc<Inspector>) -> Self {
        Self { blobs, inspector, places: std::array::from_fn(|_| Mutex::new(())) }
    }

    /// Opens what shows a file.
    ///
    /// # Errors
    /// `file_not_clean`, `preview_impossible`; the worker or the object store is away.
    pub async fn open(&self, file: &Kept, size: Size) -> Result<(Picture, Pieces), Failure> {
        let (media_type, sha256) = (media_type(file)?.to_owned(), file.declared.sha256.clone());
        match (Shown::of_media_type(&media_type), Kind::of_media_type(&media_type)) {
            (Shown::Image, Some(kind)) => {
                let bytes = self.made(kind, &sha256, size).await?;
                let (width, height) = size_of(&bytes).map_err(Failure::internal)?;
                let size = i64::try_from(bytes.len()).map_err(Failure::internal)?;
                let sha256 = hex::encode(Sha256::digest(&bytes));
                let picture = Picture { media_type, size, sha256, width, height };
                Ok((picture, stream::iter([Ok(bytes)]).boxed()))
            }
            (Shown::Document, _) => {
                let pieces = self.blobs.read(&sha256).await?;
                let size = file.declared.size;
                Ok((Picture { media_type, size, sha256, ..Picture::default() }, pieces))
            }
            (Shown::Image, None) | (Shown::DownloadOnly, _) => Ok(nothing()),
        }
    }

    async fn made(&self, kind: Kind, sha256: &str, size: Size) -> Result<Bytes, Failure> {
        if let Some(picture) = self.blobs.preview(sha256, size).await? {
            return Ok(picture);
        }
        let place = sha256.bytes().last().map_or(0, usize::from) % PLACES;
        let _turn = self.places[place].lock().await;
        // Somebody may have made it while this one waited.
        if let Some(picture) = self.blobs.preview(sha256, size).await? {
            return Ok(picture);
        }
        let original = self.original(sha256).await?;
        let made =
            self.inspector.shrink(kind, &original, size.side_max()).await.map_err(Failure::internal)?;
        let picture = Bytes::from(made.map_err(|threat| Refusal::PreviewImpossible(threat.id()))?);
        self.blobs.keep_preview(sha256, size, picture.clone()).await?;
        Ok(picture)
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
