//! Money: an invoice over several stations is exact to the fen, and is the operator's own.
//!
//! Source: workflow, G7, Materials; invariant 6.
use anyhow::Result;
use proto::documents::EnterInvoiceRequest;
use system_tests::{System, cases::Stage, premises::AMOUNT_FEN};
use xtask::services::Service;

#[tokio::test(flavor = "multi_thread")]
async fn g07_an_invoice_of_100_over_two_stations_is_never_overdrawn() -> Result<()> {
    let system = System::start().await?;
    let one = system.application().at(Stage::MaterialsDue).await?;
    let two = system.application().of(&one.company).at(Stage::MaterialsDue).await?;
    let three = system.application().of(&one.company).at(Stage::MaterialsDue).await?;
    for case in [&one, &two, &three] {
        system.dossier_opens(case).await?;
    }
    let operator = one.operator();
    let invoice = system.invoice(&one.company, 10_000).await?;
    let id = &invoice.invoice_id;
    operator.allocate(id, one.id(), 6_000).await?;
    let full = operator.allocate(id, two.id(), 4_000).await?;
    assert_eq!(full.used_fen, 10_000);
    let over = operator.allocate(id, three.id(), 100).await.unwrap_err();
    assert_eq!((over.reason.as_str(), over.field()), ("invoice_overdrawn", "used_fen"));
    assert_eq!(over.metadata["remaining_fen"], "0");
    let fen = operator.allocate(id, three.id(), 1).await.unwrap_err();
    assert_eq!(fen.reason, "invoice_overdrawn");

    operator.release(id, two.id()).await?;
    operator.allocate(id, two.id(), 3_000).await?;
    let over = operator.allocate(id, three.id(), 1_001).await.unwrap_err();
    assert_eq!(over.metadata["remaining_fen"], "1000");
    let exact = operator.allocate(id, three.id(), 1_000).await?;
    let uses: Vec<_> = exact.allocations.iter().map(|one| one.used_fen).collect();
    assert_eq!((exact.used_fen, uses.iter().sum::<i64>(), uses.len()), (10_000, 10_000, 3));
    let overdrawn = "SELECT count(*) FROM invoices WHERE used_fen > amount_fen OR used_fen < 0";
    assert_eq!(system.count(Service::Documents, overdrawn).await?, 0);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_invoice_is_refused_with_its_field_and_a_deleted_one_may_be_entered_anew() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::MaterialsDue).await?;
    system.dossier_opens(&case).await?;
    let (company, operator) = (&case.company, case.operator());
    let good = system.invoice_entry(company, 5_000);
    let wrong = |change: fn(&mut EnterInvoiceRequest)| {
        let mut entry = good.clone();
        change(&mut entry);
        entry
    };
    let cases = [
        ("invoice_number_digits", "number", wrong(|entry| entry.number = "123".into())),
        ("unknown_value", "type", wrong(|entry| entry.r#type = "receipt".into())),
        ("amount_not_positive", "amount_fen", wrong(|entry| entry.amount_fen = 0)),
        ("invoice_date_future", "issued_on", wrong(|entry| entry.issued_on = "2999-01-01".into())),
        ("invoice_date_invalid", "issued_on", wrong(|entry| entry.issued_on = "2024-02-30".into())),
        ("seller_missing", "seller", wrong(|entry| entry.seller = String::new())),
        (
            "invoice_buyer_mismatch",
            "buyer_uscc",
            wrong(|entry| entry.buyer_uscc = "91410105XXXX00019G".into()),
        ),
    ];
    for (reason, field, entry) in cases {
        let refused = operator.enter_invoice(entry).await.unwrap_err();
        assert_eq!((refused.reason.as_str(), refused.field()), (reason, field));
    }
    let invoice = operator.enter_invoice(good.clone()).await?;
    assert_eq!(operator.enter_invoice(good.clone()).await.unwrap_err().reason, "invoice_taken");
    let over = operator.allocate(&invoice.invoice_id, case.id(), 5_001).await.unwrap_err();
    assert_eq!((over.reason.as_str(), over.field()), ("used_over_amount", "used_fen"));
    operator.allocate(&invoice.invoice_id, case.id(), 5_000).await?;
    assert!(operator.delete_invoice(&invoice.invoice_id).await?.deleted);
    let anew = operator.enter_invoice(good).await?;
    assert_eq!((anew.used_fen, anew.invoice_id == invoice.invoice_id), (0, false));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_a_sealed_dossier_is_locked_and_another_companys_is_not_found() -> Result<()> {
    let system = System::start().await?;
    let case = system.application().at(Stage::CityReview).await?;
    let other = system.company(1, "410105").await?;
    let invoices = case.operator().invoices(case.id()).await?;
    let id = &invoices[0].invoice_id;
    assert_eq!(case.operator().delete_invoice(id).await.unwrap_err().reason, "invoice_locked");
    let foreign = other.actor.delete_invoice(id).await.unwrap_err();
    let missing = other.actor.delete_invoice("0190b1a0-0000-7000-8000-000000000000").await.unwrap_err();
    assert_eq!(foreign, missing);
    case.operator().withdraw(&case.view).await?;
    system.dossier_opens(&case).await?;
    case.operator().delete_invoice(id).await?;
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_returned_dossier_gives_back_is_held_until_its_next_submission_stands() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::ExpertReview).await?;
    let other = system.application().of(&case.company).at(Stage::MaterialsDue).await?;
    system.dossier_opens(&other).await?;
    let operator = case.operator().clone();
    let invoice = operator.invoices(case.id()).await?.remove(0).invoice_id;
    let expert = system.expert(1).await?;
    case.view = expert.ask_supplement(&case.view, "请核对发票", &["M9"]).await?;
    system.dossier_opens(&case).await?;
    operator.release(&invoice, case.id()).await?;
    let held = operator.allocate(&invoice, other.id(), AMOUNT_FEN).await.unwrap_err();
    assert_eq!(held.reason, "invoice_overdrawn");

    // Carried over, the sealed revision stands again, and what it says of the invoice is still there.
    let administrator = system.administrator().await?;
    case.view = administrator.carry_over(&case.view, "超期").await?;
    system.drained().await?;
    let again = operator.invoice(&invoice).await?;
    assert_eq!(again.used_fen, AMOUNT_FEN, "{again:?}");
    let refused = operator.allocate(&invoice, other.id(), 1).await.unwrap_err();
    assert_eq!(refused.reason, "invoice_overdrawn");
    system.finish().await
}
