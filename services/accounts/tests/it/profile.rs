//! Where an operator registers (G3), and what happens when its profile changes.

use proto::accounts::{
    ChangeProfileRequest, OwnProfile, Profile, ReinstateOperatorRequest, ReturnOperatorRequest,
    SuspendOperatorRequest,
};
use tonic::Response;

use crate::setup::{Bench, PASSWORD, USCCS, approve, by, profile, reason, registration, request_id};

async fn register(bench: &Bench, login: &str, profile: Profile) -> Result<(), String> {
    let body = proto::accounts::RegisterRequest { profile: Some(profile), ..registration(login, USCCS[0]) };
    bench.registration().register(body).await.map(drop).map_err(|status| reason(&status))
}

#[tokio::test]
async fn a_company_from_outside_registers_at_zhengzhou_other_and_its_province_is_kept() {
    let bench = Bench::start().await;
    let outside = |division: &str, home: &str| Profile {
        in_province: false,
        registered_division: division.into(),
        home_province: home.into(),
        ..profile("91420100XXXX00123G")
    };
    for division in ["410105", "410399", "410100", "420100"] {
        let refused = register(&bench, "op12", outside(division, "湖北省")).await;
        assert_eq!(refused, Err("division_outside_province".into()), "{division}");
    }
    assert_eq!(register(&bench, "op12", outside("410199", "")).await, Err("field_missing".into()));
    register(&bench, "op12", outside("410199", "湖北")).await.unwrap();
    let kept: (String, String) =
        sqlx::query_as("SELECT registered_division, home_province FROM operator_submissions")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert_eq!(kept, ("410199".into(), "湖北省".into()));
    bench.conclude().await;
}

#[tokio::test]
async fn a_place_that_is_not_listed_goes_to_its_citys_other() {
    let bench = Bench::start().await;
    let inside = |division: &str, county: &str| Profile {
        registered_division: division.into(),
        licence_county: county.into(),
        ..profile(USCCS[3])
    };
    let refused = register(&bench, "op04", inside("410311", "高新技术产业开发区")).await;
    assert_eq!(refused, Err("division_other_expected".into()));
    assert_eq!(register(&bench, "op04", inside("410399", "洛龙区")).await, Err("division_listed".into()));
    assert_eq!(register(&bench, "op04", inside("410300", "")).await, Err("division_not_county".into()));
    assert_eq!(register(&bench, "op04", inside("410381", "")).await, Err("division_abolished".into()));
    register(&bench, "op04", inside("410399", "高新技术产业开发区")).await.unwrap();
    bench.conclude().await;
}

async fn change(bench: &Bench, token: &str, profile: Profile) -> Result<OwnProfile, String> {
    let body =
        ChangeProfileRequest { request_id: request_id(), profile: Some(profile), truth_declared: true };
    let answer = bench.registration().change_profile(by(token, body)).await;
    answer.map(Response::into_inner).map_err(|status| reason(&status))
}

#[tokio::test]
async fn the_old_profile_stays_valid_while_a_change_is_under_review() {
    let bench = Bench::start().await;
    let operator_id = bench.register("op01", USCCS[0]).await.unwrap().operator_id;
    let administrator = bench.official("admin01", "administrator").await;
    bench.review().approve(by(&administrator, approve(&operator_id, 1))).await.unwrap();
    let operator = bench.person("op01").await;
    let valid: Profile =
        sqlx::query_scalar::<_, uuid::Uuid>("SELECT licence_file_id FROM operator_submissions")
            .fetch_one(&bench.pool)
            .await
            .map(|file| Profile { licence_file_id: file.to_string(), ..profile(USCCS[0]) })
            .unwrap();
    assert_eq!(change(&bench, &operator, valid.clone()).await, Err("nothing_changed".into()));

    let phone = Profile { contact_phone: "19900000002".into(), ..valid.clone() };
    let own = change(&bench, &operator, phone.clone()).await.unwrap();
    assert_eq!((own.review_pending, own.valid_version), (false, 2));

    let code = Profile { uscc: USCCS[1].into(), ..phone.clone() };
    let own = change(&bench, &operator, code.clone()).await.unwrap();
    assert_eq!((own.state.as_str(), own.review_pending, own.valid_version), ("Active", true, 2));
    assert_eq!(own.profile.unwrap().uscc, USCCS[0]);
    let taken = bench.register("op02", USCCS[1]).await.unwrap_err();
    assert_eq!(reason(&taken), "uscc_taken");

    let back = ReturnOperatorRequest {
        request_id: request_id(),
        operator_id: operator_id.clone(),
        submission_version: 3,
        opinion: "执照未更新".into(),
    };
    let detail = bench.review().r#return(by(&administrator, back)).await.unwrap().into_inner();
    assert_eq!((detail.operator.unwrap().state.as_str(), detail.valid_version), ("Active", 2));
    change(&bench, &operator, code).await.unwrap();
    let detail =
        bench.review().approve(by(&administrator, approve(&operator_id, 4))).await.unwrap().into_inner();
    assert_eq!((detail.operator.unwrap().uscc.as_str(), detail.valid_version), (USCCS[1], 4));
    bench.conclude().await;
}

#[tokio::test]
async fn a_suspended_operator_has_no_session_until_it_is_reinstated() {
    let bench = Bench::start().await;
    let operator_id = bench.register("op01", USCCS[0]).await.unwrap().operator_id;
    let administrator = bench.official("admin01", "administrator").await;
    bench.review().approve(by(&administrator, approve(&operator_id, 1))).await.unwrap();
    let session = bench.session("op01", PASSWORD).await;
    let suspend = SuspendOperatorRequest {
        request_id: request_id(),
        operator_id: operator_id.clone(),
        reason: "违规".into(),
    };
    bench.review().suspend(by(&administrator, suspend)).await.unwrap();
    assert_eq!(reason(&bench.token(&session).await.unwrap_err()), "session_ended");
    assert_eq!(reason(&bench.sign_in("op01", PASSWORD).await.unwrap_err()), "account_suspended");
    assert_eq!(reason(&bench.sign_in("op01", "Wrong-Lantern-42").await.unwrap_err()), "sign_in_failed");
    let reinstate =
        ReinstateOperatorRequest { request_id: request_id(), operator_id, reason: "整改完成".into() };
    bench.review().reinstate(by(&administrator, reinstate)).await.unwrap();
    bench.session("op01", PASSWORD).await;
    bench.conclude().await;
}
