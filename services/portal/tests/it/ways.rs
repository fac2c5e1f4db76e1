//! The address of a form answers GET too: a refusal is shown there, and a person who refreshes it, or a script that fetches it
//! again, gets the page.

use std::{fs, path::Path};

use axum::http::{StatusCode, header};

use crate::guards::{get, portal};

/// The calls of `.route(` in a file that take a form: the address as written, and the whole call.
fn routes_with_forms(text: &str) -> Vec<(String, String)> {
    let calls = text.split(".route(").skip(1).map(|rest| rest.split("\n        .").next().unwrap_or(rest));
    let calls =
        calls.map(|call| call.split("\n}").next().unwrap_or(call)).filter(|call| call.contains("post("));
    let constant = |name: &str| {
        let start = format!("const {name}: &str = \"");
        text.split_once(&start).and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned)
    };
    let address = |call: &str| {
        let name = call.split(',').next().unwrap_or_default().trim();
        match name.strip_prefix('"') {
            Some(written) => Some(written.trim_end_matches('"').to_owned()),
            None => constant(name),
        }
    };
    calls.filter_map(|call| Some((address(call)?, call.to_owned()))).collect()
}

#[tokio::test]
async fn the_address_of_a_form_that_stands_on_another_page_leads_there() {
    let portal = portal(|_| {});
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web"));
    let (mut asked, mut led) = (0, Vec::new());
    for file in fs::read_dir(source).expect("the source") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a text");
        for (address, call) in routes_with_forms(&text) {
            asked += 1;
            let path = address.replace('{', "of-").replace('}', "");
            let answer = get(&portal, &path).await;
            assert!(answer.status != StatusCode::NOT_FOUND, "GET {address} is nowhere");
            if !call.contains("get(") {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{address}");
                led.push((address, answer.header(header::LOCATION).to_owned()));
            }
        }
    }
    assert!(asked > 40 && led.len() > 15, "of {asked} forms {} stand on other pages", led.len());
    for (address, page) in [
        ("/subsidy/dossiers/{id}/submit", "/subsidy/dossiers/of-id"),
        ("/subsidy/dossiers/{id}/invoices/{invoice}/delete", "/subsidy/dossiers/of-id/invoices/of-invoice"),
        ("/system/accounts/{id}/suspend", "/system/accounts/of-id/review"),
        ("/logout", "/workbench"),
    ] {
        assert!(led.contains(&(address.to_owned(), page.to_owned())), "{address}: {led:?}");
    }
}
