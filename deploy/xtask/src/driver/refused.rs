//! What a service says when it refuses, as a caller reads it.
//!
//! Owns: reading error details out of a status. Not: any reason; those are the services' own.
use std::{collections::HashMap, error::Error as _, fmt};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// What a verb gives back.
pub type Answer<T> = Result<T, Refused>;

/// A refusal or a fault. Source: architecture, rule 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The gRPC code.
    pub code: Code,
    /// The stable reason id; where the answer carried none (a broken connection), the code's name in snake case.
    pub reason: String,
    /// Chinese, for people; the transport's own words where no service answered.
    pub text: String,
    /// Field and text, in the order of the form.
    pub fields: Vec<(String, String)>,
    /// Machine-readable facts, e.g. `remaining_fen`.
    pub metadata: HashMap<String, String>,
    /// Whether no service answered at all.
    pub unanswered: bool,
}

impl Refused {
    /// The first field that it is about; empty where none is.
    pub fn field(&self) -> &str {
        self.fields.first().map_or("", |(field, _)| field)
    }

    /// Whether the same request may be sent again. Source: reliability section 6, and R10 for what was shed unheard.
    pub fn passing(&self) -> bool {
        let shed = matches!(self.reason.as_str(), "database_busy" | "overloaded");
        self.unanswered
            || shed
            || matches!(self.code, Code::Unavailable | Code::Aborted | Code::DeadlineExceeded)
    }

    /// A call that had no answer within its time.
    pub(crate) fn overdue() -> Self {
        Status::deadline_exceeded("no answer in time").into()
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        // A status that the transport made itself has a source; one that a service sent has none.
        let unanswered = status.source().is_some();
        let details = status.get_error_details();
        let code = status.code();
        let info = details.error_info();
        let text = details.localized_message().map(|message| message.message.clone());
        let fields = details.bad_request().map(|bad| {
            let pairs = bad.field_violations.iter();
            pairs.map(|one| (one.field.clone(), one.description.clone())).collect()
        });
        Self {
            code,
            reason: info.map_or_else(|| name(code), |info| info.reason.clone()),
            text: text.unwrap_or_else(|| status.message().to_owned()),
            fields: fields.unwrap_or_default(),
            metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
            unanswered,
        }
    }
}

/// `PermissionDenied` → `permission_denied`.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({:?}): {}", self.reason, self.code, self.text)?;
        for (field, text) in &self.fields {
            write!(out, "; {field}: {text}")?;
        }
        let mut facts: Vec<_> = self.metadata.iter().collect();
        facts.sort();
        facts.into_iter().try_for_each(|(key, value)| write!(out, "; {key}={value}"))
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_refusal_is_read_with_reason_field_and_facts() {
        let facts = HashMap::from([("remaining_fen".to_owned(), "2000000".to_owned())]);
        let mut details = ErrorDetails::with_error_info("invoice_overdrawn", "yuchong", facts);
        details
            .add_bad_request_violation("used_fen", "剩余可用 20,000.00 元")
            .set_localized_message("zh-CN", "余额不足");
        let refused = Refused::from(Status::with_error_details(Code::FailedPrecondition, "no", details));
        assert_eq!((refused.reason.as_str(), refused.field()), ("invoice_overdrawn", "used_fen"));
        assert_eq!(
            (refused.text.as_str(), refused.metadata["remaining_fen"].as_str()),
            ("余额不足", "2000000")
        );
        assert!(!refused.passing());
    }

    #[test]
    fn an_answer_without_details_is_named_after_its_code() {
        let refused = Refused::from(Status::new(Code::PermissionDenied, "no"));
        assert_eq!((refused.reason.as_str(), refused.passing()), ("permission_denied", false));
        assert!(Refused::overdue().passing());
    }
}
