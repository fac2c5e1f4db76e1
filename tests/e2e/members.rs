//! Several people of one operator: all have the same business rights, one of them manages the others.
//!
//! Source: reliability, section 10; ui, section 3 (成员与登录).
use anyhow::Result;
use proto::accounts::{AddMemberRequest, HandOverRequest};
use system_tests::{PASSWORD, System, cases::Stage};
use tonic::Code;

const PHONE: &str = "19833330001";

#[tokio::test(flavor = "multi_thread")]
async fn a_second_member_submits_what_the_first_began_and_the_first_withdraws_it() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::Draft).await?;
    let owner = case.operator();
    let mark = system.platform().mail_mark()?;
    let body = AddMemberRequest {
        request_id: owner.request_id(),
        login: "second_01".into(),
        display_name: "乙示例".into(),
        phone: PHONE.into(),
    };
    let added = owner.ask(body, |to, request| async move { to.members().add_member(request).await }).await?;
    let one_time = system.platform().one_time_password_after(mark, PHONE).await?;
    let second = system.platform().activate("second_01", &one_time, PHONE, PASSWORD).await?;
    assert_eq!(second.claims().await?.operator_id, owner.claims().await?.operator_id);

    second.task_appears(case.id(), "Draft").await?;
    assert_eq!(second.tasks().await?, owner.tasks().await?, "the desk is the company's");
    let submitted = second.submit_acceptance(&case.view, vec![]).await?;
    assert_eq!(submitted.stage, "CountyReview");
    let county = system.county("410105").await?;
    county.task_appears(case.id(), "CountyReview").await?;
    let withdrawn = owner.withdraw(&submitted).await?;
    let again = second.submit_acceptance(&withdrawn, vec![]).await?;
    let returned = county.send_back(&again, "请补充地址", &["address"]).await?;
    assert_eq!(returned.stage, "CountyReturned");
    second.task_appears(case.id(), "CountyReturned").await?;
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T03", "T02", "T05"]);

    // Ownership is the company's affair: the other company's people do not exist.
    let other = system.company(system.number(), "410105").await?;
    let hand =
        |by: &xtask::driver::Actor, user_id: String| HandOverRequest { request_id: by.request_id(), user_id };
    let foreign = other
        .actor
        .ask(hand(&other.actor, added.user_id.clone()), |to, request| async move {
            to.members().hand_over(request).await
        })
        .await
        .unwrap_err();
    assert_eq!(foreign.code, Code::NotFound);
    let early = second
        .ask(hand(&second, added.user_id.clone()), |to, request| async move {
            to.members().hand_over(request).await
        })
        .await
        .unwrap_err();
    assert_eq!((early.code, early.reason.as_str()), (Code::PermissionDenied, "not_owner"));
    owner
        .ask(hand(owner, added.user_id), |to, request| async move { to.members().hand_over(request).await })
        .await?;
    system.finish().await
}
