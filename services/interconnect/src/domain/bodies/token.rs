//! `query_token`. Source: interconnect protocol, section 6.
use std::fmt;

use crate::domain::{
    envelope::OPERATOR_ID_LEN,
    fields::{Fields, Findings},
};

/// Who asks for a token, and the proof.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Must equal that of the envelope.
    pub operator_id: String,
    /// 运营商密钥.
    pub operator_secret: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Login({})", self.operator_id)
    }
}

pub(super) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Option<Login> {
    Some(Login {
        operator_id: fields.id(&["OperatorID"], OPERATOR_ID_LEN, findings),
        operator_secret: fields.needed(&["OperatorSecret"], 256, findings),
    })
}
