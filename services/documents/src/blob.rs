//! The bytes of files in the object store: first under a quarantine key of ours, then under their hash.
//!
//! Whether bytes count is said by a row of the database, never by their being here. Source: reliability section 2.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path,
};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    config::{S3, Storage, StorageKind},
    domain::preview::Size,
};

/// Folder of inspected content.
pub const CONTENT: &str = "sha256";
/// Folder of pictures made from content: they can be made anew at any time and are no documents. The number changes with
/// the way in which they are made.
pub const PREVIEW: &str = "preview-2";
/// Folder of parts of files that have not come whole yet.
pub const PARTS: &str = "parts";
/// Folder of what waits for inspection.
pub const QUARANTINE: &str = "quarantine";

/// The object store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store's own words.
    #[error("object store")]
    Store(#[from] object_store::Error),
    /// The folder cannot be made.
    #[error("object store folder {folder}")]
    Folder {
        /// Which.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
}

/// The object store of this service.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

/// The key of content by its hash (hex): `sha256/ab/cd/abcd…`.
#[must_use]
pub fn content_key(sha256: &str) -> Path {
    spread(CONTENT, sha256)
}

/// The key of a picture made from content, by the content's hash: `preview-2/page-1/ab/cd/abcd…`.
#[must_use]
pub fn preview_key(sha256: &str, size: Size, page: u32) -> Path {
    spread(&format!("{PREVIEW}/{}-{page}", size.id()), sha256)
}

fn spread(folder: &str, sha256: &str) -> Path {
    let part = |range: std::ops::Range<usize>| sha256.get(range).unwrap_or("__");
    Path::from(format!("{folder}/{}/{}/{sha256}", part(0..2), part(2..4)))
}

/// The key under which a file waits.
#[must_use]
pub fn quarantine_key(file_id: Uuid) -> Path {
    Path::from(format!("{QUARANTINE}/{file_id}"))
}

/// The key of one part of a file: `parts/<id>/0007`.
fn part_key(file_id: Uuid, number: u16) -> Path {
    Path::from(format!("{PARTS}/{file_id}/{number:04}"))
}

impl Blobs {
    /// Opens the store; a folder is made where it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or used; the S3 settings do not hold together.
    pub fn open(storage: &Storage) -> Result<Self, BlobError> {
        let store: Arc<dyn ObjectStore> = match storage.kind {
            StorageKind::Folder => {
                let folder = &storage.folder;
                let made = std::fs::create_dir_all(folder);
                made.map_err(|source| BlobError::Folder { folder: folder.clone(), source })?;
                Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(storage.fsync))
            }
            StorageKind::S3 => open_s3(&storage.s3)?,
        };
        Ok(Self { store })
    }

    /// Writes bytes to quarantine, whole or not at all.
    ///
    /// # Errors
    /// The store is away or full.
    pub async fn quarantine(&self, file_id: Uuid, bytes: Bytes) -> Result<(), BlobError> {
        self.store.put(&quarantine_key(file_id), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// What waits under a file's key; `None` where nothing does.
    ///
    /// # Errors
    /// The store is away.
    pub async fn waiting(&self, file_id: Uuid) -> Result<Option<Bytes>, BlobError> {
        self.find(&quarantine_key(file_id)).await
    }

    /// Keeps one part of a file; the same part again is as good.
    ///
    /// # Errors
    /// The store is away or full.
    pub async fn keep_part(&self, file_id: Uuid, number: u16, bytes: Bytes) -> Result<(), BlobError> {
        self.store.put(&part_key(file_id, number), PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// One part of a file; `None` where it has not come.
    ///
    /// # Errors
    /// The store is away.
    pub async fn part(&self, file_id: Uuid, number: u16) -> Result<Option<Bytes>, BlobError> {
        self.find(&part_key(file_id, number)).await
    }

    /// Numbers and sizes of the parts that have come, in order.
    ///
    /// # Errors
    /// The store is away.
    pub async fn parts(&self, file_id: Uuid) -> Result<Vec<(u16, u64)>, BlobError> {
        let folder = Path::from(format!("{PARTS}/{file_id}"));
        let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
        let numbered = |part: &ObjectMeta| Some((part.location.filename()?.parse().ok()?, part.size));
        let mut parts: Vec<_> = listed.iter().filter_map(numbered).collect();
        parts.sort_unstable();
        Ok(parts)
    }

    /// Files of which something stands in quarantine or in parts.
    ///
    /// # Errors
    /// The store is away.
    pub async fn unsettled(&self) -> Result<BTreeSet<Uuid>, BlobError> {
        let mut files = BTreeSet::new();
        for folder in [QUARANTINE, PARTS] {
            let mut objects = self.store.list(Some(&Path::from(folder)));
            while let Some(object) = objects.try_next().await? {
                let id = object.location.parts().nth(1).and_then(|id| Uuid::parse_str(id.as_ref()).ok());
                files.extend(id);
            }
        }
        Ok(files)
    }

    /// Removes every part of a file.
    ///
    /// # Errors
    /// The store is away.
    pub async fn clear_parts(&self, file_id: Uuid) -> Result<(), BlobError> {
        for (number, _) in self.parts(file_id).await? {
            match self.store.delete(&part_key(file_id, number)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A picture made before, of a page (1 for an image); `None` where there is none yet.
    ///
    /// # Errors
    /// The store is away.
    pub async fn preview(&self, sha256: &str, size: Size, page: u32) -> Result<Option<Bytes>, BlobError> {
        self.find(&preview_key(sha256, size, page)).await
    }

    /// Keeps a picture; another one in its place is as good.
    ///
    /// # Errors
    /// The store is away or full.
    pub async fn keep_preview(
        &self,
        sha256: &str,
        size: Size,
        page: u32,
        picture: Bytes,
    ) -> Result<(), BlobError> {
        self.store.put(&preview_key(sha256, size, page), PutPayload::from_bytes(picture)).await?;
        Ok(())
    }

    async fn find(&self, key: &Path) -> Result<Option<Bytes>, BlobError> {
        match self.store.get(key).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts clean content under its hash; the same content again changes nothing.
    ///
    /// # Errors
    /// The store is away or full.
    pub async fn keep(&self, file_id: Uuid, sha256: &str) -> Result<(), BlobError> {
        self.store.copy(&quarantine_key(file_id), &content_key(sha256)).await?;
        Ok(())
    }

    /// Removes what waits under a file's key; nothing there is as good.
    ///
    /// # Errors
    /// The store is away.
    pub async fn clear(&self, file_id: Uuid) -> Result<(), BlobError> {
        match self.store.delete(&quarantine_key(file_id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The content of a hash, in pieces.
    ///
    /// # Errors
    /// It is not there, or the store is away.
    pub async fn read(
        &self,
        sha256: &str,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        let found = self.store.get(&content_key(sha256)).await?;
        Ok(found.into_stream().map_err(BlobError::from).boxed())
    }

    /// Size and actual hash of what stands under a hash; `None` where nothing does.
    ///
    /// # Errors
    /// The store is away.
    pub async fn measure(&self, sha256: &str) -> Result<Option<(i64, String)>, BlobError> {
        let found = match self.store.get(&content_key(sha256)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut pieces = found.into_stream();
        let (mut size, mut hash) = (0_i64, Sha256::new());
        while let Some(piece) = pieces.try_next().await? {
            size += i64::try_from(piece.len()).unwrap_or(i64::MAX);
            hash.update(&piece);
        }
        Ok(Some((size, hex::encode(hash.finalize()))))
    }

    /// Every object with its key, size and time.
    pub fn list(&self) -> BoxStream<'static, Result<ObjectMeta, BlobError>> {
        self.store.list(None).map_err(BlobError::from).boxed()
    }
}

fn open_s3(s3: &S3) -> Result<Arc<dyn ObjectStore>, BlobError> {
    // Another part of the process may have chosen the same provider before; there is only this one in the tree.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = object_store::aws::AmazonS3Builder::new()
        .with_endpoint(&s3.endpoint)
        .with_region(&s3.region)
        .with_bucket_name(&s3.bucket)
        .with_access_key_id(&s3.access_key)
        .with_secret_access_key(s3.secret_key.expose_secret())
        .with_allow_http(s3.endpoint.starts_with("http://"))
        .build()?;
    Ok(Arc::new(store))
}

impl From<BlobError> for chassis::Failure {
    fn from(error: BlobError) -> Self {
        let chain = chassis::error::chain(&error);
        tracing::warn!(error = %chain, "object store");
        Self::unavailable("storage_unavailable", "文件存储暂时不可用，请稍后重试")
    }
}
