//! Messages that were right once, broken in many ways and sealed anew, against everything that reads them.
//!
//! `YUCHONG_FUZZ_CASES` sets how many, `YUCHONG_SEED` which. What is answered in a way not seen before is broken further, so that
//! breaking goes deep; `YUCHONG_FUZZ_KEEP=<folder>` keeps one message of each such way, for `tests/corpus`. Ten million take
//! minutes in a release build: `YUCHONG_FUZZ_CASES=10000000 cargo test --release -p interconnect --test it fuzz::mill`.
//! Source: interconnect protocol, sections 7 and 9.
mod dice;
mod mill;
mod tree;
mod verdict;

use std::{
    collections::{BTreeMap, HashSet},
    env, fs,
    path::PathBuf,
    time::Instant,
};

use interconnect::domain::{envelope::Secrets, link::Link, method::Method, ret::Ret};
pub use mill::Mill;
use time::Duration;
use uuid::Uuid;
pub use verdict::judged;

/// OperatorID of every message.
pub const OPERATOR: &str = "XXXX00019";
const METHODS: [Method; 9] = [
    Method::Token,
    Method::Status,
    Method::Stations,
    Method::Charging,
    Method::Order,
    Method::Check,
    Method::Power,
    Method::Started,
    Method::Stopped,
];
/// Unless another number is asked for: seconds in a debug build.
pub const CASES: u64 = 4_000;
/// Bytes of a Msg: twenty faults with their paths.
const MSG_MAX: usize = 8_192;
/// No message may take so long, and so much more for each byte, in a debug build on a slow machine.
const SLOWEST: std::time::Duration = std::time::Duration::from_secs(1);
const SLOWEST_BYTE: std::time::Duration = std::time::Duration::from_micros(10);

pub fn secrets() -> Secrets {
    Secrets {
        operator: "Op#Secret-河南-2026".into(),
        data: "Kx7!pQ2@mZ9#rT4$".into(),
        data_iv: "v1Lw8Nc3Yb6Hd0Js".into(),
        sig: "8fK2sQ9wZr5TnB1v".into(),
    }
}

pub fn link() -> Link {
    Link {
        operator_id: Uuid::nil(),
        organisation: OPERATOR.into(),
        open: true,
        inbound: Vec::new(),
        window: Duration::minutes(5),
        paths: BTreeMap::new(),
        spellings: BTreeMap::new(),
    }
}

pub fn number(name: &str, own: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(own)
}

#[test]
fn mill() {
    let (seed, cases) = (number("YUCHONG_SEED", 108), number("YUCHONG_FUZZ_CASES", CASES));
    let keep = env::var_os("YUCHONG_FUZZ_KEEP").map(PathBuf::from);
    let (mut mill, link, secrets) = (Mill::new(seed), link(), secrets());
    let (mut seen, mut by_ret) = (HashSet::new(), BTreeMap::<i32, u64>::new());
    let mut accepted = BTreeMap::<&str, u64>::new();
    let (mut bytes, mut slowest) = (0_u64, (std::time::Duration::ZERO, None));
    let begin = Instant::now();
    for number in 0..cases {
        let case = mill.case();
        let start = Instant::now();
        let (ret, words, kind) = judged(&case, &secrets, &link);
        let took = start.elapsed();
        assert!(words.len() <= MSG_MAX, "case {number}: a Msg of {} bytes", words.len());
        bytes += case.sent.len() as u64;
        *by_ret.entry(ret.code()).or_default() += 1;
        if ret == Ret::Accepted {
            *accepted.entry(case.method.name()).or_default() += 1;
        }
        if seen.insert((case.method.name(), ret.code(), kind)) {
            if let Some(folder) = &keep {
                let name = format!("{}-{}-{number}", ret.code(), case.method.name());
                fs::write(folder.join(name), &case.plain).expect("the folder is there");
            }
            mill.keep(&case, ret);
        }
        if took > slowest.0 {
            slowest = (took, Some(case));
        }
    }
    let took = begin.elapsed();
    let slow = slowest.1.expect("there are cases");
    // Once more for itself: the first time something else may have had the processor.
    let again = (0..5).map(|_| {
        let start = Instant::now();
        let _ = judged(&slow, &secrets, &link);
        start.elapsed()
    });
    let again = again.min().expect("five");
    println!(
        "fuzz: seed {seed}, {cases} cases, {} MB, {took:.1?}, {:.0} cases/s, slowest {again:.1?} for {} bytes, by Ret {by_ret:?}, \
         accepted {accepted:?}, {} ways to answer",
        bytes / 1_000_000,
        cases as f64 / took.as_secs_f64(),
        slow.sent.len(),
        seen.len()
    );
    let most = SLOWEST + SLOWEST_BYTE * u32::try_from(slow.sent.len()).unwrap_or(u32::MAX);
    assert!(again < most, "{again:?} for {}", String::from_utf8_lossy(&slow.plain));
    // A mill that does not get behind the envelope breaks nothing.
    for ret in [Ret::Accepted, Ret::Signature, Ret::Envelope, Ret::Business] {
        assert!(
            by_ret.get(&ret.code()).is_some_and(|count| count * 100 >= cases),
            "{ret:?} was hardly answered"
        );
    }
    assert_eq!(accepted.len(), METHODS.len(), "{accepted:?}");
}
