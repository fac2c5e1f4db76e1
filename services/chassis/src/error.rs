//! One table says what an error means to everybody: gRPC code, HTTP status, what a consumer does with the message.

use std::{borrow::Cow, collections::HashMap, error::Error, fmt};

use time::{
    OffsetDateTime,
    format_description::well_known::Rfc3339,
    macros::{format_description, offset},
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// What kind of error it is; see [`Kind::meaning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request itself is wrong: a field breaks a rule.
    Invalid,
    /// There is no caller, or the caller's proof does not hold.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// Does not exist; a foreign object looks the same.
    NotFound,
    /// The request id was used for another body.
    Reused,
    /// A rule said no, also a stale version: retrying cannot help.
    Refused,
    /// Somebody else is at it just now: retrying helps.
    Conflict,
    /// Too much at once: retry later.
    Busy,
    /// Something that we need is away, or the outcome is unknown: retry with the same request id.
    Unavailable,
    /// A fault of ours.
    Internal,
}

/// What a consumer does with a message whose effect failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Never succeeds: keep it as a dead letter.
    DeadLetter,
    /// May succeed later: keep the message and back off.
    Later,
    /// Unexpected: try eight times, then keep it as a dead letter.
    Unexpected,
}

impl Kind {
    /// The table. Source: house style, move 6; reliability 5.5.
    pub fn meaning(self) -> (Code, u16, Verdict) {
        match self {
            Kind::Invalid => (Code::InvalidArgument, 422, Verdict::DeadLetter),
            Kind::Unauthenticated => (Code::Unauthenticated, 401, Verdict::DeadLetter),
            Kind::Forbidden => (Code::PermissionDenied, 403, Verdict::DeadLetter),
            Kind::NotFound => (Code::NotFound, 404, Verdict::DeadLetter),
            Kind::Reused => (Code::AlreadyExists, 422, Verdict::DeadLetter),
            Kind::Refused => (Code::FailedPrecondition, 409, Verdict::DeadLetter),
            Kind::Conflict => (Code::Aborted, 409, Verdict::Later),
            Kind::Busy => (Code::ResourceExhausted, 429, Verdict::Later),
            Kind::Unavailable => (Code::Unavailable, 503, Verdict::Later),
            Kind::Internal => (Code::Internal, 500, Verdict::Unexpected),
        }
    }

    /// The kind behind a status. One that the transport made itself has a source, whatever its code; one that a service sent has
    /// none, or says in its details what it is.
    pub fn behind(status: &Status) -> Kind {
        if status.source().is_none() || Refusal::read(status).is_some() {
            Kind::of(status.code())
        } else {
            Kind::Unavailable
        }
    }

    /// The kind behind a code that a peer answered.
    pub fn of(code: Code) -> Kind {
        match code {
            Code::InvalidArgument | Code::OutOfRange => Kind::Invalid,
            Code::Unauthenticated => Kind::Unauthenticated,
            Code::PermissionDenied => Kind::Forbidden,
            Code::NotFound => Kind::NotFound,
            Code::AlreadyExists => Kind::Reused,
            Code::FailedPrecondition => Kind::Refused,
            Code::Aborted => Kind::Conflict,
            Code::ResourceExhausted => Kind::Busy,
            // An expired deadline arrives as Cancelled.
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Kind::Unavailable,
            Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => {
                Kind::Internal
            }
        }
    }
}

/// Why something did not happen, in the words of every audience: a stable reason for programs, Chinese for people.
#[derive(Debug)]
pub struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    reason: Cow<'static, str>,
    text: String,
    fields: Vec<(String, String)>,
    metadata: Vec<(String, String)>,
    retry_after: Option<std::time::Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    fn new(kind: Kind, reason: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            reason: reason.into(),
            text: text.into(),
            fields: Vec::new(),
            metadata: Vec::new(),
            retry_after: None,
            source: None,
        }))
    }

    /// A field breaks a rule; `text` says what is wrong and how to mend it.
    pub fn invalid(reason: &'static str, field: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, reason, text).on(field)
    }

    /// There is no such object for this caller.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "not_found", "没有找到该内容，可能已被删除或您无权查看")
    }

    /// A rule of the business says no.
    pub fn refused(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(Kind::Refused, reason, text)
    }

    /// The caller may not do this.
    pub fn forbidden(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, reason, text)
    }

    /// The caller did not prove who it is.
    pub fn unauthenticated(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(Kind::Unauthenticated, reason, text)
    }

    /// The request id stands for another request.
    pub fn reused(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(Kind::Reused, reason, text)
    }

    /// Somebody else holds it just now.
    pub fn conflict(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, reason, text)
    }

    /// Too much at once.
    pub fn busy(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(Kind::Busy, reason, text)
    }

    /// Something that we need is away.
    pub fn unavailable(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, reason, text)
    }

    /// A fault of ours; the source is logged once and never shown.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut failure = Self::new(Kind::Internal, "internal", "系统出现问题，我们已收到记录，请稍后重试");
        failure.0.source = Some(source.into());
        failure
    }

    /// Names the field that it is about, with the same text.
    #[must_use]
    pub fn on(mut self, field: impl Into<String>) -> Self {
        let text = self.0.text.clone();
        self.0.fields.push((field.into(), text));
        self
    }

    /// Adds a machine-readable fact, e.g. the version that stands now.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.0.metadata.push((key.to_owned(), value.to_string()));
        self
    }

    /// Says what happened meanwhile: who was first, when, and what was done; for people in `text`, for programs beside it.
    ///
    /// `who` is an office or a person as the reader may see it.
    #[must_use]
    pub fn overtaken(mut self, who: &str, at: OffsetDateTime, deed: &str) -> Self {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
        let shown = at.to_offset(offset!(+8)).format(format).unwrap_or_else(|_| at.to_string());
        self.0.text = format!("{}：{who} 已于 {shown} {deed}", self.0.text);
        let machine = at.format(&Rfc3339).unwrap_or_else(|_| at.to_string());
        self.with("office", who).with("at", machine).with("deed", deed)
    }

    /// Adds another failure's fields: a form shows all of its errors at once.
    #[must_use]
    pub fn and(mut self, other: Failure) -> Self {
        self.0.fields.extend(other.0.fields);
        self
    }

    /// Tells the caller when to try again.
    #[must_use]
    pub fn after(mut self, delay: std::time::Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// The same for somebody else who waited for it; of the causes the words are left.
    #[must_use]
    pub fn again(&self) -> Self {
        let inner = &self.0;
        Self(Box::new(Inner {
            kind: inner.kind,
            reason: inner.reason.clone(),
            text: inner.text.clone(),
            fields: inner.fields.clone(),
            metadata: inner.metadata.clone(),
            retry_after: inner.retry_after,
            source: inner.source.as_deref().map(|source| chain(source).into()),
        }))
    }

    /// See [`Kind`].
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The stable reason id.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The first field that it is about; empty where none is.
    pub fn field(&self) -> &str {
        self.0.fields.first().map_or("", |(field, _)| field)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.reason)?;
        if let Some((field, _)) = self.0.fields.first() {
            write!(out, " on {field}")?;
        }
        Ok(())
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<sqlx::Error> for Failure {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a library's list that grows; all else is a fault of the code"
    )]
    fn from(error: sqlx::Error) -> Self {
        let away = "数据库暂时不可用，请稍后重试";
        let mut failure = match &error {
            sqlx::Error::PoolTimedOut => Failure::busy("database_busy", "系统繁忙，请稍后重试"),
            sqlx::Error::Io(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_) => Failure::unavailable("database_unavailable", away),
            sqlx::Error::Database(inner) => match inner.code().as_deref().unwrap_or_default() {
                // lock_not_available, deadlock_detected, serialization_failure
                "55P03" | "40P01" | "40001" => {
                    Failure::conflict("busy_elsewhere", "该内容正在被他人处理，请稍后重试")
                }
                // query_canceled, admin_shutdown, crash_shutdown, cannot_connect_now, idle_in_transaction_session_timeout
                "57014" | "57P01" | "57P02" | "57P03" | "25P03" => {
                    Failure::unavailable("database_unavailable", away)
                }
                // character_not_in_repertoire, untranslatable_character: a NUL or the like in a text.
                "22021" | "22P05" => {
                    return Failure::invalid(
                        "text_unreadable",
                        "text",
                        "内容含有无法识别的字符，请删除后重试",
                    );
                }
                code if crate::schema::changed(code, inner.message()) => {
                    Failure::unavailable("database_unavailable", away)
                }
                // disk_full, too_many_connections
                "53100" | "53300" => Failure::unavailable("database_unavailable", away),
                code if code.starts_with("08") => Failure::unavailable("database_unavailable", away),
                _ => return Failure::internal(error),
            },
            _ => return Failure::internal(error),
        };
        failure.0.source = Some(Box::new(error));
        failure
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let (code, _, _) = failure.kind().meaning();
        if code == Code::Internal {
            tracing::error!(error = &failure as &dyn Error, "internal error: {}", chain(&failure));
        } else if code == Code::Unavailable {
            tracing::warn!("unavailable: {}", chain(&failure));
        }
        let inner = *failure.0;
        let metadata: HashMap<String, String> = inner.metadata.into_iter().collect();
        let mut details = ErrorDetails::with_error_info(inner.reason.as_ref(), "yuchong", metadata);
        for (field, text) in inner.fields {
            details.add_bad_request_violation(field, text);
        }
        if let Some(delay) = inner.retry_after {
            details.set_retry_info(Some(delay));
        }
        details.set_localized_message("zh-CN", inner.text);
        Status::with_error_details(code, inner.reason, details)
    }
}

/// A peer's refusal passes through with its reason, fields and words.
impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let kind = Kind::behind(&status);
        match Refusal::read(&status) {
            Some(refusal) if kind != Kind::Internal => {
                let mut failure = Failure::new(kind, refusal.reason, refusal.text);
                failure.0.fields = refusal.fields;
                failure.0.metadata = refusal.metadata.into_iter().collect();
                failure
            }
            _ if kind == Kind::Unavailable => {
                let mut failure =
                    Failure::unavailable("service_unavailable", "相关服务暂时不可用，请稍后重试");
                failure.0.source = Some(Box::new(status));
                failure
            }
            _ => Failure::internal(status),
        }
    }
}

/// A refusal as a caller reads it from a [`Status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable reason id.
    pub reason: String,
    /// Chinese, for people.
    pub text: String,
    /// Field and text, in order.
    pub fields: Vec<(String, String)>,
    /// Machine-readable facts.
    pub metadata: HashMap<String, String>,
}

impl Refusal {
    /// Reads the error details; `None` where the status carries none of ours.
    pub fn read(status: &Status) -> Option<Refusal> {
        let details = status.get_error_details();
        let info = details.error_info()?;
        Some(Refusal {
            reason: info.reason.clone(),
            text: details.localized_message().map(|message| message.message.clone()).unwrap_or_default(),
            fields: details
                .bad_request()
                .map(|bad| {
                    bad.field_violations
                        .iter()
                        .map(|one| (one.field.clone(), one.description.clone()))
                        .collect()
                })
                .unwrap_or_default(),
            metadata: info.metadata.clone(),
        })
    }
}

/// The error with its causes on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_breaks_is_told_as_passing_and_what_a_peer_says_of_itself_is_not() {
        let broke = Status::from_error(Box::new(std::io::Error::other("connection closed")));
        assert_eq!(broke.code(), Code::Unknown);
        assert_eq!(Failure::from(broke).kind(), Kind::Unavailable);
        assert_eq!(Failure::from(Status::internal("a fault of the peer")).kind(), Kind::Internal);
    }
}
