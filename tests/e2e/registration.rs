//! Registration and its review: who may do what before 保存, returns and resubmissions, places that are not listed.
//!
//! Source: workflow, Accounts and walk-throughs G1 to G3.
use anyhow::{Context as _, Result};
use system_tests::{PASSWORD, System, companies};
use tonic::Code;
use xtask::driver::{Actor, people::Entry};

#[tokio::test(flavor = "multi_thread")]
async fn g01_business_opens_only_after_the_administrator_has_approved() -> Result<()> {
    let system = System::start().await?;
    let profile = system.with_licence(companies::profile(1, "410105")).await?;
    let registered = system.platform().nobody().register("newcomer", PASSWORD, profile).await?;
    assert_eq!((registered.state.as_str(), registered.submission_version), ("Pending", 1));

    let waiting = system.platform().sign_in("newcomer", PASSWORD).await?;
    assert_eq!(waiting.view_session().await?.roles, ["operator_applicant"]);
    assert_eq!(waiting.own_profile().await?.state, "Pending");
    assert_eq!(closed(&waiting).await, ["not_permitted"; 3]);

    let administrator = system.administrator().await?;
    let task = administrator.task_appears(&registered.operator_id, "Pending").await?;
    assert_eq!((task.subject_type.as_str(), task.waits_for.as_str()), ("operator", "administrator"));
    let detail = administrator.approve(&registered.operator_id, 1).await?;
    assert_eq!(detail.operator.context("the detail has an operator")?.state, "Active");
    administrator.task_goes(&registered.operator_id).await?;

    let approved = system.platform().sign_in("newcomer", PASSWORD).await?;
    assert_eq!(approved.view_session().await?.roles, ["operator"]);
    assert_eq!(approved.stations().await?.len(), 0);
    assert_eq!(approved.tasks().await?.len(), 0);
    system.finish().await
}

/// What an account that waits for its review is told when it tries the business menus.
async fn closed(actor: &Actor) -> [String; 3] {
    let reason =
        |refused: Option<xtask::driver::Refused>| refused.map_or("allowed".to_owned(), |no| no.reason);
    [
        reason(actor.stations().await.err()),
        reason(actor.applications(Default::default()).await.err()),
        reason(actor.invoices("").await.err()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn g02_two_returns_and_two_entries_leave_one_account_with_three_versions_and_both_opinions()
-> Result<()> {
    let system = System::start().await?;
    let administrator = system.administrator().await?;
    let profile = system.with_licence(companies::profile(2, "410105")).await?;
    let registered = system.platform().nobody().register("resubmits", PASSWORD, profile.clone()).await?;
    let id = registered.operator_id;
    let silent = administrator.return_registration(&id, 1, " ").await.unwrap_err();
    assert_eq!((silent.reason.as_str(), silent.field()), ("opinion_missing", "opinion"));
    administrator.return_registration(&id, 1, "营业执照不清晰").await?;

    let user = system.platform().sign_in("resubmits", PASSWORD).await?;
    assert_eq!(user.own_profile().await?.state, "Returned");
    let mut second = profile.clone();
    second.contact_name = "乙示例".to_owned();
    let answer = user.resubmit(Entry::Workbench, second).await?;
    assert_eq!((answer.state.as_str(), answer.submission_version), ("Pending", 2));
    let stale = administrator.approve(&id, 1).await.unwrap_err();
    assert_eq!(stale.reason, "stale_version");
    administrator.return_registration(&id, 2, "联系人与执照不符").await?;
    let mut third = profile;
    third.contact_name = "丙示例".to_owned();
    user.resubmit(Entry::CompanyProfile, third).await?;
    administrator.approve(&id, 3).await?;

    let own = system.platform().sign_in("resubmits", PASSWORD).await?.own_profile().await?;
    assert_eq!((own.state.as_str(), own.valid_version), ("Active", 3));
    let told: Vec<_> =
        own.submissions.iter().map(|one| (one.version, one.entry.as_str(), one.opinion.as_str())).collect();
    assert_eq!(
        told,
        [
            (3, "company_profile", ""),
            (2, "workbench", "联系人与执照不符"),
            (1, "registration_form", "营业执照不清晰"),
        ]
    );
    let listed = administrator.operators("").await?.operators;
    assert_eq!(listed.iter().filter(|one| one.operator_id == id).count(), 1);
    assert_eq!(listed.len(), 1);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn g03_an_unlisted_place_goes_to_the_citys_other_and_outsiders_to_zhengzhou_other_only() -> Result<()> {
    let system = System::start().await?;
    let nobody = system.platform().nobody();
    let licensed = system.with_licence(companies::profile(3, "410105")).await?;

    let mut listed = licensed.clone();
    (listed.registered_division, listed.licence_county) = ("410199".into(), "金水区".into());
    let refused = nobody.register("listed", PASSWORD, listed).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("division_listed", "registered_division"));

    let mut wrong = licensed.clone();
    (wrong.registered_division, wrong.licence_county) = ("410105".into(), "不在名单区".into());
    let refused = nobody.register("unlisted", PASSWORD, wrong.clone()).await.unwrap_err();
    assert_eq!(
        (refused.reason.as_str(), refused.field()),
        ("division_other_expected", "registered_division")
    );
    wrong.registered_division = "410199".into();
    let inside = nobody.register("unlisted", PASSWORD, wrong).await?;
    assert_eq!(inside.state, "Pending");

    let mut outside = system.with_licence(companies::profile(4, "420100")).await?;
    (outside.in_province, outside.home_province) = (false, "湖北省".into());
    for division in ["410105", "410299", "419099"] {
        outside.registered_division = division.into();
        let refused = nobody.register("outsider", PASSWORD, outside.clone()).await.unwrap_err();
        assert_eq!(refused.reason, "division_outside_province", "{division}");
        assert_eq!((refused.code, refused.field()), (Code::InvalidArgument, "registered_division"));
    }
    outside.registered_division = "410199".into();
    nobody.register("outsider", PASSWORD, outside).await?;
    let own = system.platform().sign_in("outsider", PASSWORD).await?.own_profile().await?;
    let profile = own.profile.context("the profile is there")?;
    assert_eq!((profile.registered_division.as_str(), profile.home_province.as_str()), ("410199", "湖北省"));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_check_digit_an_unticked_declaration_and_a_weak_password_are_each_named() -> Result<()> {
    let system = System::start().await?;
    let nobody = system.platform().nobody();
    let good = system.with_licence(companies::profile(5, "410105")).await?;
    let other = |letter: &str| if letter == "1" { "2" } else { "1" };
    let last = format!("{}{}", &good.uscc[..17], other(&good.uscc[17..]));
    let organisation = companies::checked(&format!("{}{}", &good.uscc[..16], other(&good.uscc[16..17])));
    for (uscc, reason) in [(last, "uscc_check"), (organisation, "uscc_organisation_check")] {
        let wrong = proto::accounts::Profile { uscc, ..good.clone() };
        let refused = nobody.register("wrongcode", PASSWORD, wrong).await.unwrap_err();
        assert_eq!((refused.reason.as_str(), refused.field()), (reason, "uscc"));
        assert!(!refused.text.is_ascii(), "people read Chinese: {}", refused.text);
    }
    let mut unknown = good.clone();
    unknown.operator_type = "cooperative".into();
    let refused = nobody.register("wrongtype", PASSWORD, unknown).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("unknown_value", "operator_type"));
    let body = proto::accounts::RegisterRequest {
        request_id: nobody.request_id(),
        login: "x".into(),
        password: "short".into(),
        profile: Some(good.clone()),
        truth_declared: false,
    };
    let refused = nobody.register_with(body).await.unwrap_err();
    let fields: Vec<_> = refused.fields.iter().map(|(field, _)| field.as_str()).collect();
    for field in ["login", "password", "truth_declared"] {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }
    // Nothing of all this has left a trace.
    let administrator = system.administrator().await?;
    assert_eq!(administrator.operators("").await?.operators.len(), 0);
    nobody.register("wrongcode", PASSWORD, good.clone()).await?;
    let taken = nobody.register("another", PASSWORD, good).await.unwrap_err();
    assert_eq!((taken.reason.as_str(), taken.field()), ("uscc_taken", "uscc"));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_division_waits_for_review_while_the_old_profile_stays_valid() -> Result<()> {
    let system = System::start().await?;
    let company = system.company(6, "410105").await?;
    let mut moved = company.profile.clone();
    moved.registered_division = "410102".into();
    let answer = company.actor.change_profile(moved).await?;
    assert!(answer.review_pending && answer.state == "Active");
    let valid = answer.profile.context("the valid profile is shown")?;
    assert_eq!(valid.registered_division, "410105");
    let administrator = system.administrator().await?;
    administrator.task_appears(&company.operator_id, "Active").await?;
    administrator.approve(&company.operator_id, answer.submission_version).await?;
    let own = company.actor.own_profile().await?;
    assert_eq!(own.profile.context("a profile")?.registered_division, "410102");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_company_is_signed_out_and_cannot_sign_in() -> Result<()> {
    let system = System::start().await?;
    let company = system.company(7, "410105").await?;
    let administrator = system.administrator().await?;
    // A caller token that is still good for some seconds opens nothing new either. Source: T01.
    let station = system.station(&company, "410105").await?;
    let station_id = station.record.context("a record")?.station_id;
    let round = system.round().await?;
    administrator.suspend(&company.operator_id, "提供虚假材料").await?;
    let refused = company.actor.create_application(&round.round_id, &station_id).await.unwrap_err();
    assert_eq!(refused.reason, "account_not_active");
    let ended = company.actor.view_session().await.unwrap_err();
    assert_eq!((ended.reason.as_str(), ended.code), ("session_ended", Code::Unauthenticated));
    let refused = system.platform().try_sign_in("op_0007", PASSWORD).await.unwrap_err();
    assert_eq!(refused.reason, "account_suspended");
    administrator.reinstate(&company.operator_id, "已整改").await?;
    system.platform().sign_in("op_0007", PASSWORD).await?;
    system.finish().await
}
