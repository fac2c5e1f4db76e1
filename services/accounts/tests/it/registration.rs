//! Registering, reviewing, sending again. G1 and G2 of the walk-throughs as far as accounts goes.

use proto::accounts::{
    ApproveOperatorRequest, GetOwnProfileRequest, ListOperatorsRequest, OwnProfile, Profile, RegisterRequest,
    ResubmitRequest,
};
use tonic::Code;

use crate::{
    licences::licence,
    setup::{
        Bench, PASSWORD, USCCS, approve, by, claims, fact, fields, profile, reason, registration, request_id,
        send_back,
    },
};

async fn resubmit(bench: &Bench, login: &str, entry: &str) -> Result<OwnProfile, tonic::Status> {
    let token = bench.person(login).await;
    let own = licence(&claims(&token).operator_id);
    let body = ResubmitRequest {
        request_id: request_id(),
        entry: entry.into(),
        profile: Some(Profile { licence_file_id: own, ..profile(USCCS[0]) }),
        truth_declared: true,
    };
    bench.registration().resubmit(by(&token, body)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn an_account_reaches_its_own_profile_only_until_it_is_approved() {
    let bench = Bench::start().await;
    let made = bench.register("op01", USCCS[0]).await.unwrap();
    assert_eq!(made.state, "Pending");
    let applicant = bench.person("op01").await;
    assert_eq!(claims(&applicant).roles, ["operator_applicant"]);
    assert_eq!(claims(&applicant).operator_id, made.operator_id);
    let own = bench
        .registration()
        .get_own_profile(by(&applicant, GetOwnProfileRequest {}))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((own.state.as_str(), own.review_pending, own.valid_version), ("Pending", true, 0));
    let list = bench.review().list_operators(by(&applicant, ListOperatorsRequest::default())).await;
    assert_eq!(list.unwrap_err().code(), Code::PermissionDenied);

    let administrator = bench.official("admin01", "administrator").await;
    let waiting = ListOperatorsRequest { review_pending: true, ..ListOperatorsRequest::default() };
    let list = bench.review().list_operators(by(&administrator, waiting)).await.unwrap().into_inner();
    assert_eq!(list.operators.len(), 1);
    let name = list.operators[0].company_name.clone();
    let piece: String = name.chars().skip(1).take(3).collect();
    let begin = USCCS[0][..8].to_lowercase();
    for (text, division, found) in
        [(piece.as_str(), "", 1), (&begin, "", 1), ("没有", "", 0), ("", "410100", 1), ("", "410300", 0)]
    {
        let filter = ListOperatorsRequest {
            text: text.into(),
            registered_division: division.into(),
            ..ListOperatorsRequest::default()
        };
        let listed = bench.review().list_operators(by(&administrator, filter.clone())).await.unwrap();
        assert_eq!(listed.into_inner().operators.len(), found, "{text} {division}");
        let counted = bench.review().count_operators(by(&administrator, filter)).await.unwrap().into_inner();
        let states: Vec<_> = counted.counts.iter().map(|one| (one.state.as_str(), one.count)).collect();
        assert_eq!(states, vec![("Pending", 1); found], "{text} {division}");
        assert_eq!(counted.review_pending, i32::try_from(found).unwrap());
    }
    let odd = ListOperatorsRequest { registered_division: "郑州".into(), ..Default::default() };
    let odd = bench.review().list_operators(by(&administrator, odd)).await.unwrap_err();
    assert_eq!(fields(&odd), ["registered_division"]);
    let detail =
        bench.review().approve(by(&administrator, approve(&made.operator_id, 1))).await.unwrap().into_inner();
    assert_eq!((detail.operator.unwrap().state.as_str(), detail.valid_version), ("Active", 1));
    assert_eq!(claims(&bench.person("op01").await).roles, ["operator"]);

    let late = bench.review().approve(by(&administrator, approve(&made.operator_id, 1))).await.unwrap_err();
    assert_eq!((late.code(), reason(&late).as_str()), (Code::FailedPrecondition, "wrong_state"));
    assert_eq!(fact(&late, "changed_by"), claims(&administrator).subject);
    bench.conclude().await;
}

#[tokio::test]
async fn an_approval_needs_everything_that_the_licence_shows_to_be_found_so() {
    let bench = Bench::start().await;
    let outside = Profile {
        in_province: false,
        registered_division: "410199".into(),
        home_province: "湖北省".into(),
        ..profile(USCCS[0])
    };
    let body = RegisterRequest { profile: Some(outside), ..registration("op01", USCCS[0]) };
    let made = bench.registration().register(body).await.unwrap().into_inner();
    let administrator = bench.official("admin01", "administrator").await;
    let word = |agreed: &[&str]| ApproveOperatorRequest {
        agreed: agreed.iter().map(|field| (*field).to_owned()).collect(),
        ..approve(&made.operator_id, 1)
    };
    let hasty = word(&["company_name", "uscc", "operator_type", "licence_county", "contact_name"]);
    let hasty = bench.review().approve(by(&administrator, hasty)).await.unwrap_err();
    assert_eq!((hasty.code(), reason(&hasty).as_str()), (Code::InvalidArgument, "not_compared"));
    assert_eq!(fields(&hasty), ["registered_division", "home_province"]);
    assert_eq!(bench.count("SELECT count(*) FROM operators WHERE state = 'Pending'").await, 1);

    // No county of a licence was entered, so none is compared.
    let whole = word(&["company_name", "uscc", "registered_division", "home_province", "operator_type"]);
    bench.review().approve(by(&administrator, whole)).await.unwrap();
    let recorded: Vec<String> =
        sqlx::query_scalar("SELECT detail FROM audit_log WHERE act = 'approve_operator'")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    assert_eq!(recorded, ["1 company_name,uscc,registered_division,home_province,operator_type"]);
    bench.conclude().await;
}

#[tokio::test]
async fn one_account_three_versions_both_opinions_visible() {
    let bench = Bench::start().await;
    let made = bench.register("op01", USCCS[0]).await.unwrap();
    let administrator = bench.official("admin01", "administrator").await;
    let silent =
        bench.review().r#return(by(&administrator, send_back(&made.operator_id, 1, " "))).await.unwrap_err();
    assert_eq!((reason(&silent).as_str(), fields(&silent)), ("opinion_missing", vec!["opinion".to_owned()]));
    bench.review().r#return(by(&administrator, send_back(&made.operator_id, 1, "执照不清晰"))).await.unwrap();
    assert_eq!(claims(&bench.person("op01").await).roles, ["operator_applicant"]);

    let strange = resubmit(&bench, "op01", "elsewhere").await.unwrap_err();
    assert_eq!((reason(&strange).as_str(), fields(&strange)), ("unknown_value", vec!["entry".to_owned()]));
    resubmit(&bench, "op01", "workbench").await.unwrap();
    let stale = bench.review().approve(by(&administrator, approve(&made.operator_id, 1))).await.unwrap_err();
    assert_eq!((reason(&stale).as_str(), fact(&stale, "current").as_str()), ("stale_version", "2"));
    bench
        .review()
        .r#return(by(&administrator, send_back(&made.operator_id, 2, "名称与执照不一致")))
        .await
        .unwrap();
    resubmit(&bench, "op01", "company_profile").await.unwrap();
    let detail =
        bench.review().approve(by(&administrator, approve(&made.operator_id, 3))).await.unwrap().into_inner();
    let story: Vec<_> = detail
        .submissions
        .iter()
        .map(|one| (one.version, one.entry.as_str(), one.outcome.as_str(), one.opinion.as_str()))
        .collect();
    assert_eq!(
        story,
        [
            (3, "company_profile", "approved", ""),
            (2, "workbench", "returned", "名称与执照不一致"),
            (1, "registration_form", "returned", "执照不清晰"),
        ]
    );
    assert!(detail.submissions.iter().all(|one| !one.declaration.is_empty()));
    let late = resubmit(&bench, "op01", "workbench").await.unwrap_err();
    assert_eq!(reason(&late), "wrong_state");
    assert_eq!(bench.count("SELECT count(*) FROM operators").await, 1);
    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM outbox ORDER BY aggregate_version")
        .fetch_all(&bench.pool)
        .await
        .unwrap();
    assert_eq!(kinds, ["registered", "returned", "resubmitted", "returned", "resubmitted", "approved"]);
    bench.conclude().await;
}

#[tokio::test]
async fn everything_wrong_with_a_registration_is_said_at_once_and_nothing_changes() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let body = RegisterRequest {
        login: "OP01".into(),
        password: "Password123!".into(),
        truth_declared: false,
        profile: Some(Profile { contact_phone: "1990000000".into(), ..profile(USCCS[0]) }),
        ..registration("op01", USCCS[0])
    };
    let refused = bench.registration().register(body).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(fields(&refused), ["login", "password", "contact_phone", "truth_declared", "uscc"]);
    let empty = RegisterRequest { request_id: request_id(), ..RegisterRequest::default() };
    let refused = bench.registration().register(empty).await.unwrap_err();
    let named = [
        "login",
        "password",
        "company_name",
        "uscc",
        "operator_type",
        "registered_division",
        "licence_file_id",
        "contact_name",
        "contact_phone",
        "truth_declared",
    ];
    assert_eq!(fields(&refused), named);
    assert_eq!(bench.count("SELECT count(*) FROM operators").await, 1);
    assert_eq!(bench.count("SELECT count(*) FROM users").await, 1);
    bench.conclude().await;
}

#[tokio::test]
async fn a_repeated_registration_is_answered_again_and_another_body_is_refused() {
    let bench = Bench::start().await;
    let body = registration("op01", USCCS[0]);
    let first = bench.registration().register(body.clone()).await.unwrap().into_inner();
    let again = bench.registration().register(body.clone()).await.unwrap();
    assert!(again.metadata().contains_key("idempotency-replayed"));
    assert_eq!(again.into_inner(), first);
    let other = RegisterRequest { login: "op02".into(), ..body };
    let refused = bench.registration().register(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "request_reused"));
    bench.conclude().await;
}

#[tokio::test]
async fn of_many_registrations_with_one_code_exactly_one_is_accepted() {
    let bench = Bench::start().await;
    let tries = (0..8).map(|number| {
        let mut client = bench.registration();
        async move { client.register(registration(&format!("racer{number}"), USCCS[1])).await }
    });
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(reason(refused), "uscc_taken");
    }
    assert_eq!(bench.count("SELECT count(*) FROM users").await, 1);
    bench.conclude().await;
}

#[tokio::test]
async fn of_two_administrators_one_decides_and_the_other_is_told() {
    let bench = Bench::start().await;
    let made = bench.register("op01", USCCS[0]).await.unwrap();
    let (one, two) =
        (bench.official("admin01", "administrator").await, bench.official("admin02", "administrator").await);
    let (mut first, mut second) = (bench.review(), bench.review());
    let (approved, returned) = tokio::join!(
        first.approve(by(&one, approve(&made.operator_id, 1))),
        second.r#return(by(&two, send_back(&made.operator_id, 1, "执照不清晰")))
    );
    let (loser, winner, name, deed) = match (approved, returned) {
        (Ok(_), Err(loser)) => (loser, &one, "admin01", "办结审核，账号状态为“正常”"),
        (Err(loser), Ok(_)) => (loser, &two, "admin02", "将账号审核为“不通过”"),
        (approved, returned) => panic!("{approved:?} {returned:?}"),
    };
    assert_eq!(reason(&loser), "wrong_state");
    assert_eq!(fact(&loser, "changed_by"), claims(winner).subject);
    assert!(fact(&loser, "office").ends_with(name), "{}", fact(&loser, "office"));
    assert_eq!(fact(&loser, "deed"), deed);
    let words = chassis::error::Refusal::read(&loser).expect("a refusal of ours").text;
    assert!(words.contains(name) && words.ends_with(deed), "{words}");
    bench.conclude().await;
}

#[tokio::test]
async fn the_password_is_nowhere_but_in_its_hash() {
    let bench = Bench::start().await;
    bench.register("op01", USCCS[0]).await.unwrap();
    let hash: String =
        sqlx::query_scalar("SELECT hash FROM credentials").fetch_one(&bench.pool).await.unwrap();
    assert!(hash.starts_with("$argon2id$") && !hash.contains(PASSWORD));
    assert_eq!(
        bench
            .count(
                "SELECT count(*) FROM requests WHERE position('$argon2' IN encode(response, 'escape')) > 0"
            )
            .await,
        0
    );
    bench.conclude().await;
}
