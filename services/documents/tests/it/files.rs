//! Uploads and downloads over gRPC.

use std::{sync::Arc, time::Duration};

use chassis::Caller;
use documents::{app::uploads::Uploads, inspect::worker::Inspector};
use proto::documents::{
    AttachFileRequest, DownloadRequest, GetFileRequest, GetRevisionRequest, ListFilesRequest,
    UploadDeclaration, UploadPartRequest, UploadPartResponse, download_response,
};

use crate::harness::{Platform, USCC, Who, answer, declare, fresh, number, pdf, reason};

async fn download(platform: &Platform, who: Who, file_id: &str, why: &str) -> Result<Vec<u8>, String> {
    let request = DownloadRequest { file_id: file_id.into(), reason: why.into() };
    let mut stream = answer(platform.files(who).download(request).await).map_err(|refused| refused.reason)?;
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await.expect("the stream goes on") {
        if let Some(download_response::Part::Chunk(chunk)) = message.part {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_inspected_kept_under_its_hash_and_read_back() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    let bytes = pdf(&"x".repeat(700_000));
    let file = platform.upload(both, "M1", &bytes).await.expect("uploaded");
    assert_eq!((file.state.as_str(), file.media_type.as_str()), ("clean", "application/pdf"));
    assert_eq!(download(&platform, Who::Operator(both.1), &file.file_id, "").await.expect("own"), bytes);
    assert_eq!(platform.count("SELECT count(*) FROM downloads").await, 1);
    let foreign = download(&platform, Who::Operator(number(2)), &file.file_id, "").await;
    let missing = download(&platform, Who::Operator(number(2)), &fresh(), "").await;
    assert_eq!((foreign.clone(), foreign), (missing, Err("not_found".into())));
    let script = b"%PDF-1.4\n1 0 obj<</S/JavaScript/JS(x)>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
    let rejected = platform.upload(both, "M1", script).await.expect("answered");
    assert_eq!((rejected.state.as_str(), rejected.reason.as_str()), ("rejected", "pdf_script"));
    assert!(rejected.reason_text.contains("含危险内容"));
    assert_eq!(reason(platform.place(both, "M1", &rejected.file_id, "", 0).await), "file_not_clean");
    assert_eq!(
        download(&platform, Who::Operator(both.1), &rejected.file_id, "").await,
        Err("file_not_clean".into())
    );
    let request = ListFilesRequest { application_id: both.0.to_string(), page: None };
    let listed = answer(platform.files(Who::Operator(both.1)).list_files(request).await).expect("listed");
    assert_eq!(listed.files.len(), 2);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_declared_must_come_and_a_repetition_goes_on() {
    let platform = Platform::start().await;
    let operator = Who::Operator(number(1));
    let bytes = pdf("declared");
    let declaration = declare("发票.pdf", &bytes);
    let short = platform.upload_with(operator, declaration.clone(), &bytes[..50]).await;
    assert_eq!(reason(short), "file_size_mismatch");
    let long = platform.upload_with(operator, declaration.clone(), &[&bytes[..], b"x"].concat()).await;
    assert_eq!(reason(long), "file_size_mismatch");
    let mut other = bytes.clone();
    other[20] = b'!';
    assert_eq!(
        reason(platform.upload_with(operator, declaration.clone(), &other).await),
        "file_hash_mismatch"
    );
    let first = platform.upload_with(operator, declaration.clone(), &bytes).await.expect("now whole");
    let again = platform.upload_with(operator, declaration.clone(), b"").await.expect("a repetition");
    assert_eq!((first.clone(), first.state.as_str()), (again, "clean"));
    assert_eq!(platform.count("SELECT count(*) FROM files").await, 1);
    let another = UploadDeclaration { file_name: "其他.pdf".into(), ..declaration };
    assert_eq!(reason(platform.upload_with(operator, another, &bytes).await), "request_reused");
    for (expected, declaration) in [
        ("file_too_large", UploadDeclaration { size_bytes: 20 * 1024 * 1024 + 1, ..declare("a.pdf", b"") }),
        ("file_empty", declare("a.pdf", b"")),
        ("file_type_unsupported", declare("a.pdf.exe", b"x")),
        ("file_name_invalid", declare("../a.pdf", b"x")),
        ("hash_invalid", UploadDeclaration { sha256: "x".into(), ..declare("a.pdf", b"x") }),
        ("unknown_value", UploadDeclaration { purpose: "other".into(), ..declare("a.pdf", b"x") }),
        ("request_id_missing", UploadDeclaration { request_id: String::new(), ..declare("a.pdf", b"x") }),
    ] {
        assert_eq!(reason(platform.upload_with(operator, declaration, b"").await), expected);
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_in_parts_and_goes_on_where_it_was_lost() {
    const MIB: usize = 1 << 20;
    let platform = Platform::start().await;
    let operator = Who::Operator(number(1));
    let bytes = pdf(&"部分".repeat(500_000));
    assert_eq!(bytes.len().div_ceil(MIB), 3, "three parts");
    let declaration = declare("发票.pdf", &bytes);
    let put = async |at: usize, chunk: &[u8]| {
        let request = UploadPartRequest {
            declaration: Some(declaration.clone()),
            offset: i64::try_from(at).expect("small"),
            chunk: chunk.to_vec().into(),
        };
        answer(platform.files(operator).upload_part(request).await)
    };
    let part = |number: usize| &bytes[number * MIB..bytes.len().min((number + 1) * MIB)];
    let received = |answer: &UploadPartResponse| usize::try_from(answer.received_bytes).expect("small");
    assert_eq!(received(&put(0, b"").await.expect("asked")), 0);
    assert_eq!(received(&put(MIB, part(1)).await.expect("too early")), 0);
    assert_eq!(received(&put(0, part(0)).await.expect("the first")), MIB);
    assert_eq!(received(&put(0, part(0)).await.expect("again")), MIB);
    for (at, chunk) in
        [(7, part(0)), (MIB, &part(1)[1..]), (MIB, &bytes[..MIB + 1]), (3 * MIB, part(0)), (1 << 62, part(0))]
    {
        assert_eq!(reason(put(at, chunk).await), "part_misshapen");
    }
    for offset in [i64::MIN, -1 << 20] {
        let before = UploadPartRequest {
            declaration: Some(declaration.clone()),
            offset,
            chunk: part(0).to_vec().into(),
        };
        assert_eq!(reason(answer(platform.files(operator).upload_part(before).await)), "part_misshapen");
    }
    let second = put(MIB, part(1)).await.expect("the second");
    assert_eq!((received(&second), second.file.expect("a file").state), (2 * MIB, "pending".to_owned()));
    let stranger =
        UploadPartRequest { declaration: Some(declaration.clone()), ..UploadPartRequest::default() };
    let theirs =
        answer(platform.files(Who::Operator(number(2))).upload_part(stranger).await).expect("their own");
    assert_eq!(received(&theirs), 0, "another company's upload of the same name");
    let last = put(2 * MIB, part(2)).await.expect("the last");
    let file = last.file.expect("a file");
    assert_eq!((file.state.as_str(), last.received_bytes), ("clean", file.size_bytes));
    assert_eq!(download(&platform, operator, &file.file_id, "").await.expect("own"), bytes);
    assert_eq!(put(2 * MIB, part(2)).await.expect("a repetition").file.expect("a file"), file);
    assert!(platform.blobs.parts(file.file_id.parse().expect("an id")).await.expect("listed").is_empty());
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_not_what_was_declared_begin_anew() {
    let platform = Platform::start().await;
    let operator = Who::Operator(number(1));
    let bytes = pdf("declared");
    let mut other = bytes.clone();
    other[20] = b'!';
    let declaration = declare("发票.pdf", &bytes);
    let put = async |chunk: &[u8]| {
        let request = UploadPartRequest {
            declaration: Some(declaration.clone()),
            offset: 0,
            chunk: chunk.to_vec().into(),
        };
        answer(platform.files(operator).upload_part(request).await)
    };
    assert_eq!(reason(put(&other).await), "file_hash_mismatch");
    assert_eq!(put(b"").await.expect("asked").received_bytes, 0);
    assert_eq!(put(&bytes).await.expect("now right").file.expect("a file").state, "clean");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_may_come_before_there_is_an_account() {
    let platform = Platform::start().await;
    let registration = number(7).to_string();
    let licence = |remark: &str| {
        let bytes = pdf(remark);
        let purpose = "business_licence".to_owned();
        (
            UploadDeclaration {
                purpose,
                registration_id: registration.clone(),
                ..declare("营业执照.pdf", &bytes)
            },
            bytes,
        )
    };
    let (declaration, bytes) = licence("1");
    let bytes_of_one = bytes.len();
    let file = platform.upload_with(Who::Nobody, declaration.clone(), &bytes).await.expect("uploaded");
    assert_eq!((file.state.as_str(), file.owner_id.as_str()), ("clean", registration.as_str()));
    let nobody =
        UploadDeclaration { registration_id: String::new(), request_id: fresh(), ..declaration.clone() };
    assert_eq!(reason(platform.upload_with(Who::Nobody, nobody, &bytes).await), "registration_id_missing");
    let big = UploadDeclaration { size_bytes: 5 * 1024 * 1024 + 1, request_id: fresh(), ..declaration };
    assert_eq!(reason(platform.upload_with(Who::Nobody, big, &bytes).await), "file_too_large");
    for remark in ["2", "3", "4", "5"] {
        let (declaration, bytes) = licence(remark);
        platform.upload_with(Who::Nobody, declaration, &bytes).await.expect("room for five");
    }
    let (declaration, bytes) = licence("6");
    assert_eq!(reason(platform.upload_with(Who::Nobody, declaration, &bytes).await), "too_many_files");
    let id = &file.file_id;
    // The company that registers with it has the registration's id; accounts asks first.
    let ask = GetFileRequest { file_id: id.clone() };
    let told = answer(platform.files(Who::Accounts).get_file(ask).await).expect("told");
    assert_eq!((told.owner_id, told.sha256), (registration.clone(), file.sha256.clone()));
    assert_eq!(
        download(&platform, Who::Operator(number(7)), id, "").await.expect("its own").len(),
        bytes_of_one
    );
    let (declaration, bytes) = licence("7");
    platform
        .upload_with(Who::Operator(number(7)), declaration, &bytes)
        .await
        .expect("an operator has more room");
    let officer = Who::Official("administrator", "410000");
    assert_eq!(download(&platform, officer, id, "").await, Err("reason_required".into()));
    assert!(download(&platform, officer, id, "注册审核").await.is_ok());
    assert!(download(&platform, Who::Official("city", "410100"), id, "注册审核").await.is_ok());
    assert_eq!(
        download(&platform, Who::Official("city", "410300"), id, "注册审核").await,
        Err("not_found".into())
    );
    let request = GetFileRequest { file_id: id.clone() };
    assert_eq!(
        reason(answer(platform.files(Who::Official("expert", "410000")).get_file(request).await)),
        "not_found"
    );
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_read_in_scope_and_by_no_administrator() {
    let platform = Platform::start().await;
    let operator = number(1);
    let both = platform.open(operator).await;
    let bytes = pdf("invoice");
    let declaration = declare("发票.pdf", &bytes);
    let file =
        platform.upload_with(Who::Operator(operator), declaration, &bytes).await.expect("clean").file_id;
    let invoice = platform.invoice(operator, 10_000).await.invoice_id;
    let attach = AttachFileRequest {
        request_id: fresh(),
        invoice_id: invoice.clone(),
        file_id: file.clone(),
        version: 0,
    };
    answer(platform.invoices(operator).attach_file(attach).await).expect("attached");
    platform.allocate(&invoice, both, 5_000).await.expect("allocated");
    platform.fill(both, "M1").await;
    platform.seal(both, 2, &["M1", "M9"], &[]).await.expect("sealed");
    for (role, scope, sees_file, sees_application) in [
        ("city", "410100", true, true),
        ("county", "410105", true, true),
        ("province", "410000", true, true),
        ("administrator", "410000", false, true),
        ("city", "410000", false, false),
        ("county", "410102", false, false),
        ("expert", "410000", false, false),
    ] {
        let who = Who::Official(role, scope);
        let got = download(&platform, who, &file, "").await;
        assert_eq!(got.is_ok(), sees_file, "{role} {scope}");
        let request = GetRevisionRequest { application_id: both.0.to_string(), revision: 0 };
        let revision = answer(platform.dossiers(who).get_revision(request).await);
        assert_eq!(revision.is_ok(), sees_application, "{role} {scope}");
        if let Ok(revision) = revision {
            assert_eq!(revision.invoices.is_empty(), !sees_file, "{role} {scope}");
            let named = revision.invoices.iter().filter_map(|one| one.file.as_ref());
            assert!(named.clone().all(|file| file.file_name == "发票.pdf"), "{role} {scope}");
            assert_eq!(named.count() > 0, sees_file, "{role} {scope}");
            // Whoever judges it is told who sold what to whom, and when; whoever does not, nothing of it.
            let told: Vec<_> = revision
                .invoices
                .iter()
                .map(|one| [&one.r#type, &one.issued_on, &one.seller, &one.buyer_uscc].map(String::as_str))
                .collect();
            let whole = [["digital_special", "2025-09-18", "中原桩造示例设备有限公司", USCC]];
            assert_eq!(told, whole[..usize::from(sees_file)], "{role} {scope}");
        }
    }
    platform.facts.1.store(true, std::sync::atomic::Ordering::Relaxed);
    let request = DownloadRequest { file_id: file, reason: String::new() };
    let away = platform.files(Who::Official("city", "410100")).download(request).await.map(|_| ());
    assert_eq!(away.expect_err("nobody knows").code(), tonic::Code::Unavailable);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_company_has_two_uploads_at_a_time_and_leaves_the_other_turns_to_others() {
    let platform = Platform::start().await;
    let inspector = Inspector::new(None, Duration::from_secs(60)).expect("named");
    let uploads = Uploads::new(platform.blobs.clone(), Arc::new(inspector), 8, 0);
    let [greedy, other] = ["greedy", "other"].map(Caller::system);
    let first = uploads.turn(&greedy).await.expect("a turn");
    let second = uploads.turn(&greedy).await.expect("a turn");
    let mut third = Box::pin(uploads.turn(&greedy));
    assert!(futures::poll!(&mut third).is_pending());
    assert!(uploads.turn(&other).await.is_ok());
    drop((first, second));
    assert!(third.await.is_ok());
    platform.stop().await;
}
