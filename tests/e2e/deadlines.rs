//! Deadlines, 黄/红牌, 催办 and 转办 as each desk sees them. No test waits for a day: policies make clocks short.
//!
//! Source: workflow, T26 and T27.
use anyhow::{Context as _, Result};
use proto::{
    notifications::{ListTasksRequest, Task},
    reviews::{ListApplicationsRequest, NodeLimit},
};
use system_tests::{
    Actor, System,
    cases::{Case, Stage, person_id},
    eventually,
    wait::PATIENCE,
};

/// Waits until somebody's task about a case looks like this.
async fn task_becomes(who: &Actor, case: &Case, what: &str, like: fn(&Task) -> bool) -> Result<Task> {
    eventually(PATIENCE, what, || async { Ok(who.task(case.id()).await?.filter(like)) }).await
}

/// Messages of a kind about a case.
async fn told(who: &Actor, case: &Case, kind: &str) -> Result<Vec<String>> {
    let messages = who.inbox().await?.messages;
    let about = messages.into_iter().filter(|one| one.kind == kind && one.subject_id == case.id());
    Ok(about.map(|one| one.text).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_over_turns_red_goes_up_once_and_is_green_again_when_extended() -> Result<()> {
    let system = System::start().await?;
    let round = system.impatient_round().await?;
    let case = system.application().in_round(&round).at(Stage::CountyReview).await?;
    let (county, city) = (system.county("410105").await?, system.city("410100").await?);
    let task = task_becomes(&county, &case, "the county's task is red", |task| task.light == "red").await?;
    assert!(task.deadline_at.is_some());
    eventually(PATIENCE, "the city hears of it", || async {
        Ok((!told(&city, &case, "deadline_escalated").await?.is_empty()).then_some(()))
    })
    .await?;
    let view = county.application(case.id()).await?;
    assert_eq!((view.light.as_str(), view.time_left.map(|left| left.days_over)), ("red", Some(1)));
    let overdue = ListApplicationsRequest { overdue: true, order: "deadline".into(), ..Default::default() };
    assert_eq!(county.applications(overdue.clone()).await?.len(), 1);

    // What was seen before the strokes can still be decided; here it is extended.
    let outcomes = county.extend_deadline(&[&case.view], 5, "材料较多，需现场核实").await?;
    assert!(outcomes[0].accepted, "{outcomes:?}");
    let task = task_becomes(&county, &case, "the light is out", |task| task.light.is_empty()).await?;
    let left = county.working_days(vec![task.deadline_at.context("a clock runs")?]).await?;
    assert_eq!((left[0].working_days_left, left[0].days_over), (5, 0));
    assert!(county.applications(overdue).await?.is_empty());
    let steps = system.steps(case.uuid()).await?;
    assert_eq!(steps, ["T01", "T02", "T27", "T27", "T26"]);
    assert_eq!(told(&county, &case, "deadline_overdue").await?.len(), 1);
    assert!(told(&county, &case, "deadline_near").await?.is_empty(), "a missed warning is not made up for");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_near_turns_yellow_and_sorts_before_what_has_more_time() -> Result<()> {
    let system = System::start().await?;
    let near = system
        .round_with(|policy| {
            policy.limits = vec![NodeLimit { stage: "CountyReview".into(), working_days: 3 }];
            policy.near_working_days = Some(3);
        })
        .await?;
    let patient = system.application().at(Stage::CountyReview).await?;
    let urgent = system.application().in_round(&near).at(Stage::CountyReview).await?;
    let county = system.county("410105").await?;
    task_becomes(&county, &urgent, "the task is yellow", |task| task.light == "yellow").await?;
    assert!(county.task(patient.id()).await?.is_some_and(|task| task.light.is_empty()));
    let by_deadline = ListTasksRequest { order: "deadline".into(), ..Default::default() };
    let tasks = county.tasks_page(by_deadline).await?.tasks;
    let order: Vec<_> = tasks.iter().map(|task| task.subject_id.as_str()).collect();
    assert_eq!(order, [urgent.id(), patient.id()]);
    let yellow = ListTasksRequest { light: "yellow".into(), ..Default::default() };
    assert_eq!(county.tasks_page(yellow).await?.tasks.len(), 1);
    let counts = county.task_counts().await?;
    let tile = counts.iter().find(|count| count.stage == "CountyReview").context("a tile")?;
    assert_eq!((tile.count, tile.yellow, tile.red), (2, 1, 0));
    assert_eq!(told(&county, &urgent, "deadline_near").await?.len(), 1);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_reminded_at_once_each_by_its_own_step_and_what_cannot_be_says_why() -> Result<()> {
    let system = System::start().await?;
    let (county, city) = (system.county("410105").await?, system.city("410100").await?);
    let one = system.application().at(Stage::CountyReview).await?;
    let two = system.application().at(Stage::PaperCheck).await?;
    let done = system.application().at(Stage::CityReview).await?;
    let foreign = system.application().in_county("410202").at(Stage::CountyReview).await?;
    let all = [&one.view, &two.view, &done.view, &foreign.view];
    let outcomes = city.remind(&all, "请尽快审核").await?;
    let reasons: Vec<_> = outcomes.iter().map(|outcome| outcome.reason.as_str()).collect();
    assert_eq!(reasons, ["", "", "not_your_turn", "not_found"]);
    assert!(outcomes.iter().all(|outcome| outcome.accepted == outcome.text.is_empty()));
    assert_eq!(outcomes[0].version, one.view.version + 1);
    let task =
        task_becomes(&county, &one, "the task was reminded of", |task| task.reminded_count == 1).await?;
    assert!(task.reminded_at.is_some());
    let texts = told(&county, &one, "reminded").await?;
    assert!(texts.len() == 1 && texts[0].starts_with("市级主管部门催办"), "{texts:?}");

    // A page that was read before the reminder still decides.
    let passed = county.pass(&one.view, "同意").await?;
    assert_eq!((passed.stage.as_str(), passed.reminded_count), ("PaperCheck", 0));
    let refused = city.remind(&all[1..2], " ").await.expect_err("no reason");
    assert_eq!(refused.reason, "reason_missing");
    let refused = city.remind(&[], "请尽快审核").await.expect_err("nothing");
    assert_eq!(refused.reason, "items_out_of_range");
    let theirs = county.remind(&all[1..2], "请尽快审核").await?;
    assert_eq!(theirs[0].reason, "not_your_turn", "nobody reminds himself");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lead_gives_work_to_a_colleague_and_only_to_one() -> Result<()> {
    let system = System::start().await?;
    let lead = system.county("410105").await?;
    let colleague = system
        .appointed(&system_tests::cast::person("co_colleague", "county", &["410105"]).following())
        .await?;
    let stranger = system.county("410202").await?;
    let case = system.application().at(Stage::CountyReview).await?;
    let (me, other) = (person_id(&colleague).await?, person_id(&stranger).await?);
    let colleagues = lead.colleagues().await?;
    assert!(colleagues.iter().any(|one| one.user_id == me && !one.lead), "{colleagues:?}");
    let reason = async |who: &Actor, assignee: &str| -> Result<String> {
        Ok(who.reassign(&[&case.view], assignee, "分工").await?.remove(0).reason)
    };
    assert_eq!(reason(&lead, &other).await?, "assignee_unfit");
    assert_eq!(reason(&colleague, &me).await?, "not_lead");
    assert_eq!(reason(&lead, &me).await?, "");
    let mine = ListTasksRequest { mine: true, ..Default::default() };
    eventually(PATIENCE, "the colleague has the task", || async {
        let tasks = colleague.tasks_page(mine.clone()).await?.tasks;
        Ok(tasks.iter().any(|task| task.subject_id == case.id()).then_some(()))
    })
    .await?;
    assert!(lead.tasks_page(mine).await?.tasks.is_empty());
    let view = case.operator().application(case.id()).await?;
    assert_eq!(view.assignee_id, "", "an operator sees no persons");
    let history = case.operator().history(case.id()).await?;
    assert!(history.iter().all(|step| step.command != "Reassign" || step.items.is_empty()));
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calendar_is_told_with_its_sources() -> Result<()> {
    let system = System::start().await?;
    let years = system.administrator().await?.calendar().await?;
    let year = years.iter().find(|year| year.year == 2026).context("2026 is known")?;
    assert!(year.source.contains("国务院办公厅") && year.holidays.len() == 33, "{year:?}");
    assert!(year.made_up_days.contains(&"2026-10-10".to_owned()));
    system.finish().await
}
