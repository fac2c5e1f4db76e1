//! Dossiers from the first file to the second sealed revision, and what happens to seals that nobody confirms.

use documents::{app::sweep::Sweep, neighbours::Neighbours};
use proto::documents::{
    CheckDossierRequest, DiffRevisionsRequest, DownloadRequest, ExplainRequest, GetRevisionRequest,
    ReleaseSealRequest, RemoveFileRequest,
};

use crate::harness::{Platform, Who, answer, fresh, number, pdf, reason};

const FILES: [&str; 10] = ["M1", "M2", "M3a", "M3b", "M4a", "M4b", "M5", "M6", "M8a", "M8b"];
const ALL: [&str; 11] = ["M1", "M2", "M3a", "M3b", "M4a", "M4b", "M5", "M6", "M8a", "M8b", "M9"];

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_goes_from_closed_to_its_second_sealed_revision() {
    let platform = Platform::start().await;
    let operator = number(1);
    let both = (crate::harness::id(), operator);
    let said = |reason: &str| reason.to_owned();
    assert_eq!(reason(platform.dossier(both).await), "not_found");
    platform.tell(both, "drafted", "Draft", (0, ""), &[]).await.expect("applied");
    assert_eq!(reason(platform.upload(both, "M1", &pdf("early")).await), "dossier_closed");
    platform.tell(both, "paper_check_passed", "MaterialsDue", (1, "acceptance"), &[]).await.expect("applied");

    let check = |who| {
        let request = CheckDossierRequest { application_id: both.0.to_string(), required_slots: Vec::new() };
        let mut client = platform.dossiers(who);
        async move { answer(client.check_dossier(request).await).expect("checked").problems }
    };
    let problems = check(Who::Operator(operator)).await;
    assert_eq!((problems.len(), problems[0].text.as_str()), (11, "请上传省级奖补资金项目申请函"));
    let missing = platform.seal(both, 2, &ALL, &[]).await.expect_err("incomplete");
    assert_eq!((missing.reason.as_str(), missing.fields.len()), ("material_missing", 11));
    for slot in FILES {
        platform.fill(both, slot).await;
    }
    let invoice = platform.invoice(operator, 10_000).await.invoice_id;
    platform.allocate(&invoice, both, 7_000).await.expect("allocated");
    assert_eq!(check(Who::Reviews).await, []);

    let seal = platform.seal(both, 2, &ALL, &[]).await.expect("complete");
    assert_eq!((seal.revision, seal.file_count, seal.invoice_count), (1, 10, 1));
    assert_eq!(platform.seal(both, 2, &ALL, &[]).await.expect("the same seal"), seal);
    assert_eq!(reason(platform.seal(both, 3, &ALL, &[]).await), "dossier_behind");
    assert_eq!(reason(platform.upload(both, "M1", &pdf("late")).await), "dossier_locked");
    platform.tell(both, "materials_submitted", "CityReview", (2, "materials"), &[]).await.expect("confirmed");
    platform
        .tell(both, "city_returned", "CityReturned", (2, "materials"), &["M5", "M9"])
        .await
        .expect("reopened");

    let open = platform.dossier(both).await.expect("own");
    assert_eq!((open.state.as_str(), open.revision), ("open", 2));
    assert_eq!(reason(platform.upload(both, "M1", &pdf("other")).await), "item_not_editable");
    let unanswered = platform.seal(both, 3, &[], &["M5", "M9"]).await.expect_err("nothing answered");
    assert_eq!(
        (unanswered.reason, unanswered.fields),
        (said("item_unanswered"), vec![said("M5"), said("M9")])
    );
    let old = open.slots.iter().find(|slot| slot.slot == "M5").expect("slot").files[0].file_id.clone();
    let new = platform.upload(both, "M5", &pdf("better")).await.expect("uploaded").file_id;
    assert_eq!(reason(platform.place(both, "M5", &new, &old, open.edits + 5).await), "dossier_changed");
    platform.place(both, "M5", &new, &old, open.edits).await.expect("replaced");
    let explain = ExplainRequest {
        request_id: fresh(),
        application_id: both.0.to_string(),
        item: "M9".into(),
        text: "发票无误".into(),
        edits: 0,
    };
    answer(platform.dossiers(Who::Operator(operator)).explain(explain).await).expect("explained");
    let second = platform.seal(both, 3, &[], &["M5", "M9"]).await.expect("answered");
    assert_eq!(second.revision, 2);
    assert_ne!(second.dossier_hash, seal.dossier_hash);

    let diff = DiffRevisionsRequest { application_id: both.0.to_string(), from: 1, to: 2 };
    let city = Who::Official("city", "410100");
    let diff = answer(platform.dossiers(city).diff_revisions(diff).await).expect("in scope");
    assert_eq!((diff.slots.len(), diff.slots[0].change.as_str(), diff.invoices.len()), (1, "replaced", 0));
    assert_eq!(diff.slots[0].before.as_ref().expect("old").file_id, old);
    let revision = GetRevisionRequest { application_id: both.0.to_string(), revision: 1 };
    let foreign = platform.dossiers(Who::Official("city", "410300")).get_revision(revision.clone()).await;
    assert_eq!(reason(answer(foreign)), "not_found");
    let first = answer(platform.dossiers(city).get_revision(revision).await).expect("in scope");
    assert_eq!(first.invoices[0].used_fen, 7_000);

    let card = first.slots.iter().find(|slot| slot.slot == "M3b").expect("slot").files[0].file_id.clone();
    let open_card = |who, why: &str| {
        let request = DownloadRequest { file_id: card.clone(), reason: why.into() };
        let mut client = platform.files(who);
        async move { answer(client.download(request).await).map(|_| ()) }
    };
    assert_eq!(reason(open_card(city, "").await), "reason_required");
    open_card(city, "核对法人身份").await.expect("recorded");
    assert_eq!(reason(open_card(Who::Official("administrator", "410000"), "核对").await), "not_found");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_stands_once_in_a_dossier() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    let bytes = pdf("one");
    let file = platform.upload(both, "M1", &bytes).await.expect("uploaded").file_id;
    let twin = platform.upload(both, "M2", &bytes).await.expect("not placed yet").file_id;
    platform.place(both, "M1", &file, "", 0).await.expect("placed");
    for (slot, id) in [("M2", &twin), ("M2", &file), ("M1", &file)] {
        assert_eq!(reason(platform.place(both, slot, id, "", 0).await), "file_duplicate");
    }
    assert_eq!(reason(platform.upload(both, "M7", &bytes).await), "file_duplicate");
    assert_eq!(reason(platform.place(both, "M9", &twin, "", 0).await), "slot_not_placeable");
    assert_eq!(reason(platform.place(both, "M99", &twin, "", 0).await), "unknown_value");
    let other = platform.open(number(2)).await;
    assert_eq!(reason(platform.place(other, "M1", &twin, "", 0).await), "not_found");
    let remove = RemoveFileRequest {
        request_id: fresh(),
        application_id: both.0.to_string(),
        file_id: file,
        edits: 0,
    };
    let left =
        answer(platform.dossiers(Who::Operator(both.1)).remove_file(remove.clone()).await).expect("removed");
    assert!(left.slots.iter().all(|slot| slot.files.is_empty()));
    let again = RemoveFileRequest { request_id: fresh(), ..remove };
    assert_eq!(
        reason(answer(platform.dossiers(Who::Operator(both.1)).remove_file(again).await)),
        "file_not_placed"
    );
    platform.place(both, "M2", &twin, "", 0).await.expect("free again");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_without_a_submission_is_released_and_taken_again_when_it_stands_after_all() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    platform.fill(both, "M1").await;
    let seal = platform.seal(both, 2, &["M1"], &[]).await.expect("sealed");
    let release = ReleaseSealRequest {
        application_id: both.0.to_string(),
        submission_version: 2,
        holder: "a request".into(),
    };
    answer(platform.sealing().release_seal(release.clone()).await).expect("released");
    answer(platform.sealing().release_seal(release).await).expect("nothing to release");
    assert_eq!(platform.dossier(both).await.expect("own").state, "open");
    let again = platform.seal(both, 2, &["M1"], &[]).await.expect("sealed again");
    assert_eq!(again.dossier_hash, seal.dossier_hash);

    sqlx::query("UPDATE revisions SET held_at = held_at - interval '2 minutes' WHERE state = 'sealed'")
        .execute(&platform.pool)
        .await
        .expect("aged");
    let process = chassis::Process::start("documents", &platform.config.chassis()).await.expect("starts");
    let sweep = Sweep {
        units: process.units.clone(),
        neighbours: Neighbours::new(process.peer("reviews"), process.peer("accounts")),
        uploads: std::sync::Arc::new(documents::app::uploads::Uploads::new(
            platform.blobs.clone(),
            std::sync::Arc::new(
                documents::inspect::worker::Inspector::new(None, std::time::Duration::from_secs(60))
                    .expect("named"),
            ),
            1,
            0,
        )),
        interval: std::time::Duration::from_secs(1),
        given_up: time::Duration::seconds(60),
    };
    platform.know(both, "CityReview", (2, "materials"), &seal.dossier_hash);
    sweep.seals().await.expect("swept");
    assert_eq!(platform.dossier(both).await.expect("own").state, "sealed", "reviews knows the submission");
    platform.know(both, "MaterialsDue", (1, "acceptance"), "");
    sweep.seals().await.expect("swept");
    assert_eq!(platform.dossier(both).await.expect("own").state, "open", "reviews does not know it");

    platform
        .tell(both, "materials_submitted", "CityReview", (2, "materials"), &[])
        .await
        .expect("it stands after all");
    let sealed = platform.dossier(both).await.expect("own");
    assert_eq!((sealed.state.as_str(), sealed.revision), ("sealed", 1));
    platform
        .tell(both, "materials_withdrawn", "MaterialsDue", (2, "materials"), &[])
        .await
        .expect("reopened");
    assert_eq!(platform.dossier(both).await.expect("own").revision, 2);
    platform.seal(both, 3, &["M1"], &[]).await.expect("unchanged is fine after a withdrawal");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_that_is_in_doubt_is_opened_by_the_return_of_its_own_submission() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    platform.fill(both, "M1").await;
    platform.seal(both, 2, &["M1"], &[]).await.expect("sealed");
    platform.tell(both, "materials_submitted", "CityReview", (2, "materials"), &[]).await.expect("confirmed");
    // As after a restore of reviews, of which the return is the newest event.
    sqlx::query("UPDATE revisions SET confirmed_at = NULL WHERE state = 'sealed'")
        .execute(&platform.pool)
        .await
        .expect("in doubt");
    platform.tell(both, "city_returned", "CityReturned", (2, "materials"), &["M1"]).await.expect("opened");
    let open = platform.dossier(both).await.expect("own");
    assert_eq!((open.state.as_str(), open.revision), ("open", 2));
    let doubted = "SELECT count(*) FROM revisions WHERE state = 'sealed' AND confirmed_at IS NULL";
    assert_eq!(platform.count(doubted).await, 0);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carried_over_supplement_falls_back_to_what_was_sealed() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    platform.fill(both, "M1").await;
    platform.seal(both, 2, &["M1"], &[]).await.expect("sealed");
    platform.tell(both, "materials_submitted", "CityReview", (2, "materials"), &[]).await.expect("confirmed");
    platform
        .tell(both, "supplement_requested", "SupplementDue", (2, "materials"), &["M7"])
        .await
        .expect("opened");
    platform.fill(both, "M7").await;
    platform.tell(both, "carried_over", "AwaitingJointReview", (2, "materials"), &[]).await.expect("applied");
    let dossier = platform.dossier(both).await.expect("own");
    assert_eq!((dossier.state.as_str(), dossier.revision), ("sealed", 1));
    platform
        .tell(both, "supplement_requested", "SupplementDue", (2, "materials"), &["M7"])
        .await
        .expect("opened");
    assert_eq!(platform.dossier(both).await.expect("own").revision, 3);
    assert_eq!(reason(platform.seal(both, 3, &["M1", "M2"], &["M7"]).await.map(|_| ())), "material_missing");
    assert_eq!(reason(platform.seal(both, 3, &["M1"], &["M7"]).await.map(|_| ())), "item_unanswered");
    platform.fill(both, "M7").await;
    platform.seal(both, 3, &["M1"], &["M7"]).await.expect("answered");
    platform.stop().await;
}

fn release(both: (uuid::Uuid, uuid::Uuid), submission_version: i32, holder: &str) -> ReleaseSealRequest {
    ReleaseSealRequest { application_id: both.0.to_string(), submission_version, holder: holder.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_stands_while_any_request_holds_it() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    platform.fill(both, "M1").await;
    let seal = platform.seal_for("one", both, 2, &["M1"], &[]).await.expect("sealed");
    assert_eq!(platform.seal_for("other", both, 2, &["M1"], &[]).await.expect("shared"), seal);
    for (holder, state) in [("nobody", "sealed"), ("one", "sealed"), ("one", "sealed"), ("other", "open")] {
        answer(platform.sealing().release_seal(release(both, 2, holder)).await).expect("let go");
        assert_eq!(platform.dossier(both).await.expect("own").state, state, "{holder}");
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_released_after_the_supplement_was_carried_over_leaves_nothing_open() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    platform.fill(both, "M1").await;
    platform.seal(both, 2, &["M1"], &[]).await.expect("sealed");
    platform.tell(both, "materials_submitted", "CityReview", (2, "materials"), &[]).await.expect("confirmed");
    platform
        .tell(both, "supplement_requested", "SupplementDue", (2, "materials"), &["M7"])
        .await
        .expect("opened");
    platform.fill(both, "M7").await;
    platform.seal(both, 3, &["M1"], &["M7"]).await.expect("sealed");
    platform
        .tell(both, "carried_over", "AwaitingJointReview", (2, "materials"), &[])
        .await
        .expect("left alone");
    assert_eq!(platform.dossier(both).await.expect("own").revision, 2);
    answer(platform.sealing().release_seal(release(both, 3, "a request")).await).expect("released");
    let dossier = platform.dossier(both).await.expect("own");
    assert_eq!((dossier.state.as_str(), dossier.revision), ("sealed", 1));
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_does_not_answer_the_return() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    platform.fill(both, "M5").await;
    platform.seal(both, 2, &["M5"], &[]).await.expect("sealed");
    platform.tell(both, "materials_submitted", "CityReview", (2, "materials"), &[]).await.expect("confirmed");
    platform.tell(both, "city_returned", "CityReturned", (2, "materials"), &["M5"]).await.expect("reopened");
    let new = platform.fill(both, "M5").await.slots.into_iter().find(|slot| slot.slot == "M5").expect("slot");
    let new = new.files.last().expect("two files").file_id.clone();
    platform.seal(both, 3, &["M5"], &["M5"]).await.expect("answered");
    platform.tell(both, "materials_submitted", "CityReview", (3, "materials"), &[]).await.expect("confirmed");
    platform
        .tell(both, "materials_withdrawn", "MaterialsDue", (3, "materials"), &[])
        .await
        .expect("reopened");
    let remove =
        RemoveFileRequest { request_id: fresh(), application_id: both.0.to_string(), file_id: new, edits: 0 };
    answer(platform.dossiers(Who::Operator(both.1)).remove_file(remove).await).expect("back to the old one");
    assert_eq!(reason(platform.seal(both, 4, &["M5"], &[]).await), "item_unanswered");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_requires_nothing_is_taken_at_its_word_and_an_ended_application_leaves_the_sweep() {
    let platform = Platform::start().await;
    let both = platform.open(number(1)).await;
    assert_eq!(platform.seal(both, 2, &[], &[]).await.expect("nothing is required").file_count, 0);
    platform.tell(both, "terminated", "Terminated", (1, "acceptance"), &[]).await.expect("released");
    let mut db = platform.pool.acquire().await.expect("a connection");
    let later = time::OffsetDateTime::from_unix_timestamp(4_000_000_000).expect("a time");
    let waiting = documents::store::revisions::unconfirmed(&mut db, later).await.expect("read");
    assert_eq!(waiting, []);
    drop(db);
    platform.stop().await;
}
