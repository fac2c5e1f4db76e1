//! The city: straight back to the city after its return, take back before the launch, withdrawal before a decision.
//!
//! Source: workflow, G9, T10 to T13.
use anyhow::Result;
use system_tests::{System, cases::Stage};
use xtask::driver::review::answers;

#[tokio::test(flavor = "multi_thread")]
async fn g09_after_the_citys_return_the_resubmission_goes_straight_to_the_city() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::CityReview).await?;
    let city = system.city("410100").await?;
    case.view = city.send_back(&case.view, "申请函未盖章", &["M1"]).await?;
    assert_eq!(case.view.stage, "CityReturned");
    system.dossier_opens(&case).await?;
    let dossier = case.operator().dossier(case.id()).await?;
    assert_eq!(dossier.editable_items, ["M1"]);
    let other = case.operator().upload(case.id(), "M2", &system.paper()?).await.unwrap_err();
    assert_eq!(other.reason, "item_not_editable");
    let refused = case.operator().submit_materials(&case.view, vec![]).await.unwrap_err();
    assert_eq!(refused.reason, "item_unanswered");
    let before =
        dossier.slots.iter().find(|slot| slot.slot == "M1").map(|slot| slot.files[0].file_id.clone());
    let before = before.expect("M1 was filled");
    let file = case.operator().upload(case.id(), "M1", &system.paper()?).await?;
    case.operator().replace(case.id(), "M1", &file.file_id, &before).await?;
    case.view = case.operator().submit_materials(&case.view, vec![]).await?;
    assert_eq!((case.view.stage.as_str(), case.view.waits_for.as_str()), ("CityReview", "city"));
    city.task_appears(case.id(), "CityReview").await?;

    let steps = system.steps(case.uuid()).await?;
    assert_eq!(steps, ["T01", "T02", "T04", "T06", "T09", "T12", "T09"], "the county is not asked again");
    // What was sealed stays readable, and the reviewer sees what changed.
    let diff = city.diff(case.id(), 1, 2).await?;
    let changed: Vec<_> = diff.slots.iter().map(|slot| (slot.slot.as_str(), slot.change.as_str())).collect();
    assert_eq!(changed, [("M1", "replaced")]);
    city.download(&before, "复核").await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_a_return_may_be_answered_in_words() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::CityReview).await?;
    let city = system.city("410100").await?;
    case.view = city.send_back(&case.view, "请说明", &["M1", "address"]).await?;
    system.dossier_opens(&case).await?;
    case.operator().explain(case.id(), "M1", "原件已盖章，见第二页").await?;
    let refused = case.operator().submit_materials(&case.view, vec![]).await.unwrap_err();
    assert_eq!(refused.reason, "unanswered");
    case.view = case.operator().submit_materials(&case.view, answers(&[("address", "门牌号已更换")])).await?;
    assert_eq!(case.view.stage, "CityReview");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_city_takes_its_pass_back_before_the_launch_and_the_operator_withdraws_before_a_decision()
-> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::AwaitingJointReview).await?;
    let city = system.city("410100").await?;
    let elsewhere = system.city("410300").await?;
    let foreign = elsewhere.take_back(&case.view, "误操作").await.unwrap_err();
    assert_eq!(foreign.code, tonic::Code::NotFound);
    case.view = city.take_back(&case.view, "材料需再核").await?;
    assert_eq!(case.view.stage, "CityReview");
    case.view = case.operator().withdraw(&case.view).await?;
    assert_eq!(case.view.stage, "MaterialsDue");
    system.dossier_opens(&case).await?;
    system.place_paper(&case, "M7").await?;
    system.advance(&mut case, Stage::CityReview).await?;
    let steps = system.steps(case.uuid()).await?;
    assert_eq!(steps[4..], ["T09", "T11", "T13", "T10", "T09"]);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_does_not_forget_what_the_city_asked_for() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::CityReview).await?;
    let city = system.city("410100").await?;
    case.view = city.send_back(&case.view, "请说明地址", &["address"]).await?;
    let said = answers(&[("address", "门牌号已更换")]);
    case.view = case.operator().submit_materials(&case.view, said.clone()).await?;
    case.view = case.operator().withdraw(&case.view).await?;
    system.dossier_opens(&case).await?;
    let forgotten = case.operator().submit_materials(&case.view, vec![]).await.unwrap_err();
    assert_eq!(forgotten.reason, "unanswered");
    case.view = case.operator().submit_materials(&case.view, said).await?;
    assert_eq!(case.view.stage, "CityReview");
    system.finish().await
}
