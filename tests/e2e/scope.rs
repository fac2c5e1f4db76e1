//! Role, scope and relation: a foreign object looks like one that does not exist, and nobody acts out of turn.
//!
//! Source: reliability, R8 and section 10; architecture, rule 5; workflow, invariant 10.
use anyhow::{Context as _, Result};
use proto::reviews::ListApplicationsRequest;
use system_tests::{System, cases::Stage};
use tonic::Code;

const NOBODYS: &str = "0190b1a0-0000-7000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_of_another_county_sees_nothing_and_is_told_what_a_missing_one_is_told() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let elsewhere = system.county("410122").await?;
    let foreign = elsewhere.application(case.id()).await.unwrap_err();
    let missing = elsewhere.application(NOBODYS).await.unwrap_err();
    assert_eq!(foreign, missing);
    assert_eq!(foreign.code, Code::NotFound);
    assert_eq!(elsewhere.pass(&case.view, "同意").await.unwrap_err(), missing);
    assert_eq!(elsewhere.history(case.id()).await.unwrap_err(), missing);
    assert_eq!(elsewhere.allowed_actions(case.id()).await.unwrap_err(), missing);
    assert_eq!(elsewhere.applications(ListApplicationsRequest::default()).await?, []);
    assert_eq!(elsewhere.station(&case.view.station_id).await.unwrap_err().code, Code::NotFound);
    let own = system.county("410105").await?;
    own.task_appears(case.id(), "CountyReview").await?;
    assert_eq!(elsewhere.tasks().await?, []);
    assert_eq!(own.applications(ListApplicationsRequest::default()).await?.len(), 1);

    // Another company sees neither the application nor the station nor the dossier.
    let other = system.company(system.number(), "410105").await?;
    assert_eq!(other.actor.application(case.id()).await.unwrap_err(), missing);
    assert_eq!(other.actor.withdraw(&case.view).await.unwrap_err(), missing);
    assert_eq!(other.actor.dossier(case.id()).await.unwrap_err().code, Code::NotFound);
    let station =
        other.actor.create_application(&case.round.round_id, &case.view.station_id).await.unwrap_err();
    assert_eq!(station.code, Code::NotFound);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_nobodys_but_the_operators() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::Draft).await?;
    for reviewer in
        [system.county("410105").await?, system.city("410100").await?, system.administrator().await?]
    {
        let refused = reviewer.application(case.id()).await.unwrap_err();
        assert_eq!(refused.code, Code::NotFound, "{reviewer:?}");
        assert_eq!(reviewer.applications(ListApplicationsRequest::default()).await?, [], "{reviewer:?}");
    }
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_review_goes_by_the_stations_county_not_by_where_the_company_is_registered() -> Result<()> {
    let system = System::start().await?;
    let company = system.company(system.number(), "410311").await?;
    let mut case = system.application().of(&company).in_county("410122").at(Stage::CountyReview).await?;
    assert_eq!((case.view.county.as_str(), case.view.prefecture.as_str()), ("410122", "410100"));
    assert_eq!(system.county("410311").await?.application(case.id()).await.unwrap_err().code, Code::NotFound);
    system.advance(&mut case, Stage::CityReview).await?;
    system.city("410100").await?.task_appears(case.id(), "CityReview").await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_is_held_to_its_role_and_no_call_works_without_one() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let nobody = system.platform().nobody().application(case.id()).await.unwrap_err();
    assert_eq!((nobody.code, nobody.reason.as_str()), (Code::Unauthenticated, "caller_missing"));
    // Cities read what lies in them, but the county decides first.
    let city = system.city("410100").await?;
    let early = city.pass(&case.view, "同意").await.unwrap_err();
    assert_eq!((early.code, early.reason.as_str()), (Code::FailedPrecondition, "not_your_turn"));
    let own = case.operator().pass(&case.view, "同意").await.unwrap_err();
    assert_eq!((own.code, own.reason.as_str()), (Code::PermissionDenied, "not_permitted"));
    let machine = case.company.machine.application(case.id()).await.unwrap_err();
    assert_eq!((machine.code, machine.reason.as_str()), (Code::PermissionDenied, "not_permitted"));
    let round =
        system.county("410105").await?.create_round("私设批次", Default::default()).await.unwrap_err();
    assert_eq!(round.code, Code::PermissionDenied);
    // System pages only: the three separated administrators see no business.
    let keeper = system.official("sysadmin", "system_administrator", &["410000"]).await?;
    assert_eq!(keeper.application(case.id()).await.unwrap_err().code, Code::PermissionDenied);
    assert_eq!(keeper.tasks().await?, []);
    let mixed = system_tests::cast::person("mixed", "system_administrator", &["410000"]);
    let mixed = xtask::driver::officials::Official {
        roles: vec!["system_administrator".into(), "city".into()],
        ..mixed
    };
    let refused = system.administrator().await?.create_official(&mixed).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("roles_exclude", "roles"));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn allowed_actions_say_yes_or_why_not_and_who_could() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    let actions = county.allowed_actions(case.id()).await?;
    let find = |command: &str| actions.iter().find(|one| one.command == command).cloned();
    let pass = find("Pass").context("Pass is listed")?;
    assert_eq!((pass.allowed, pass.transition.as_str(), pass.reason.as_str()), (true, "T04", ""));
    let papers = find("RecordPaperCheck").context("RecordPaperCheck is listed")?;
    assert_eq!(
        (papers.allowed, papers.reason.as_str(), papers.waits_for.as_str()),
        (false, "wrong_stage", "county")
    );
    assert!(!papers.text.is_ascii(), "people read Chinese");
    let own = case.operator().allowed_actions(case.id()).await?;
    let withdraw = own.iter().find(|one| one.command == "Withdraw").context("Withdraw is listed")?;
    assert_eq!((withdraw.allowed, withdraw.transition.as_str()), (true, "T03"));

    // What is promised is kept: every command that is allowed here is accepted, and one that is not is refused so.
    system.advance(&mut case, Stage::PaperCheck).await?;
    let own = case.operator().allowed_actions(case.id()).await?;
    let withdraw = own.iter().find(|one| one.command == "Withdraw").context("Withdraw is listed")?;
    assert!(!withdraw.allowed);
    let refused = case.operator().withdraw(&case.view).await.unwrap_err();
    assert_eq!(refused.reason, withdraw.reason);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_role_over_the_province_does_not_widen_the_first() -> Result<()> {
    let system = System::start().await?;
    let mut both = system_tests::cast::person("co_and_expert", "county", &["410122"]);
    both.roles.push("expert".into());
    both.scope.push("410000".into());
    let both = system.appointed(&both).await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let refused = both.pass(&case.view, "同意").await.unwrap_err();
    assert_eq!(refused.code, Code::NotFound, "{refused}");
    assert_eq!(both.applications(ListApplicationsRequest::default()).await?, []);
    assert_eq!(both.tasks().await?, []);
    system.finish().await
}
