//! The broken messages of `fuzz` against the whole server over HTTP: what it answers, and that a refusal changes nothing.
use std::collections::BTreeMap;

use interconnect::domain::{envelope, ret::Ret};
use reqwest::Method as Verb;
use serde_json::Value;

use crate::{
    checks::NOW,
    fuzz::{CASES, Mill, OPERATOR, judged, link, number, secrets},
    stage::Stage,
};

/// The mill's cases for one that goes over HTTP.
const SHARE: u64 = 10;

fn kept(stage: &Stage) -> [usize; 4] {
    let state = stage.played.state();
    [state.statuses.len(), state.orders.len(), state.samples.len(), state.upserts.len()]
}

#[tokio::test]
async fn a_broken_message_gets_a_signed_answer_of_the_standard_and_a_refused_one_changes_nothing() {
    let (seed, cases) = (number("YUCHONG_SEED", 109), number("YUCHONG_FUZZ_CASES", CASES) / SHARE);
    let secrets = secrets();
    let set = |config: &mut interconnect::config::Config| {
        config.tokens.per_minute = 1_000_000;
        config.limits.strangers_per_minute = 1_000_000;
    };
    let stage = Stage::start_with(OPERATOR, secrets.clone(), NOW, set).await;
    let (mut mill, link, token) = (Mill::new(seed), link(), stage.token());
    let mut by_ret = BTreeMap::<i64, u64>::new();
    for number in 0..cases {
        let case = mill.case();
        let before = kept(&stage);
        let said = || format!("case {number} of seed {seed}: {}", String::from_utf8_lossy(&case.plain));
        let media = "application/json";
        let (status, text) =
            stage.send(Verb::POST, case.method.name(), Some(&token), media, case.sent.clone()).await;
        assert_eq!(status, 200, "{}", said());
        let answer: Value = serde_json::from_str(&text).expect("an envelope");
        let code = answer["Ret"].as_i64().expect("a number");
        let ret = Ret::from_code(code).unwrap_or_else(|| panic!("Ret {code}: {}", said()));
        let [msg, data, sig] = ["Msg", "Data", "Sig"].map(|name| answer[name].as_str().expect("a text"));
        let signed = envelope::answer_signed_with(&secrets.sig, ret.code(), msg, data, sig);
        // Whose an envelope is that cannot be read, or that names somebody else, is not known.
        assert!(signed || (sig.is_empty() && ret == Ret::Envelope), "{text}: {}", said());
        let (expected, _, _) = judged(&case, &secrets, &link);
        let other = envelope::read(&case.sent).is_ok_and(|request| request.operator_id != OPERATOR);
        if expected != Ret::Accepted && !other {
            assert_eq!(ret, expected, "{text}: {}", said());
        }
        if ret != Ret::Accepted {
            assert_eq!(kept(&stage), before, "Ret {code}, and yet something was kept: {}", said());
        }
        *by_ret.entry(code).or_default() += 1;
    }
    println!("hostile: seed {seed}, {cases} messages over HTTP, by Ret {by_ret:?}, kept {:?}", kept(&stage));
    assert!(by_ret.get(&0).is_some_and(|taken| taken * 20 > cases), "hardly any was taken: {by_ret:?}");
    assert!(kept(&stage).iter().all(|kind| *kind > 0), "nothing was kept of a kind");
    stage.stop();
}
