//! The envelopes that this platform sends to an operator's system, and what its answers mean.
//!
//! Owns: bytes and their checks. Not: sending (`client`). Source: interconnect protocol, sections 4, 5 and 7.
use super::{
    envelope::{self, Request, Secrets},
    fields::Fault,
    json::{self, Members, Value},
    ret::Ret,
};

/// Why a call brought no answer of the method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The address is none, or one that may not be called: without TLS, or inside this network.
    Address,
    /// Nobody answers at the address.
    Unreachable,
    /// No whole answer in time.
    TimedOut,
    /// Another HTTP status than 200.
    Status(u16),
    /// Larger than answers may be.
    TooLarge,
    /// The answer is no envelope of Ret, Msg, Data, Sig.
    Envelope,
    /// The answer is not signed with the operator's key.
    Signature,
    /// A Ret that the protocol does not know: its MAC could be that of a known one.
    UnknownRet,
    /// Data does not decrypt to a JSON object.
    Data,
    /// Ret says no.
    Refused {
        /// Which.
        ret: Ret,
        /// Msg.
        msg: String,
    },
    /// No token: SuccStat 1 with this FailReason.
    Login {
        /// FailReason.
        reason: i64,
    },
    /// The answer lacks what the method must say.
    Body(Vec<Fault>),
    /// Fewer items came than were said to exist.
    Incomplete,
    /// The ids or days of the answer are not those that were asked for. Source: interconnect protocol, section 5.
    Mismatched,
    /// This platform could not take what came.
    Platform,
    /// The turn has taken as long as one may.
    Overdue,
    /// The link is leased to somebody else.
    LeaseLost,
}

impl Trouble {
    /// The stable id.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Status(_) => "http_status",
            Self::TooLarge => "answer_too_large",
            Self::Envelope => "answer_no_envelope",
            Self::Signature => "answer_signature",
            Self::UnknownRet => "answer_unknown_ret",
            Self::Data => "answer_data",
            Self::Refused { .. } => "answer_refused",
            Self::Login { .. } => "login_refused",
            Self::Body(_) => "answer_body",
            Self::Incomplete => "answer_incomplete",
            Self::Mismatched => "answer_mismatched",
            Self::Platform => "platform_busy",
            Self::Overdue => "turn_overdue",
            Self::LeaseLost => "lease_lost",
        }
    }

    /// Whether the same call may be answered a moment later: the line or the system was at fault, not what was asked.
    #[must_use]
    pub const fn transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::TimedOut
                | Self::Status(500..)
                | Self::Refused { ret: Ret::Busy | Ret::Internal, .. }
        )
    }

    /// The result code, where one was answered.
    #[must_use]
    pub fn ret(&self) -> Option<i32> {
        match self {
            Self::Refused { ret, .. } => Some(ret.code()),
            Self::Login { .. } | Self::Body(_) | Self::Incomplete | Self::Mismatched => {
                Some(Ret::Accepted.code())
            }
            Self::Address
            | Self::Unreachable
            | Self::TimedOut
            | Self::Status(_)
            | Self::TooLarge
            | Self::Envelope
            | Self::Signature
            | Self::UnknownRet
            | Self::Data
            | Self::Platform
            | Self::Overdue
            | Self::LeaseLost => None,
        }
    }
}

/// What an operator's system answered, its signature checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Ret.
    pub ret: Ret,
    /// Msg.
    pub msg: String,
    /// The object inside Data; empty where Data is.
    pub members: Members,
}

/// The envelope of a message from `organisation`.
///
/// # Errors
/// [`Trouble::Data`] for keys that are not 16 bytes.
pub fn seal(
    secrets: &Secrets,
    organisation: &str,
    stamp: &str,
    seq: &str,
    text: &str,
) -> Result<Request, Trouble> {
    let data = envelope::encrypt(secrets, text).map_err(|_| Trouble::Data)?;
    let sig = envelope::sign_request(&secrets.sig, organisation, &data, stamp, seq);
    Ok(Request {
        operator_id: organisation.to_owned(),
        data,
        timestamp: stamp.to_owned(),
        seq: seq.to_owned(),
        sig,
    })
}

/// Reads an answer. A refusal may come unsigned, from a system that does not know by which key; nothing else may.
///
/// # Errors
/// [`Trouble`].
pub fn open(secrets: &Secrets, body: &[u8]) -> Result<Answer, Trouble> {
    let text = std::str::from_utf8(body).map_err(|_| Trouble::Envelope)?;
    let Ok(Value::Object(envelope)) = json::parse(text) else { return Err(Trouble::Envelope) };
    let held = |name: &str| envelope.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::Text(text)) => Some(text.clone()),
        Some(Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_)) => None,
    };
    let number = match held("Ret") {
        Some(Value::Number(number) | Value::Text(number)) => number.parse::<i64>().ok(),
        _ => None,
    };
    let data = held("Data").or_else(|| held("data"));
    let (Some(ret), Some(msg), Some(data), Some(sig)) =
        (number, text(held("Msg")), text(data), text(held("Sig")))
    else {
        return Err(Trouble::Envelope);
    };
    let ret = Ret::from_code(ret).ok_or(Trouble::UnknownRet)?;
    let unsigned_refusal = ret != Ret::Accepted && sig.is_empty();
    if !unsigned_refusal && !envelope::answer_signed_with(&secrets.sig, ret.code(), &msg, &data, &sig) {
        return Err(Trouble::Signature);
    }
    if data.is_empty() || unsigned_refusal {
        return Ok(Answer { ret, msg, members: Members::new() });
    }
    let plain = envelope::decrypt(secrets, &data).map_err(|_| Trouble::Data)?;
    match json::parse(&plain) {
        Ok(Value::Object(members)) => Ok(Answer { ret, msg, members }),
        _ => Err(Trouble::Data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets {
            operator: "Op#Secret".into(),
            data: "Kx7!pQ2@mZ9#rT4$".into(),
            data_iv: "v1Lw8Nc3Yb6Hd0Js".into(),
            sig: "8fK2sQ9wZr5TnB1v".into(),
        }
    }

    fn answer(ret: &str, data: &str, sig: &str) -> String {
        format!(r#"{{"Ret":{ret},"Msg":"","Data":"{data}","Sig":"{sig}","OperatorID":"ignored"}}"#)
    }

    /// The worked example of the protocol.
    const DATA: &str =
        "G5DtnXU4LiTUhe4hV/RWLnSZ6PwYascXOrWtd5I12A06l4wSTHC/h0G/37WI2diZax4bsX774e7DU5BxVh5jzw==";
    const SIG: &str = "E6BB1974B1CEA09CE34E61B378369005";

    #[test]
    fn the_worked_example_is_read_and_a_foreign_signature_is_not() {
        let read = open(&secrets(), answer("0", DATA, SIG).as_bytes()).expect("read");
        assert_eq!((read.ret, read.members[0].0.as_str()), (Ret::Accepted, "PageNo"));
        assert!(open(&secrets(), answer("\"0\"", DATA, SIG).as_bytes()).is_ok(), "digits in a text");
        let wrong = |text: String| open(&secrets(), text.as_bytes()).expect_err("refused");
        assert_eq!(wrong(answer("0", DATA, &SIG.replace('E', "F"))), Trouble::Signature);
        assert_eq!(wrong(answer("0", DATA, "")), Trouble::Signature, "only a refusal may be unsigned");
        assert_eq!(wrong(answer("4015", DATA, SIG)), Trouble::UnknownRet);
        assert_eq!(wrong("<html>".into()), Trouble::Envelope);
        assert_eq!(wrong(answer("null", "", "")), Trouble::Envelope);
    }

    #[test]
    fn what_a_busy_system_or_a_line_does_passes_and_what_is_wrong_with_a_call_does_not() {
        let refused = |ret| Trouble::Refused { ret, msg: String::new() };
        let passing = [
            Trouble::Unreachable,
            Trouble::TimedOut,
            Trouble::Status(503),
            refused(Ret::Busy),
            refused(Ret::Internal),
        ];
        assert!(passing.iter().all(Trouble::transient));
        let lasting = [
            Trouble::Status(404),
            refused(Ret::Business),
            refused(Ret::Token),
            Trouble::Envelope,
            Trouble::Platform,
        ];
        assert!(!lasting.iter().any(Trouble::transient));
    }

    #[test]
    fn a_refusal_may_come_unsigned_and_its_data_is_not_believed() {
        let read = open(&secrets(), answer("4003", DATA, "").as_bytes()).expect("read");
        assert_eq!((read.ret, read.members.len()), (Ret::Envelope, 0));
    }
}
