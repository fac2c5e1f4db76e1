//! The result codes. Source: interconnect protocol, section 7.

/// Ret of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    /// Accepted.
    Accepted,
    /// 系统繁忙: send again later.
    Busy,
    /// 系统错误: send again later.
    Internal,
    /// 签名错误.
    Signature,
    /// Token错误: send again once with a new token.
    Token,
    /// POST参数不合法.
    Envelope,
    /// 请求的业务参数不合法.
    Business,
}

impl Ret {
    /// Every code; an answer of a peer with another one is not believed, since its MAC could be that of a known one.
    pub const ALL: [Ret; 7] =
        [Ret::Accepted, Ret::Busy, Ret::Internal, Ret::Signature, Ret::Token, Ret::Envelope, Ret::Business];

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Ret::Accepted => 0,
            Ret::Busy => -1,
            Ret::Internal => 500,
            Ret::Signature => 4001,
            Ret::Token => 4002,
            Ret::Envelope => 4003,
            Ret::Business => 4004,
        }
    }

    /// Reads a number of a peer.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Ret> {
        Ret::ALL.into_iter().find(|ret| i64::from(ret.code()) == code)
    }
}
