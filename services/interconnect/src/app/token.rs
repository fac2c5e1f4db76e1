//! `query_token`: the one method without a token. Source: interconnect protocol, section 6.
use serde_json::json;

use super::{Call, Done};
use crate::{
    domain::{bodies::token::Login, link::Keys},
    tokens::Tokens,
};

/// FailReason.
const NO_SUCH_OPERATOR: i32 = 1;
const WRONG_SECRET: i32 = 2;

/// Issues a token, or says by SuccStat 1 why not.
#[must_use]
pub fn execute(call: &Call<'_>, keys: &Keys, tokens: &Tokens, login: &Login) -> Done {
    let reason = if login.operator_id != call.request.operator_id {
        NO_SUCH_OPERATOR
    } else if !same(&login.operator_secret, &keys.secrets.operator) {
        WRONG_SECRET
    } else {
        0
    };
    let (token, life) = match reason {
        0 => (tokens.issue(call.link, keys, call.request, call.stamp), tokens.life.whole_seconds()),
        _ => (String::new(), 0),
    };
    let body = json!({
        "OperatorID": call.link.organisation, "SuccStat": i32::from(reason != 0), "AccessToken": token,
        "TokenAvailableTime": life, "FailReason": reason,
    });
    Done { body, msg: String::new() }
}

/// Compares in a time that depends on the lengths only.
fn same(given: &str, expected: &str) -> bool {
    let differing = given.bytes().zip(expected.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == expected.len() && differing == 0
}
