//! Drafts: applied for, edited, withdrawn, deleted, applied for again; one live application a station and round.
//!
//! Source: workflow, G5, T01 to T03, T25; invariant 7.
use anyhow::Result;
use proto::reviews::{ListApplicationsRequest, SaveAcceptanceRequest};
use system_tests::{System, cases::Stage};
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn g05_apply_edit_withdraw_delete_and_apply_again_keeps_the_history_and_a_clean_list() -> Result<()> {
    let system = System::start().await?;
    let never = system.application().at(Stage::Draft).await?;
    let operator = never.operator();
    let edit = SaveAcceptanceRequest { address: Some("示例路 7 号".into()), ..Default::default() };
    let mut edited = operator.save_acceptance(&never.view, edit.clone()).await?;
    assert_eq!(edited.form.take().map(|form| form.address).as_deref(), Some("示例路 7 号"));
    assert_eq!(edited.version, never.view.version, "an edit is no transition");
    let late = operator.save_acceptance(&never.view, edit).await.unwrap_err();
    assert_eq!(late.reason, "edited_meanwhile");
    assert_eq!(late.metadata["edit_version"], edited.edit_version.to_string());

    let deleted = operator.delete(&edited).await?;
    assert_eq!((deleted.stage.as_str(), deleted.waits_for.as_str()), ("Deleted", ""));
    let again =
        system.application().of(&never.company).for_station(&never.station).at(Stage::CountyReview).await?;
    assert_ne!(again.id(), never.id());
    let withdrawn = operator.withdraw(&again.view).await?;
    assert_eq!(withdrawn.stage, "Draft");
    let once = operator.delete(&withdrawn).await.unwrap_err();
    assert_eq!(once.reason, "submitted_once");
    let ended = operator.terminate(&withdrawn, "改期再报").await?;
    assert_eq!(ended.stage, "Terminated");
    let third = system.application().of(&never.company).for_station(&never.station).at(Stage::Draft).await?;

    assert_eq!(system.steps(never.uuid()).await?, ["T01", "T25"]);
    assert_eq!(system.steps(again.uuid()).await?, ["T01", "T02", "T03", "T25"]);
    let live = ListApplicationsRequest { waits_for: "operator".into(), ..Default::default() };
    let live: Vec<_> = operator.applications(live).await?.into_iter().map(|one| one.application_id).collect();
    assert_eq!(live, [third.id()]);
    operator.task_appears(third.id(), "Draft").await?;
    assert_eq!(operator.tasks().await?.len(), 1);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_has_one_live_application_in_a_round() -> Result<()> {
    let system = System::start().await?;
    let first = system.application().at(Stage::Draft).await?;
    let (company, station) = (&first.company, &first.station);
    let second = system.application().of(company).for_station(station).at(Stage::Draft).await.unwrap_err();
    let refused = second.downcast_ref::<system_tests::Refused>().expect("the service refused");
    assert_eq!(refused.reason, "live_application_exists");
    let other = system.round_with(|_| {}).await?;
    system.application().of(company).for_station(station).in_round(&other).at(Stage::Draft).await?;
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM applications").await?, 2);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_in_the_wrong_order_a_future_date_and_a_short_phone_are_each_named_and_nothing_changes()
-> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::Draft).await?;
    let edit = SaveAcceptanceRequest {
        start_date: Some("2024-09-30".into()),
        finish_date: Some("2024-03-01".into()),
        manager_phone: Some("199".into()),
        ..Default::default()
    };
    let edited = case.operator().save_acceptance(&case.view, edit).await?;
    let refused = case.operator().submit_acceptance(&edited, vec![]).await.unwrap_err();
    assert_eq!(refused.reason, "form_invalid");
    let fields: Vec<_> = refused.fields.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["finish_date", "manager_phone"]);
    assert!(refused.fields.iter().all(|(_, text)| !text.is_ascii()), "{refused}");

    let future = SaveAcceptanceRequest {
        start_date: Some("2024-03-01".into()),
        finish_date: Some("2999-01-01".into()),
        manager_phone: Some("19900010001".into()),
        ..Default::default()
    };
    let edited = case.operator().save_acceptance(&edited, future).await?;
    let refused = case.operator().submit_acceptance(&edited, vec![]).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("form_invalid", "finish_date"));
    let nonsense = SaveAcceptanceRequest { start_date: Some("gestern".into()), ..Default::default() };
    let refused = case.operator().save_acceptance(&edited, nonsense).await.unwrap_err();
    assert_eq!((refused.code, refused.field()), (tonic::Code::InvalidArgument, "start_date"));

    assert_eq!(system.steps(case.uuid()).await?, ["T01"]);
    let refusals = system.refusals(Service::Reviews).await?;
    assert_eq!(refusals.iter().filter(|reason| *reason == "form_invalid").count(), 2);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_station_that_is_not_connected_is_stopped_by_gate_a_and_a_silent_connector_by_gate_b() -> Result<()>
{
    let system = System::start().await?;
    let company = system.company(1, "410105").await?;
    let record = system_tests::premises::record(1, "410105");
    let silent = company.actor.register_station(record).await?;
    let case = system.application().of(&company).for_station(&silent).at(Stage::Draft).await?;
    let refused = case.operator().submit_acceptance(&case.view, vec![]).await.unwrap_err();
    assert_eq!(refused.reason, "gate_a");

    // One of two claimed connectors reports: linked, but gate B finds the other.
    let half = system.round_with(|policy| policy.gate_a = "warn".into()).await?;
    let mut second = system.application().of(&company).for_station(&silent).in_round(&half);
    second = second.in_county("410105");
    let refused = second.at(Stage::CityReview).await.unwrap_err();
    let refused = refused.downcast_ref::<system_tests::Refused>().expect("the service refused");
    assert_eq!(refused.reason, "gate_b");
    system.finish().await
}
