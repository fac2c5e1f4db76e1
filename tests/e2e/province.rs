//! The province: a draw that anyone can repeat, the spot check, its returns to each party, a widened sample.
//!
//! Source: workflow, G12, T20 to T24.
use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use proto::reviews::Draw;
use system_tests::{
    System,
    cases::{Case, Stage},
    cast::DEPARTMENTS,
    evidence,
};
use uuid::Uuid;
use xtask::driver::joint::Target;

#[tokio::test(flavor = "multi_thread")]
async fn g12_a_drawn_member_with_a_material_problem_comes_back_and_is_approved() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::ProvincialReview).await?;
    assert!(case.view.in_sample);
    let first = system.department(DEPARTMENTS[0]).await?;
    first.task_appears(case.id(), "ProvincialReview").await?;
    case.view = first.province_return(&case.view, Target::Operator, "决算金额与发票不符", &["M1"]).await?;
    let mut seen = vec![case.view.stage.clone()];
    system.dossier_opens(&case).await?;
    system.place_paper(&case, "M1").await?;
    case.view = case.operator().submit_supplement(&case.view, vec![]).await?;
    seen.push(case.view.stage.clone());
    case.view = system.expert(1).await?.pass_member(&case.view, "同意").await?;
    seen.push(case.view.stage.clone());
    case.view = system.sign(&case.view).await?;
    seen.push(case.view.stage.clone());
    // Its order is frozen already, so the experts' pass leads straight back to the departments.
    assert_eq!(seen, ["SupplementDue", "ExpertReview", "ProvincialReview", "Approved"]);
    assert!(case.view.forced_sample);
    let order = system.administrator().await?.work_order(&case.view.work_order_id).await?;
    assert_eq!((order.state.as_str(), order.findings), ("concluded", 1));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_draw_can_be_repeated_from_its_seed_and_population() -> Result<()> {
    let system = System::start().await?;
    let round = system.round_with(|policy| policy.sample_permille = 300).await?;
    let company = system.company(system.number(), "410105").await?;
    let made =
        (0..7).map(|_| system.application().of(&company).in_round(&round).at(Stage::AwaitingJointReview));
    let mut cases = try_join_all(made).await?;
    system.launch(&round, &["410100"]).await?;
    let lead = system.expert(1).await?;
    for case in &mut cases {
        case.look().await?;
        case.view = lead.pass_member(&case.view, "同意").await?;
    }
    let administrator = system.administrator().await?;
    let order = administrator.work_order(&cases[0].view.work_order_id).await?;
    let frozen = administrator.freeze(&order).await?;
    assert_eq!(frozen.state, "frozen");
    assert_eq!(administrator.freeze(&frozen).await.unwrap_err().reason, "already_frozen");

    let draws = administrator.draws(&order.work_order_id).await?;
    assert_eq!(draws.len(), 1);
    let drawn = repeat(&draws[0], &cases)?;
    assert_eq!(drawn.len(), 3, "seven members at 300 thousandths, rounded up");
    for case in &mut cases {
        case.look().await?;
        assert_eq!(case.view.in_sample, drawn.contains(&case.uuid()));
    }
    // A member outside the sample cannot be signed; it is approved with its order.
    let outside = cases.iter().find(|case| !case.view.in_sample).context("four are outside")?;
    let refused =
        system.department(DEPARTMENTS[0]).await?.pass_member(&outside.view, "同意").await.unwrap_err();
    assert_eq!(refused.reason, "not_in_sample");
    for case in cases.iter().filter(|case| case.view.in_sample) {
        assert_eq!(system.sign(&case.view).await?.stage, "Approved");
    }
    for case in &mut cases {
        assert_eq!(case.look().await?.stage, "Approved");
    }
    system.finish().await
}

/// Draws again from what is published and compares with what was chosen.
fn repeat(draw: &Draw, cases: &[Case]) -> Result<Vec<Uuid>> {
    let mut members = Vec::new();
    for one in &draw.ranking {
        members.push((Uuid::parse_str(&one.application_id)?, one.submission_hash.clone()));
    }
    for case in cases {
        let standing = case.view.submission.as_ref().context("it was submitted")?.hash.clone();
        assert!(members.contains(&(case.uuid(), standing)), "the population names what stands");
    }
    assert_eq!(members.len(), cases.len());
    assert_eq!(hex::encode(evidence::population_hash(&members)), draw.population_hash);
    let seed: evidence::Hash = hex::decode(&draw.seed)?.try_into().ok().context("a seed of 32 bytes")?;
    let again = evidence::draw(&members, usize::try_from(draw.permille)?, &seed);
    let mut chosen = Vec::new();
    for one in draw.ranking.iter().filter(|one| one.chosen) {
        chosen.push(Uuid::parse_str(&one.application_id)?);
    }
    chosen.sort();
    assert_eq!(again, chosen);
    Ok(chosen)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_province_returns_to_the_party_that_caused_it_and_widens_after_too_many_findings() -> Result<()> {
    let system = System::start().await?;
    let round = system.round_with(|policy| policy.sample_permille = 500).await?;
    let company = system.company(system.number(), "410105").await?;
    let made =
        (0..4).map(|_| system.application().of(&company).in_round(&round).at(Stage::AwaitingJointReview));
    let mut cases = try_join_all(made).await?;
    system.launch(&round, &["410100"]).await?;
    let lead = system.expert(1).await?;
    for case in &mut cases {
        case.look().await?;
        case.view = lead.pass_member(&case.view, "同意").await?;
    }
    let administrator = system.administrator().await?;
    let order = administrator.work_order(&cases[0].view.work_order_id).await?;
    let frozen = administrator.freeze(&order).await?;
    let department = system.department(DEPARTMENTS[0]).await?;
    let early = department.widen(&frozen).await.unwrap_err();
    assert_eq!(early.reason, "threshold_not_exceeded");
    for case in &mut cases {
        case.look().await?;
    }
    let mut drawn: Vec<_> = cases.iter().filter(|case| case.view.in_sample).cloned().collect();
    assert_eq!(drawn.len(), 2);

    let experts = &mut drawn[0];
    experts.view =
        department.province_return(&experts.view, Target::Experts, "专家意见不充分", &["M1"]).await?;
    assert_eq!((experts.view.stage.as_str(), experts.view.waits_for.as_str()), ("ExpertReview", "experts"));
    let order = administrator.work_order(&order.work_order_id).await?;
    let wide = department.widen(&order).await?;
    assert_eq!(wide.state, "frozen");
    let draws = department.draws(&order.work_order_id).await?;
    assert_eq!((draws.len(), draws[1].size), (2, 1), "half of the two outside");

    let city = &mut drawn[1];
    city.view = department.province_return(&city.view, Target::City, "市级审核不严", &["M1"]).await?;
    assert_eq!((city.view.stage.as_str(), city.view.work_order_id.as_str()), ("CityReview", ""));
    system.city("410100").await?.task_appears(city.id(), "CityReview").await?;
    let meddling = city.operator().withdraw(&city.view).await.unwrap_err();
    assert_eq!(meddling.reason, "already_decided", "only the party that caused it is reopened");
    // It comes back in the next order, where it is in the sample whatever is drawn.
    system.advance(city, Stage::ProvincialReview).await?;
    assert!(city.view.forced_sample && city.view.in_sample);
    system.finish().await
}
