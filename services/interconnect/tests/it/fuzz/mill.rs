//! Breaks messages: bytes, values, envelopes.
use std::{fs, path::PathBuf};

use aes::Aes128;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};
use interconnect::domain::{
    envelope::{self, Secrets},
    json::{self, Value},
    method::Method,
    ret::Ret,
};

use super::{
    METHODS, OPERATOR,
    dice::Dice,
    link, secrets,
    tree::{count, nth, number_or_text, written},
    verdict::read,
};

const STAMP: &str = "20260701120010";
/// Messages of a kind that are broken further.
const POOL_MAX: usize = 4_000;
/// Larger ones are read, and not broken further.
const SEED_BYTES_MAX: usize = 8_192;
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
    pub fn keep(&mut self, case: &Case, ret: Ret) {
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
