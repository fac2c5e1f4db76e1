//! A form with one file of up to 20 MiB: its texts first, then the file, never whole in memory.
//!
//! documents wants size and hash before the first byte, and a browser without script tells neither: the bytes go through
//! an unnamed temporary file, which is gone with the request. A file over the limit is not read to its end; one whose
//! request is longer than the limit is not read at all, nor one that comes while too many are on their way. Source: ui,
//! section 7; decision record 36.

use std::{fs, io::SeekFrom, sync::Arc};

use axum::{
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use chassis::turns::Turn;
use futures::{Stream, StreamExt as _, stream};
use proto::documents::{File, UploadDeclaration, UploadRequest, upload_request::Part};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tonic::Status;

use crate::{Form, Portal, Refused, Visitor, cookies::Cookie, form, guard::Proved, ids};

/// Largest file. Source: documents, Files.
pub const FILE_BYTES_MAX: u64 = 20 * 1024 * 1024;
/// Texts and lines between the parts of a form.
const TEXTS_BYTES_MAX: u64 = 256 * 1024;
/// For the routes that take one.
pub const BODY_BYTES_MAX: usize = (FILE_BYTES_MAX + 2 * TEXTS_BYTES_MAX) as usize;
/// Pieces to documents; one message may have 1 MiB.
const PIECE_BYTES: usize = 256 * 1024;
/// What a person reads.
const TOO_LARGE: &str = "超过 20 MB，请压缩后上传";

/// See the module.
pub struct Upload {
    /// The texts; they stand before the file.
    pub form: Form,
    /// The file; none where no file was chosen.
    pub file: Option<Held>,
}

/// A file on its way.
pub struct Held {
    /// Name on the person's machine.
    pub file_name: String,
    bytes: fs::File,
    size_bytes: u64,
    sha256: String,
    turn: Turn,
}

impl FromRequest<Arc<Portal>> for Upload {
    type Rejection = Refused;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Upload, Refused> {
        let headers = request.headers().clone();
        let proved = request.extensions().get::<Proved>().cloned();
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("multipart/form-data") {
            return Ok(Upload { form: Form::from_request(request, portal).await?, file: None });
        }
        let multipart = Multipart::from_request(request, portal).await.map_err(|_| form::unreadable())?;
        read(multipart, portal, &headers, proved.as_ref()).await
    }
}

async fn read(
    mut multipart: Multipart,
    portal: &Portal,
    headers: &HeaderMap,
    proved: Option<&Proved>,
) -> Result<Upload, Refused> {
    let (mut texts, mut room) = (Vec::new(), TEXTS_BYTES_MAX);
    while let Some(part) = multipart.next_field().await.map_err(|_| form::unreadable())? {
        let name = part.name().unwrap_or_default().to_owned();
        let Some(file_name) = part.file_name().map(str::to_owned) else {
            texts.push((name, text(part, &mut room).await?));
            continue;
        };
        let mut form = form_of(&texts);
        form.prove(portal, headers, proved)?;
        if file_name.is_empty() {
            return Ok(Upload { form, file: None });
        }
        if announced(headers) > FILE_BYTES_MAX + TEXTS_BYTES_MAX {
            form.mark(&name, TOO_LARGE);
            return Ok(Upload { form, file: None });
        }
        let session = portal.jar.read(headers, Cookie::Session).unwrap_or_default();
        let turn = match portal.uploads.turn(&session) {
            Ok(turn) => turn,
            Err(crowded) => {
                form.mark(&name, &crowded.text);
                return Ok(Upload { form, file: None });
            }
        };
        let file = hold(part, file_name, turn).await?;
        if file.is_none() {
            form.mark(&name, TOO_LARGE);
        }
        return Ok(Upload { form, file });
    }
    let form = form_of(&texts);
    form.prove(portal, headers, proved)?;
    Ok(Upload { form, file: None })
}

fn form_of(texts: &[(String, String)]) -> Form {
    Form::filled(texts.iter().map(|(name, value)| (name.as_str(), value.clone())))
}

/// How long the request says that it is; 0 where it does not.
pub(crate) fn announced(headers: &HeaderMap) -> u64 {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

async fn text(mut part: Field<'_>, room: &mut u64) -> Result<String, Refused> {
    let mut all = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|_| form::unreadable())? {
        *room = room.checked_sub(piece.len() as u64).ok_or_else(form::unreadable)?;
        all.extend_from_slice(&piece);
    }
    String::from_utf8(all).map_err(|_| form::unreadable())
}

/// Takes the bytes in; `None` as soon as they are too many.
async fn hold(mut part: Field<'_>, file_name: String, turn: Turn) -> Result<Option<Held>, Refused> {
    let bytes = unnamed().map_err(|error| Refused::fault(&error))?;
    let mut into = tokio::fs::File::from_std(bytes);
    let (mut size_bytes, mut hash) = (0, Sha256::new());
    while let Some(piece) = part.chunk().await.map_err(|_| form::unreadable())? {
        size_bytes += piece.len() as u64;
        if size_bytes > FILE_BYTES_MAX {
            return Ok(None);
        }
        hash.update(&piece);
        into.write_all(&piece).await.map_err(|error| Refused::fault(&error))?;
    }
    into.flush().await.map_err(|error| Refused::fault(&error))?;
    into.seek(SeekFrom::Start(0)).await.map_err(|error| Refused::fault(&error))?;
    let sha256 = hex::encode(hash.finalize());
    Ok(Some(Held { file_name, bytes: into.into_std().await, size_bytes, sha256, turn }))
}

/// A file that has no name any more: the system removes it when it is closed, also when the process dies.
fn unnamed() -> std::io::Result<fs::File> {
    let path = std::env::temp_dir().join(format!("yuchong-portal-{}", ids::fresh()));
    let file = fs::File::options().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

impl Held {
    /// Hands the file to documents; the answer's state says whether it is clean. `declaration` says what it is for.
    ///
    /// # Errors
    /// Those of `Files.Upload`.
    pub async fn send(self, visitor: &Visitor, declaration: UploadDeclaration) -> Result<File, Status> {
        let parts = self.parts(declaration);
        Ok(visitor.files().upload(parts).await?.into_inner())
    }

    /// The same for a business licence.
    ///
    /// # Errors
    /// Those of `Files.UploadLicence`.
    pub async fn send_licence(self, visitor: &Visitor, request_id: String) -> Result<File, Status> {
        let purpose = "business_licence".to_owned();
        let parts = self.parts(UploadDeclaration { request_id, purpose, ..UploadDeclaration::default() });
        Ok(visitor.files().upload_licence(parts).await?.into_inner())
    }

    fn parts(self, declaration: UploadDeclaration) -> impl Stream<Item = UploadRequest> + Send + 'static {
        let declaration = UploadDeclaration {
            file_name: self.file_name,
            size_bytes: i64::try_from(self.size_bytes).unwrap_or(i64::MAX),
            sha256: self.sha256,
            ..declaration
        };
        let first = stream::iter([Part::Declaration(declaration)]);
        // The turn is over when documents has all of it.
        let held = (tokio::fs::File::from_std(self.bytes), self.turn);
        let pieces = stream::unfold(held, |(mut file, turn)| async move {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            // What cannot be read back is missing at documents, which refuses the file as incomplete.
            let read = (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await.ok()?;
            (read > 0).then(|| (Part::Chunk(Bytes::from(piece)), (file, turn)))
        });
        first.chain(pieces).map(|part| UploadRequest { part: Some(part) })
    }
}
