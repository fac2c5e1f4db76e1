//! The licence of a registration or profile: documents must know it, as a clean file of the company itself. Beside the
//! tests a small server that answers as documents does.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use chassis::Failure;
use futures::stream::BoxStream;
use proto::{
    accounts::{ChangeProfileRequest, Profile, RegisterRequest, ResubmitRequest},
    documents::{
        DownloadRequest, DownloadResponse, File, GetFileRequest, GetUploadLimitsRequest, ListFilesRequest,
        ListFilesResponse, PreviewRequest, PreviewResponse, UploadLimits, UploadPartRequest,
        UploadPartResponse, UploadRequest,
        files_server::{Files, FilesServer},
    },
};
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::setup::{Bench, USCCS, approve, by, fields, profile, reason, registration, request_id, send_back};

/// Every file that a test has made; ids are never made twice, so all servers share them.
static KEPT: LazyLock<Mutex<HashMap<String, File>>> = LazyLock::new(Mutex::default);

/// A clean licence of this owner; gives its id.
pub fn licence(owner: &str) -> String {
    keep(File { owner_id: owner.into(), ..File::default() })
}

fn keep(file: File) -> String {
    let set = |given: String, default: &str| if given.is_empty() { default.to_owned() } else { given };
    let id = request_id();
    let file = File {
        file_id: id.clone(),
        purpose: set(file.purpose, "business_licence"),
        state: set(file.state, "clean"),
        sha256: "0a".repeat(32),
        ..file
    };
    KEPT.lock().expect("not poisoned").insert(id.clone(), file);
    id
}

struct Documents;

#[tonic::async_trait]
impl Files for Documents {
    type DownloadStream = BoxStream<'static, Result<DownloadResponse, Status>>;
    type PreviewStream = BoxStream<'static, Result<PreviewResponse, Status>>;

    async fn get_file(&self, request: Request<GetFileRequest>) -> Result<Response<File>, Status> {
        assert!(request.metadata().contains_key("authorization"), "accounts signs what it asks");
        let kept = KEPT.lock().expect("not poisoned").get(&request.get_ref().file_id).cloned();
        kept.map(Response::new).ok_or_else(|| Status::from(Failure::not_found()))
    }

    async fn upload(&self, _: Request<Streaming<UploadRequest>>) -> Result<Response<File>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn upload_part(
        &self,
        _: Request<UploadPartRequest>,
    ) -> Result<Response<UploadPartResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn upload_licence(&self, _: Request<Streaming<UploadRequest>>) -> Result<Response<File>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn list_files(&self, _: Request<ListFilesRequest>) -> Result<Response<ListFilesResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn download(&self, _: Request<DownloadRequest>) -> Result<Response<Self::DownloadStream>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn preview(&self, _: Request<PreviewRequest>) -> Result<Response<Self::PreviewStream>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn get_upload_limits(
        &self,
        _: Request<GetUploadLimitsRequest>,
    ) -> Result<Response<UploadLimits>, Status> {
        Err(Status::unimplemented("not asked here"))
    }
}

/// Starts a server that answers as documents does; gives its address.
pub fn documents() -> String {
    let address = chassis::testing::free_port();
    tokio::spawn(tonic::transport::Server::builder().add_service(FilesServer::new(Documents)).serve(address));
    format!("http://{address}")
}

fn with(licence_file_id: String, number: usize) -> Option<Profile> {
    Some(Profile { licence_file_id, ..profile(USCCS[number]) })
}

#[tokio::test]
async fn a_registration_needs_a_clean_licence_and_takes_its_id() {
    let bench = Bench::start().await;
    let owner = request_id();
    let file = |purpose: &str, state: &str| {
        keep(File {
            owner_id: owner.clone(),
            purpose: purpose.into(),
            state: state.into(),
            ..File::default()
        })
    };
    for (id, expected) in [
        (request_id(), "licence_missing"),
        (file("material", "clean"), "licence_missing"),
        (file("business_licence", "pending"), "licence_not_clean"),
        (file("business_licence", "rejected"), "licence_not_clean"),
    ] {
        let body = RegisterRequest { profile: with(id, 0), ..registration("op01", USCCS[0]) };
        let refused = bench.registration().register(body).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, expected));
        assert_eq!(fields(&refused), ["licence_file_id"]);
    }
    let body = RegisterRequest { profile: with(licence(&owner), 0), ..registration("op01", USCCS[0]) };
    let made = bench.registration().register(body).await.unwrap().into_inner();
    assert_eq!(made.operator_id, owner);
    let kept: String = sqlx::query_scalar("SELECT licence_sha256 FROM operator_submissions")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(kept, "0a".repeat(32));
    let body = RegisterRequest { profile: with(licence(&owner), 1), ..registration("op02", USCCS[1]) };
    let refused = bench.registration().register(body).await.unwrap_err();
    assert_eq!(
        (reason(&refused).as_str(), fields(&refused)),
        ("licence_used", vec!["licence_file_id".into()])
    );
    assert_eq!(bench.count("SELECT count(*) FROM operators").await, 1);
    bench.conclude().await;
}

#[tokio::test]
async fn of_many_registrations_with_one_licence_exactly_one_is_accepted() {
    let bench = Bench::start().await;
    let id = licence(&request_id());
    let tries = (0..USCCS.len()).map(|number| {
        let mut client = bench.registration();
        let login = format!("racer{number}");
        let body =
            RegisterRequest { profile: with(id.clone(), number), ..registration(&login, USCCS[number]) };
        async move { client.register(body).await }
    });
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(reason(refused), "licence_used");
    }
    bench.conclude().await;
}

#[tokio::test]
async fn an_operator_hands_in_its_own_licence_only() {
    let bench = Bench::start().await;
    let operator = bench.register("op01", USCCS[0]).await.unwrap().operator_id;
    let administrator = bench.official("admin01", "administrator").await;
    bench.review().r#return(by(&administrator, send_back(&operator, 1, "执照不清晰"))).await.unwrap();
    let applicant = bench.person("op01").await;
    let again = |licence_file_id| ResubmitRequest {
        request_id: request_id(),
        entry: "workbench".into(),
        profile: with(licence_file_id, 0),
        truth_declared: true,
    };
    let foreign = again(licence(&Uuid::now_v7().to_string()));
    let refused = bench.registration().resubmit(by(&applicant, foreign)).await.unwrap_err();
    assert_eq!(
        (reason(&refused).as_str(), fields(&refused)),
        ("licence_foreign", vec!["licence_file_id".into()])
    );
    bench.registration().resubmit(by(&applicant, again(licence(&operator)))).await.unwrap();
    bench.review().approve(by(&administrator, approve(&operator, 2))).await.unwrap();

    let user = bench.person("op01").await;
    let change = |licence_file_id| ChangeProfileRequest {
        request_id: request_id(),
        profile: with(licence_file_id, 0),
        truth_declared: true,
    };
    for (id, expected) in [
        (licence(&request_id()), "licence_foreign"),
        (request_id(), "licence_missing"),
        (
            keep(File { owner_id: operator.clone(), state: "rejected".into(), ..File::default() }),
            "licence_not_clean",
        ),
    ] {
        let refused = bench.registration().change_profile(by(&user, change(id))).await.unwrap_err();
        assert_eq!(reason(&refused), expected);
    }
    let own = bench.registration().change_profile(by(&user, change(licence(&operator)))).await.unwrap();
    assert!(own.into_inner().review_pending);
    bench.conclude().await;
}

#[tokio::test]
async fn while_documents_is_away_nobody_registers() {
    let bench = Bench::start_with(|config| {
        config.peers.insert("documents".into(), format!("http://{}", chassis::testing::free_port()));
    })
    .await;
    let body = registration("op01", USCCS[0]);
    let refused = bench.registration().register(body).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(bench.count("SELECT count(*) FROM operators").await, 0);
    bench.conclude().await;
}
