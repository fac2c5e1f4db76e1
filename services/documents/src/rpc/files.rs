//! The `Files` service: streams in and out.

use std::sync::Arc;

use bytes::Bytes;
use chassis::{Caller, Failure, Units, error::Kind as FailureKind, identity::Kind, page, rpc::caller};
use futures::{Stream, StreamExt as _, TryStreamExt as _, future::Either, stream, stream::BoxStream};
use proto::documents::{
    DownloadRequest, DownloadResponse, File, GetFileRequest, GetUploadLimitsRequest, ListFilesRequest,
    ListFilesResponse, PreviewRequest, PreviewResponse, UploadDeclaration, UploadLimits, UploadPartRequest,
    UploadPartResponse, UploadRequest, download_response, files_server::Files, preview_response,
    upload_request,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{convert, readable};
use crate::{
    app::{
        downloads::{self, Opened},
        parts,
        previews::{self, Pieces, Previews},
        reading::{self, Reach, Reader, Sight},
        uploads::Uploads,
    },
    domain::{
        Refusal,
        file::{Declared, Kept, Purpose, Scan},
        preview::Wanted,
    },
    neighbours::Neighbours,
    store,
};

/// Largest piece of a download, bytes: well below the 4 MiB of a message.
const PIECE_BYTES: usize = 256 * 1024;
/// Most applications, the newest first, that reviews is asked about for one file.
const APPLICATIONS_MAX: i64 = 200;

/// See the contract.
pub struct FilesRpc {
    /// Reads.
    pub pool: PgPool,
    /// Changes.
    pub units: Units,
    /// Asks reviews and accounts.
    pub neighbours: Neighbours,
    /// The desk.
    pub uploads: Arc<Uploads>,
    /// Pictures to look at.
    pub previews: Arc<Previews>,
}

type Declaring = fn(UploadDeclaration, &Caller) -> Result<Declared, Failure>;

impl FilesRpc {
    async fn upload(
        &self,
        request: Request<Streaming<UploadRequest>>,
        declaring: Declaring,
    ) -> Result<File, Status> {
        let caller = caller(&request)?;
        let (metadata, extensions, mut stream) = request.into_parts();
        let Some(upload_request::Part::Declaration(declaration)) =
            stream.message().await?.and_then(|first| first.part)
        else {
            return Err(Failure::from(Refusal::UploadIncomplete).on("declaration").into());
        };
        let _turn = self.uploads.turn(&caller).await?;
        let kept = self.declared(Request::from_parts(metadata, extensions, declaration), declaring).await?;
        match kept.scan {
            // A repetition of an upload that is done.
            Scan::Clean { .. } | Scan::Rejected { .. } => return Ok(convert::file(&kept)),
            Scan::Pending => {}
        }
        let bytes = self.uploads.receive(&kept.declared, pieces(stream)).await?;
        Ok(self.inspected(caller, &kept, bytes).await?)
    }

    /// One part; with the last one the file is inspected.
    async fn part(&self, request: Request<UploadPartRequest>) -> Result<UploadPartResponse, Status> {
        let caller = caller(&request)?;
        let (metadata, extensions, body) = request.into_parts();
        let Some(declaration) = body.declaration else {
            return Err(Failure::from(Refusal::UploadIncomplete).on("declaration").into());
        };
        let declare = Request::from_parts(metadata, extensions, declaration);
        let kept = self.declared(declare, convert::declared).await?;
        let answer =
            |file: File, received_bytes: i64| UploadPartResponse { file: Some(file), received_bytes };
        match kept.scan {
            Scan::Clean { .. } | Scan::Rejected { .. } => {
                return Ok(answer(convert::file(&kept), kept.declared.size));
            }
            Scan::Pending => {}
        }
        let blobs = &self.uploads.blobs;
        let received = parts::take(blobs, &kept, body.offset, body.chunk).await?;
        if received < kept.declared.size {
            return Ok(answer(convert::file(&kept), received));
        }
        let _turn = self.uploads.turn(&caller).await?;
        let bytes = match self.uploads.receive(&kept.declared, parts::whole(blobs, &kept)).await {
            Ok(bytes) => bytes,
            Err(failure) => {
                // It is not what was declared: it begins anew. After any other failure it goes on where it was.
                if matches!(failure.reason(), "file_size_mismatch" | "file_hash_mismatch") {
                    blobs.clear_parts(kept.id).await.map_err(Failure::from)?;
                }
                return Err(failure.into());
            }
        };
        Ok(answer(self.inspected(caller, &kept, bytes).await?, received))
    }

    /// The row of a declared file; a repeated declaration finds it.
    async fn declared(
        &self,
        declare: Request<UploadDeclaration>,
        declaring: Declaring,
    ) -> Result<Kept, Status> {
        let uploads = self.uploads.clone();
        let declared: Response<File> = self
            .units
            .run(declare, move |work, body| {
                Box::pin(async move {
                    let declared = declaring(body, work.caller())?;
                    Ok(convert::file(&uploads.declare(work, declared).await?))
                })
            })
            .await?;
        let id = convert::id(&declared.get_ref().file_id, "file_id")?;
        Ok(self.find(id).await?)
    }

    async fn inspected(&self, caller: Caller, kept: &Kept, bytes: Bytes) -> Result<File, Failure> {
        self.uploads.blobs.quarantine(kept.id, bytes.clone()).await?;
        let settled = self.uploads.settle(&self.units, caller, kept, bytes).await?;
        Ok(convert::file(&settled))
    }

    async fn find(&self, id: Uuid) -> Result<Kept, Failure> {
        let mut db = self.pool.acquire().await?;
        store::files::find(&mut db, id).await?.ok_or_else(Failure::not_found)
    }

    /// A file that the caller may read, and as whom.
    async fn readable(&self, caller: &Caller, id: Uuid) -> Result<(Kept, Reader), Failure> {
        let kept = self.find(id).await?;
        if caller.kind == Kind::Service {
            return Ok((kept, Reader::Service));
        }
        if reading::owns(caller, kept.declared.owner_id) {
            return Ok((kept, Reader::Owner));
        }
        if caller.has_role("operator") {
            return Err(Failure::not_found());
        }
        let slot = match kept.declared.purpose {
            Purpose::BusinessLicence => return self.licence(caller, kept).await,
            Purpose::Material { slot, .. } => Some(slot),
            Purpose::Invoice => None,
        };
        let reach = Reach::of(caller, slot);
        if reach == Reach::default() {
            return Err(Failure::not_found());
        }
        let mut db = self.pool.acquire().await?;
        let sealed_in = store::files::sealed_in(
            &mut db,
            id,
            reach.everywhere,
            &reach.counties,
            &reach.prefectures,
            APPLICATIONS_MAX,
        )
        .await?;
        drop(db);
        for application_id in sealed_in {
            match readable(&self.pool, &self.neighbours, caller, application_id).await {
                Ok((_, reader)) if reader.opens(slot) => return Ok((kept, reader)),
                Ok(_) => {}
                // Anything but "not this one" says nothing about the file.
                Err(failure) if failure.kind() != FailureKind::NotFound => return Err(failure),
                Err(_) => {}
            }
        }
        Err(Failure::not_found())
    }

    /// Licences are read where the company is registered, and by the province.
    async fn licence(&self, caller: &Caller, kept: Kept) -> Result<(Kept, Reader), Failure> {
        let reader = Reader::Reviewer(Sight { identity_cards: false, invoices: false });
        if reading::province_wide(caller, "administrator") || reading::province_wide(caller, "province") {
            return Ok((kept, reader));
        }
        if !["county", "city"].iter().any(|role| caller.has_role(role)) {
            return Err(Failure::not_found());
        }
        let operator =
            self.neighbours.operator(kept.declared.owner_id).await?.ok_or_else(Failure::not_found)?;
        let division =
            self.neighbours.division(&operator.registered_division).await?.ok_or_else(Failure::not_found)?;
        if reading::decides(caller, &division.code, &division.city_code) {
            Ok((kept, reader))
        } else {
            Err(Failure::not_found())
        }
    }
}

/// The chunks behind the declaration.
fn pieces(stream: Streaming<UploadRequest>) -> impl Stream<Item = Result<Bytes, Failure>> {
    stream.map(|message| match message.map(|message| message.part) {
        Ok(Some(upload_request::Part::Chunk(chunk))) => Ok(chunk),
        Ok(Some(upload_request::Part::Declaration(_)) | None) | Err(_) => {
            Err(Refusal::UploadIncomplete.into())
        }
    })
}

/// Content in pieces that fit into a message.
fn chunks(content: Pieces) -> impl Stream<Item = Result<Bytes, Status>> {
    let pieces = content.flat_map(|piece| match piece {
        Ok(piece) => Either::Left(stream::iter(slices(&piece)).map(Ok)),
        Err(error) => Either::Right(stream::iter([Err(error)])),
    });
    pieces.map_err(|error| Failure::from(error).into())
}

fn slices(piece: &Bytes) -> Vec<Bytes> {
    (0..piece.len())
        .step_by(PIECE_BYTES)
        .map(|at| piece.slice(at..piece.len().min(at + PIECE_BYTES)))
        .collect()
}

fn part(part: download_response::Part) -> DownloadResponse {
    DownloadResponse { part: Some(part) }
}

#[tonic::async_trait]
impl Files for FilesRpc {
    type DownloadStream = BoxStream<'static, Result<DownloadResponse, Status>>;
    type PreviewStream = BoxStream<'static, Result<PreviewResponse, Status>>;

    async fn upload(&self, request: Request<Streaming<UploadRequest>>) -> Result<Response<File>, Status> {
        self.upload(request, convert::declared).await.map(Response::new)
    }

    async fn upload_part(
        &self,
        request: Request<UploadPartRequest>,
    ) -> Result<Response<UploadPartResponse>, Status> {
        self.part(request).await.map(Response::new)
    }

    async fn upload_licence(
        &self,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<File>, Status> {
        self.upload(request, convert::declared_licence).await.map(Response::new)
    }

    async fn get_file(&self, request: Request<GetFileRequest>) -> Result<Response<File>, Status> {
        let caller = caller(&request)?;
        let (kept, _) = self.readable(&caller, convert::id(&request.get_ref().file_id, "file_id")?).await?;
        Ok(Response::new(convert::file(&kept)))
    }

    async fn list_files(
        &self,
        request: Request<ListFilesRequest>,
    ) -> Result<Response<ListFilesResponse>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let application_id = convert::id(&body.application_id, "application_id")?;
        let (size, after) = (page::size(body.page.as_ref())?, page::after::<Uuid>(body.page.as_ref())?);
        readable(&self.pool, &self.neighbours, &caller, application_id).await?;
        let mut db = self.pool.acquire().await.map_err(Failure::from)?;
        let mut kept =
            store::files::list(&mut db, application_id, after, size + 1).await.map_err(Failure::from)?;
        let more = i64::try_from(kept.len()).is_ok_and(|found| found > size);
        kept.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let last = kept.last().filter(|_| more).map(|kept| kept.id);
        Ok(Response::new(ListFilesResponse {
            files: kept.iter().map(convert::file).collect(),
            next_page_token: page::token(last.as_ref()),
        }))
    }

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let (kept, reader) = self.readable(&caller, convert::id(&body.file_id, "file_id")?).await?;
        let opened = Opened { form: downloads::ORIGINAL, reason: &body.reason, anew: true };
        downloads::record(&self.units, caller, reader, &kept, opened).await?;
        let content = self.uploads.blobs.read(&kept.declared.sha256).await.map_err(Failure::from)?;
        let head = stream::iter([Ok(part(download_response::Part::File(convert::file(&kept))))]);
        let body = chunks(content).map_ok(|piece| part(download_response::Part::Chunk(piece)));
        Ok(Response::new(head.chain(body).boxed()))
    }

    async fn preview(
        &self,
        request: Request<PreviewRequest>,
    ) -> Result<Response<Self::PreviewStream>, Status> {
        let caller = caller(&request)?;
        let body = request.into_inner();
        let size = convert::preview_size(&body.size)?;
        let wanted = Wanted::of_number(body.page).map_err(Failure::from)?;
        let (kept, reader) = self.readable(&caller, convert::id(&body.file_id, "file_id")?).await?;
        let shown = previews::shown(&kept).map_err(Failure::from)?;
        let (picture, pieces) = if shown.any() {
            let anew = wanted == Wanted::Opening;
            let opened = Opened { form: size.id(), reason: &body.reason, anew };
            downloads::record(&self.units, caller.clone(), reader, &kept, opened).await?;
            self.previews.open(&caller, &kept, size, wanted.number()).await?
        } else {
            previews::nothing()
        };
        let part = |part| PreviewResponse { part: Some(part) };
        let head = part(preview_response::Part::Preview(convert::preview(&kept, shown, &picture)));
        let body = chunks(pieces).map_ok(move |piece| part(preview_response::Part::Chunk(piece)));
        Ok(Response::new(stream::iter([Ok(head)]).chain(body).boxed()))
    }
    async fn get_upload_limits(
        &self,
        request: Request<GetUploadLimitsRequest>,
    ) -> Result<Response<UploadLimits>, Status> {
        caller(&request)?;
        Ok(Response::new(convert::upload_limits()))
    }
}
