//! Writes `README.md` of this service from the table: who may do what, every transition, the diagram.
//!
//! The test below fails when the committed file is stale; `UPDATE_README=1 cargo test -p reviews` rewrites it.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    domain::{
        act::Command,
        clock::Limits,
        facts::{Fact, OrderFact},
        stage::{Actor, Stage},
        table::{Case, End, Row, TABLE},
    },
    labels,
};

/// The whole document.
pub fn render() -> String {
    let mut text = String::from(HEAD);
    nodes(&mut text);
    permissions(&mut text);
    transitions(&mut text);
    diagram(&mut text);
    text.push_str(TAIL);
    text
}

const HEAD: &str = "\
# reviews: the subsidy review

Generated from `src/domain/table.rs` by `src/readme.rs`; never edited by hand
(`UPDATE_README=1 cargo test -p reviews` rewrites it, a test fails when it is stale).

Owns rounds, applications with their chained history, submissions, work orders, panels, opinions and samples.
A command goes `rpc` → `app` → `domain` decides → `store` writes → outbox announces.

";

const TAIL: &str = "
## Rules beyond the table

- Role, scope and relation, the version that was seen, and the node are checked for every command before the row's own
  guards (`src/domain/decide.rs`); a decision also names the submission that it judged.
- Work orders: freezing, concluding and widening look at the whole order (`src/domain/order.rs`). When no sampled member
  is open any more, the members outside the sample are approved in the same transaction. More findings than the round
  tolerates hold them back until a wider sample was drawn.
- The draw (`src/domain/draw.rs`): rank = SHA-256 over (seed, population hash, member); the smallest ranks and the
  forced members are in the sample. `GetSample` gives all that is needed to repeat it.
- Deadlines (`src/domain/clock.rs`): the limit of a node is counted in working days from the day after it was entered, to
  the end of the last one; each visit has one deadline. `AllowedActions` names who reminds; who leads an office is known to
  `accounts`, who leads a panel to the order.
- T26 and T27 leave the matter as it is: a decision that was read before them is not stale (`Application::current`).
- The timer (`src/timer.rs`) strikes what is due; each of 黄, 红 and one tier up at most once for a deadline. Several
  processes share the work by passing by what another has locked.
- Working days: Monday to Friday, but for the days in `settings.toml`, section `[calendar]`. The notice of a new year is
  added there; it holds for nodes that are entered from then on.
";

fn nodes(text: &mut String) {
    text.push_str("## Nodes\n\n| Stage | 审核人员 | 运营商 | waits for | clock, usual working days | tier above |\n|---|---|---|---|---|---|\n");
    for stage in Stage::ALL {
        let waits = stage.waits_for().map_or("–", labels::party);
        let clock = match (stage.is_final(), Limits::usual(stage)) {
            (true, _) => "–".to_owned(),
            (false, Some(days)) => format!("runs, {days}"),
            (false, None) => "stopped".to_owned(),
        };
        let above = stage.above().map_or("–", labels::party);
        line(
            text,
            &format!(
                "| `{}` | {} | {} | {waits} | {clock} | {above} |",
                stage.id(),
                labels::stage(stage, ""),
                labels::stage_for_operator(stage)
            ),
        );
    }
}

fn permissions(text: &mut String) {
    text.push_str(
        "\n## Who may do what\n\nEach cell names the nodes at which the command is possible.\n\n| command |",
    );
    for actor in Actor::ALL {
        text.push_str(&format!(" {} |", labels::actor(actor)));
    }
    text.push_str("\n|---|---|---|---|---|---|---|---|\n");
    for command in Command::ALL {
        let mut cells = format!("| `{}` {} |", command.id(), labels::command(command));
        for actor in Actor::ALL {
            let rows = TABLE.iter().filter(|row| row.on == command && row.by == actor);
            let mut places: Vec<_> = rows.flat_map(places).collect();
            let mut seen = BTreeSet::new();
            places.retain(|place| seen.insert(*place));
            let cell = if places.is_empty() { "–".to_owned() } else { places.join(", ") };
            cells.push_str(&format!(" {cell} |"));
        }
        line(text, &cells);
    }
    text.push_str("\n`ConcludeOrder` is nobody's command: it follows from the step that closes the last sampled member. `StrikeClock` is the\ntimer's.\n");
}

fn places(row: &Row) -> Vec<&'static str> {
    if row.from.is_empty() { vec!["new"] } else { row.from.iter().map(|stage| stage.id()).collect() }
}

fn transitions(text: &mut String) {
    text.push_str(
        "\n## Transitions\n\n| id | from | command | case | by | guards | to | event | tier |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in TABLE {
        let guards: Vec<_> = row.guards.iter().map(|guard| format!("`{}`", guard.name)).collect();
        let guards = if guards.is_empty() { "–".to_owned() } else { guards.join(" ") };
        line(
            text,
            &format!(
                "| {} | {} | {} | {} | {} | {guards} | {} | `{}` | {} |",
                row.id,
                places(row).join(", "),
                row.on.id(),
                case(row.case),
                labels::actor(row.by),
                end(row),
                row.fact.id(),
                tier(row)
            ),
        );
    }
    let orders: Vec<_> = [OrderFact::JointReviewLaunched, OrderFact::OrderFrozen, OrderFact::SampleWidened]
        .iter()
        .map(|fact| format!("`{}` ({})", fact.id(), fact.transition()))
        .collect();
    line(
        text,
        &format!("\nA whole order announces {}; `_` stands in the county's place then.", orders.join(", ")),
    );
}

fn end(row: &Row) -> &'static str {
    match row.to {
        End::At(stage) => stage.id(),
        End::Same => "same",
    }
}

fn tier(row: &Row) -> &'static str {
    match row.to {
        End::At(stage) => row.tier(stage).id(),
        End::Same if row.fact == Fact::DeadlineEscalated => "above",
        End::Same => "waiting",
    }
}

fn case(case: Case) -> &'static str {
    match case {
        Case::Always => "",
        Case::Complete => "complete",
        Case::Missing => "missing",
        Case::OrderOpen => "order open",
        Case::OrderFrozen => "order frozen",
        Case::OthersPending => "others pending",
        Case::LastDepartment => "last department",
        Case::ToOperator => "to operator",
        Case::ToExperts => "to experts",
        Case::ToCity => "to city",
        Case::Near => "near",
        Case::Overdue => "overdue",
        Case::Escalation => "escalation",
    }
}

fn diagram(text: &mut String) {
    text.push_str("\n## Diagram\n\n```mermaid\nstateDiagram-v2\n");
    // What stays where it is (T26, T27) would only clutter it.
    for row in TABLE.iter().filter(|row| row.to != End::Same) {
        for from in places(row) {
            let from = if from == "new" { "[*]" } else { from };
            line(text, &format!("    {from} --> {}: {} {}", end(row), row.id, labels::command(row.on)));
        }
    }
    for stage in Stage::ALL.into_iter().filter(|stage| stage.is_final()) {
        line(text, &format!("    {} --> [*]", stage.id()));
    }
    text.push_str("```\n");
}

fn line(text: &mut String, content: &str) {
    writeln!(text, "{content}").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    #[test]
    fn the_committed_file_is_what_the_table_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let expected = super::render();
        if env::var_os("UPDATE_README").is_some() {
            fs::write(&path, &expected).expect("the file can be written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == expected, "README.md is stale: UPDATE_README=1 cargo test -p reviews");
    }
}
