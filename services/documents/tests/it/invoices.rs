//! Invoices and the ledger over gRPC.

use futures::future::join_all;
use proto::documents::{
    AttachFileRequest, DeleteInvoiceRequest, EnterInvoiceRequest, GetInvoiceRequest, GetRevisionRequest,
    Invoice, ListInvoicesRequest, ReleaseAllocationRequest,
};
use uuid::Uuid;

use crate::harness::{Platform, Who, answer, declare, entry, fresh, number, pdf, reason};

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_sample_sheet_is_refused_in_its_words() {
    let platform = Platform::start().await;
    let operator = number(1);
    let (here, there) = (platform.open(operator).await, platform.open(operator).await);
    let enter = |change: fn(&mut EnterInvoiceRequest)| {
        let mut request = entry();
        change(&mut request);
        request
    };
    let refused = |request: EnterInvoiceRequest| async {
        let refused = answer(platform.invoices(operator).enter_invoice(request).await).expect_err("refused");
        (refused.fields[0].clone(), refused.text)
    };
    let said = |field: &str, text: &str| (field.to_owned(), text.to_owned());
    let short = enter(|one| one.number = "25410000001".into());
    assert_eq!(refused(short).await, said("number", "数电票号码应为 20 位数字"));
    let buyer = enter(|one| one.buyer_uscc = "91410311XXXX000431".into());
    assert_eq!(refused(buyer).await, said("buyer_uscc", "发票购买方与申报企业不一致"));
    let future = enter(|one| one.issued_on = "2099-01-01".into());
    assert_eq!(refused(future).await, said("issued_on", "开票日期不能晚于今天"));

    let shared =
        answer(platform.invoices(operator).enter_invoice(enter(|one| one.amount_fen = 180_000_000)).await);
    let shared = shared.expect("entered").invoice_id;
    let refused = |refused: crate::harness::Refused| (refused.fields[0].clone(), refused.text);
    let used =
        |result: Result<_, _>| refused(result.map(|_: proto::documents::Invoice| ()).expect_err("refused"));
    assert_eq!(
        used(platform.allocate(&shared, here, 180_000_001).await),
        said("used_fen", "使用金额不能大于发票金额")
    );
    assert_eq!(used(platform.allocate(&shared, here, 0).await), said("used_fen", "使用金额必须大于 0"));
    platform.allocate(&shared, here, 178_000_000).await.expect("fits");
    assert_eq!(used(platform.allocate(&shared, here, 100).await), said("invoice_id", "本站已录入该发票"));
    let over = platform.allocate(&shared, there, 2_000_001).await;
    assert_eq!(used(over), said("used_fen", "该发票剩余可用 20,000.00 元"));
    platform.allocate(&shared, there, 2_000_000).await.expect("to the fen");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_belongs_to_one_company_until_it_is_deleted() {
    let platform = Platform::start().await;
    let (one, other) = (number(1), number(2));
    let mine = answer(platform.invoices(one).enter_invoice(entry()).await).expect("entered");
    for operator in [one, other] {
        assert_eq!(reason(answer(platform.invoices(operator).enter_invoice(entry()).await)), "invoice_taken");
    }
    let foreign = GetInvoiceRequest { invoice_id: mine.invoice_id.clone() };
    assert_eq!(reason(answer(platform.invoices(other).get_invoice(foreign).await)), "not_found");
    let delete =
        |version| DeleteInvoiceRequest { request_id: fresh(), invoice_id: mine.invoice_id.clone(), version };
    assert_eq!(reason(answer(platform.invoices(other).delete_invoice(delete(0)).await)), "not_found");
    assert_eq!(reason(answer(platform.invoices(one).delete_invoice(delete(9)).await)), "invoice_changed");
    assert!(answer(platform.invoices(one).delete_invoice(delete(1)).await).expect("deleted").deleted);
    answer(platform.invoices(other).enter_invoice(entry()).await).expect("the number is free again");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_and_forty_of_a_hundred_and_the_balance_is_exact() {
    let platform = Platform::start().await;
    let operator = number(1);
    let (a, b, c) =
        (platform.open(operator).await, platform.open(operator).await, platform.open(operator).await);
    let invoice = platform.invoice(operator, 10_000).await.invoice_id;
    platform.allocate(&invoice, a, 6_000).await.expect("60");
    platform.allocate(&invoice, b, 4_000).await.expect("40");
    assert_eq!(reason(platform.allocate(&invoice, c, 1).await), "invoice_overdrawn");
    let release = ReleaseAllocationRequest {
        request_id: fresh(),
        invoice_id: invoice.clone(),
        application_id: b.0.to_string(),
        version: 0,
    };
    answer(platform.invoices(operator).release_allocation(release.clone()).await).expect("released");
    let again = ReleaseAllocationRequest { request_id: fresh(), ..release };
    assert_eq!(
        reason(answer(platform.invoices(operator).release_allocation(again).await)),
        "allocation_missing"
    );
    platform.allocate(&invoice, b, 3_000).await.expect("30");
    let full = platform.allocate(&invoice, c, 1_000).await.expect("10");
    assert_eq!((full.used_fen, full.allocations.len()), (10_000, 3));
    let listed = async |list: ListInvoicesRequest| {
        answer(platform.invoices(operator).list_invoices(list).await).expect("listed").invoices.len()
    };
    let of = |application: (Uuid, Uuid)| ListInvoicesRequest {
        application_id: application.0.to_string(),
        ..ListInvoicesRequest::default()
    };
    assert_eq!(listed(of(c)).await, 1);
    let left = ListInvoicesRequest { balance_left: true, ..ListInvoicesRequest::default() };
    assert_eq!(listed(left.clone()).await, 0, "nothing is left of it");
    platform.invoice(operator, 500).await;
    assert_eq!(listed(left).await, 1);
    for (text, found) in [("中原桩造", 2), ("2541", 2), ("541", 0), ("示例银行", 0)] {
        let text = ListInvoicesRequest { text: text.into(), ..ListInvoicesRequest::default() };
        assert_eq!(listed(text).await, found);
    }
    platform.tell(a, "terminated", "Terminated", (1, "acceptance"), &[]).await.expect("applied");
    let left =
        answer(platform.invoices(operator).get_invoice(GetInvoiceRequest { invoice_id: invoice }).await);
    assert_eq!(left.expect("read").used_fen, 4_000, "an ended application gives its part back");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_stations_race_for_one_invoice_and_nothing_is_overdrawn() {
    let platform = Platform::start().await;
    let operator = number(1);
    let mut stations = Vec::new();
    for _ in 0..8 {
        stations.push(platform.open(operator).await);
    }
    for _ in 0..10 {
        let invoice = platform.invoice(operator, 10_000).await.invoice_id;
        let results = join_all(stations.iter().map(|both| platform.allocate(&invoice, *both, 3_000))).await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(won, 3);
        for refused in results.into_iter().filter_map(Result::err) {
            assert_eq!(
                (refused.reason.as_str(), refused.text.as_str()),
                ("invoice_overdrawn", "该发票剩余可用 10.00 元")
            );
        }
    }
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_carries_a_clean_file_and_is_locked_with_its_dossier() {
    let platform = Platform::start().await;
    let operator = number(1);
    let both = platform.open(operator).await;
    let invoice = platform.invoice(operator, 10_000).await.invoice_id;
    let bytes = pdf("invoice");
    let file = platform
        .upload_with(Who::Operator(operator), declare("发票.pdf", &bytes), &bytes)
        .await
        .expect("clean");
    let attach = |file_id: &str| AttachFileRequest {
        request_id: fresh(),
        invoice_id: invoice.clone(),
        file_id: file_id.into(),
        version: 0,
    };
    assert_eq!(reason(answer(platform.invoices(operator).attach_file(attach(&fresh())).await)), "not_found");
    answer(platform.invoices(operator).attach_file(attach(&file.file_id)).await).expect("attached");
    platform.allocate(&invoice, both, 5_000).await.expect("allocated");
    let seal = platform.seal(both, 2, &["M9"], &[]).await.expect("sealed");
    assert_eq!((seal.invoice_count, seal.allocated_fen), (1, 5_000));
    assert_eq!(reason(answer(platform.invoices(operator).attach_file(attach("")).await)), "invoice_locked");
    let delete = DeleteInvoiceRequest { request_id: fresh(), invoice_id: invoice.clone(), version: 0 };
    assert_eq!(reason(answer(platform.invoices(operator).delete_invoice(delete).await)), "invoice_locked");
    assert_eq!(reason(platform.allocate(&invoice, both, 1).await), "dossier_locked");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sealed_is_there_when_a_supplement_is_carried_over() {
    let platform = Platform::start().await;
    let operator = number(1);
    let (a, b) = (platform.open(operator).await, platform.open(operator).await);
    let (shared, other) = (
        platform.invoice(operator, 10_000).await.invoice_id,
        platform.invoice(operator, 500).await.invoice_id,
    );
    platform.allocate(&shared, a, 6_000).await.expect("60 of 100");
    let supplement = async |submission| {
        platform
            .tell(a, "supplement_requested", "SupplementDue", (submission, "materials"), &["M9"])
            .await
            .expect("opened");
    };
    let release = |invoice: &str| ReleaseAllocationRequest {
        request_id: fresh(),
        invoice_id: invoice.to_owned(),
        application_id: a.0.to_string(),
        version: 0,
    };
    platform.seal(a, 2, &["M9"], &[]).await.expect("sealed");
    platform.tell(a, "materials_submitted", "CityReview", (2, "materials"), &[]).await.expect("confirmed");
    supplement(2).await;

    // Given back, but kept: the old revision may stand again.
    let given =
        answer(platform.invoices(operator).release_allocation(release(&shared)).await).expect("given back");
    assert_eq!((given.used_fen, given.allocations.len(), given.allocations[0].held), (6_000, 1, true));
    assert_eq!(platform.dossier(a).await.expect("own").invoices, []);
    assert_eq!(reason(platform.allocate(&shared, b, 10_000).await), "invoice_overdrawn");
    let left = ListInvoicesRequest { balance_left: true, ..ListInvoicesRequest::default() };
    let delete = DeleteInvoiceRequest { request_id: fresh(), invoice_id: shared.clone(), version: 0 };
    assert_eq!(reason(answer(platform.invoices(operator).delete_invoice(delete).await)), "invoice_locked");
    platform.allocate(&shared, b, 4_000).await.expect("what was free");
    let listed = answer(platform.invoices(operator).list_invoices(left).await).expect("listed").invoices;
    assert!(listed.iter().any(|one| one.invoice_id == shared), "what is held is left to who held it");
    let less = platform.allocate(&shared, a, 5_000).await.expect("its own part is within its reach");
    assert_eq!(less.used_fen, 10_000);
    platform.allocate(&other, a, 500).await.expect("new in the supplement");
    platform
        .tell(a, "carried_over", "AwaitingJointReview", (2, "materials"), &[])
        .await
        .expect("carried over");
    let dossier = platform.dossier(a).await.expect("own");
    assert_eq!((dossier.state.as_str(), dossier.revision, dossier.invoices.len()), ("sealed", 1, 1));
    let read = async |invoice: &str| {
        let request = GetInvoiceRequest { invoice_id: invoice.to_owned() };
        answer(platform.invoices(operator).get_invoice(request).await).expect("own")
    };
    let (now, gone) = (read(&shared).await, read(&other).await);
    assert_eq!((now.used_fen, now.allocations.iter().any(|one| one.held)), (10_000, false));
    assert_eq!((gone.used_fen, gone.allocations.len()), (0, 0));

    // A supplement that stands frees what it gave back.
    supplement(2).await;
    answer(platform.invoices(operator).release_allocation(release(&shared)).await).expect("given back");
    platform.allocate(&shared, a, 1_000).await.expect("less");
    platform.seal(a, 3, &["M9"], &["M9"]).await.expect("sealed");
    assert_eq!(read(&shared).await.used_fen, 10_000, "held until the submission stands");
    platform
        .tell(a, "supplement_submitted", "ExpertReview", (3, "supplement"), &[])
        .await
        .expect("confirmed");
    assert_eq!(read(&shared).await.used_fen, 5_000);
    platform.stop().await;
}

/// An application whose materials were sealed with 60 of an invoice of 100, and then opened again by this event.
async fn sealed_and_opened(platform: &Platform, event: &str, stage: &str) -> ((Uuid, Uuid), Invoice) {
    let both = platform.open(number(1)).await;
    let invoice = platform.invoice(both.1, 10_000).await;
    let invoice = platform.allocate(&invoice.invoice_id, both, 6_000).await.expect("60 of 100");
    platform.seal(both, 2, &["M9"], &[]).await.expect("sealed");
    platform.tell(both, "materials_submitted", "CityReview", (2, "materials"), &[]).await.expect("confirmed");
    platform.tell(both, event, stage, (2, "materials"), &["M9"]).await.expect("opened");
    (both, invoice)
}

/// Gives the use of an invoice back, then deletes it and enters its number anew for another station.
async fn entered_anew(platform: &Platform, both: (Uuid, Uuid), invoice: &Invoice) -> Invoice {
    let mut client = platform.invoices(both.1);
    let release = ReleaseAllocationRequest {
        request_id: fresh(),
        invoice_id: invoice.invoice_id.clone(),
        application_id: both.0.to_string(),
        version: 0,
    };
    let given = answer(client.release_allocation(release).await).expect("given back");
    assert_eq!((given.used_fen, given.allocations.len()), (0, 0), "its balance is free at once");
    let delete =
        DeleteInvoiceRequest { request_id: fresh(), invoice_id: invoice.invoice_id.clone(), version: 0 };
    answer(client.delete_invoice(delete).await).expect("deleted");
    let again = EnterInvoiceRequest { number: invoice.number.clone(), amount_fen: 7_000, ..entry() };
    let anew = answer(client.enter_invoice(again).await).expect("entered anew");
    let other = platform.open(both.1).await;
    platform.allocate(&anew.invoice_id, other, 1_000).await.expect("free for others");
    platform.allocate(&anew.invoice_id, both, 6_000).await.expect("and for its own station")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_invoice_is_entered_anew_after_a_citys_return() {
    let platform = Platform::start().await;
    let (both, invoice) = sealed_and_opened(&platform, "city_returned", "CityReturned").await;
    let anew = entered_anew(&platform, both, &invoice).await;
    platform.seal(both, 3, &["M9"], &["M9"]).await.expect("another invoice answers the item");
    platform.tell(both, "materials_submitted", "CityReview", (3, "materials"), &[]).await.expect("confirmed");
    assert_eq!(platform.dossier(both).await.expect("own").invoices[0].invoice_id, anew.invoice_id);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_invoice_is_entered_anew_after_a_withdrawal() {
    let platform = Platform::start().await;
    let (both, invoice) = sealed_and_opened(&platform, "materials_withdrawn", "MaterialsDue").await;
    entered_anew(&platform, both, &invoice).await;
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_used_in_two_dossiers_is_locked_while_one_of_them_has_an_open_supplement() {
    let platform = Platform::start().await;
    let (supplement, invoice) = sealed_and_opened(&platform, "supplement_requested", "SupplementDue").await;
    let other = platform.open(supplement.1).await;
    platform.allocate(&invoice.invoice_id, other, 1_000).await.expect("what was free");
    let delete = DeleteInvoiceRequest { request_id: fresh(), invoice_id: invoice.invoice_id, version: 0 };
    let refused = answer(platform.invoices(supplement.1).delete_invoice(delete).await);
    assert_eq!(reason(refused), "invoice_locked");
    // A reviewer of the one sees what the other uses.
    let revision = GetRevisionRequest { application_id: supplement.0.to_string(), revision: 1 };
    let city = Who::Official("city", "410100");
    let seen = answer(platform.dossiers(city).get_revision(revision).await).expect("in scope");
    let elsewhere: Vec<_> =
        seen.invoices[0].elsewhere.iter().map(|one| (one.application_id.clone(), one.used_fen)).collect();
    assert_eq!(elsewhere, [(other.0.to_string(), 1_000)]);
    platform.stop().await;
}
