//! Why something about a subscription or a delivery is refused.

/// A rule said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Flaw {
    /// The field is empty.
    Missing(&'static str),
    /// The field has more characters than this.
    TooLong(&'static str, usize),
    /// No address of the form `https://host/path`.
    UrlMalformed,
    /// Plain text over the network.
    UrlNotHttps,
    /// An address inside a network.
    AddressRefused,
    /// No type of the catalogue.
    UnknownType,
    /// No division code of a prefecture.
    UnknownPrefecture,
    /// No state of a delivery that this list or act knows.
    UnknownState,
    /// The settings have no key that seals secrets.
    Closed,
    /// As many are active as can be served without one waiting for another.
    TooMany,
    /// The request has issued a secret, which is not shown again.
    SecretIssued,
    /// It is disabled.
    Disabled,
    /// The end is not after the beginning, or too far from it.
    SpanMalformed,
    /// More deliveries than one act may resend.
    SpanTooLong,
    /// No JSON object with the fields of a receipt.
    ReceiptUnreadable,
    /// The field of a receipt is not as it has to be.
    ReceiptMalformed(&'static str),
    /// No status of a receipt.
    UnknownStatus,
    /// The receipt tells of what is still to come.
    ReceiptAhead,
    /// Of this kind and time another receipt is known.
    ReceiptContradicts,
    /// More receipts than one event may have.
    TooManyReceipts,
}

impl Flaw {
    /// The stable reason id.
    pub fn reason(self) -> &'static str {
        match self {
            Flaw::Missing(_) => "field_missing",
            Flaw::TooLong(..) => "field_too_long",
            Flaw::UrlMalformed => "url_malformed",
            Flaw::UrlNotHttps => "url_not_https",
            Flaw::AddressRefused => "address_refused",
            Flaw::UnknownType | Flaw::UnknownPrefecture | Flaw::UnknownState | Flaw::UnknownStatus => {
                "unknown_value"
            }
            Flaw::Closed => "webhooks_closed",
            Flaw::TooMany => "too_many_subscriptions",
            Flaw::SecretIssued => "secret_issued",
            Flaw::Disabled => "subscription_disabled",
            Flaw::SpanMalformed => "span_malformed",
            Flaw::SpanTooLong => "span_too_long",
            Flaw::ReceiptUnreadable => "receipt_unreadable",
            Flaw::ReceiptMalformed(_) => "receipt_malformed",
            Flaw::ReceiptAhead => "receipt_ahead",
            Flaw::ReceiptContradicts => "receipt_contradicts",
            Flaw::TooManyReceipts => "too_many_receipts",
        }
    }

    /// The field that breaks a rule; none where the state of things says no.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Flaw::Missing(field) | Flaw::TooLong(field, _) | Flaw::ReceiptMalformed(field) => Some(field),
            Flaw::UrlMalformed | Flaw::UrlNotHttps | Flaw::AddressRefused => Some("url"),
            Flaw::UnknownType => Some("event_types"),
            Flaw::UnknownPrefecture => Some("prefecture"),
            Flaw::UnknownState => Some("state"),
            Flaw::SpanMalformed => Some("to"),
            Flaw::ReceiptUnreadable => Some("body"),
            Flaw::UnknownStatus => Some("status"),
            Flaw::ReceiptAhead => Some("at"),
            Flaw::Closed
            | Flaw::TooMany
            | Flaw::SecretIssued
            | Flaw::Disabled
            | Flaw::SpanTooLong
            | Flaw::ReceiptContradicts
            | Flaw::TooManyReceipts => None,
        }
    }
}
