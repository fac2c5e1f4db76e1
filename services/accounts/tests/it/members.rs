//! People of one operator: the owner adds, suspends, restores them and hands the account over.

use proto::accounts::{
    ActivateRequest, AddMemberRequest, ChangeProfileRequest, DeactivateMemberRequest, DeactivateUserRequest,
    EndMemberSessionsRequest, GetOwnProfileRequest, HandOverRequest, ListMembersRequest, ListMembersResponse,
    Member, Profile, ReissueMemberPasswordRequest, RequestCodeRequest, RestoreMemberRequest,
};
use tonic::{Code, Response, Status};

use crate::setup::{Bench, PASSWORD, USCCS, approve, by, claims, fields, reason, request_id};

const PHONE: &str = "19900000041";
const NEW: &str = "Maple-Harbour-17";

/// An approved operator: caller token of its first user.
async fn owner(bench: &Bench, login: &str, uscc: &str) -> String {
    let made = bench.register(login, uscc).await.expect("registers");
    let administrator = bench.official("admin01", "administrator").await;
    bench.review().approve(by(&administrator, approve(&made.operator_id, 1))).await.expect("approved");
    bench.person(login).await
}

fn draft(login: &str) -> AddMemberRequest {
    AddMemberRequest {
        request_id: request_id(),
        login: login.into(),
        display_name: "乙示例".into(),
        phone: PHONE.into(),
    }
}

async fn add(bench: &Bench, token: &str, login: &str) -> Member {
    bench.members().add_member(by(token, draft(login))).await.expect("added").into_inner()
}

/// The member's first own password, with what was sent to the phone; `sent` texts have gone there before.
async fn activate(bench: &Bench, login: &str, sent: usize) {
    let one_time = bench.secret(PHONE, sent + 1, 16).await;
    let ticket = bench.sign_in(login, &one_time).await.expect("signs in").activation_ticket;
    let asked = RequestCodeRequest { activation_ticket: ticket.clone() };
    bench.sessions().request_code(asked).await.expect("a code");
    let code = bench.secret(PHONE, sent + 2, 6).await;
    let body = ActivateRequest { activation_ticket: ticket, code, new_password: NEW.into() };
    bench.sessions().activate(body).await.expect("activated");
}

async fn list(bench: &Bench, token: &str) -> ListMembersResponse {
    bench.members().list_members(by(token, ListMembersRequest {})).await.expect("a list").into_inner()
}

async fn hand_over(bench: &Bench, token: &str, user_id: &str) -> Result<Member, Status> {
    let body = HandOverRequest { request_id: request_id(), user_id: user_id.into() };
    bench.members().hand_over(by(token, body)).await.map(Response::into_inner)
}

async fn deactivate(bench: &Bench, token: &str, user_id: &str) -> Result<Member, Status> {
    let body = DeactivateMemberRequest { request_id: request_id(), user_id: user_id.into() };
    bench.members().deactivate_member(by(token, body)).await.map(Response::into_inner)
}

async fn restore(bench: &Bench, token: &str, user_id: &str) -> Result<Member, Status> {
    let body = RestoreMemberRequest { request_id: request_id(), user_id: user_id.into() };
    bench.members().restore_member(by(token, body)).await.map(Response::into_inner)
}

#[tokio::test]
async fn a_member_gets_a_one_time_password_once_and_the_same_role_and_the_owner_manages_it() {
    let bench = Bench::start().await;
    let owner = owner(&bench, "op01", USCCS[0]).await;
    let body = draft("second01");
    let made = bench.members().add_member(by(&owner, body.clone())).await.unwrap().into_inner();
    let twice = bench.members().add_member(by(&owner, body)).await.unwrap().into_inner();
    assert_eq!(made, twice);
    assert_eq!((made.masked_phone.as_str(), made.credential_state.as_str()), ("199****0041", "one_time"));
    activate(&bench, "second01", 0).await;
    let session = bench.session("second01", NEW).await;
    let second = bench.token(&session).await.unwrap();
    assert_eq!(claims(&second).roles, ["operator"]);
    assert_eq!(claims(&second).operator_id, claims(&owner).operator_id);

    let seen = list(&bench, &second).await;
    let logins: Vec<_> =
        seen.members.iter().map(|one| (one.login.as_str(), one.owner, one.sessions)).collect();
    assert_eq!((logins, seen.manages), (vec![("op01", true, 1), ("second01", false, 1)], false));
    assert!(seen.members[1].signed_in_at.is_some() && list(&bench, &owner).await.manages);
    for refused in [
        bench.members().add_member(by(&second, draft("third01"))).await.unwrap_err(),
        deactivate(&bench, &second, &claims(&owner).subject).await.unwrap_err(),
    ] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "not_owner"));
    }

    let end = EndMemberSessionsRequest { request_id: request_id(), user_id: made.user_id.clone() };
    bench.members().end_member_sessions(by(&owner, end)).await.unwrap();
    assert_eq!(reason(&bench.token(&session).await.unwrap_err()), "session_ended");
    let reissue = ReissueMemberPasswordRequest { request_id: request_id(), user_id: made.user_id.clone() };
    bench.members().reissue_member_password(by(&owner, reissue)).await.unwrap();
    assert_eq!(reason(&bench.sign_in("second01", NEW).await.unwrap_err()), "sign_in_failed");
    bench.secret(PHONE, 3, 16).await;
    bench.conclude().await;
}

#[tokio::test]
async fn a_member_is_suspended_and_restored_unless_the_platform_ended_it() {
    let bench = Bench::start().await;
    let owner = owner(&bench, "op01", USCCS[0]).await;
    let member = add(&bench, &owner, "second01").await.user_id;
    activate(&bench, "second01", 0).await;
    let session = bench.session("second01", NEW).await;
    assert!(!deactivate(&bench, &owner, &member).await.unwrap().active);
    assert_eq!(reason(&bench.token(&session).await.unwrap_err()), "session_ended");
    assert_eq!(reason(&bench.sign_in("second01", NEW).await.unwrap_err()), "account_suspended");
    assert_eq!(reason(&hand_over(&bench, &owner, &member).await.unwrap_err()), "member_inactive");
    assert!(restore(&bench, &owner, &member).await.unwrap().active);
    bench.session("second01", NEW).await;

    let administrator = bench.person("admin01").await;
    let end = DeactivateUserRequest { request_id: request_id(), user_id: member.clone() };
    bench.users().deactivate(by(&administrator, end)).await.unwrap();
    assert_eq!(reason(&restore(&bench, &owner, &member).await.unwrap_err()), "ended_by_platform");
    // Where the platform ends the owner, the company still has one.
    let third = add(&bench, &owner, "third01").await;
    let administrator = bench.person("admin01").await;
    let end = DeactivateUserRequest { request_id: request_id(), user_id: claims(&owner).subject };
    bench.users().deactivate(by(&administrator, end)).await.unwrap();
    let left = list(&bench, &owner).await.members;
    assert_eq!((left[0].user_id.as_str(), left[0].owner), (third.user_id.as_str(), true));
    bench.conclude().await;
}

#[tokio::test]
async fn the_owner_cannot_end_itself_but_hands_over_to_a_member_with_an_own_password() {
    let bench = Bench::start().await;
    let owner = owner(&bench, "op01", USCCS[0]).await;
    let own = claims(&owner).subject;
    assert_eq!(reason(&deactivate(&bench, &owner, &own).await.unwrap_err()), "own_account");
    let member = add(&bench, &owner, "second01").await.user_id;
    assert_eq!(reason(&hand_over(&bench, &owner, &member).await.unwrap_err()), "member_not_activated");
    activate(&bench, "second01", 0).await;
    assert!(hand_over(&bench, &owner, &member).await.unwrap().owner);
    assert_eq!(reason(&hand_over(&bench, &owner, &member).await.unwrap_err()), "not_owner");
    let session = bench.session("second01", NEW).await;
    let second = bench.token(&session).await.unwrap();
    assert!(list(&bench, &second).await.manages);
    deactivate(&bench, &second, &own).await.unwrap();
    assert_eq!(reason(&bench.sign_in("op01", PASSWORD).await.unwrap_err()), "account_suspended");
    let acts = "SELECT count(*) FROM audit_log WHERE act IN ('add_member', 'hand_over', 'deactivate_member')";
    assert_eq!(bench.count(acts).await, 3);
    bench.conclude().await;
}

#[tokio::test]
async fn a_member_who_changes_the_companys_contact_does_not_move_anybody_elses_phone() {
    let bench = Bench::start().await;
    let owner = owner(&bench, "op01", USCCS[0]).await;
    add(&bench, &owner, "second01").await;
    activate(&bench, "second01", 0).await;
    let session = bench.session("second01", NEW).await;
    let second = bench.token(&session).await.unwrap();
    let change = async |token: &str, phone: &str| {
        let own = bench.registration().get_own_profile(by(token, GetOwnProfileRequest {})).await.unwrap();
        let profile = Profile { contact_phone: phone.into(), ..own.into_inner().profile.unwrap() };
        let body =
            ChangeProfileRequest { request_id: request_id(), profile: Some(profile), truth_declared: true };
        bench.registration().change_profile(by(token, body)).await.unwrap();
        list(&bench, &owner).await.members.into_iter().map(|one| one.masked_phone).collect::<Vec<_>>()
    };
    assert_eq!(change(&second, "19900000066").await, ["199****0001", "199****0041"]);
    assert_eq!(change(&owner, "19900000001").await, ["199****0001", "199****0041"]);
    // The contact's own change moves the contact's own phone, as for a company of one.
    assert_eq!(change(&owner, "19900000077").await, ["199****0077", "199****0041"]);
    bench.conclude().await;
}

#[tokio::test]
async fn an_applicant_has_no_members_and_a_foreign_one_does_not_exist() {
    let bench = Bench::start().await;
    let owner = owner(&bench, "op01", USCCS[0]).await;
    bench.register("op02", USCCS[1]).await.unwrap();
    let applicant = bench.person("op02").await;
    for refused in [
        bench.members().list_members(by(&applicant, ListMembersRequest {})).await.unwrap_err(),
        bench.members().add_member(by(&applicant, draft("third01"))).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let foreign = claims(&applicant).subject;
    for user in [foreign.as_str(), &request_id(), "none"] {
        assert_eq!(deactivate(&bench, &owner, user).await.unwrap_err().code(), Code::NotFound, "{user}");
        assert_eq!(hand_over(&bench, &owner, user).await.unwrap_err().code(), Code::NotFound, "{user}");
    }
    let taken = AddMemberRequest { phone: "199".into(), display_name: " ".into(), ..draft("OP02") };
    let taken = bench.members().add_member(by(&owner, taken)).await.unwrap_err();
    assert_eq!(fields(&taken), ["login", "display_name", "contact_phone"]);
    bench.conclude().await;
}
