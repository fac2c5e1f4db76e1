//! The published and generated cases of the envelope; `TCEC_VECTORS=<file>` runs another file of the same form.
//!
//! Cases of the whole server path are sent over real HTTP to the real handler at the clock that the case names. Its
//! neighbours, accounts and stations, are played over real gRPC; the token that each case carries is a valid one.

use std::{env, fs, path::PathBuf};

use interconnect::domain::{
    envelope::{self, Secrets},
    fields::stamp,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::stage::Stage;

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} is missing in {case}"))
}

fn secrets(case: &Value) -> Secrets {
    Secrets {
        operator: "an operator's secret".into(),
        data: text(case, "data_secret").into(),
        data_iv: text(case, "data_secret_iv").into(),
        sig: case["sig_secret"].as_str().unwrap_or("none").into(),
    }
}

/// Encryption, decryption and, where the case has one, the MAC.
fn cipher(case: &Value, plain: &str, data: &str) -> Result<(), String> {
    let secrets = secrets(case);
    let unwrapped: String = data.chars().filter(|one| !matches!(one, '\r' | '\n')).collect();
    if envelope::encrypt(&secrets, plain).as_deref() != Ok(&unwrapped) {
        return Err("encrypts to something else".into());
    }
    if envelope::decrypt(&secrets, data).as_deref() != Ok(plain) {
        return Err("decrypts to something else".into());
    }
    Ok(())
}

fn request(case: &Value, data: &str) -> Result<(), String> {
    let [operator, timestamp, seq, sig] =
        ["operator_id", "timestamp", "seq", "sig"].map(|key| text(case, key).to_owned());
    let made = envelope::sign_request(&secrets(case).sig, &operator, data, &timestamp, &seq);
    let read =
        envelope::Request { operator_id: operator, data: data.into(), timestamp, seq, sig: sig.clone() };
    if made == sig && read.signed_with(&secrets(case).sig) { Ok(()) } else { Err(format!("signed {made}")) }
}

fn response(case: &Value, data: &str) -> Result<(), String> {
    let ret = i32::try_from(case["ret"].as_i64().unwrap_or_default()).unwrap_or_default();
    let (msg, sig) = (text(case, "msg"), text(case, "sig"));
    let key = secrets(case).sig;
    let made = envelope::sign_answer(&key, ret, msg, data);
    let holds = made == sig && envelope::answer_signed_with(&key, ret, msg, data, sig);
    if holds { Ok(()) } else { Err(format!("signed {made}")) }
}

fn repeated(case: &Value) -> Result<(), String> {
    let times = case["plaintext_repeat_times"].as_u64().or(case["times"].as_u64()).unwrap_or_default();
    let times = usize::try_from(times).unwrap_or_default();
    let plain = format!(
        "{}{}{}",
        text(case, "plaintext_prefix"),
        text(case, "plaintext_repeat").repeat(times),
        text(case, "plaintext_suffix")
    );
    let data = envelope::encrypt(&secrets(case), &plain).map_err(|fault| fault.to_string())?;
    if case["data_length"].as_u64() != Some(data.len() as u64) {
        return Err(format!("{} characters of Data", data.len()));
    }
    let hash = hex::encode(Sha256::digest(&data));
    if text(case, "data_sha256") != hash {
        return Err(format!("Data hashes to {hash}"));
    }
    cipher(case, &plain, &data)?;
    request(case, &data)
}

async fn raw(case: &Value) -> Result<(), String> {
    let now = stamp(text(case, "now")).expect("the clock of a case is a date");
    let method = case["method"].as_str().unwrap_or("notification_stationStatus");
    let keys = secrets(case);
    let stage = Stage::start(text(case, "operator_id"), keys.clone(), now).await;
    let answer = stage.post(method, Some(&stage.token()), text(case, "body")).await;
    stage.stop();
    let ret = answer["Ret"].as_i64();
    let mut allowed = vec![case["expect_ret"].as_i64()];
    allowed.extend(case["also_allowed"].as_array().into_iter().flatten().map(Value::as_i64));
    if !allowed.contains(&ret) {
        return Err(format!("answered {answer}, expected one of {allowed:?}"));
    }
    let code = i32::try_from(ret.unwrap_or_default()).unwrap_or_default();
    let [msg, data, sig] = ["Msg", "Data", "Sig"].map(|key| answer[key].as_str().unwrap_or("?").to_owned());
    if !sig.is_empty() && !envelope::answer_signed_with(&keys.sig, code, &msg, &data, &sig) {
        return Err(format!("answered {answer}, which is not signed with the operator's key"));
    }
    if code == 0 && (sig.is_empty() || envelope::decrypt(&keys, &data).is_err()) {
        return Err(format!("answered {answer}, whose Data does not decrypt"));
    }
    Ok(())
}

#[tokio::test]
async fn vectors() {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/tcec-vectors.json");
    let path = env::var_os("TCEC_VECTORS").map_or(own, PathBuf::from);
    let content = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&content).expect("the file is JSON");
    let cases = file["cases"].as_array().cloned().unwrap_or_default();
    let mut failures = Vec::new();
    for case in &cases {
        let both = |more: fn(&Value, &str) -> Result<(), String>| {
            cipher(case, text(case, "plaintext"), text(case, "data"))
                .and_then(|()| more(case, text(case, "data")))
        };
        let outcome = match text(case, "kind") {
            "aes" => both(|_, _| Ok(())),
            "request" => both(request),
            "response" if text(case, "data").is_empty() => response(case, ""),
            "response" => both(response),
            "request-repeat" => repeated(case),
            "raw-request" => raw(case).await,
            kind => Err(format!("kind {kind} is not known")),
        };
        if let Err(why) = outcome {
            failures.push(format!("{}: {why}", case["id"]));
        }
    }
    assert!(!cases.is_empty(), "{} holds no cases", path.display());
    assert!(
        failures.is_empty(),
        "{} of {} in {}:\n{}",
        failures.len(),
        cases.len(),
        path.display(),
        failures.join("\n")
    );
}
