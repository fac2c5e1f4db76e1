//! The demo as a newcomer sees it: thirty stations go through the review on private servers, and everything adds up.
use std::{collections::BTreeMap, time::Duration};

use xtask::{
    commands::audit::Findings,
    demo::{
        self,
        charging::Charging,
        plan::{Goal, way},
    },
    deployment::Deployment,
    driver::clock,
    services::Service,
    trial::{Plan, Trial},
};

/// What the plan leaves at each stage, and the two applications that ended on the way.
fn planned() -> BTreeMap<String, i64> {
    let mut stages = BTreeMap::from([("Deleted".to_owned(), 1), ("Terminated".to_owned(), 1)]);
    for station in 0..30 {
        let stage = match way(station).goal {
            Goal::CountyReview => "CountyReview",
            Goal::PaperCheck => "PaperCheck",
            Goal::MaterialsDue => "MaterialsDue",
            Goal::CityReview => "CityReview",
            Goal::AwaitingJointReview => "AwaitingJointReview",
            Goal::ExpertReview => "ExpertReview",
            Goal::AwaitingProvince => "AwaitingProvince",
            Goal::ProvincialReview => "ProvincialReview",
            Goal::Approved => "Approved",
        };
        *stages.entry(stage.to_owned()).or_default() += 1;
    }
    stages
}

/// Vehicles come until somebody charges; a second start goes on with the same credentials.
async fn comes_alive(deployment: &Deployment) -> anyhow::Result<()> {
    let mut charging = Charging::of(deployment).await?;
    assert!(charging.connectors() > 50, "{}", charging.connectors());
    assert_eq!(charging.over_tcec(), 74);
    let mut sent = 0;
    for seconds in 0..12 {
        // A clock may be up to five minutes ahead.
        let turn = charging.turn(clock::instant() + Duration::from_secs(seconds * 20)).await?;
        assert_eq!(turn.rejected, 0, "{turn:?}");
        sent += turn.sent;
    }
    assert!(sent > 12 * charging.connectors(), "nobody charges");
    let kept = deployment.folder.join("demo-charging.json");
    let before = std::fs::read_to_string(&kept)?;
    assert_eq!(Charging::of(deployment).await?.connectors(), charging.connectors());
    assert_eq!(std::fs::read_to_string(&kept)?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_stations_go_through_the_review_and_a_second_run_reports_the_same() {
    // Deadlines strike by themselves, and a stroke is a step: here none falls between the two runs.
    let plan = demo::link::needed(Plan::quick()).set(Service::Reviews, "CLOCK__EVERY_SECS", 3600);
    let trial = Trial::start(plan).await.unwrap();
    let deployment = trial.fleet.deployment();
    let summary = demo::run(deployment).await.unwrap();
    assert_eq!(summary.applications, planned());
    // One order a city and launch: 郑州 and 新乡 twice.
    let orders = &summary.work_orders;
    assert_eq!(
        (orders.len(), orders["410100"], orders["410700"], orders.values().sum::<i64>()),
        (8, 2, 2, 10)
    );
    assert_eq!((summary.invoices.count, summary.invoices.overdrawn, summary.events.dead_letters), (61, 0, 0));
    let tcec = &summary.tcec;
    assert_eq!((tcec.operators, tcec.stations, tcec.connectors, tcec.steps), (1, 4, 74, 32), "{tcec:?}");
    assert!(tcec.pushed > 600 && tcec.orders > 0 && tcec.faults > 0, "{tcec:?}");
    assert!(summary.table().contains("1 operator connected · 4 stations"), "{}", summary.table());
    // Eight applications that are left, and the account that waits for the administrator.
    assert_eq!(summary.worklist_rows, 9);
    for (role, login, count) in demo::desks::busiest(deployment).await.unwrap() {
        assert!(count > 0 && !login.is_empty(), "{role} has nothing to do: {login}");
    }
    assert!(summary.refusals.len() >= 40, "{:?}", summary.refusals);
    assert_eq!(demo::run(deployment).await.unwrap(), summary);
    comes_alive(deployment).await.unwrap();
    let findings = Findings::gather(deployment, &Service::WITH_DATABASE).await.unwrap();
    assert_eq!(findings.violations(), 0, "{}", findings.table());
    trial.stop().await.unwrap();
}
