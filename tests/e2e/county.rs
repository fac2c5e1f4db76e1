//! The county: return and edit, paper check, revoke, and the names of the nodes on the way to the city.
//!
//! Source: workflow, G6, T04 to T09, nodes.
use anyhow::{Context as _, Result};
use proto::reviews::{RecordPaperCheckRequest, SaveAcceptanceRequest};
use system_tests::{System, cases::Stage};
use xtask::driver::{joint, review::judged};

#[tokio::test(flavor = "multi_thread")]
async fn g06_returned_edited_passed_checked_on_paper_and_uploaded_with_the_names_of_each_node() -> Result<()>
{
    let system = System::start().await?;
    let full = joint::policy("2020-01-01", &[]).required_slots;
    let round = system.round_with(|policy| policy.required_slots = full).await?;
    let mut case = system.application().in_round(&round).at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    let mut named = vec![labels(&system, &case).await?];

    case.view = county.send_back(&case.view, "地址与现场不符", &["address"]).await?;
    named.push(labels(&system, &case).await?);
    let back = case.operator().application(case.id()).await?;
    assert_eq!(
        (back.return_items.as_slice(), back.open_fields.as_slice()),
        (&["address".into()][..], &["address".into()][..])
    );
    let closed = SaveAcceptanceRequest { manager: Some("别人".into()), ..Default::default() };
    let refused = case.operator().save_acceptance(&back, closed).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("field_closed", "manager"));
    let unanswered = case.operator().submit_acceptance(&back, vec![]).await.unwrap_err();
    assert_eq!(unanswered.reason, "unanswered");
    let edit = SaveAcceptanceRequest { address: Some("花园路示例 8 号".into()), ..Default::default() };
    let edited = case.operator().save_acceptance(&back, edit).await?;
    case.view = case.operator().submit_acceptance(&edited, vec![]).await?;
    assert_eq!(case.view.submission.as_ref().map(|one| one.version), Some(2));

    case.view = county.pass(&case.view, "同意").await?;
    named.push(labels(&system, &case).await?);
    case.view = county.papers_missing(&case.view, &["M6"], &system.today(), "李示例").await?;
    assert_eq!(case.view.stage, "PaperCheck");
    case.view = county.papers_complete(&case.view, &system.today(), "李示例").await?;
    named.push(labels(&system, &case).await?);

    system.dossier_opens(&case).await?;
    let problems = case.operator().check_dossier(case.id()).await?;
    assert_eq!(problems.len(), 11, "{problems:?}");
    let refused = case.operator().submit_materials(&case.view, vec![]).await.unwrap_err();
    assert_eq!(refused.reason, "material_missing");
    system.fill_dossier(&case).await?;
    assert_eq!(case.operator().check_dossier(case.id()).await?, []);
    case.view = case.operator().submit_materials(&case.view, vec![]).await?;
    named.push(labels(&system, &case).await?);

    let expected = [
        ("县级审核", "县级审核中"),
        ("县级审核未通过", "需修改"),
        ("验收申请审核通过（待线下初审）", "待线下初审"),
        ("待提交初审资料", "待上传初审资料"),
        ("市级审核", "市级审核中"),
    ];
    let named: Vec<_> = named.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
    assert_eq!(named, expected);
    let steps = ["T01", "T02", "T05", "T02", "T04", "T07", "T06", "T09"];
    assert_eq!(system.steps(case.uuid()).await?, steps);
    let sealed = case.operator().dossier(case.id()).await?;
    assert_eq!(sealed.state, "sealed");
    let city = system.city("410100").await?;
    let task = city.task_appears(case.id(), "CityReview").await?;
    assert_eq!((task.county.as_str(), task.prefecture.as_str()), ("410105", "410100"));
    system.finish().await
}

/// What a node is called: to reviewers, to the operator.
async fn labels(system: &System, case: &system_tests::cases::Case) -> Result<(String, String)> {
    let county = system.county(&case.view.county).await?;
    let city = system.city(&case.view.prefecture).await?;
    let reviewer = if case.view.waits_for == "city" { city } else { county };
    let own = case.operator().application(case.id()).await?.stage_label;
    Ok((reviewer.application(case.id()).await?.stage_label, own))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_check_needs_every_category_a_day_and_a_checker_and_can_be_revoked() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::PaperCheck).await?;
    let county = system.county("410105").await?;
    let good = RecordPaperCheckRequest {
        request_id: county.request_id(),
        application_id: case.id().to_owned(),
        version: case.view.version,
        judged: judged(&case.view),
        complete: true,
        ticked: xtask::driver::review::CATEGORIES.map(str::to_owned).to_vec(),
        missing: vec![],
        checked_on: system.today(),
        checker: "李示例".into(),
    };
    let fresh = || county.request_id();
    let cases = [
        (
            "papers_unticked",
            RecordPaperCheckRequest { ticked: vec!["M1".into()], request_id: fresh(), ..good.clone() },
        ),
        (
            "paper_date",
            RecordPaperCheckRequest { checked_on: "2999-01-01".into(), request_id: fresh(), ..good.clone() },
        ),
        (
            "checker_missing",
            RecordPaperCheckRequest { checker: " ".into(), request_id: fresh(), ..good.clone() },
        ),
        (
            "missing_papers_unlisted",
            RecordPaperCheckRequest { complete: false, ticked: vec![], request_id: fresh(), ..good },
        ),
    ];
    for (reason, body) in cases {
        assert_eq!(county.record_papers(body).await.unwrap_err().reason, reason);
    }
    let silent = county.revoke_pass(&case.view, "").await.unwrap_err();
    assert_eq!(silent.reason, "reason_missing");
    case.view = county.revoke_pass(&case.view, "现场与申请不符").await?;
    assert_eq!(case.view.stage, "CountyReturned");
    case.operator().task_appears(case.id(), "CountyReturned").await?;
    let told = case.operator().history(case.id()).await?;
    let last = told.last().context("there is a history")?;
    assert_eq!((last.transition.as_str(), last.opinion.as_str()), ("T08", "现场与申请不符"));
    system.finish().await
}
