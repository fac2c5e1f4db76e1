//! Every transition of the workflow is clicked in some walk; the list of those that are not must stay empty.
//!
//! Owns: which walk clicks which row of the table in `services/reviews/src/domain/table.rs`. Not: the walks; each asserts the
//! rows of its own history.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// A row of the table: id, command, case, actor.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

/// The row and the walk that clicks it.
#[rustfmt::skip]
const WALKS: &[(Row<'static>, &str)] = &[
    (("T01", "CreateApplication", "Always", "Operator"), "g05_an_application_is_made_withdrawn_deleted_and_made_again"),
    (("T02", "SubmitAcceptance", "Always", "Operator"), "g05_an_application_is_made_withdrawn_deleted_and_made_again"),
    (("T03", "Withdraw", "Always", "Operator"), "g05_an_application_is_made_withdrawn_deleted_and_made_again"),
    (("T04", "Pass", "Always", "County"), MATERIALS),
    (("T05", "Return", "Always", "County"), MATERIALS),
    (("T06", "RecordPaperCheck", "Complete", "County"), MATERIALS),
    (("T07", "RecordPaperCheck", "Missing", "County"), MATERIALS),
    (("T08", "RevokePass", "Always", "County"), AUTHORITIES),
    (("T09", "SubmitMaterials", "Always", "Operator"), MATERIALS),
    (("T10", "Withdraw", "Always", "Operator"), "g08_exactly_one_of_withdrawal_and_decision_wins_and_the_other_is_told_why"),
    (("T11", "Pass", "Always", "City"), MATERIALS),
    (("T12", "Return", "Always", "City"), "g06_g09_what_comes_back_is_mended_and_goes_to_whoever_sent_it"),
    (("T13", "TakeBack", "Always", "City"), AUTHORITIES),
    (("T14", "LaunchJointReview", "Always", "Administrator"), JOINT),
    (("T15", "RecordOpinion", "Always", "Expert"), JOINT),
    (("T16", "Pass", "OrderOpen", "Expert"), JOINT),
    (("T16", "Pass", "OrderFrozen", "Expert"), PROVINCE),
    (("T17", "Return", "Always", "Expert"), JOINT),
    (("T18", "SubmitSupplement", "Always", "Operator"), JOINT),
    (("T19", "CarryOver", "Always", "Administrator"), PROVINCE),
    (("T20", "FreezeOrder", "Always", "Administrator"), PROVINCE),
    (("T21", "RecordOpinion", "Always", "Province"), JOINT),
    (("T21", "Pass", "OthersPending", "Province"), PROVINCE),
    (("T22", "Pass", "LastDepartment", "Province"), PROVINCE),
    // Nobody asks for it: it follows from the last signature of the order.
    (("T22", "ConcludeOrder", "Always", "Province"), PROVINCE),
    (("T23", "Return", "ToOperator", "Province"), JOINT),
    (("T23", "Return", "ToExperts", "Province"), PROVINCE),
    (("T23", "Return", "ToCity", "Province"), PROVINCE),
    (("T24", "WidenSample", "Always", "Province"), PROVINCE),
    (("T25", "Delete", "Always", "Operator"), "g05_an_application_is_made_withdrawn_deleted_and_made_again"),
    (("T25", "Terminate", "Always", "Operator"), AUTHORITIES),
    (("T26", "ExtendDeadline", "Always", "Administrator"), AUTHORITIES),
    (("T26", "ExtendDeadline", "Always", "County"), DEADLINES),
    (("T26", "ExtendDeadline", "Always", "City"), AUTHORITIES),
    (("T26", "ExtendDeadline", "Always", "Expert"), PROVINCE),
    (("T26", "ExtendDeadline", "Always", "Province"), PROVINCE),
    (("T26", "Remind", "Always", "County"), AUTHORITIES),
    (("T26", "Remind", "Always", "City"), DEADLINES),
    (("T26", "Remind", "Always", "Administrator"), AUTHORITIES),
    (("T26", "Remind", "Always", "Province"), PROVINCE),
    (("T26", "Reassign", "Always", "County"), AUTHORITIES),
    (("T26", "Reassign", "Always", "City"), AUTHORITIES),
    (("T26", "Reassign", "Always", "Administrator"), PROVINCE),
    (("T26", "Reassign", "Always", "Expert"), PROVINCE),
    (("T26", "Reassign", "Always", "Province"), PROVINCE),
];
const MATERIALS: &str = "g06_all_nine_materials_and_two_invoices_go_from_the_county_to_the_joint_review";
const JOINT: &str = "g10_g11_g12_orders_are_launched_once_one_member_is_supplemented_and_the_province_signs";
const AUTHORITIES: &str =
    "a_pass_is_revoked_or_taken_back_an_application_terminated_and_desks_are_handed_over";
const PROVINCE: &str = "a_member_is_carried_over_and_the_province_sends_back_widens_and_concludes";
const DEADLINES: &str = "a_city_reminds_the_county_of_two_by_boxes_and_its_lead_gives_one_more_time";
/// Whose rows nobody clicks.
const TIMER: &str = "Timer";

/// The rows of the table as its source names them, but for the timer's. Errors: a row is not understood.
fn rows(source: &str) -> Result<BTreeSet<Row<'_>>> {
    let mut found = BTreeSet::new();
    for text in source.split("Row { id: ").skip(1) {
        let part = |name: &str| {
            let (_, rest) = text.split_once(name).with_context(|| format!("a row without {name}"))?;
            rest.split([',', '"']).next().context("the row ends early")
        };
        let row = (part("\"")?, part("on: Command::")?, part("case: ")?, part("by: ")?);
        if row.3 != TIMER {
            found.insert(row);
        }
    }
    Ok(found)
}

/// Names of the tests of this program.
fn tests() -> Result<String> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/browser"));
    let texts = fs::read_dir(folder)?.flatten().filter(|entry| entry.path().is_file());
    Ok(texts.map(|entry| fs::read_to_string(entry.path())).collect::<Result<Vec<_>, _>>()?.concat())
}

#[test]
fn the_list_of_transitions_that_no_walk_clicks_stays_empty() -> Result<()> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/reviews/src/domain/table.rs");
    let source = fs::read_to_string(table)?;
    let known = rows(&source)?;
    let clicked: BTreeSet<Row<'_>> = WALKS.iter().map(|(row, _)| *row).collect();
    let (never, gone): (Vec<_>, Vec<_>) =
        (known.difference(&clicked).collect(), clicked.difference(&known).collect());
    assert!(
        never.is_empty() && gone.is_empty(),
        "never clicked: {never:?}; no longer in the table: {gone:?}"
    );
    assert!(known.len() > 40, "{} rows only", known.len());
    let tests = tests()?;
    for (row, walk) in WALKS {
        assert!(tests.contains(&format!("async fn {walk}(")), "{row:?}: there is no walk {walk}");
    }
    Ok(())
}
