//! The messages of operators as strict values. One file for each kind; the lenient reading is in `fields`.

pub mod charging;
pub mod check;
pub mod order;
pub mod outcome;
pub mod past;
pub mod power;
pub mod pulled;
pub mod station;
pub mod status;
pub mod token;

use super::{
    envelope::OPERATOR_ID_LEN,
    fields::{Fields, Findings, Rule},
    json::Members,
    link::Link,
    method::Method,
};

/// A message that may be acted upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// See [`token::Login`].
    Token(token::Login),
    /// See [`status::Report`]; at least one.
    Status(Vec<status::Report>),
    /// See [`station::Station`]; at least one.
    Stations(Vec<station::Station>),
    /// See [`charging::Sample`].
    Charging(charging::Sample),
    /// See [`order::Order`].
    Order(order::Order),
    /// See [`check::Check`].
    Check(check::Check),
    /// See [`power::Measured`].
    Power(Vec<power::Measured>),
    /// See [`outcome::Outcome`].
    Outcome(outcome::Outcome),
}

/// Reads a message of a method. What is odd but taken stands beside it.
///
/// # Errors
/// All faults at once, with the paths of the members.
pub fn read(method: Method, members: &Members, link: &Link) -> Result<(Body, Findings), Findings> {
    let mut findings = Findings::default();
    let fields = Fields::of(members);
    let body = match method {
        Method::Token => token::read(&fields, &mut findings).map(Body::Token),
        Method::Status => status::read(&fields, link, &mut findings).map(Body::Status),
        Method::Stations => station::read(&fields, link, &mut findings).map(Body::Stations),
        Method::Charging => charging::read(&fields, link, &mut findings).map(Body::Charging),
        Method::Order => order::read(&fields, link, &mut findings).map(Body::Order),
        Method::Check => check::read(&fields, &mut findings).map(Body::Check),
        Method::Power => power::read(&fields, link, &mut findings).map(Body::Power),
        Method::Started | Method::Stopped => outcome::read(method, &fields, &mut findings).map(Body::Outcome),
    };
    match body {
        Some(body) if findings.faults.is_empty() => Ok((body, findings)),
        Some(_) | None => Err(findings),
    }
}

/// An OperatorID inside a body, where there is one, must be that of the link.
fn of_link(fields: &Fields<'_>, link: &Link, findings: &mut Findings) {
    let named = fields.text(&["OperatorID"], OPERATOR_ID_LEN, findings);
    if !named.is_empty() && named != link.organisation {
        findings.fault(fields.path("OperatorID"), Rule::Operator);
    }
}

/// An order number: 1 to 64 characters, 27 by the standard. Source: interconnect protocol, section 11.9.
fn order_no(fields: &Fields<'_>, findings: &mut Findings) -> String {
    fields.id(&["StartChargeSeq", "OrderNo"], ORDER_NO_MAX, findings)
}

/// Longest order number that is taken.
const ORDER_NO_MAX: usize = 64;
