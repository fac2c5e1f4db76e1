//! Repeated requests: the same id gives the same answer and one effect; another body under it is refused.
//!
//! Source: reliability, section 6.
use anyhow::Result;
use futures::future::join_all;
use proto::reviews::{ListApplicationsRequest, ReturnRequest};
use system_tests::{System, cases::Stage};
use tonic::Code;
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_answered_again_and_done_once() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    let again = county.repeating(&county.request_id());
    let answers = join_all((0..8).map(|_| again.pass(&case.view, "同意"))).await;
    let first = again.pass(&case.view, "同意").await?;
    assert_eq!(first.stage, "PaperCheck");
    for answer in answers {
        assert_eq!(answer?, first);
    }
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);

    let other = again.pass(&case.view, "另一意见").await.unwrap_err();
    assert_eq!(
        (other.code, other.reason.as_str(), other.field()),
        (Code::AlreadyExists, "request_reused", "request_id")
    );
    // The id belongs to the caller and the method: somebody else's same id is another request.
    let second = system.official("co_other", "county", &["410105"]).await?;
    let id = again.request_id();
    let refused = second.repeating(&id).pass(&case.view, "同意").await.unwrap_err();
    assert_eq!(refused.reason, "stale_version");
    let missing = county.repeating("").pass(&case.view, "同意").await.unwrap_err();
    assert_eq!((missing.reason.as_str(), missing.field()), ("request_id_missing", "request_id"));
    assert_eq!(
        system.count(Service::Reviews, "SELECT count(*) FROM history WHERE transition = 'T04'").await?,
        1
    );
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_values_are_refused_by_name_and_change_nothing() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    let filter = ListApplicationsRequest { stages: vec!["Limbo".into()], ..Default::default() };
    let refused = county.applications(filter).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "unknown_value"));
    assert!(refused.field().starts_with("stages"), "{refused}");
    let filter = ListApplicationsRequest { waits_for: "godot".into(), ..Default::default() };
    let refused = county.applications(filter).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("unknown_value", "waits_for"));
    let refused = county.send_back(&case.view, "请修改", &["colour"]).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.code), ("unknown_item", Code::InvalidArgument));
    let refused = system.round_with(|policy| policy.gate_a = "maybe".into()).await.unwrap_err();
    let refused = refused.downcast_ref::<system_tests::Refused>().expect("the service refused");
    assert!(refused.field().ends_with("gate_a"), "{refused}");
    let malformed = county.application("not-an-id").await.unwrap_err();
    assert_eq!(malformed.code, Code::NotFound, "no id of anything that exists");
    let person = system_tests::cast::person("nobody01", "mayor", &["410105"]);
    let refused = system.administrator().await?.create_official(&person).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("unknown_value", "roles"));
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02"]);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_needs_an_opinion_and_an_item() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    let silent = county.send_back(&case.view, "  ", &["address"]).await.unwrap_err();
    assert_eq!((silent.reason.as_str(), silent.field()), ("opinion_missing", "opinion"));
    let empty = county.send_back(&case.view, "请修改", &[]).await.unwrap_err();
    assert_eq!((empty.reason.as_str(), empty.field()), ("items_missing", "items"));
    let everything = ReturnRequest {
        request_id: county.request_id(),
        application_id: case.id().to_owned(),
        version: case.view.version,
        judged: xtask::driver::review::judged(&case.view),
        opinion: "请全面核对".into(),
        items: vec!["address".into()],
        open_all: true,
    };
    county.send_back_with(everything).await?;
    let back = case.operator().application(case.id()).await?;
    assert!(back.return_open_all && back.open_fields.len() == 8, "{:?}", back.open_fields);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_by_key_and_stable_while_others_insert() -> Result<()> {
    let system = System::start().await?;
    let first = system.application().at(Stage::CountyReview).await?;
    for _ in 0..4 {
        system.application().of(&first.company).at(Stage::CountyReview).await?;
    }
    let county = system.county("410105").await?;
    let page = |page_token: String| {
        let page = Some(proto::common::Page { page_size: 2, page_token });
        let body = ListApplicationsRequest { page, ..Default::default() };
        county.ask(body, |to, request| async move { to.applications().list_applications(request).await })
    };
    let mut seen = Vec::new();
    let one = page(String::new()).await?;
    seen.extend(one.applications.iter().map(|one| one.application_no.clone()));
    system.application().of(&first.company).at(Stage::CountyReview).await?;
    let two = page(one.next_page_token).await?;
    seen.extend(two.applications.iter().map(|one| one.application_no.clone()));
    let three = page(two.next_page_token).await?;
    seen.extend(three.applications.iter().map(|one| one.application_no.clone()));
    assert_eq!((seen.len(), three.next_page_token.as_str()), (5, ""));
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.reverse();
    sorted.dedup();
    assert_eq!(seen, sorted, "newest first, none twice");
    let bad = page("nonsense".into()).await.unwrap_err();
    assert_eq!((bad.reason.as_str(), bad.code), ("page_token_invalid", Code::InvalidArgument));
    system.finish().await
}
