//! The published and generated cases of GB 32100 and GB 11714. `USCC_VECTORS=<file>` runs another file of the same form.

use std::{env, fs, path::PathBuf};

use accounts::domain::uscc::{self, Fault, Uscc};
use serde_json::Value;

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} is missing in {case}"))
}

fn list<'v>(file: &'v Value, key: &str) -> &'v [Value] {
    file[key].as_array().map_or(&[], Vec::as_slice)
}

fn reason(fault: &Fault) -> &'static str {
    match fault {
        Fault::Length { .. } => "length",
        Fault::Alphabet { .. } => "alphabet",
        Fault::Area => "area",
        Fault::Check => "check",
        Fault::OrganisationCheck => "org-check",
    }
}

#[test]
fn vectors() {
    let path = env::var_os("USCC_VECTORS").map_or_else(|| project("data/uscc-vectors.json"), PathBuf::from);
    let content = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&content).unwrap();
    let mut failures = Vec::new();
    let cases = list(&file, "cases");
    for case in cases {
        let input = text(case, "input");
        match (Uscc::parse(input), case["valid"].as_bool().unwrap()) {
            (Ok(code), true) => {
                let found = [
                    ("normalized", code.as_str()),
                    ("operator_id", code.organisation()),
                    ("area_code", code.area()),
                    ("check", &code.as_str()[17..]),
                ];
                for (key, value) in found {
                    if case.get(key).is_some_and(|expected| expected != value) {
                        failures.push(format!("{input:?}: {key} is {value}, expected {}", case[key]));
                    }
                }
            }
            (Err(fault), false) => {
                let allowed: Vec<_> =
                    case["reason"].as_str().map_or_else(Vec::new, |all| all.split("-or-").collect());
                if !allowed.is_empty() && !allowed.contains(&reason(&fault)) {
                    failures.push(format!("{input:?}: refused for {}, expected {allowed:?}", reason(&fault)));
                }
            }
            (Ok(_), false) => failures.push(format!("{input:?}: accepted, expected {}", case["reason"])),
            (Err(fault), true) => failures.push(format!("{input:?}: {fault}")),
        }
    }
    for case in list(&file, "operator_id_cases") {
        let form = uscc::organisation_form(text(case, "input"));
        let check = form.as_deref().is_some_and(uscc::organisation_checks);
        let expected = (case["format_ok"].as_bool().unwrap(), case["check_ok"].as_bool().unwrap());
        if (form.is_some(), check) != expected {
            failures.push(format!("{case}: form {form:?}, check {check}"));
        }
        if case.get("normalized").is_some_and(|wanted| wanted.as_str() != form.as_deref()) {
            failures.push(format!("{case}: folded to {form:?}"));
        }
    }
    for case in list(&file, "uscc_check_characters") {
        if uscc::check_character(text(case, "body17")).map(String::from).as_deref() != case["check"].as_str()
        {
            failures.push(case.to_string());
        }
    }
    for case in list(&file, "organisation_check_characters") {
        let found = uscc::organisation_check_character(text(case, "body8")).map(String::from);
        if found.as_deref() != case["check"].as_str() {
            failures.push(case.to_string());
        }
    }
    assert!(!cases.is_empty(), "{} holds no cases", path.display());
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), path.display(), failures.join("\n"));
}

#[test]
fn sample_cases() {
    let mut reader = csv::Reader::from_path(project("../../tests/samples/uscc_cases.csv")).unwrap();
    let mut seen = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let parsed = Uscc::parse(&row[0]);
        assert_eq!(parsed.is_ok(), &row[1] == "1", "{:?} ({}): {parsed:?}", &row[0], &row[3]);
        assert_eq!(parsed.as_ref().err().map_or("", reason), &row[2], "{:?} ({})", &row[0], &row[3]);
        seen += 1;
    }
    assert!(seen > 0);
}
