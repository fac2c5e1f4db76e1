//! What callers do, in one line each: announce, upload, place, enter, allocate, seal.

use chassis::{Failure, consumer::Outcome};
use prost::Message as _;
use proto::{
    common::Envelope,
    documents::{
        AllocateInvoiceRequest, Dossier, EnterInvoiceRequest, File, GetDossierRequest, Invoice,
        PlaceFileRequest, Seal, SealDossierRequest, UploadDeclaration, UploadRequest, upload_request,
    },
    reviews::{ApplicationEvent, ApplicationFacts},
};
use uuid::Uuid;

use crate::harness::{Platform, Refused, Who, answer, declare, entry, fresh, id, pdf};

impl Platform {
    /// What reviews announces about an application: event, stage, submission with its kind, items.
    pub async fn tell(
        &self,
        (application, operator): (Uuid, Uuid),
        kind: &str,
        to_stage: &str,
        submission: (i32, &str),
        items: &[&str],
    ) -> Result<Outcome, Failure> {
        let version = *self
            .versions
            .lock()
            .expect("not poisoned")
            .entry(application)
            .and_modify(|last| *last += 1)
            .or_insert(1);
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        self.know((application, operator), to_stage, submission, "");
        let payload = ApplicationEvent {
            application_id: application.to_string(),
            operator_id: operator.to_string(),
            county: "410105".into(),
            prefecture: "410100".into(),
            to_stage: to_stage.into(),
            submission_version: submission.0,
            submission_kind: submission.1.into(),
            items,
            ..ApplicationEvent::default()
        };
        let envelope = Envelope {
            event_id: fresh(),
            r#type: kind.into(),
            schema_version: 1,
            aggregate_type: "application".into(),
            aggregate_id: application.to_string(),
            aggregate_version: version,
            payload: payload.encode_to_vec().into(),
            ..Envelope::default()
        };
        self.applier.apply(&envelope).await
    }

    /// What reviews answers when it is asked.
    pub fn know(
        &self,
        (application, operator): (Uuid, Uuid),
        stage: &str,
        submission: (i32, &str),
        hash: &str,
    ) {
        let facts = ApplicationFacts {
            application_id: application.to_string(),
            operator_id: operator.to_string(),
            county: "410105".into(),
            prefecture: "410100".into(),
            stage: stage.into(),
            submission_version: submission.0,
            submission_kind: submission.1.into(),
            dossier_hash: hash.into(),
            ..ApplicationFacts::default()
        };
        self.facts.0.lock().expect("not poisoned").insert(application.to_string(), facts);
    }

    /// An application whose dossier is open.
    pub async fn open(&self, operator: Uuid) -> (Uuid, Uuid) {
        let both = (id(), operator);
        self.tell(both, "drafted", "Draft", (0, ""), &[]).await.expect("applied");
        self.tell(both, "paper_check_passed", "MaterialsDue", (1, "acceptance"), &[]).await.expect("applied");
        both
    }

    pub async fn upload_with(
        &self,
        who: Who,
        declaration: UploadDeclaration,
        bytes: &[u8],
    ) -> Result<File, Refused> {
        let mut parts = vec![upload_request::Part::Declaration(declaration.clone())];
        parts.extend(bytes.chunks(10_000).map(|chunk| upload_request::Part::Chunk(chunk.to_vec().into())));
        let parts: Vec<_> = parts.into_iter().map(|part| UploadRequest { part: Some(part) }).collect();
        let stream = tokio_stream::iter(parts);
        let mut files = self.files(who);
        if declaration.purpose == "business_licence" {
            answer(files.upload_licence(stream).await)
        } else {
            answer(files.upload(stream).await)
        }
    }

    pub async fn upload(
        &self,
        (application, operator): (Uuid, Uuid),
        slot: &str,
        bytes: &[u8],
    ) -> Result<File, Refused> {
        let declaration = UploadDeclaration {
            purpose: "material".into(),
            application_id: application.to_string(),
            slot: slot.into(),
            ..declare("材料.pdf", bytes)
        };
        self.upload_with(Who::Operator(operator), declaration, bytes).await
    }

    /// Uploads and places a file of its own in a slot.
    pub async fn fill(&self, both: (Uuid, Uuid), slot: &str) -> Dossier {
        let file = self.upload(both, slot, &pdf(&format!("{slot} {}", fresh()))).await.expect("uploaded");
        assert_eq!(file.state, "clean", "{}", file.reason);
        self.place(both, slot, &file.file_id, "", 0).await.expect("placed")
    }

    pub async fn place(
        &self,
        (application, operator): (Uuid, Uuid),
        slot: &str,
        file_id: &str,
        replaces: &str,
        edits: i64,
    ) -> Result<Dossier, Refused> {
        let request = PlaceFileRequest {
            request_id: fresh(),
            application_id: application.to_string(),
            slot: slot.into(),
            file_id: file_id.into(),
            edits,
            replaces_file_id: replaces.into(),
        };
        answer(self.dossiers(Who::Operator(operator)).place_file(request).await)
    }

    pub async fn dossier(&self, (application, operator): (Uuid, Uuid)) -> Result<Dossier, Refused> {
        let request = GetDossierRequest { application_id: application.to_string() };
        answer(self.dossiers(Who::Operator(operator)).get_dossier(request).await)
    }

    /// Enters an invoice with a number of its own.
    pub async fn invoice(&self, operator: Uuid, amount_fen: i64) -> Invoice {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let entry = EnterInvoiceRequest { amount_fen, number: format!("2541{number:016}"), ..entry() };
        answer(self.invoices(operator).enter_invoice(entry).await).expect("entered")
    }

    pub async fn allocate(
        &self,
        invoice: &str,
        (application, operator): (Uuid, Uuid),
        used_fen: i64,
    ) -> Result<Invoice, Refused> {
        let request = AllocateInvoiceRequest {
            request_id: fresh(),
            invoice_id: invoice.into(),
            application_id: application.to_string(),
            used_fen,
            version: 0,
        };
        answer(self.invoices(operator).allocate_invoice(request).await)
    }

    /// Seals for a request of its own.
    pub async fn seal(
        &self,
        both: (Uuid, Uuid),
        submission_version: i32,
        required: &[&str],
        items: &[&str],
    ) -> Result<Seal, Refused> {
        self.seal_for("a request", both, submission_version, required, items).await
    }

    pub async fn seal_for(
        &self,
        holder: &str,
        (application, operator): (Uuid, Uuid),
        submission_version: i32,
        required: &[&str],
        items: &[&str],
    ) -> Result<Seal, Refused> {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let request = SealDossierRequest {
            application_id: application.to_string(),
            operator_id: operator.to_string(),
            submission_version,
            kind: "materials".into(),
            required_slots: texts(required),
            return_items: texts(items),
            holder: holder.into(),
        };
        answer(self.sealing().seal_dossier(request).await)
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.expect("counted")
    }
}
