//! Joint review: a launch is one order a city however often it is repeated, members go their own ways, orders wait.
//!
//! Source: workflow, G10, G11, T14 to T19; invariant 7.
use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use proto::reviews::{ApplicationView, CityPanel, ListApplicationsRequest};
use system_tests::{
    System,
    cases::{Case, Stage, person_id},
    seed,
};
use xtask::{
    driver::joint::{Verdict, panel},
    services::Service,
};

/// Five cities with a county each.
const CITIES: [(&str, &str); 5] = [
    ("410100", "410105"),
    ("410300", "410311"),
    ("410700", "410711"),
    ("411000", "411003"),
    ("411300", "411303"),
];

#[tokio::test(flavor = "multi_thread")]
async fn g10_thirty_stations_in_five_cities_launched_twice_and_crashed_once_give_five_orders() -> Result<()> {
    seed(10);
    let system = System::start().await?;
    let round = system.round().await?;
    let mut members = Vec::new();
    for (city, county) in CITIES {
        let company = system.company(system.number(), county).await?;
        let made = (0..6).map(|_| {
            let wanted = system.application().of(&company).in_county(county).in_round(&round);
            wanted.at(Stage::AwaitingJointReview)
        });
        let cases = try_join_all(made).await.with_context(|| city.to_owned())?;
        members.extend(cases.into_iter().map(|case| case.uuid()));
    }
    assert_eq!(members.len(), 30);
    let administrator = system.administrator().await?;
    let lead = person_id(&system.expert(1).await?).await?;
    let panels: Vec<_> = CITIES.iter().map(|(city, _)| panel(city, std::slice::from_ref(&lead))).collect();

    // The process dies in the middle of the launch: it holds all members but one. The caller repeats, same request id.
    let id = administrator.request_id();
    let (same, once) = (administrator.repeating(&id), administrator.repeating(&id).once());
    let (round_id, cities) = (round.round_id.clone(), panels.clone());
    let launching = async move { once.launch(&round_id, 1, cities).await };
    let last = members.iter().max().context("there are members")?;
    let lock = format!("SELECT 1 FROM applications WHERE id = '{last}' FOR UPDATE");
    let crashed = system.killed_in_the_middle(Service::Reviews, &lock, launching).await?;
    assert!(crashed.is_err());
    assert_eq!(system.count(Service::Reviews, "SELECT count(*) FROM work_orders").await?, 0);
    system.fleet().start_again(Service::Reviews).await?;
    let first = same.launch(&round.round_id, 1, panels.clone()).await?;
    let replay = same.launch(&round.round_id, 1, panels.clone()).await?;
    assert_eq!(ids(&first), ids(&replay));
    // Launched a second time by a click of its own.
    let twice = administrator.launch(&round.round_id, 1, panels).await.unwrap_err();
    assert_eq!(twice.reason, "already_launched");
    assert!(ids(&first).contains(&twice.metadata["work_order_id"]));

    assert_eq!(first.len(), 5);
    let orders = administrator.work_orders(&round.round_id).await?;
    assert_eq!(orders.len(), 5);
    assert!(orders.iter().all(|order| order.progress.get("ExpertReview") == Some(&6)), "{orders:?}");
    system.drained().await?;
    for member in members {
        assert_eq!(system.steps(member).await?.iter().filter(|step| *step == "T14").count(), 1);
    }
    let effects = "SELECT count(*) FROM messages WHERE kind = 'entered_joint_review'";
    let events = "SELECT count(*) FROM outbox WHERE kind = 'entered_joint_review'";
    assert_eq!(system.count(Service::Reviews, events).await?, 30);
    let told = system.count(Service::Notifications, effects).await?;
    let distinct =
        "SELECT count(DISTINCT (event_id, desk)) FROM messages WHERE kind = 'entered_joint_review'";
    assert_eq!(told, system.count(Service::Notifications, distinct).await?);
    system.finish_after_faults().await
}

fn ids(orders: &[proto::reviews::WorkOrderView]) -> BTreeSet<String> {
    orders.iter().map(|order| order.work_order_id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_experts_return_one_member_and_the_others_go_on() -> Result<()> {
    let system = System::start().await?;
    let company = system.company(system.number(), "410105").await?;
    let made = (0..3).map(|_| system.application().of(&company).at(Stage::AwaitingJointReview));
    let mut cases = try_join_all(made).await?;
    let round = cases[0].round.clone();
    let order = system.launch(&round, &["410100"]).await?.remove(0);
    let (lead, second) = (system.expert(1).await?, system.expert(2).await?);
    for case in &mut cases {
        case.look().await?;
        lead.task_appears(case.id(), "ExpertReview").await?;
    }
    let [one, two, three] = &mut cases[..] else { panic!("three were made") };
    one.view = second.opine(&one.view, Verdict::Return, "决算报告缺页").await?;
    let not_lead = second.ask_supplement(&one.view, "决算报告缺页", &["M1"]).await.unwrap_err();
    assert_eq!(not_lead.reason, "lead_decides");
    let empty = lead.ask_supplement(&one.view, "请补充", &[]).await.unwrap_err();
    assert_eq!(empty.reason, "items_missing");
    one.view = lead.ask_supplement(&one.view, "决算报告缺页，请补充", &["M1"]).await?;
    assert_eq!(one.view.stage, "SupplementDue");
    two.view = lead.pass_member(&two.view, "同意").await?;
    three.view = lead.pass_member(&three.view, "同意").await?;
    let progress = system.administrator().await?.work_order(&order.work_order_id).await?.progress;
    assert_eq!((progress["SupplementDue"], progress["AwaitingProvince"]), (1, 2));

    let administrator = system.administrator().await?;
    let open = administrator.work_order(&order.work_order_id).await?;
    let early = administrator.freeze(&open).await.unwrap_err();
    assert_eq!((early.reason.as_str(), early.metadata["count"].as_str()), ("members_unready", "1"));

    one.view = supplement(&system, one).await?;
    assert_eq!((one.view.stage.as_str(), one.view.waits_for.as_str()), ("ExpertReview", "experts"));
    one.view = lead.pass_member(&one.view, "补充材料齐全").await?;
    let done = administrator.work_order(&order.work_order_id).await?;
    assert_eq!(done.progress["AwaitingProvince"], 3);
    assert_eq!(
        system.steps(one.uuid()).await?[6..],
        ["T14", "T15", "T17", "T18", "T16"].map(str::to_owned)[..]
    );
    system.finish().await
}

/// Answers a supplement by a new file for M1 and submits it.
async fn supplement(system: &System, case: &Case) -> Result<ApplicationView> {
    system.dossier_opens(case).await?;
    system.place_paper(case, "M1").await?;
    Ok(case.operator().submit_supplement(&case.view, vec![]).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_n_of_m_and_the_rule_all_need_the_panels_agreement() -> Result<()> {
    let system = System::start().await?;
    let round = system
        .round_with(|policy| {
            policy.expert_rule = "n_of_m".into();
            policy.experts_needed = 2;
        })
        .await?;
    let mut case = system.application().in_round(&round).at(Stage::ExpertReview).await?;
    let (one, two) = (system.expert(1).await?, system.expert(2).await?);
    let alone = one.pass_member(&case.view, "同意").await.unwrap_err();
    assert_eq!(alone.reason, "quorum_unmet");
    assert_eq!((alone.metadata["have"].as_str(), alone.metadata["needed"].as_str()), ("1", "2"));
    case.view = two.opine(&case.view, Verdict::Pass, "同意").await?;
    case.view = one.pass_member(&case.view, "同意").await?;
    assert_eq!(case.view.stage, "AwaitingProvince");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expert_must_sit_on_the_panel_and_declare_before_speaking() -> Result<()> {
    let system = System::start().await?;
    let mut case = system.application().at(Stage::AwaitingJointReview).await?;
    let lead = system.expert(1).await?;
    let panels = vec![panel("410100", &[person_id(&lead).await?])];
    let administrator = system.administrator().await?;
    let order = administrator.launch(&case.round.round_id, 7, panels).await?.remove(0);
    case.look().await?;
    let undeclared = lead.pass_member(&case.view, "同意").await.unwrap_err();
    assert_eq!(undeclared.reason, "not_declared");
    let stranger = system.expert(9).await?.pass_member(&case.view, "同意").await.unwrap_err();
    assert!(["not_found", "not_assigned"].contains(&stranger.reason.as_str()), "{stranger}");
    lead.declare_conflicts(&order.work_order_id, &[case.id()]).await?;
    let conflicted = lead.pass_member(&case.view, "同意").await.unwrap_err();
    assert_eq!(conflicted.reason, "conflicted");
    lead.declare_clear(&order.work_order_id).await?;
    lead.pass_member(&case.view, "同意").await?;

    let strangers = CityPanel {
        lead_id: person_id(&administrator).await?,
        ..panel("410100", &[person_id(&lead).await?])
    };
    let outside = administrator.launch(&case.round.round_id, 8, vec![strangers]).await.unwrap_err();
    assert_eq!(outside.reason, "panel_invalid");
    let officers = vec![panel("410100", &[person_id(&administrator).await?])];
    let officer = administrator.launch(&case.round.round_id, 8, officers).await.unwrap_err();
    assert_eq!(officer.reason, "not_an_expert");
    let alone = vec![panel("410300", &[person_id(&lead).await?])];
    let empty = administrator.launch(&case.round.round_id, 8, alone).await.unwrap_err();
    assert_eq!((empty.reason.as_str(), empty.metadata["prefecture"].as_str()), ("no_members", "410300"));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_member_is_carried_over_into_the_next_batch() -> Result<()> {
    let system = System::start().await?;
    let patient = system.round_with(|policy| policy.freeze_after_days = 10).await?;
    let early = system.application().in_round(&patient).at(Stage::ExpertReview).await?;
    let administrator = system.administrator().await?;
    let refused = administrator.carry_over(&early.view, "超期").await.unwrap_err();
    assert_eq!(refused.reason, "before_freeze_due");

    let mut case = system.application().of(&early.company).at(Stage::ExpertReview).await?;
    let silent = administrator.carry_over(&case.view, " ").await.unwrap_err();
    assert_eq!(silent.reason, "reason_missing");
    let first = case.view.work_order_id.clone();
    case.view = administrator.carry_over(&case.view, "专家未在期限内完成").await?;
    assert_eq!((case.view.stage.as_str(), case.view.work_order_id.as_str()), ("AwaitingJointReview", ""));
    system.advance(&mut case, Stage::ExpertReview).await?;
    assert_ne!(case.view.work_order_id, first);
    let orders = administrator.work_orders(&case.round.round_id).await?;
    assert_eq!(orders.iter().map(|order| order.left).sum::<i32>(), 1);
    let none = ListApplicationsRequest { work_order_id: first, ..Default::default() };
    assert_eq!(administrator.applications(none).await?, []);
    system.finish().await
}
