//! What each side of the table may do at each node is what the published matrix says, and no more.
//!
//! Source: workflow, Transitions. The permission matrix is read where it is published: in the generated README of reviews.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context as _, Result};
use system_tests::{
    Actor, System,
    cases::{Case, Stage},
    cast::DEPARTMENTS,
};
use xtask::checkout::Checkout;

/// Columns of the matrix.
const SIDES: [&str; 6] = ["运营商", "县级主管部门", "市级主管部门", "管理员", "专家组", "省级厅委"];
/// Commands that the matrix allows and a guard refuses on the usual way, with the node.
const GUARDED: &[(&str, &str, &str)] = &[
    // A wider draw needs findings. Source: T24.
    ("省级厅委", "ProvincialReview", "WidenSample"),
    // Nobody's command: it follows from the last signature. Source: T22.
    ("省级厅委", "ProvincialReview", "ConcludeOrder"),
];

/// (side, node) → commands.
type Matrix = BTreeMap<(String, String), BTreeSet<String>>;

#[tokio::test(flavor = "multi_thread")]
async fn allowed_actions_are_the_published_matrix_at_every_node_of_the_usual_way() -> Result<()> {
    let system = System::start().await?;
    let matrix = published()?;
    let mut case = system.application().at(Stage::Draft).await?;
    let people = [
        (SIDES[0], case.operator().clone()),
        (SIDES[1], system.county("410105").await?),
        (SIDES[2], system.city("410100").await?),
        (SIDES[3], system.administrator().await?),
        (SIDES[4], system.expert(1).await?),
        (SIDES[5], system.department(DEPARTMENTS[0]).await?),
    ];
    let way = [
        Stage::Draft,
        Stage::CountyReview,
        Stage::PaperCheck,
        Stage::MaterialsDue,
        Stage::CityReview,
        Stage::AwaitingJointReview,
        Stage::ExpertReview,
        Stage::AwaitingProvince,
        Stage::ProvincialReview,
        Stage::Approved,
    ];
    for stage in way {
        if stage == Stage::CityReview {
            system.fill_dossier(&case).await?;
        }
        system.advance(&mut case, stage).await?;
        for (side, person) in &people {
            compare(&matrix, &case, side, person).await.with_context(|| format!("{side} at {stage:?}"))?;
        }
    }
    system.finish().await
}

async fn compare(matrix: &Matrix, case: &Case, side: &str, person: &Actor) -> Result<()> {
    let node = case.view.stage.as_str();
    let key = (side.to_owned(), node.to_owned());
    let mut expected = matrix.get(&key).cloned().unwrap_or_default();
    expected.retain(|command| !GUARDED.contains(&(side, node, command.as_str())));
    let actions = match person.allowed_actions(case.id()).await {
        Ok(actions) => actions,
        // Who may not see it is not told that it exists.
        Err(refused) if refused.code == tonic::Code::NotFound => vec![],
        Err(refused) => return Err(refused.into()),
    };
    let allowed: BTreeSet<_> =
        actions.iter().filter(|one| one.allowed).map(|one| one.command.clone()).collect();
    assert_eq!(allowed, expected, "{side} at {node}");
    for denied in actions.iter().filter(|one| !one.allowed) {
        assert!(!denied.reason.is_empty() && !denied.text.is_ascii(), "{side} at {node}: {denied:?}");
        // Where it is another's to do, that one can; else the party that is waited for.
        let who_can = !denied.waits_for.is_empty() && denied.reason == "not_your_turn";
        assert!(
            who_can || denied.waits_for == case.view.waits_for,
            "{side} at {node}: who can change that, {denied:?}"
        );
    }
    Ok(())
}

/// Reads the matrix: rows are commands, columns sides, cells nodes.
fn published() -> Result<Matrix> {
    let readme = Checkout::find()?.root().join("services/reviews/README.md");
    let text = fs::read_to_string(&readme).with_context(|| format!("{} is missing", readme.display()))?;
    let section = text.split("## Who may do what").nth(1).context("the matrix has a heading")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut matrix = Matrix::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let command = cells[0].split('`').nth(1).context("a command in back-ticks")?;
        for (side, cell) in SIDES.iter().zip(&cells[1..]) {
            for node in cell.split(", ").filter(|node| !["–", "new"].contains(node)) {
                matrix.entry(((*side).to_owned(), node.to_owned())).or_default().insert(command.to_owned());
            }
        }
    }
    assert!(matrix.len() >= 15, "{matrix:?}");
    Ok(matrix)
}
