//! From draft to the end of the city's review: what each party may do, and what bad input gets.

use std::sync::atomic::Ordering;

use proto::reviews::{
    AllowedActionsRequest, AnswerDraft, ApplicationView, DeleteRequest, GetHistoryRequest, HistoryEntry,
    ItemAnswer, ListApplicationsRequest, SaveAcceptanceRequest, SubmitMaterialsRequest, TakeBackRequest,
    TerminateRequest,
};

use crate::harness::{CITY, COUNTY, OPERATOR, Platform, Who, answer, fresh, judged, reason};

fn edit(id: &str, edit_version: i64) -> SaveAcceptanceRequest {
    SaveAcceptanceRequest {
        request_id: fresh(),
        application_id: id.into(),
        edit_version,
        ..SaveAcceptanceRequest::default()
    }
}

#[tokio::test]
async fn county_returns_operator_edits_only_what_was_named_and_comes_back() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    assert_eq!((view.stage.as_str(), view.version, view.edit_version), ("Draft", 1, 1));
    let form = view.form.as_ref().expect("prefilled");
    assert_eq!((form.station_name.as_str(), form.connector_ids.len()), ("示例充电站", 2));
    assert_eq!(reason(platform.create(OPERATOR, &round, 1).await), "live_application_exists");

    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    assert_eq!((view.stage.as_str(), view.waits_for.as_str()), ("CountyReview", "county"));
    assert!(view.receipt_no.starts_with("SL"));
    assert_eq!(reason(platform.send_back(COUNTY, &view, &[]).await), "items_missing");
    assert_eq!(reason(platform.send_back(COUNTY, &view, &["M1"]).await), "unknown_item");
    let view = platform.send_back(COUNTY, &view, &["manager"]).await.expect("returned");
    assert_eq!(
        (view.stage.as_str(), view.open_fields.clone()),
        ("CountyReturned", vec!["manager".to_owned()])
    );

    assert_eq!(reason(platform.submit(OPERATOR, &view).await), "unanswered");
    let mut closed = edit(&view.application_id, 1);
    closed.address = Some("另一条路".into());
    let mut operator = platform.applications(OPERATOR);
    assert_eq!(reason(answer(operator.save_acceptance(closed).await)), "field_closed");
    let mut open = edit(&view.application_id, 1);
    open.manager = Some("新站长".into());
    let saved = answer(operator.save_acceptance(open).await).expect("saved");
    assert_eq!((saved.edit_version, saved.version), (2, view.version));
    assert_eq!(
        reason(answer(operator.save_acceptance(edit(&view.application_id, 1)).await)),
        "edited_meanwhile"
    );

    let view = platform.submit(OPERATOR, &saved).await.expect("resubmitted");
    let view = platform.pass(COUNTY, &view).await.expect("passed");
    let view = platform.paper(COUNTY, &view, &["M2"]).await.expect("papers are missing");
    assert_eq!((view.stage.as_str(), view.version), ("PaperCheck", 6));
    let view = platform.paper(COUNTY, &view, &[]).await.expect("papers are complete");
    assert_eq!(view.stage, "MaterialsDue");

    let view = platform.materials(OPERATOR, &view).await.expect("materials");
    let view = platform.send_back(CITY, &view, &["M3a"]).await.expect("the city returns");
    let view = platform.materials(OPERATOR, &view).await.expect("straight to the city (G9)");
    assert_eq!(view.stage, "CityReview");
    let view = platform.pass(CITY, &view).await.expect("passed");
    let back = TakeBackRequest {
        request_id: fresh(),
        application_id: view.application_id.clone(),
        version: view.version,
        reason: String::new(),
    };
    let view = answer(platform.applications(CITY).take_back(back).await).expect("taken back");
    assert_eq!(view.stage, "CityReview");

    let request = GetHistoryRequest { application_id: view.application_id.clone() };
    let history = answer(platform.applications(CITY).get_history(request).await).expect("read").entries;
    let steps: Vec<_> = history.iter().map(|entry| entry.transition.as_str()).collect();
    let expected = ["T01", "T02", "T05", "T02", "T04", "T07", "T06", "T09", "T12", "T09", "T11", "T13"];
    assert_eq!(steps, expected);
    assert!(history.windows(2).all(|pair| pair[0].hash == pair[1].prev_hash));

    // The city reads what the county found on paper, at the steps that found it; an operator reads no person.
    let papers = |entries: &[HistoryEntry]| -> Vec<_> {
        let found = entries.iter().filter_map(|entry| Some((entry, entry.paper_check.as_ref()?)));
        found
            .map(|(entry, paper)| (entry.transition.clone(), paper.missing.clone(), paper.checker.clone()))
            .collect()
    };
    let found = |checker: &str| {
        let step = |transition: &str, missing: &[&str]| {
            let missing: Vec<_> = missing.iter().map(|item| (*item).to_owned()).collect();
            (transition.to_owned(), missing, checker.to_owned())
        };
        vec![step("T07", &["M2"]), step("T06", &[])]
    };
    assert_eq!(papers(&history), found("李明"));
    let request = GetHistoryRequest { application_id: view.application_id.clone() };
    let history = answer(platform.applications(OPERATOR).get_history(request).await).expect("read").entries;
    assert_eq!(papers(&history), found(""));
    platform.stop().await;
}

#[tokio::test]
async fn a_foreign_application_looks_like_none_and_lists_keep_to_the_scope() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let draft = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let id = draft.application_id.clone();
    let stranger = Who("operator", 2, "");
    for who in [stranger, COUNTY, CITY, Who("county", 14, "410105"), Who("expert", 31, "")] {
        assert_eq!(reason(platform.get(who, &id).await), "not_found", "{who:?}");
    }
    let view = platform.submit(OPERATOR, &draft).await.expect("submitted");
    assert!(platform.get(COUNTY, &id).await.is_ok());
    let foreign = Who("county", 14, "410105");
    assert_eq!(reason(platform.pass(foreign, &view).await), "not_found");
    assert_eq!(reason(platform.withdraw(stranger, &view).await), "not_found");

    for n in 2..=4 {
        platform.create(OPERATOR, &round, n).await.expect("drafted");
    }
    let list = |page_token: String, size| ListApplicationsRequest {
        page: Some(proto::common::Page { page_size: size, page_token }),
        ..ListApplicationsRequest::default()
    };
    let mut operator = platform.applications(OPERATOR);
    let first = answer(operator.list_applications(list(String::new(), 3)).await).expect("listed");
    let second = answer(operator.list_applications(list(first.next_page_token, 3)).await).expect("listed");
    assert_eq!((first.applications.len(), second.applications.len()), (3, 1));
    let county = answer(platform.applications(COUNTY).list_applications(list(String::new(), 0)).await);
    assert_eq!(county.expect("listed").applications.len(), 1);
    let mut unknown = list(String::new(), 0);
    unknown.stages = vec!["Nowhere".into()];
    let refused = answer(operator.list_applications(unknown).await).expect_err("unknown");
    assert_eq!((refused.reason.as_str(), refused.fields), ("unknown_value", vec!["stages".to_owned()]));
    platform.stop().await;
}

#[tokio::test]
async fn a_decision_on_an_older_version_or_submission_is_told_who_acted() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let seen = platform.submit(OPERATOR, &view).await.expect("submitted");
    let mut other = seen.clone();
    other.submission.as_mut().expect("submitted").hash = "00".repeat(32);
    assert_eq!(reason(platform.pass(COUNTY, &other).await), "stale_submission");
    other.submission = None;
    assert_eq!(judged(&other), None);
    assert_eq!(reason(platform.pass(COUNTY, &other).await), "submission_not_named");

    platform.withdraw(OPERATOR, &seen).await.expect("withdrawn");
    let late = platform.pass(COUNTY, &seen).await.expect_err("too late");
    assert_eq!(late.reason, "already_withdrawn");
    assert_eq!(late.metadata["role"], "operator");
    assert_eq!((late.metadata["version"].as_str(), late.metadata["stage"].as_str()), ("3", "Draft"));

    let now = platform.get(OPERATOR, &seen.application_id).await.expect("read");
    let seen = platform.submit(OPERATOR, &now).await.expect("submitted again");
    platform.pass(COUNTY, &seen).await.expect("passed");
    assert_eq!(reason(platform.withdraw(OPERATOR, &seen).await), "already_decided");
    assert_eq!(reason(platform.pass(Who("county", 15, "410122"), &seen).await), "stale_version");
    platform.stop().await;
}

#[tokio::test]
async fn in_jiyuan_one_authority_is_both_tiers_but_one_person_is_not() {
    let platform = Platform::start().await;
    platform.neighbours.jiyuan.store(true, Ordering::Relaxed);
    let round = platform.round(|_| ()).await;
    let county = Who("county", 11, "419001");
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    let view = platform.pass(county, &view).await.expect("passed");
    let view = platform.paper(county, &view, &[]).await.expect("papers");
    let view = platform.materials(OPERATOR, &view).await.expect("materials");
    let same = Who("city", 11, "419001");
    assert_eq!(reason(platform.pass(same, &view).await), "decided_before");
    let view = platform.pass(Who("city", 12, "419001"), &view).await.expect("another person");
    assert_eq!(view.stage, "AwaitingJointReview");
    platform.stop().await;
}

#[tokio::test]
async fn gates_and_a_suspended_account_keep_a_submission_back_and_nothing_changes() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    platform.neighbours.unconnected.store(true, Ordering::Relaxed);
    assert_eq!(reason(platform.submit(OPERATOR, &view).await), "gate_a");
    platform.neighbours.unconnected.store(false, Ordering::Relaxed);
    platform.neighbours.suspended.store(true, Ordering::Relaxed);
    assert_eq!(reason(platform.submit(OPERATOR, &view).await), "account_not_active");
    assert_eq!(reason(platform.create(OPERATOR, &round, 2).await), "account_not_active");
    platform.neighbours.suspended.store(false, Ordering::Relaxed);
    let mut wrong = edit(&view.application_id, 1);
    (wrong.manager_phone, wrong.finish_date) = (Some("138".into()), Some("2024-01-01".into()));
    let saved =
        answer(platform.applications(OPERATOR).save_acceptance(wrong).await).expect("a draft may be wrong");
    let refused = platform.submit(OPERATOR, &saved).await.expect_err("invalid");
    assert_eq!(refused.reason, "form_invalid");
    assert_eq!(refused.fields, ["finish_date", "manager_phone"]);
    assert_eq!(platform.get(OPERATOR, &view.application_id).await.expect("read").version, 1);

    let view = platform.create(OPERATOR, &round, 3).await.expect("drafted");
    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    let view = platform.pass(COUNTY, &view).await.expect("passed");
    let view = platform.paper(COUNTY, &view, &[]).await.expect("papers");
    platform.neighbours.unconnected.store(true, Ordering::Relaxed);
    assert_eq!(reason(platform.materials(OPERATOR, &view).await), "gate_b");
    // What can be refused beforehand closes no dossier.
    assert!(platform.neighbours.sealed.lock().expect("no panic before").is_empty());
    platform.stop().await;
}

#[tokio::test]
async fn a_place_far_from_its_county_is_kept_in_a_draft_and_not_handed_in() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    // One degree too far west.
    let mut far = edit(&view.application_id, 1);
    (far.longitude_e6, far.latitude_e6) = (Some(112_668_756), Some(34_798_101));
    let saved =
        answer(platform.applications(OPERATOR).save_acceptance(far).await).expect("a draft may be wrong");
    let refused = platform.submit(OPERATOR, &saved).await.expect_err("far away");
    assert_eq!((refused.reason.as_str(), refused.fields), ("form_invalid", vec!["coordinates".to_owned()]));
    let mut near = edit(&view.application_id, saved.edit_version);
    (near.longitude_e6, near.latitude_e6) = (Some(113_668_756), Some(34_798_101));
    let saved = answer(platform.applications(OPERATOR).save_acceptance(near).await).expect("saved");
    platform.submit(OPERATOR, &saved).await.expect("submitted");
    platform.stop().await;
}

#[tokio::test]
async fn a_request_releases_its_own_hold_on_a_seal() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    let view = platform.pass(COUNTY, &view).await.expect("passed");
    let view = platform.paper(COUNTY, &view, &[]).await.expect("papers");
    *platform.neighbours.while_sealing.lock().expect("no panic before") = Some(platform.pool.clone());
    let request_id = fresh();
    let request = proto::reviews::SubmitMaterialsRequest {
        request_id: request_id.clone(),
        application_id: view.application_id.clone(),
        version: view.version,
        answers: vec![],
    };
    let refused = answer(platform.applications(OPERATOR).submit_materials(request).await);
    let refused = refused.expect_err("it was saved meanwhile");
    assert_eq!(
        (refused.reason.as_str(), refused.metadata["deed"].as_str()),
        ("edited_meanwhile", "保存了表单")
    );
    assert!(refused.metadata.contains_key("at"), "{refused:?}");
    let sealed = platform.neighbours.sealed.lock().expect("no panic before").clone();
    assert_eq!(sealed, std::slice::from_ref(&request_id));
    let released = platform.neighbours.released.lock().expect("no panic before").clone();
    assert_eq!(released, [(view.application_id.clone(), 2, request_id)]);
    platform.stop().await;
}

#[tokio::test]
async fn a_failed_claim_keeps_a_submission_back_in_a_round_without_gates() {
    let platform = Platform::start().await;
    let round = platform.round(|policy| policy.gate_a = "off".into()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    platform.neighbours.claimed.store(true, Ordering::Relaxed);
    assert_eq!(reason(platform.submit(OPERATOR, &view).await), "connector_claimed");
    platform.neighbours.claimed.store(false, Ordering::Relaxed);
    platform.submit(OPERATOR, &view).await.expect("submitted");
    platform.stop().await;
}

/// An application that has gone to the city and came back with these items.
async fn returned_by_the_city(platform: &Platform, items: &[&str]) -> ApplicationView {
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    let view = platform.pass(COUNTY, &view).await.expect("passed");
    let view = platform.paper(COUNTY, &view, &[]).await.expect("papers");
    let view = platform.materials(OPERATOR, &view).await.expect("materials");
    platform.send_back(CITY, &view, items).await.expect("returned")
}

#[tokio::test]
async fn a_withdrawal_does_not_forget_the_return_that_was_answered() {
    let platform = Platform::start().await;
    let view = returned_by_the_city(&platform, &["M5", "address"]).await;
    let id = view.application_id.clone();
    let change = |edit_version, address: &str| {
        let request = SaveAcceptanceRequest { address: Some(address.into()), ..edit(&id, edit_version) };
        let mut operator = platform.applications(OPERATOR);
        async move { answer(operator.save_acceptance(request).await).expect("open") }
    };
    let view = change(1, "另一条路").await;
    let view = platform.materials(OPERATOR, &view).await.expect("answered");
    let view = platform.withdraw(OPERATOR, &view).await.expect("withdrawn");
    assert_eq!((view.stage.as_str(), view.return_items.len()), ("MaterialsDue", 2));
    assert_eq!(view.open_fields, ["address"]);
    // The address that the city refused does not come through.
    let view = change(2, "示例路1号").await;
    assert_eq!(reason(platform.materials(OPERATOR, &view).await), "unanswered");
    // The one that was handed in before still is an answer.
    let view = change(3, "另一条路").await;
    platform.materials(OPERATOR, &view).await.expect("answered again");
    platform.stop().await;
}

fn say(texts: &[(&str, &str)]) -> Vec<ItemAnswer> {
    texts.iter().map(|(item, text)| ItemAnswer { item: (*item).into(), text: (*text).into() }).collect()
}

#[tokio::test]
async fn what_is_to_be_said_to_a_return_is_kept_until_it_is_handed_in_and_is_the_operators_own() {
    let platform = Platform::start().await;
    let view = returned_by_the_city(&platform, &["M5", "address", "manager"]).await;
    let id = view.application_id.clone();
    let words = |view: &ApplicationView| -> Vec<_> {
        view.answers.iter().map(|answer| (answer.item.clone(), answer.text.clone())).collect()
    };
    let said = |texts: &[(&str, &str)]| -> Vec<_> {
        texts.iter().map(|(item, text)| ((*item).to_owned(), (*text).to_owned())).collect()
    };

    let answers = say(&[("address", "门牌号以公安部门登记为准"), ("manager", " "), ("start_date", "未变")]);
    let draft = SaveAcceptanceRequest { answers: Some(AnswerDraft { answers }), ..edit(&id, 1) };
    let saved = answer(platform.applications(OPERATOR).save_acceptance(draft).await).expect("saved");
    let kept = said(&[("address", "门牌号以公安部门登记为准")]);
    assert_eq!((words(&saved), saved.edit_version, saved.version), (kept.clone(), 2, view.version));
    // An edit of something else leaves it as it is; nobody else reads what is not handed in.
    let other = SaveAcceptanceRequest { manager: Some("新站长".into()), ..edit(&id, 2) };
    answer(platform.applications(OPERATOR).save_acceptance(other).await).expect("saved");
    let read = platform.get(OPERATOR, &id).await.expect("read");
    assert_eq!(words(&read), kept);
    assert!(platform.get(CITY, &id).await.expect("read").answers.is_empty());
    // It is kept, not said: a submission carries its own.
    assert_eq!(reason(platform.materials(OPERATOR, &read).await), "unanswered");
    let request = SubmitMaterialsRequest {
        request_id: fresh(),
        application_id: id.clone(),
        version: read.version,
        answers: say(&[("address", "门牌号以公安部门登记为准")]),
    };
    let view = answer(platform.applications(OPERATOR).submit_materials(request).await).expect("submitted");
    assert!(platform.get(OPERATOR, &id).await.expect("read").answers.is_empty());
    // With the return that stands again it comes back.
    platform.withdraw(OPERATOR, &view).await.expect("withdrawn");
    let again = platform.get(OPERATOR, &id).await.expect("read");
    assert_eq!(words(&again), kept);
    let none = AnswerDraft { answers: vec![] };
    let cleared = SaveAcceptanceRequest { answers: Some(none), ..edit(&id, again.edit_version) };
    let cleared = answer(platform.applications(OPERATOR).save_acceptance(cleared).await).expect("saved");
    assert!(cleared.answers.is_empty());
    platform.stop().await;
}

#[tokio::test]
async fn only_parties_of_the_review_read_rounds_and_text_is_readable() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let get = |who| {
        let request = proto::reviews::GetRoundRequest { round_id: round.clone() };
        let mut rounds = proto::reviews::rounds_client::RoundsClient::new(platform.signed(who));
        async move { rounds.get_round(request).await.map(|_| ()).map_err(|status| status.code()) }
    };
    assert_eq!(get(COUNTY).await, Ok(()));
    for role in ["operator_applicant", "system_administrator", "audit_administrator"] {
        assert_eq!(get(Who(role, 50, "410000")).await, Err(tonic::Code::PermissionDenied), "{role}");
    }
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let request =
        SaveAcceptanceRequest { address: Some("路\u{0}号".into()), ..edit(&view.application_id, 1) };
    let refused = answer(platform.applications(OPERATOR).save_acceptance(request).await).expect_err("NUL");
    assert_eq!((refused.reason.as_str(), refused.fields), ("unreadable", vec!["address".to_owned()]));
    let list = ListApplicationsRequest { county: "\u{0}".into(), ..ListApplicationsRequest::default() };
    let refused = answer(platform.applications(COUNTY).list_applications(list).await);
    assert_eq!(reason(refused), "unknown_value");
    platform.stop().await;
}

#[tokio::test]
async fn a_draft_is_deleted_a_submitted_one_terminated_and_the_station_is_free_again() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let delete = |view: &proto::reviews::ApplicationView| DeleteRequest {
        request_id: fresh(),
        application_id: view.application_id.clone(),
        version: view.version,
    };
    let mut operator = platform.applications(OPERATOR);
    assert_eq!(answer(operator.delete(delete(&view)).await).expect("deleted").stage, "Deleted");
    let listed =
        answer(operator.list_applications(ListApplicationsRequest::default()).await).expect("listed");
    assert_eq!(listed.applications.len(), 0);

    let view = platform.create(OPERATOR, &round, 1).await.expect("free again");
    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    let view = platform.withdraw(OPERATOR, &view).await.expect("withdrawn");
    assert_eq!(reason(answer(operator.delete(delete(&view)).await)), "submitted_once");
    let terminate = TerminateRequest {
        request_id: fresh(),
        application_id: view.application_id.clone(),
        version: view.version,
        reason: "不再申报".into(),
    };
    assert_eq!(answer(operator.terminate(terminate).await).expect("terminated").stage, "Terminated");
    assert_eq!(platform.count("SELECT count(*) FROM history").await, 6);
    platform.stop().await;
}

#[tokio::test]
async fn allowed_actions_say_yes_or_why_not_and_who_could() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let view = platform.submit(OPERATOR, &view).await.expect("submitted");
    let request = || AllowedActionsRequest { application_id: view.application_id.clone() };
    let county = answer(platform.applications(COUNTY).allowed_actions(request()).await).expect("asked");
    let yes: Vec<_> =
        county.actions.iter().filter(|action| action.allowed).map(|action| action.command.as_str()).collect();
    assert_eq!(yes, ["Pass", "Return", "ExtendDeadline", "Reassign"]);
    let operator = answer(platform.applications(OPERATOR).allowed_actions(request()).await).expect("asked");
    let yes: Vec<_> = operator
        .actions
        .iter()
        .filter(|action| action.allowed)
        .map(|action| action.command.as_str())
        .collect();
    assert_eq!(yes, ["Withdraw"]);
    let pass = operator.actions.iter().find(|action| action.command == "Pass").expect("listed");
    assert_eq!((pass.reason.as_str(), pass.waits_for.as_str()), ("not_your_turn", "county"));
    assert!(pass.text.contains("县级主管部门"));
    platform.stop().await;
}

#[tokio::test]
async fn a_repeated_request_changes_nothing_and_gets_the_first_answer() {
    let platform = Platform::start().await;
    let round = platform.round(|_| ()).await;
    let view = platform.create(OPERATOR, &round, 1).await.expect("drafted");
    let request = proto::reviews::SubmitAcceptanceRequest {
        request_id: fresh(),
        application_id: view.application_id.clone(),
        version: view.version,
        answers: vec![],
    };
    let mut operator = platform.applications(OPERATOR);
    let first = answer(operator.submit_acceptance(request.clone()).await).expect("submitted");
    platform.pass(COUNTY, &first).await.expect("passed");
    let again = answer(operator.submit_acceptance(request.clone()).await).expect("replayed");
    assert_eq!(first, again);
    let mut other = request;
    other.version = 2;
    assert_eq!(reason(answer(operator.submit_acceptance(other).await)), "request_reused");
    platform.stop().await;
}
