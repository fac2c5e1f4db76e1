//! Client credentials of outside systems.

use proto::accounts::{
    IssueClientRequest, IssueLinkTokenRequest, IssueMachineTokenRequest, RevokeClientRequest,
    SuspendOperatorRequest,
};
use proto::common::caller_claims::Kind;

use crate::setup::{Bench, USCCS, approve, by, claims, fact, reason, request_id};

#[tokio::test]
async fn a_client_gets_tokens_until_it_is_revoked_or_its_operator_suspended() {
    let bench = Bench::start().await;
    let operator_id = bench.register("op01", USCCS[0]).await.unwrap().operator_id;
    let administrator = bench.official("admin01", "administrator").await;
    let issue = || IssueClientRequest {
        request_id: request_id(),
        name: "星桥接入".into(),
        roles: vec!["ingest".into()],
        operator_id: operator_id.clone(),
    };
    let early = bench.machines().issue_client(by(&administrator, issue())).await.unwrap_err();
    assert_eq!(reason(&early), "wrong_state");
    bench.review().approve(by(&administrator, approve(&operator_id, 1))).await.unwrap();

    let body = issue();
    let client = bench.machines().issue_client(by(&administrator, body.clone())).await.unwrap().into_inner();
    let again = bench.machines().issue_client(by(&administrator, body)).await.unwrap_err();
    assert_eq!(
        (reason(&again).as_str(), fact(&again, "client_id")),
        ("client_issued", client.client_id.clone())
    );
    let strange = IssueClientRequest { roles: vec!["administrator".into()], ..issue() };
    assert_eq!(
        reason(&bench.machines().issue_client(by(&administrator, strange)).await.unwrap_err()),
        "unknown_value"
    );

    let ask = |id: &str, secret: &str| IssueMachineTokenRequest {
        client_id: id.into(),
        client_secret: secret.into(),
        audience: vec!["stations".into()],
    };
    let answer =
        bench.machines().issue_machine_token(ask(&client.client_id, &client.client_secret)).await.unwrap();
    let said = claims(&answer.into_inner().token);
    assert_eq!((said.kind(), said.operator_id.as_str()), (Kind::Machine, operator_id.as_str()));
    assert_eq!((said.roles, said.audience), (vec!["ingest".to_owned()], vec!["stations".to_owned()]));
    for (id, secret) in [(client.client_id.as_str(), "guess"), ("c0", client.client_secret.as_str())] {
        assert_eq!(
            reason(&bench.machines().issue_machine_token(ask(id, secret)).await.unwrap_err()),
            "client_refused"
        );
    }

    let second = bench.machines().issue_client(by(&administrator, issue())).await.unwrap().into_inner();
    let revoke = RevokeClientRequest { request_id: request_id(), client_id: client.client_id.clone() };
    bench.machines().revoke_client(by(&administrator, revoke)).await.unwrap();
    let revoked = bench.machines().issue_machine_token(ask(&client.client_id, &client.client_secret)).await;
    assert_eq!(reason(&revoked.unwrap_err()), "client_refused");
    let suspend = SuspendOperatorRequest { request_id: request_id(), operator_id, reason: "违规".into() };
    bench.review().suspend(by(&administrator, suspend)).await.unwrap();
    let suspended = bench.machines().issue_machine_token(ask(&second.client_id, &second.client_secret)).await;
    assert_eq!(reason(&suspended.unwrap_err()), "client_refused");
    bench.conclude().await;
}

#[tokio::test]
async fn a_stranger_cannot_send_more_than_a_request_about_a_client_holds() {
    let bench = Bench::start().await;
    let secret = "x".repeat(70 * 1024);
    let ask = IssueMachineTokenRequest {
        client_id: "a".into(),
        client_secret: secret,
        audience: vec!["stations".into()],
    };
    let refused = bench.machines().issue_machine_token(ask).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::OutOfRange, "{refused}");
}

#[tokio::test]
async fn interconnect_alone_speaks_for_an_operator_and_only_while_it_is_active() {
    let bench = Bench::start().await;
    let operator_id = bench.register("op01", USCCS[0]).await.unwrap().operator_id;
    let administrator = bench.official("admin01", "administrator").await;
    let ask =
        || IssueLinkTokenRequest { operator_id: operator_id.clone(), audience: vec!["stations".into()] };
    let interconnect = bench.service("interconnect");
    let early = bench.machines().issue_link_token(by(&interconnect, ask())).await.unwrap_err();
    assert_eq!(reason(&early), "client_refused");
    bench.review().approve(by(&administrator, approve(&operator_id, 1))).await.unwrap();
    let answer = bench.machines().issue_link_token(by(&interconnect, ask())).await.unwrap();
    let said = claims(&answer.into_inner().token);
    assert_eq!((said.kind(), said.operator_id.as_str()), (Kind::Machine, operator_id.as_str()));
    assert_eq!((said.roles, said.authentication.as_str()), (vec!["ingest".to_owned()], "tcec_link"));
    for stranger in [bench.service("stations"), administrator.clone()] {
        let refused = bench.machines().issue_link_token(by(&stranger, ask())).await.unwrap_err();
        assert_eq!(reason(&refused), "not_permitted");
    }
    let suspend = SuspendOperatorRequest {
        request_id: request_id(),
        operator_id: operator_id.clone(),
        reason: "违规".into(),
    };
    bench.review().suspend(by(&administrator, suspend)).await.unwrap();
    let suspended = bench.machines().issue_link_token(by(&interconnect, ask())).await.unwrap_err();
    assert_eq!(reason(&suspended), "client_refused");
    bench.conclude().await;
}
