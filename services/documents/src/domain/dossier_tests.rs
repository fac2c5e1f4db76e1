//! What each stage makes of a dossier, state by state.

use super::*;

fn dossier(state: State) -> Dossier {
    Dossier {
        application_id: Uuid::nil(),
        operator_id: Uuid::nil(),
        round_id: None,
        county: "410105".into(),
        prefecture: "410100".into(),
        state,
        revision: 3,
        edits: 7,
        version: 5,
        items: vec!["M3".into(), "station_name".into()],
        base: Some(2),
        under_review: false,
        seal: None,
    }
}

fn sealed(confirmed: bool) -> Dossier {
    let seal = Seal { submission_version: 4, hash: String::new(), confirmed };
    Dossier { seal: Some(seal), ..dossier(State::Sealed) }
}

fn told(standing: Standing, submission_version: i32) -> Told {
    Told {
        standing,
        withdrawn: false,
        supplement: false,
        submission_version,
        carries_dossier: true,
        items: vec!["M5".into()],
    }
}

#[test]
fn every_stage_of_the_workflow_has_a_standing() {
    for stage in [
        "Draft",
        "CountyReview",
        "CountyReturned",
        "PaperCheck",
        "MaterialsDue",
        "CityReview",
        "CityReturned",
        "AwaitingJointReview",
        "ExpertReview",
        "SupplementDue",
        "AwaitingProvince",
        "ProvincialReview",
        "Approved",
        "Deleted",
        "Terminated",
    ] {
        assert!(Standing::of_stage(stage).is_some(), "{stage}");
    }
    assert_eq!(Standing::of_stage("Nowhere"), None);
}

#[test]
fn only_an_open_dossier_changes_and_only_where_the_return_points() {
    let open = dossier(State::Open);
    assert_eq!(open.check_slot(Slot::M3b, 7), Ok(()));
    assert_eq!(open.check_slot(Slot::M3b, 0), Ok(()));
    assert_eq!(open.check_slot(Slot::M3b, 6), Err(Refusal::DossierChanged { now: 7 }));
    assert_eq!(open.check_slot(Slot::M9, 7), Err(Refusal::ItemNotEditable("M9".into())));
    assert_eq!(open.check_explain("station_name", "已更正", 7), Ok(()));
    assert_eq!(open.check_explain("M3a", "见附件", 7), Ok(()));
    assert_eq!(open.check_explain("M1", "", 7), Err(Refusal::ItemNotEditable("M1".into())));
    assert_eq!(open.check_explain("M3", &"字".repeat(501), 7), Err(Refusal::ExplanationTooLong));
    assert_eq!(open.check_explain("M3", "一\u{0}", 7), Err(Refusal::ControlCharacters("text")));
    assert_eq!(open.check_explain("M3", "一\n二", 7), Ok(()));
    let free = Dossier { items: Vec::new(), ..open };
    for item in ["M1", "M4b", "M8", "finish_date"] {
        assert_eq!(free.check_explain(item, "说明", 7), Ok(()));
    }
    for item in ["", "M10", "completed_on", &"M".repeat(3_000_000)] {
        assert_eq!(free.check_explain(item, "说明", 7), Err(Refusal::ItemUnknown));
    }
    assert_eq!(free.check_slot(Slot::M9, 7), Ok(()));
    for (state, refusal) in [
        (State::Closed, Refusal::DossierClosed),
        (State::Sealed, Refusal::DossierLocked),
        (State::Released, Refusal::DossierReleased),
    ] {
        assert_eq!(dossier(state).check_slot(Slot::M3a, 7), Err(refusal));
    }
}

#[test]
fn it_opens_when_materials_are_due_and_not_before() {
    assert_eq!(follow(&dossier(State::Closed), &told(Standing::NotYet, 1)), Step::Stay);
    assert_eq!(follow(&dossier(State::Closed), &told(Standing::Editing, 1)), Step::Open);
    assert_eq!(follow(&dossier(State::Open), &told(Standing::Editing, 1)), Step::Stay);
}

#[test]
fn a_seal_is_confirmed_by_its_own_submission_only() {
    assert_eq!(follow(&sealed(false), &told(Standing::Locked, 4)), Step::Confirm);
    assert_eq!(follow(&sealed(false), &told(Standing::Locked, 3)), Step::Stay);
    assert_eq!(follow(&sealed(true), &told(Standing::Locked, 4)), Step::Stay);
    // A reminder that was on its way while the seal was taken does not break it.
    assert_eq!(follow(&sealed(false), &told(Standing::Editing, 3)), Step::Stay);
    assert_eq!(follow(&dossier(State::Open), &told(Standing::Locked, 4)), Step::SealAgain);
}

#[test]
fn a_return_opens_the_next_revision_and_a_withdrawal_goes_on_with_the_old_items() {
    let returned = |base_may_stand| Step::Reopen {
        items: vec!["M5".into()],
        base: Some(3),
        keep_answers: false,
        base_may_stand,
    };
    assert_eq!(follow(&sealed(true), &told(Standing::Editing, 4)), returned(false));
    // In doubt after a restore: the return of its own submission says that it stood, that of another one does not.
    assert_eq!(follow(&sealed(false), &told(Standing::Editing, 4)), returned(false));
    assert_eq!(follow(&sealed(false), &told(Standing::Editing, 5)), Step::Stay);
    let supplement = Told { supplement: true, ..told(Standing::Editing, 4) };
    assert_eq!(follow(&sealed(true), &supplement), returned(true));
    let withdrawn = Told { withdrawn: true, items: Vec::new(), ..told(Standing::Editing, 4) };
    let goes_on =
        Step::Reopen { items: sealed(true).items, base: Some(2), keep_answers: true, base_may_stand: false };
    assert_eq!(follow(&sealed(true), &withdrawn), goes_on);
}

#[test]
fn a_carried_over_supplement_is_discarded_and_an_ended_application_released() {
    let carried = Told { carries_dossier: true, ..told(Standing::Locked, 4) };
    let open = Dossier { seal: sealed(true).seal, ..dossier(State::Open) };
    assert_eq!(follow(&open, &carried), Step::Discard);
    for state in [State::Closed, State::Open, State::Sealed] {
        assert_eq!(follow(&dossier(state), &told(Standing::Over, 4)), Step::Release);
    }
    assert_eq!(follow(&dossier(State::Released), &told(Standing::Over, 4)), Step::Stay);
}
