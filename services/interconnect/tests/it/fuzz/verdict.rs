//! What is answered to a message, and what holds of every one that is taken.
use std::collections::{BTreeSet, HashSet};

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

use super::{
    mill::Case,
    tree::{count, written},
};

/// Words of a refusal, and what kind of refusal it is.
pub type Told = (String, String);

/// What a plaintext says, and what is odd about it.
pub fn read(method: Method, plain: &[u8], link: &Link) -> Result<(Value, Body, Vec<&'static str>), Told> {
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
        Body::Power(measured) => measured.iter().map(|one| one.connector_id.as_str()).collect(),
        Body::Outcome(outcome) => vec![&outcome.order_no, &outcome.connector_id],
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
        Body::Power(measured) => format!("{}", many(measured.len())),
        Body::Outcome(_) => String::new(),
    }
}
