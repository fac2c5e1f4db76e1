//! Messages that were right once, broken in many ways and sealed anew, against everything that reads them.
//!
//! `YUCHONG_FUZZ_CASES` sets how many, `YUCHONG_SEED` which. What is answered in a way not seen before is broken further, so that
//! breaking goes deep; `YUCHONG_FUZZ_KEEP=<folder>` keeps one message of each such way, for `tests/corpus`. Ten million take
//! minutes in a release build: `YUCHONG_FUZZ_CASES=10000000 cargo test --release -p interconnect --test it fuzz::mill`.
//! Source: interconnect protocol, sections 7 and 9.
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    env, fs,
    path::PathBuf,
    time::Instant,
};

use aes::Aes128;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use interconnect::{
    domain::{
        bodies::{self, Body},
        envelope::{self, Malformed, Secrets},
        fields::Fault,
        json::{self, Value},
        link::Link,
        method::Method,
        ret::Ret,
    },
    labels,
};
use time::Duration;
use uuid::Uuid;

/// OperatorID of every message.
pub const OPERATOR: &str = "XXXX00019";
const STAMP: &str = "20260701120010";
const METHODS: [Method; 6] =
    [Method::Token, Method::Status, Method::Stations, Method::Charging, Method::Order, Method::Check];
/// Unless another number is asked for: seconds in a debug build.
pub const CASES: u64 = 4_000;
/// Messages of a kind that are broken further.
const POOL_MAX: usize = 4_000;
/// Larger ones are read, and not broken further.
const SEED_BYTES_MAX: usize = 8_192;
/// Bytes of a Msg: twenty faults with their paths.
const MSG_MAX: usize = 8_192;
/// No message may take so long, and so much more for each byte, in a debug build on a slow machine.
const SLOWEST: std::time::Duration = std::time::Duration::from_secs(1);
const SLOWEST_BYTE: std::time::Duration = std::time::Duration::from_micros(10);
/// Pieces that parsers stumble over.
const PIECES: [&[u8]; 34] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"\\udc00",
    b"\\u0000",
    b"\0",
    b"\xff",
    b"\xe6\xb2",
    b"\xf0\x9f\x9a",
    b"\xef\xbb\xbf",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xef\xbf\xbd",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"1E-12",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"00",
    b".5",
    b"5.",
    b"\"ConnectorID\":\"x\",",
    b"[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b" \t\r\n",
];
/// Values that stand where another is expected.
const VALUES: [&str; 24] = [
    "null",
    "true",
    "\"\"",
    "\" \"",
    "0",
    "-1",
    "255",
    "256",
    "1e12",
    "1e13",
    "0.00005",
    "999999999999999999",
    "1000000000000000000",
    "170141183460469231731687303715884105728",
    "\"2010-01-01 00:00:00\"",
    "\"2100-12-31T23:59:59\"",
    "\"2026-02-29 00:00:00\"",
    "\"2026-07-01 24:00:00\"",
    "\"０\"",
    "\"12\\u0000\"",
    "[]",
    "{}",
    "[null]",
    "\"XXXX00018\"",
];

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % limit
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

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
        spellings: BTreeMap::new(),
    }
}

/// A message as it is sent.
pub struct Case {
    pub method: Method,
    /// The plaintext, which may be no text.
    pub plain: Vec<u8>,
    /// The envelope.
    pub sent: Vec<u8>,
}

/// Makes messages, and keeps those that are worth breaking further.
pub struct Mill {
    pub dice: Dice,
    secrets: Secrets,
    /// Those that are right, and odd ones that were taken all the same.
    right: Vec<(Method, Vec<u8>)>,
    /// Those that were refused, each in its own way.
    wrong: Vec<(Method, Vec<u8>)>,
}

impl Mill {
    pub fn new(seed: u64) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let mut files: Vec<_> = fs::read_dir(&folder)
            .expect("the corpus is there")
            .map(|one| one.expect("readable").path())
            .collect();
        files.sort();
        let mut all = Vec::new();
        for file in files {
            let text = fs::read(file).expect("readable");
            all.extend(METHODS.map(|method| (method, text.clone())));
        }
        let (right, wrong) = all.into_iter().partition(|(method, text)| read(*method, text, &link()).is_ok());
        let mill = Self { dice: Dice(seed), secrets: secrets(), right, wrong };
        for method in METHODS {
            assert!(
                mill.right.iter().any(|(of, _)| *of == method),
                "no right {} in the corpus",
                method.name()
            );
        }
        mill
    }

    pub fn case(&mut self) -> Case {
        let from = if self.dice.one_in(4) { &self.wrong } else { &self.right };
        let (method, mut plain) = self.dice.of(from).clone();
        if !self.dice.one_in(12) {
            for _ in 0..=self.dice.below(3) {
                plain = self.broken(plain);
            }
        }
        // Now and then to a method that it is not for.
        let method = if self.dice.one_in(40) { *self.dice.of(&METHODS) } else { method };
        let sent = self.seal(&plain);
        Case { method, plain, sent }
    }

    fn broken(&mut self, plain: Vec<u8>) -> Vec<u8> {
        if self.dice.one_in(3) {
            return self.torn(plain);
        }
        match std::str::from_utf8(&plain).ok().and_then(|text| json::parse(text).ok()) {
            Some(mut value) => {
                let twice = self.bent(&mut value);
                written(&value, twice).into_bytes()
            }
            None => self.torn(plain),
        }
    }

    /// Bytes changed without a look at what they mean.
    fn torn(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.dice.below(bytes.len() + 1);
        let end = (at + 1 + self.dice.below(24)).min(bytes.len());
        match self.dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.dice.below(8),
            1 if at < bytes.len() => bytes[at] = b"0123456789-+.eE\"{}[],:\\nu"[self.dice.below(25)],
            2 => drop(bytes.drain(at.min(end)..end)),
            3 => {
                let piece = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            5 => {
                let other = &self.dice.of(&self.right).1;
                let from = self.dice.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let piece = *self.dice.of(&PIECES);
                let times = if self.dice.one_in(30) { 1 + self.dice.below(3_000) } else { 1 };
                bytes.splice(at..at, piece.repeat(times));
            }
        }
        bytes
    }

    /// A value of the message changed; the number says which of its members is written twice.
    fn bent(&mut self, root: &mut Value) -> Option<usize> {
        let nodes = count(root);
        let at = self.dice.below(nodes);
        let other = self.dice.below(nodes);
        let elsewhere = nth(root, &mut { other }).expect("counted").clone();
        let how = self.dice.below(9);
        let node = nth(root, &mut { at }).expect("counted");
        match (how, &mut *node) {
            (0, _) => {
                let text = *self.dice.of(&VALUES);
                *node = json::parse(text).unwrap_or_else(|_| Value::Number(text.into()));
            }
            (1, _) => *node = elsewhere,
            (2, Value::Object(members)) if !members.is_empty() => {
                members.remove(self.dice.below(members.len()));
            }
            (3, Value::Object(members)) if !members.is_empty() => {
                let (from, to) = (self.dice.below(members.len()), self.dice.below(members.len()));
                members[to].0 = members[from].0.clone();
            }
            (4, Value::List(items)) if !items.is_empty() => {
                let item = items[self.dice.below(items.len())].clone();
                let times = if self.dice.one_in(20) { self.dice.below(2_100) } else { self.dice.below(4) };
                items.extend(std::iter::repeat_n(item, times));
            }
            (5, Value::Text(text)) => *node = number_or_text(std::mem::take(text)),
            (5, Value::Number(text)) => *node = Value::Text(std::mem::take(text)),
            (6, Value::Text(text) | Value::Number(text)) if !text.is_empty() => {
                let (place, digit) = (self.dice.below(text.len()), self.dice.below(10).to_string());
                if text.is_char_boundary(place) && text.is_char_boundary(place + 1) {
                    text.replace_range(place..=place, &digit);
                }
            }
            (6, Value::List(_)) => *node = Value::List(vec![node.clone()]),
            (7, Value::Text(text)) => {
                let times = [2, 5, 30][self.dice.below(3)];
                *text = text.repeat(times);
            }
            (7, _) => {
                for _ in 0..self.dice.below(14) {
                    let inner = std::mem::replace(node, Value::Null);
                    *node = match self.dice.one_in(2) {
                        true => Value::List(vec![inner]),
                        false => Value::Object(vec![("a".into(), inner)]),
                    };
                }
            }
            (8, _) => return Some(self.dice.below(nodes)),
            _ => {}
        }
        None
    }

    /// The envelope around a plaintext: right in most cases.
    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let cipher = cbc::Encryptor::<Aes128>::new_from_slices(
            self.secrets.data.as_bytes(),
            self.secrets.data_iv.as_bytes(),
        );
        let mut cipher = cipher.expect("16 bytes each").encrypt_padded_vec::<Pkcs7>(plain);
        if self.dice.one_in(25) {
            cipher = self.torn(cipher);
        }
        let mut data = STANDARD.encode(cipher);
        if self.dice.one_in(25) {
            data = String::from_utf8_lossy(&self.torn(data.into_bytes())).into_owned();
        }
        let sig = envelope::sign_request(&self.secrets.sig, OPERATOR, &data, STAMP, "0001");
        // What was torn may need escapes.
        let data = serde_json::Value::from(data);
        let text = format!(
            r#"{{"OperatorID":"{OPERATOR}","Data":{data},"TimeStamp":"{STAMP}","Seq":"0001","Sig":"{sig}"}}"#
        );
        if self.dice.one_in(10) { self.broken(text.into_bytes()) } else { text.into_bytes() }
    }

    /// Keeps a message for further breaking.
    fn keep(&mut self, case: &Case, ret: Ret) {
        if case.plain.len() > SEED_BYTES_MAX {
            return;
        }
        let pool = if ret == Ret::Accepted { &mut self.right } else { &mut self.wrong };
        let kept = (case.method, case.plain.clone());
        if pool.len() < POOL_MAX {
            pool.push(kept);
        } else {
            let at = POOL_MAX / 4 + self.dice.below(POOL_MAX * 3 / 4);
            pool[at] = kept;
        }
    }
}

fn number_or_text(text: String) -> Value {
    match json::parse(&text) {
        Ok(number @ Value::Number(_)) => number,
        _ => Value::Number("7".into()),
    }
}

fn children(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Vec::new(),
        Value::List(items) => items.iter_mut().collect(),
        Value::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
    }
}

fn count(value: &mut Value) -> usize {
    1 + children(value).into_iter().map(count).sum::<usize>()
}

fn nth<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    children(value).into_iter().find_map(|child| nth(child, left))
}

/// The JSON text of a value; the member of that number is written twice.
fn written(value: &Value, twice: Option<usize>) -> String {
    fn write(value: &Value, text: &mut String, left: &mut usize) {
        match value {
            Value::Null => text.push_str("null"),
            Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => text.push_str(number),
            Value::Text(plain) => text.push_str(&serde_json::Value::from(plain.as_str()).to_string()),
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    text.push(if at == 0 { '[' } else { ',' });
                    write(item, text, left);
                }
                text.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            Value::Object(members) => {
                text.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    *left = left.wrapping_sub(1);
                    for again in 0..=usize::from(*left == 0) {
                        text.push_str(if at + again == 0 { "" } else { "," });
                        text.push_str(&serde_json::Value::from(name.as_str()).to_string());
                        text.push(':');
                        write(value, text, &mut { usize::MAX });
                    }
                }
                text.push('}');
            }
        }
    }
    let mut text = String::new();
    write(value, &mut text, &mut twice.map_or(usize::MAX, |at| at + 1));
    text
}

/// Words of a refusal, and what kind of refusal it is.
type Told = (String, String);

/// What a plaintext says, and what is odd about it.
fn read(method: Method, plain: &[u8], link: &Link) -> Result<(Value, Body, Vec<&'static str>), Told> {
    let text = std::str::from_utf8(plain).map_err(|_| ("no text".to_owned(), String::new()))?;
    let value = json::parse(text).map_err(|fault| (labels::json(&fault), fault.flaw.to_string()))?;
    let Value::Object(members) = &value else {
        return Err((labels::NO_OBJECT.to_owned(), "no object".to_owned()));
    };
    let (body, findings) = bodies::read(method, members, link).map_err(|findings| {
        let digits = |one: &char| one.is_ascii_digit();
        let kind = |fault: &Fault| {
            format!("{} {:?}", fault.path.chars().filter(|one| !digits(one)).collect::<String>(), fault.rule)
        };
        let kinds: BTreeSet<String> = findings.faults.iter().map(kind).take(3).collect();
        (labels::faults(&findings.faults), format!("{kinds:?}"))
    })?;
    let odd: BTreeSet<&str> = findings.oddities.iter().map(|odd| odd.what).collect();
    Ok((value, body, odd.into_iter().collect()))
}

/// What is answered, by the checks in their order: Ret, Msg, and what tells this answer from others.
pub fn judged(case: &Case, secrets: &Secrets, link: &Link) -> (Ret, String, String) {
    let request = match envelope::read(&case.sent) {
        Ok(request) => request,
        Err(fault) => {
            let kind = match &fault {
                Malformed::Json(fault) => fault.flaw.to_string(),
                Malformed::NotAnObject | Malformed::Missing(_) | Malformed::Wrong(_) => fault.to_string(),
            };
            return (Ret::Envelope, labels::malformed(&fault), kind);
        }
    };
    if !request.signed_with(&secrets.sig) {
        return (Ret::Signature, labels::SIGNATURE.to_owned(), String::new());
    }
    let plain = match envelope::decrypt(secrets, &request.data) {
        Ok(plain) => plain,
        Err(fault) => return (Ret::Envelope, labels::undecodable(fault).to_owned(), fault.to_string()),
    };
    match read(case.method, plain.as_bytes(), link) {
        Ok((value, body, odd)) => {
            sound(case.method, &plain, &value, &body, link);
            (Ret::Accepted, String::new(), format!("{odd:?} {}", shape(&body)))
        }
        Err((words, kind)) => (Ret::Business, words, kind),
    }
}

/// What holds of every message that is taken.
fn sound(method: Method, plain: &str, value: &Value, body: &Body, link: &Link) {
    let mut value = value.clone();
    let again = written(&value, None);
    assert_eq!(json::parse(&again).as_ref(), Ok(&value), "{plain}");
    let (_, same, _) =
        read(method, again.as_bytes(), link).unwrap_or_else(|told| panic!("{}: {plain}", told.0));
    assert_eq!(&same, body, "{plain}");
    assert!(count(&mut value) <= plain.len(), "more values than characters: {plain}");
    plainly(&value, 0).unwrap_or_else(|flaw| panic!("{flaw} was taken: {plain}"));
    let ids: Vec<&str> = match body {
        Body::Token(_) => Vec::new(),
        Body::Status(reports) => reports.iter().map(|one| one.connector_id.as_str()).collect(),
        Body::Stations(stations) => stations.iter().map(|one| one.code.as_str()).collect(),
        Body::Charging(sample) => vec![&sample.order_no, &sample.connector_id],
        Body::Order(order) => vec![&order.order_no, &order.connector_id],
        Body::Check(check) => check.orders.iter().map(|one| one.order_no.as_str()).collect(),
    };
    for id in ids {
        let tame = !id.is_empty() && id.chars().count() <= 256 && !id.chars().any(char::is_control);
        assert!(tame, "{id:?} is no identifier: {plain}");
    }
}

/// No object has a name twice, and nothing is nested deeper than allowed.
fn plainly(value: &Value, depth: usize) -> Result<(), json::Flaw> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Ok(()),
        Value::List(_) | Value::Object(_) if depth >= json::DEPTH_MAX => Err(json::Flaw::Depth),
        Value::List(items) => items.iter().try_for_each(|item| plainly(item, depth + 1)),
        Value::Object(members) => {
            let names: HashSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
            if names.len() < members.len() {
                return Err(json::Flaw::Duplicate);
            }
            members.iter().try_for_each(|(_, value)| plainly(value, depth + 1))
        }
    }
}

/// Which kinds of a message there are, as far as readers tell them apart.
fn shape(body: &Body) -> String {
    let many = |count: usize| count.min(3);
    match body {
        Body::Token(_) => String::new(),
        Body::Status(reports) => {
            let last = reports.last().map(|one| (one.status, one.at.is_some()));
            format!("{} {last:?}", many(reports.len()))
        }
        Body::Stations(stations) => format!("{}", many(stations.len())),
        Body::Charging(sample) => {
            format!("{} {} {}", sample.supervised, sample.state, sample.soc_e2.is_some())
        }
        Body::Order(order) => format!("{} {}", order.supervised, order.pushed_at.is_some()),
        Body::Check(check) => format!("{}", many(check.orders.len())),
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
