//! The model check: the table walked exhaustively. Source: workflow, invariants 1 and 2.

use std::collections::{BTreeSet, HashSet};

use super::*;

fn edges() -> impl Iterator<Item = (Stage, &'static Row)> {
    TABLE.iter().flat_map(|row| row.from.iter().map(move |from| (*from, row)))
}

/// Nodes that a walk along the edges reaches.
fn walk(start: Stage) -> HashSet<Stage> {
    let mut reached = HashSet::from([start]);
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for (_, row) in edges().filter(|(from, _)| *from == at) {
            let to = row.end(at);
            if reached.insert(to) {
                open.push(to);
            }
        }
    }
    reached
}

#[test]
fn every_node_that_is_not_final_waits_for_exactly_one_party_and_has_a_way_out() {
    for stage in Stage::ALL {
        let leaves = edges().any(|(from, row)| from == stage && row.end(from) != stage);
        assert_eq!(stage.waits_for().is_some(), leaves, "{stage:?}");
    }
}

#[test]
fn from_every_node_some_path_reaches_a_final_one() {
    for stage in Stage::ALL {
        assert!(walk(stage).into_iter().any(Stage::is_final), "{stage:?}");
    }
}

#[test]
fn approval_can_be_reached_from_every_open_node() {
    for stage in Stage::ALL.into_iter().filter(|stage| !stage.is_final()) {
        assert!(walk(stage).contains(&Stage::Approved), "{stage:?}");
    }
}

#[test]
fn a_final_node_is_never_left() {
    assert!(edges().all(|(from, _)| !from.is_final()));
}

#[test]
fn no_node_and_no_row_is_unreachable() {
    let reached = walk(Stage::Draft);
    assert_eq!(reached.len(), Stage::ALL.len());
    for row in TABLE {
        assert!(row.from.is_empty() || row.from.iter().any(|from| reached.contains(from)), "{}", row.id);
    }
}

#[test]
fn a_return_node_is_left_only_by_the_party_it_waits_for() {
    for (from, row) in edges().filter(|(from, row)| from.returned() && row.end(*from) != *from) {
        assert!(row.id == "T19" || row.by.party() == from.waits_for(), "{} at {from:?}", row.id);
    }
}

#[test]
fn edits_are_possible_only_where_the_operator_is_waited_for() {
    let editable: BTreeSet<_> = Stage::ALL.into_iter().filter(|stage| stage.editable()).collect();
    let expected =
        [Stage::Draft, Stage::CountyReturned, Stage::MaterialsDue, Stage::CityReturned, Stage::SupplementDue];
    assert_eq!(editable, BTreeSet::from(expected));
}

#[test]
fn each_node_command_actor_and_case_has_one_row() {
    let mut seen = HashSet::new();
    for row in TABLE.iter().filter(|row| row.from.is_empty()) {
        assert!(seen.insert((None, row.on, row.by, row.case)), "{}", row.id);
    }
    for (from, row) in edges() {
        assert!(seen.insert((Some(from), row.on, row.by, row.case)), "{} at {from:?}", row.id);
    }
}

#[test]
fn a_command_with_several_ways_names_a_case_on_each() {
    for (from, row) in edges() {
        let ways =
            edges().filter(|(at, other)| *at == from && other.on == row.on && other.by == row.by).count();
        assert_eq!(ways > 1, row.case != Case::Always, "{} at {from:?}", row.id);
    }
}

#[test]
fn the_ids_run_from_t01_to_t27_without_a_gap() {
    let ids: BTreeSet<_> = TABLE.iter().map(|row| row.id).collect();
    let expected: Vec<_> = (1..=27).map(|n| format!("T{n:02}")).collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn every_command_stands_in_the_table() {
    for command in Command::ALL {
        assert!(TABLE.iter().any(|row| row.on == command), "{command:?}");
    }
}

#[test]
fn every_judgement_of_an_official_asks_for_four_eyes_and_no_other_row_does() {
    for row in TABLE {
        let four_eyes = row.guards.iter().any(|guard| guard.name == "four_eyes");
        assert_eq!(row.judges, four_eyes, "{}", row.id);
        assert!(!row.judges || row.by != Actor::Operator, "{}", row.id);
    }
}

#[test]
fn every_return_carries_an_opinion_and_an_item() {
    for row in TABLE.iter().filter(|row| row.on == Command::Return) {
        for name in ["opinion_given", "has_items"] {
            assert!(row.guards.iter().any(|guard| guard.name == name), "{} {name}", row.id);
        }
    }
}

#[test]
fn an_official_acts_only_where_his_party_is_waited_for() {
    // Apart: the city takes its own pass back before the launch (T13), the administrator carries over (T19), and what is
    // done about time, by the tier above, the administrator or nobody (T26, T27).
    let apart = ["T03", "T10", "T13", "T19", "T26", "T27"];
    for (from, row) in edges().filter(|(_, row)| !apart.contains(&row.id) && row.by != Actor::Timer) {
        assert_eq!(row.by.party(), from.waits_for(), "{} at {from:?}", row.id);
    }
}

#[test]
fn only_known_steps_are_known() {
    assert!(knows("T04", Some(Stage::CountyReview), Stage::PaperCheck));
    assert!(knows("T01", None, Stage::Draft));
    assert!(!knows("T04", Some(Stage::Draft), Stage::PaperCheck));
    assert!(!knows("T04", Some(Stage::CountyReview), Stage::Approved));
}

#[test]
fn what_is_done_about_time_stays_at_its_node_and_judges_nothing() {
    for row in TABLE {
        // And so does what a declaration of interest changes in whose task it is.
        let about_time = matches!(row.id, "T26" | "T27") || row.on == Command::HeedInterest;
        assert_eq!((row.to == End::Same, row.fact.quiet()), (about_time, about_time), "{}", row.id);
        assert!(!about_time || !row.judges, "{}", row.id);
    }
}

#[test]
fn a_clock_strikes_and_is_extended_exactly_where_one_runs() {
    for stage in Stage::ALL {
        let at = |on| edges().any(|(from, row)| from == stage && row.on == on);
        assert_eq!(at(Command::StrikeClock), stage.clock_runs(), "{stage:?}");
        assert_eq!(at(Command::ExtendDeadline), stage.clock_runs(), "{stage:?}");
        assert_eq!(at(Command::Reassign), stage.clock_runs(), "{stage:?}");
    }
}

#[test]
fn the_tier_above_reminds_and_no_other() {
    for stage in Stage::ALL {
        let reminders: BTreeSet<_> = edges()
            .filter(|(from, row)| *from == stage && row.on == Command::Remind)
            .map(|(_, row)| row.by.party())
            .collect();
        assert_eq!(reminders, stage.above().map(Some).into_iter().collect(), "{stage:?}");
        assert!(stage.above().is_none() || stage.above() != stage.waits_for(), "{stage:?}");
    }
}

#[test]
fn an_office_is_led_and_the_administrator_extends_without() {
    for row in TABLE.iter().filter(|row| matches!(row.on, Command::ExtendDeadline | Command::Reassign)) {
        let leads = row.guards.iter().any(|guard| guard.name == "leads");
        let administrator = row.on == Command::ExtendDeadline && row.by == Actor::Administrator;
        assert_eq!(leads, !administrator, "{} {:?} {:?}", row.id, row.on, row.by);
    }
}

#[test]
fn an_escalation_is_told_one_tier_up_and_a_warning_to_who_is_waited_for() {
    let tier = |case| {
        let row = TABLE.iter().find(|row| row.on == Command::StrikeClock && row.case == case);
        row.map(|row| row.tier(Stage::CountyReview))
    };
    assert_eq!(tier(Case::Near), Some(Party::County));
    assert_eq!(tier(Case::Overdue), Some(Party::County));
    assert_eq!(tier(Case::Escalation), Some(Party::City));
}
