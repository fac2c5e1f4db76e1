//! Dossiers: files uploaded and placed, invoices entered and used, what is still missing.
//!
//! Owns: the verbs of documents. Not: which slots a round requires; that is its policy.
use bytes::Bytes;
use proto::documents::{
    AllocateInvoiceRequest, AttachFileRequest, CheckDossierRequest, DeleteInvoiceRequest,
    DiffRevisionsRequest, Dossier, DownloadRequest, EnterInvoiceRequest, ExplainRequest, File,
    GetDossierRequest, GetFileRequest, GetInvoiceRequest, GetRevisionRequest, Invoice, ListInvoicesRequest,
    ListRevisionsRequest, PlaceFileRequest, Problem, ReleaseAllocationRequest, RemoveFileRequest, Revision,
    RevisionDiff, RevisionSummary, UploadDeclaration, UploadRequest, download_response, upload_request,
};
use sha2::{Digest as _, Sha256};

use super::{actor::Actor, refused::Answer};

/// Largest part of an upload. Source: the contract (1 byte to 1 MiB).
const CHUNK: usize = 256 * 1024;

/// A file to upload: its name and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Name with extension.
    pub name: String,
    /// Content.
    pub content: Bytes,
}

impl Upload {
    fn declare(&self, purpose: &str) -> UploadDeclaration {
        UploadDeclaration {
            purpose: purpose.to_owned(),
            file_name: self.name.clone(),
            size_bytes: i64::try_from(self.content.len()).unwrap_or(i64::MAX),
            sha256: hex::encode(Sha256::digest(&self.content)),
            ..UploadDeclaration::default()
        }
    }
}

impl Actor {
    /// Uploads a file for a slot of an application. The answer's state says whether it is clean.
    ///
    /// Errors: as `Files.Upload`.
    pub async fn upload(&self, application_id: &str, slot: &str, file: &Upload) -> Answer<File> {
        let declaration = UploadDeclaration {
            application_id: application_id.to_owned(),
            slot: slot.to_owned(),
            ..file.declare("material")
        };
        self.upload_with(declaration, &file.content).await
    }

    /// Uploads the picture or file of an invoice. Errors: as `Files.Upload`.
    pub async fn upload_invoice(&self, file: &Upload) -> Answer<File> {
        self.upload_with(file.declare("invoice"), &file.content).await
    }

    /// Uploads with exactly this declaration; only the request id is added. Errors: as `Files.Upload`.
    pub async fn upload_with(&self, declaration: UploadDeclaration, content: &Bytes) -> Answer<File> {
        let parts = self.parts(declaration, content);
        self.ask(parts, |to, request| async move { to.files().upload(request.map(tokio_stream::iter)).await })
            .await
    }

    /// Uploads a business licence before there is an account. Errors: as `Files.UploadLicence`.
    pub async fn upload_licence(&self, registration_id: &str, file: &Upload) -> Answer<File> {
        let registration_id = registration_id.to_owned();
        let declaration = UploadDeclaration { registration_id, ..file.declare("business_licence") };
        let parts = self.parts(declaration, &file.content);
        self.ask(parts, |to, request| async move {
            to.files().upload_licence(request.map(tokio_stream::iter)).await
        })
        .await
    }

    fn parts(&self, declaration: UploadDeclaration, content: &Bytes) -> Vec<UploadRequest> {
        let declaration = UploadDeclaration { request_id: self.request_id(), ..declaration };
        let chunks = (0..content.len()).step_by(CHUNK).map(|start| {
            let part = content.slice(start..content.len().min(start + CHUNK));
            upload_request::Part::Chunk(part)
        });
        std::iter::once(upload_request::Part::Declaration(declaration))
            .chain(chunks)
            .map(|part| UploadRequest { part: Some(part) })
            .collect()
    }

    /// What documents knows about a file. Errors: `not_found`.
    pub async fn file(&self, file_id: &str) -> Answer<File> {
        let body = GetFileRequest { file_id: file_id.to_owned() };
        self.ask(body, |to, request| async move { to.files().get_file(request).await }).await
    }

    /// Downloads a file. Errors: `not_found`, `file_not_clean`, `reason_required`.
    pub async fn download(&self, file_id: &str, reason: &str) -> Answer<Vec<u8>> {
        let body = DownloadRequest { file_id: file_id.to_owned(), reason: reason.to_owned() };
        let mut stream =
            self.ask(body, |to, request| async move { to.files().download(request).await }).await?;
        let mut content = Vec::new();
        while let Some(message) = stream.message().await? {
            if let Some(download_response::Part::Chunk(chunk)) = message.part {
                content.extend_from_slice(&chunk);
            }
        }
        Ok(content)
    }

    /// The open revision of a dossier, or the sealed one while it is locked. Errors: `not_found`.
    pub async fn dossier(&self, application_id: &str) -> Answer<Dossier> {
        let body = GetDossierRequest { application_id: application_id.to_owned() };
        self.ask(body, |to, request| async move { to.dossiers().get_dossier(request).await }).await
    }

    /// Puts a clean file into a slot, beside what is there. Errors: as `PlaceFile`.
    pub async fn place(&self, application_id: &str, slot: &str, file_id: &str) -> Answer<Dossier> {
        self.replace(application_id, slot, file_id, "").await
    }

    /// Puts a clean file into a slot in the place of another; an empty `replaces` adds. Errors: as `PlaceFile`.
    pub async fn replace(
        &self,
        application_id: &str,
        slot: &str,
        file_id: &str,
        replaces: &str,
    ) -> Answer<Dossier> {
        let body = PlaceFileRequest {
            request_id: self.request_id(),
            application_id: application_id.to_owned(),
            slot: slot.to_owned(),
            file_id: file_id.to_owned(),
            edits: 0,
            replaces_file_id: replaces.to_owned(),
        };
        self.ask(body, |to, request| async move { to.dossiers().place_file(request).await }).await
    }

    /// Takes a file out of its slot. Errors: `file_not_placed` and those of a dossier change.
    pub async fn remove(&self, application_id: &str, file_id: &str, edits: i64) -> Answer<Dossier> {
        let (application_id, file_id) = (application_id.to_owned(), file_id.to_owned());
        let body = RemoveFileRequest { request_id: self.request_id(), application_id, file_id, edits };
        self.ask(body, |to, request| async move { to.dossiers().remove_file(request).await }).await
    }

    /// Answers an item of a return in words. Errors: those of a dossier change.
    pub async fn explain(&self, application_id: &str, item: &str, text: &str) -> Answer<Dossier> {
        let body = ExplainRequest {
            request_id: self.request_id(),
            application_id: application_id.to_owned(),
            item: item.to_owned(),
            text: text.to_owned(),
            edits: 0,
        };
        self.ask(body, |to, request| async move { to.dossiers().explain(request).await }).await
    }

    /// What is missing before the dossier can be sealed; empty when nothing is.
    pub async fn check_dossier(&self, application_id: &str) -> Answer<Vec<Problem>> {
        let application_id = application_id.to_owned();
        let body = CheckDossierRequest { application_id, ..CheckDossierRequest::default() };
        let answer =
            self.ask(body, |to, request| async move { to.dossiers().check_dossier(request).await }).await?;
        Ok(answer.problems)
    }

    /// Sealed revisions, oldest first. Errors: `not_found`.
    pub async fn revisions(&self, application_id: &str) -> Answer<Vec<RevisionSummary>> {
        let body = ListRevisionsRequest { application_id: application_id.to_owned() };
        let answer =
            self.ask(body, |to, request| async move { to.dossiers().list_revisions(request).await }).await?;
        Ok(answer.revisions)
    }

    /// One sealed revision; 0 is the latest. Errors: `not_found`.
    pub async fn revision(&self, application_id: &str, revision: i32) -> Answer<Revision> {
        let body = GetRevisionRequest { application_id: application_id.to_owned(), revision };
        self.ask(body, |to, request| async move { to.dossiers().get_revision(request).await }).await
    }

    /// What changed between two sealed revisions. Errors: `not_found`.
    pub async fn diff(&self, application_id: &str, from: i32, to: i32) -> Answer<RevisionDiff> {
        let body = DiffRevisionsRequest { application_id: application_id.to_owned(), from, to };
        self.ask(body, |to, request| async move { to.dossiers().diff_revisions(request).await }).await
    }

    /// Enters an invoice; the request id is added. Errors: as `EnterInvoice`.
    pub async fn enter_invoice(&self, invoice: EnterInvoiceRequest) -> Answer<Invoice> {
        let body = EnterInvoiceRequest { request_id: self.request_id(), ..invoice };
        self.ask(body, |to, request| async move { to.invoices().enter_invoice(request).await }).await
    }

    /// Uses a part of an invoice for an application. Errors: as `AllocateInvoice`.
    pub async fn allocate(&self, invoice_id: &str, application_id: &str, used_fen: i64) -> Answer<Invoice> {
        let body = AllocateInvoiceRequest {
            request_id: self.request_id(),
            invoice_id: invoice_id.to_owned(),
            application_id: application_id.to_owned(),
            used_fen,
            version: 0,
        };
        self.ask(body, |to, request| async move { to.invoices().allocate_invoice(request).await }).await
    }

    /// Takes an application's use of an invoice back. Errors: as `ReleaseAllocation`.
    pub async fn release(&self, invoice_id: &str, application_id: &str) -> Answer<Invoice> {
        let body = ReleaseAllocationRequest {
            request_id: self.request_id(),
            invoice_id: invoice_id.to_owned(),
            application_id: application_id.to_owned(),
            version: 0,
        };
        self.ask(body, |to, request| async move { to.invoices().release_allocation(request).await }).await
    }

    /// Deletes an invoice with all its uses. Errors: `invoice_locked`, `not_found`.
    pub async fn delete_invoice(&self, invoice_id: &str) -> Answer<Invoice> {
        let invoice_id = invoice_id.to_owned();
        let body = DeleteInvoiceRequest { request_id: self.request_id(), invoice_id, version: 0 };
        self.ask(body, |to, request| async move { to.invoices().delete_invoice(request).await }).await
    }

    /// Attaches a clean file to an invoice. Errors: `file_not_clean`, `invoice_locked`.
    pub async fn attach_file(&self, invoice_id: &str, file_id: &str) -> Answer<Invoice> {
        let (invoice_id, file_id) = (invoice_id.to_owned(), file_id.to_owned());
        let body = AttachFileRequest { request_id: self.request_id(), invoice_id, file_id, version: 0 };
        self.ask(body, |to, request| async move { to.invoices().attach_file(request).await }).await
    }

    /// Reads an invoice with its uses. Errors: `not_found`.
    pub async fn invoice(&self, invoice_id: &str) -> Answer<Invoice> {
        let body = GetInvoiceRequest { invoice_id: invoice_id.to_owned() };
        self.ask(body, |to, request| async move { to.invoices().get_invoice(request).await }).await
    }

    /// Every invoice of the operator, newest first; of one application when it is named.
    pub async fn invoices(&self, application_id: &str) -> Answer<Vec<Invoice>> {
        let mut found = Vec::new();
        let mut body = ListInvoicesRequest {
            application_id: application_id.to_owned(),
            ..ListInvoicesRequest::default()
        };
        loop {
            let page = self
                .ask(body.clone(), |to, request| async move { to.invoices().list_invoices(request).await })
                .await?;
            found.extend(page.invoices);
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            body.page = Some(proto::common::Page { page_size: 0, page_token: page.next_page_token });
        }
    }
}
