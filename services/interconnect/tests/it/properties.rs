//! Parsers against whatever may come: they never panic, they round-trip, and what they take means one thing only.
//!
//! `PROPTEST_CASES` sets the number of cases of each property. `tests/corpus` holds messages that were worth keeping; every
//! one goes through every parser.
use std::{collections::BTreeMap, fs, path::PathBuf};

use interconnect::domain::{
    bodies,
    envelope::{self, Secrets},
    fields::{moment, moment_text, stamp, stamp_text},
    json::{self, Value},
    link::Link,
    method::Method,
};
use proptest::prelude::*;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

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
/// Members that messages have, and one that none has.
const NAMES: [&str; 24] = [
    "OperatorID",
    "OperatorSecret",
    "ConnectorStatusInfo",
    "ConnectorStatusInfos",
    "StationInfos",
    "StationInfo",
    "EquipmentInfos",
    "ConnectorInfos",
    "ConnectorID",
    "Status",
    "StationID",
    "StartChargeSeq",
    "OrderNo",
    "StartTime",
    "EndTime",
    "TotalPower",
    "TotalMoney",
    "ChargeDetails",
    "ChargeOrders",
    "StationLng",
    "Power",
    "UpdateTime",
    "CheckOrderSeq",
    "Elsewhere",
];

fn link() -> Link {
    Link {
        operator_id: Uuid::nil(),
        organisation: "XXXX00019".into(),
        open: true,
        inbound: Vec::new(),
        window: Duration::minutes(5),
        paths: BTreeMap::new(),
        spellings: BTreeMap::new(),
    }
}

fn secrets(data: &[u8; 16], iv: &[u8; 16], sig: String) -> Secrets {
    let text = |bytes: &[u8; 16]| bytes.iter().map(|byte| char::from(byte % 95 + 32)).collect();
    Secrets { operator: String::new(), data: text(data), data_iv: text(iv), sig }
}

/// Everything that reads, on one text.
fn read_all(text: &str) {
    let _ = envelope::read(text.as_bytes());
    let (_, _) = (moment(text), stamp(text));
    if let Ok(Value::Object(members)) = json::parse(text) {
        for method in METHODS {
            let _ = bodies::read(method, &members, &link());
        }
    }
}

/// Values as they may stand in a message: right ones, wrong ones, nested ones.
fn value() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?[0-9]{1,20}(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?".prop_map(|number| number),
        "\\PC{0,30}".prop_map(|text| serde_json::Value::from(text).to_string()),
        "20[0-9]{2}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}".prop_map(|time| format!("\"{time}\"")),
        "\"(\\\\u[0-9a-f]{4}){1,4}\"".prop_map(|escapes| escapes),
    ];
    plain.prop_recursive(5, 60, 6, |inner| {
        let name = prop::sample::select(NAMES.to_vec());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name, inner), 0..8).prop_map(|members| {
                let written: Vec<_> =
                    members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
                format!("{{{}}}", written.join(", "))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC*|[\\{\\}\\[\\]\":,\\\\u0-9a-f\\-+.eE \\n]{0,200}") {
        read_all(&text);
    }

    #[test]
    fn no_message_makes_a_parser_panic(text in value()) {
        read_all(&text);
    }

    #[test]
    fn no_bytes_make_the_envelope_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = envelope::read(&body);
    }

    #[test]
    fn what_is_taken_as_json_is_json_to_a_library_too(text in value()) {
        let ours = json::parse(&text);
        let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
        if let (Ok(_), Err(error)) = (&ours, &theirs) {
            prop_assert!(error.to_string().contains("out of range"), "{error}: {text}");
        }
        if let (Err(fault), Ok(_)) = (&ours, &theirs) {
            let stricter = matches!(fault.flaw, json::Flaw::Duplicate | json::Flaw::Depth);
            prop_assert!(stricter || text.len() > 40, "{fault}: {text}");
        }
    }

    #[test]
    fn what_is_encrypted_decrypts_to_itself(
        text in "\\PC{0,400}", data in any::<[u8; 16]>(), iv in any::<[u8; 16]>(), sig in "\\PC{1,80}", broken in any::<(usize, u8)>(),
    ) {
        let secrets = secrets(&data, &iv, sig);
        let sent = envelope::encrypt(&secrets, &text).expect("16 bytes");
        prop_assert_eq!(envelope::decrypt(&secrets, &sent), Ok(text.clone()));
        let wrapped: String = sent.chars().enumerate().flat_map(|(at, one)| {
            let line = if at % 76 == 75 { "\r\n" } else { "" };
            std::iter::once(one).chain(line.chars())
        }).collect();
        prop_assert_eq!(envelope::decrypt(&secrets, &wrapped), Ok(text.clone()));
        let mut bytes = sent.into_bytes();
        let at = broken.0 % bytes.len();
        bytes[at] = broken.1 % 95 + 32;
        let _ = envelope::decrypt(&secrets, &String::from_utf8(bytes).expect("ASCII"));
    }

    #[test]
    fn a_signature_covers_every_member(
        data in "[A-Za-z0-9+/]{4,64}", stamp in "[0-9]{14}", seq in "[0-9]{4}", sig in "\\PC{1,80}", other in "[0-9]{4}",
    ) {
        let made = envelope::sign_request(&sig, "XXXX00019", &data, &stamp, &seq);
        let body = |seq: &str| serde_json::json!({
            "OperatorID": "XXXX00019", "Data": data, "TimeStamp": stamp, "Seq": seq, "Sig": made,
        }).to_string();
        let read = envelope::read(body(&seq).as_bytes()).expect("an envelope");
        prop_assert!(read.signed_with(&sig));
        let read = envelope::read(body(&other).as_bytes()).expect("an envelope");
        prop_assert_eq!(read.signed_with(&sig), other == seq);
    }

    #[test]
    fn times_go_there_and_back(seconds in 1_262_275_200_i64..4_133_865_600) {
        let at = OffsetDateTime::from_unix_timestamp(seconds).expect("this century");
        prop_assert_eq!(moment(&moment_text(at)), Some(at));
        prop_assert_eq!(stamp(&stamp_text(at)), Some(at));
    }
}

#[test]
fn the_kept_messages_go_through_every_parser() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut seen = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is there") {
        let bytes = fs::read(entry.expect("readable").path()).expect("readable");
        let _ = envelope::read(&bytes);
        read_all(&String::from_utf8_lossy(&bytes));
        seen += 1;
    }
    assert!(seen >= 20, "{seen} messages in {}", folder.display());
}
