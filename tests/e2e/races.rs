//! Races: exactly one wins, nothing is overdrawn, and the loser is told why. 50 rounds each, 500 with YUCHONG_LONG=1.
//!
//! Source: workflow, G8, invariants 4, 6, 7.
use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use futures::future::{join_all, try_join_all};
use proto::reviews::ApplicationView;
use system_tests::{
    Company, System,
    cases::{Case, Stage, person_id},
    rounds, seed,
    wait::Dice,
};
use tokio::time::{Duration, sleep};
use xtask::{
    driver::{Answer, joint::panel},
    services::Service,
};

/// Lets one of two racers start a little later, so that the finish is open.
async fn late(dice: &mut Dice) -> (Duration, Duration) {
    let micros = Duration::from_micros(dice.below(3_000));
    if dice.below(2) == 0 { (micros, Duration::ZERO) } else { (Duration::ZERO, micros) }
}

async fn after<T>(pause: Duration, act: impl Future<Output = T>) -> T {
    sleep(pause).await;
    act.await
}

/// Counts winners by name, so that a race that only ever ends one way is seen.
type Tally = BTreeMap<&'static str, usize>;

fn told(answer: &Answer<ApplicationView>) -> Option<&str> {
    answer.as_ref().err().map(|refused| refused.reason.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_withdraw_against_decide_has_one_winner_and_the_other_is_told_why() -> Result<()> {
    let mut dice = Dice::new(seed(8));
    let system = System::start().await?;
    let mut case = system.application().at(Stage::CityReview).await?;
    let city = system.city("410100").await?;
    let mut tally = Tally::new();
    for round in 0..rounds() {
        let (one, other) = late(&mut dice).await;
        let (operator, reviewer) = (case.operator().once(), city.once());
        let (withdrawn, decided) = tokio::join!(
            after(one, operator.withdraw(&case.view)),
            after(other, reviewer.pass(&case.view, "同意"))
        );
        match (&withdrawn, &decided) {
            (Ok(view), Err(_)) => {
                assert_eq!(told(&decided), Some("already_withdrawn"), "round {round}");
                *tally.entry("withdrawn").or_default() += 1;
                case.view = view.clone();
                system.dossier_opens(&case).await?;
                case.view = case.operator().submit_materials(&case.view, vec![]).await?;
            }
            (Err(_), Ok(view)) => {
                assert_eq!(told(&withdrawn), Some("already_decided"), "round {round}");
                *tally.entry("decided").or_default() += 1;
                case.view = city.take_back(view, "再核").await?;
            }
            both => panic!("round {round}: {both:?}"),
        }
    }
    println!("{tally:?}");
    let history = system.history(case.uuid()).await?;
    assert!(
        history.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].version + 1 == pair[1].version)
    );
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_decide_and_one_of_them_is_told_who_was_faster() -> Result<()> {
    let mut dice = Dice::new(seed(81));
    let system = System::start().await?;
    let mut case = system.application().at(Stage::CountyReview).await?;
    let (one, two) =
        (system.county("410105").await?, system.official("co_second", "county", &["410105"]).await?);
    let mut tally = Tally::new();
    for round in 0..rounds() {
        let (first, second) = late(&mut dice).await;
        let (passing, returning) = (one.once(), two.once());
        let (passed, returned) = tokio::join!(
            after(first, passing.pass(&case.view, "同意")),
            after(second, returning.send_back(&case.view, "请核对", &["manager"]))
        );
        let loser = match (&passed, &returned) {
            (Ok(view), Err(loser)) => {
                *tally.entry("passed").or_default() += 1;
                case.view = one.revoke_pass(view, "再核").await?;
                loser
            }
            (Err(loser), Ok(view)) => {
                *tally.entry("returned").or_default() += 1;
                case.view = view.clone();
                loser
            }
            both => panic!("round {round}: {both:?}"),
        };
        assert_eq!(loser.reason, "stale_version", "round {round}");
        assert_eq!((loser.metadata["role"].as_str(), loser.metadata["at"].is_empty()), ("county", false));
        let said = xtask::driver::review::answers(&[("manager", "已核对")]);
        let answers =
            if case.operator().application(case.id()).await?.return_items.is_empty() { vec![] } else { said };
        case.view = case.operator().submit_acceptance(&case.view, answers).await?;
    }
    println!("{tally:?}");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_launch_and_each_city_has_one_order() -> Result<()> {
    let mut dice = Dice::new(seed(14));
    let system = System::start().await?;
    let mut case = system.application().at(Stage::AwaitingJointReview).await?;
    let (one, two) =
        (system.administrator().await?, system.official("admin02", "administrator", &["410000"]).await?);
    let lead = person_id(&system.expert(1).await?).await?;
    let panels = vec![panel("410100", &[lead])];
    for round in 0..rounds() {
        let batch = i32::try_from(round)? + 1;
        let (first, second) = late(&mut dice).await;
        let (left, right) = (one.once(), two.once());
        let (a, b) = tokio::join!(
            after(first, left.launch(&case.round.round_id, batch, panels.clone())),
            after(second, right.launch(&case.round.round_id, batch, panels.clone()))
        );
        let (orders, loser) = match (a, b) {
            (Ok(orders), Err(loser)) | (Err(loser), Ok(orders)) => (orders, loser),
            both => panic!("round {round}: {both:?}"),
        };
        assert_eq!(loser.reason, "already_launched", "round {round}: {loser}");
        assert_eq!(loser.metadata["work_order_id"], orders[0].work_order_id, "round {round}");
        assert_eq!(loser.metadata["prefecture"], "410100");
        case.look().await?;
        assert_eq!(case.view.work_order_id, orders[0].work_order_id);
        case.view = one.carry_over(&case.view, "下次发起再审").await?;
    }
    let orders = "SELECT count(*) FROM work_orders";
    assert_eq!(system.count(Service::Reviews, orders).await?, i64::try_from(rounds())?);
    let launches = "SELECT count(*) FROM outbox WHERE kind = 'joint_review_launched'";
    assert_eq!(system.count(Service::Reviews, launches).await?, i64::try_from(rounds())?);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_stations_share_one_invoice_and_it_is_never_overdrawn() -> Result<()> {
    let mut dice = Dice::new(seed(7));
    let system = System::start().await?;
    let company = system.company(system.number(), "410105").await?;
    let cases =
        try_join_all((0..8).map(|_| system.application().of(&company).at(Stage::MaterialsDue))).await?;
    for case in &cases {
        system.dossier_opens(case).await?;
    }
    for round in 0..rounds() {
        share(&system, &company, &cases, &mut dice).await.with_context(|| format!("round {round}"))?;
    }
    let overdrawn = "SELECT count(*) FROM invoices WHERE used_fen > amount_fen OR used_fen < 0";
    assert_eq!(system.count(Service::Documents, overdrawn).await?, 0);
    system.finish().await
}

/// Eight stations grab shares of one invoice that do not all fit.
async fn share(system: &System, company: &Company, cases: &[Case], dice: &mut Dice) -> Result<()> {
    let amount = 100_000;
    let invoice = company.actor.enter_invoice(system.invoice_entry(company, amount)).await?;
    let wanted: Vec<i64> =
        cases.iter().map(|_| 12_501 + i64::try_from(dice.below(12_500)).unwrap_or(0)).collect();
    let grabs = cases.iter().zip(&wanted).map(|(case, used)| {
        let (actor, invoice) = (&company.actor, &invoice.invoice_id);
        async move { actor.allocate(invoice, case.id(), *used).await }
    });
    let answers = join_all(grabs).await;
    let mut taken = 0;
    for (answer, used) in answers.iter().zip(&wanted) {
        match answer {
            Ok(_) => taken += used,
            Err(refused) => assert_eq!(refused.reason, "invoice_overdrawn", "{refused}"),
        }
    }
    let now = company.actor.invoice(&invoice.invoice_id).await?;
    assert_eq!(now.used_fen, taken);
    assert!(taken <= amount, "{taken} of {amount}");
    // Everybody who was refused did not fit into what was left.
    let left = amount - taken;
    for (answer, used) in answers.iter().zip(&wanted) {
        assert!(answer.is_ok() || *used > left, "{used} would have fitted into {left}");
    }
    assert!(answers.iter().any(Result::is_err), "eight times more than an eighth cannot fit");
    company.actor.delete_invoice(&invoice.invoice_id).await?;
    Ok(())
}
