//! reviews is killed in the middle of launches and of decisions.
use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use system_tests::{
    System,
    cases::{Case, Stage, person_id},
    seed,
    traffic::Traffic,
    wait::Dice,
};
use tokio::time::{Duration, sleep};
use xtask::{driver::joint::panel, services::Service, trial::Plan};

const CITIES: [(&str, &str); 3] = [("410100", "410105"), ("410300", "410311"), ("410700", "410711")];

#[tokio::test(flavor = "multi_thread")]
async fn reviews_killed_in_the_middle_of_a_launch_ends_with_the_same_orders() -> Result<()> {
    let mut dice = Dice::new(seed(114));
    let system = System::durable().await?;
    let round = system.round_with(|policy| policy.required_slots = vec![]).await?;
    let mut cases: Vec<Case> = Vec::new();
    for (_, county) in CITIES {
        let company = system.company(system.number(), county).await?;
        let made = (0..4).map(|_| {
            system
                .application()
                .of(&company)
                .in_county(county)
                .in_round(&round)
                .at(Stage::AwaitingJointReview)
        });
        cases.extend(try_join_all(made).await?);
    }
    let administrator = system.administrator().await?;
    let lead = person_id(&system.expert(1).await?).await?;
    let panels: Vec<_> = CITIES.iter().map(|(city, _)| panel(city, std::slice::from_ref(&lead))).collect();
    for batch in 1..=6 {
        let same = administrator.repeating(&administrator.request_id());
        let (once, round_id, cities) = (same.once(), round.round_id.clone(), panels.clone());
        let launching = async move { once.launch(&round_id, batch, cities).await };
        let answered = if batch % 2 == 1 {
            // One member is held, so that the launch waits with the others' changes already made.
            let last = cases.iter().map(Case::uuid).max().context("there are members")?;
            let lock = format!("SELECT 1 FROM applications WHERE id = '{last}' FOR UPDATE");
            let answered = system.killed_in_the_middle(Service::Reviews, &lock, launching).await?;
            let orders = format!("SELECT count(*) FROM work_orders WHERE batch = {batch}");
            assert_eq!((answered.is_ok(), system.count(Service::Reviews, &orders).await?), (false, 0));
            answered
        } else {
            let launching = tokio::spawn(launching);
            sleep(Duration::from_micros(dice.below(60_000))).await;
            system.fleet().kill(Service::Reviews)?;
            launching.await?
        };
        system.fleet().start_again(Service::Reviews).await?;
        let orders = same.launch(&round.round_id, batch, panels.clone()).await?;
        println!("batch {batch}: the launch that met the kill was answered: {}", answered.is_ok());
        if let Ok(first) = answered {
            assert_eq!(first, orders, "an acknowledged launch is the one that stands");
        }
        assert_eq!(orders.len(), CITIES.len());
        for case in &mut cases {
            case.look().await?;
            assert!(orders.iter().any(|order| order.work_order_id == case.view.work_order_id));
            case.view = administrator.carry_over(&case.view, "下次发起再审").await?;
        }
    }
    for case in &cases {
        let launches = system.steps(case.uuid()).await?.iter().filter(|step| *step == "T14").count();
        assert_eq!(launches, 6);
    }
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM work_orders").await?, 18);
    system.finish_after_faults().await
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_killed_while_people_decide_loses_nothing_that_was_acknowledged() -> Result<()> {
    let mut dice = Dice::new(seed(104));
    let system = System::durable().await?;
    let cases = super::cases(&system, 4).await?;
    let traffic = Traffic::start(&system.county("410105").await?, &cases);
    for round in 0..6 {
        traffic.answered(10).await.with_context(|| format!("round {round}"))?;
        sleep(Duration::from_micros(dice.below(20_000))).await;
        system.fleet().kill(Service::Reviews)?;
        system.fleet().start_again(Service::Reviews).await?;
    }
    traffic.answered(10).await?;
    let acknowledged = traffic.stop().await?;
    system.nothing_acknowledged_is_missing(&acknowledged).await?;
    system.finish_after_faults().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_cut_in_its_middle_is_undone_and_made_once_when_repeated() -> Result<()> {
    let system = System::durable().await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    let same = county.repeating(&county.request_id());
    let (once, view) = (same.once(), case.view.clone());
    let lock = format!("SELECT 1 FROM applications WHERE id = '{}' FOR UPDATE", case.uuid());
    let cut = async move { once.pass(&view, "同意").await };
    let cut = system.killed_in_the_middle(Service::Reviews, &lock, cut).await?;
    assert!(cut.is_err_and(|refused| refused.passing()), "the caller is told to try again");
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02"]);
    system.fleet().start_again(Service::Reviews).await?;
    let done = same.pass(&case.view, "同意").await?;
    assert_eq!(same.pass(&case.view, "同意").await?, done);
    assert_eq!(system.steps(case.uuid()).await?, ["T01", "T02", "T04"]);
    system.finish_after_faults().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_whose_submission_never_committed_is_released_by_itself() -> Result<()> {
    let plan = Plan::durable().set(Service::Documents, "SWEEP__INTERVAL_SECS", 1);
    let system = System::planned(plan).await?;
    let mut case = system.application().at(Stage::MaterialsDue).await?;
    system.fill_dossier(&case).await?;
    let (once, view) = (case.operator().once(), case.view.clone());
    let lock = format!("SELECT 1 FROM applications WHERE id = '{}' FOR UPDATE", case.uuid());
    let cut = async move { once.submit_materials(&view, vec![]).await };
    assert!(system.killed_in_the_middle(Service::Reviews, &lock, cut).await?.is_err());
    assert_eq!(case.operator().dossier(case.id()).await?.state, "sealed", "sealed before the transaction");
    system.fleet().start_again(Service::Reviews).await?;
    // Two minutes later documents asks reviews, learns that nothing was submitted, and opens it again.
    let later = "UPDATE revisions SET held_at = held_at - interval '2 minutes' WHERE held_at IS NOT NULL";
    sqlx::query(later).execute(system.database(Service::Documents)?).await?;
    system.dossier_opens(&case).await?;
    system.advance(&mut case, Stage::CityReview).await?;
    system.drained().await?;
    assert_eq!(case.operator().revisions(case.id()).await?.iter().filter(|one| one.confirmed).count(), 1);
    system.finish_after_faults().await
}
