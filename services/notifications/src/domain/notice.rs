//! 通知公告: what a notice may say, who reads it, and what may be done to a revision of it.

use time::{Date, OffsetDateTime, macros::offset};

/// Longest title, characters. Source: the contract, NoticeContent.
pub const TITLE_CHARS_MAX: usize = 60;
/// Longest text, characters. Source: the same.
pub const BODY_CHARS_MAX: usize = 10_000;
/// Longest reason of a withdrawal, characters. Source: the contract, WithdrawRequest.
pub const REASON_CHARS_MAX: usize = 500;

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// Everybody, also without signing in.
    Public,
    /// People of companies, approved or not.
    Operators,
    /// County and city authorities.
    Authorities,
    /// Experts and provincial departments.
    Panels,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Audience; 4] =
        [Audience::Public, Audience::Operators, Audience::Authorities, Audience::Panels];

    /// Its code on the wire and in rows.
    pub fn code(self) -> &'static str {
        match self {
            Audience::Public => "public",
            Audience::Operators => "operators",
            Audience::Authorities => "authorities",
            Audience::Panels => "panels",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<Audience> {
        Audience::ALL.into_iter().find(|one| one.code() == code)
    }
}

/// What somebody with these role codes reads: what is public, and what is for a role. Administrators write notices and read all.
pub fn read_by<'r>(roles: impl IntoIterator<Item = &'r str>) -> Vec<Audience> {
    let mut found = vec![Audience::Public];
    for role in roles {
        match role {
            "operator" | "operator_applicant" => found.push(Audience::Operators),
            "county" | "city" => found.push(Audience::Authorities),
            "expert" | "province" => found.push(Audience::Panels),
            "administrator" => return Audience::ALL.to_vec(),
            _ => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Where a revision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being written; administrators only.
    Draft,
    /// Read by its audience.
    Published,
    /// A later revision took its place.
    Replaced,
    /// Taken back.
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: [State; 4] = [State::Draft, State::Published, State::Replaced, State::Withdrawn];

    /// Its code on the wire and in rows.
    pub fn code(self) -> &'static str {
        match self {
            State::Draft => "Draft",
            State::Published => "Published",
            State::Replaced => "Replaced",
            State::Withdrawn => "Withdrawn",
        }
    }

    /// Reads a code.
    pub fn parse(code: &str) -> Option<State> {
        State::ALL.into_iter().find(|one| one.code() == code)
    }
}

/// What was done to a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Begun.
    Drafted,
    /// Written anew while it was a draft.
    Changed,
    /// Made readable.
    Published,
    /// Followed by a later revision.
    Replaced,
    /// Taken back.
    Withdrawn,
}

impl Act {
    /// Its code on the wire and in rows.
    pub fn code(self) -> &'static str {
        match self {
            Act::Drafted => "drafted",
            Act::Changed => "changed",
            Act::Published => "published",
            Act::Replaced => "replaced",
            Act::Withdrawn => "withdrawn",
        }
    }
}

/// What it says, to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// One line.
    pub title: String,
    /// Plain text; an empty line ends a paragraph.
    pub body: String,
    /// At least one.
    pub audiences: Vec<Audience>,
    /// Last day above the others, in Asia/Shanghai.
    pub pinned_until: Option<Date>,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No title.
    #[error("there is no title")]
    TitleMissing,
    /// More than [`TITLE_CHARS_MAX`].
    #[error("the title has {0} characters")]
    TitleTooLong(usize),
    /// A title of several lines, or with control characters.
    #[error("the title is no line of text")]
    TitleOdd,
    /// No text.
    #[error("there is no text")]
    BodyMissing,
    /// More than [`BODY_CHARS_MAX`].
    #[error("the text has {0} characters")]
    BodyTooLong(usize),
    /// Control characters.
    #[error("the text has control characters")]
    BodyOdd,
    /// Nobody would read it.
    #[error("it is for nobody")]
    AudienceMissing,
    /// Pinned until a day that has passed.
    #[error("pinned until {0}, which has passed")]
    PinPassed(Date),
    /// A withdrawal without a reason.
    #[error("there is no reason")]
    ReasonMissing,
    /// More than [`REASON_CHARS_MAX`].
    #[error("the reason has {0} characters")]
    ReasonTooLong(usize),
    /// Somebody else changed it meanwhile.
    #[error("version {version} stands, not the one seen")]
    Stale {
        /// The version that stands.
        version: i64,
        /// Whose office changed it.
        office: String,
        /// When.
        at: OffsetDateTime,
    },
    /// Only drafts are changed and published.
    #[error("it is {}, not a draft", .0.code())]
    NotADraft(State),
    /// Only what is published is withdrawn.
    #[error("it is {}, not published", .0.code())]
    NotPublished(State),
    /// Its notice has a draft already.
    #[error("the notice has a draft already")]
    DraftExists,
}

impl Content {
    /// The same in one form: lines end alike, nothing blank around.
    #[must_use]
    pub fn tidied(self) -> Content {
        let mut audiences = self.audiences;
        audiences.sort_unstable();
        audiences.dedup();
        Content {
            title: self.title.trim().to_owned(),
            body: self.body.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned(),
            audiences,
            pinned_until: self.pinned_until,
        }
    }

    /// Everything that is wrong with it, in the order of the form.
    pub fn problems(&self) -> Vec<Refusal> {
        let odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
        let mut found = Vec::new();
        match self.title.chars().count() {
            0 => found.push(Refusal::TitleMissing),
            many if many > TITLE_CHARS_MAX => found.push(Refusal::TitleTooLong(many)),
            _ if self.title.chars().any(char::is_control) => found.push(Refusal::TitleOdd),
            _ => {}
        }
        match self.body.chars().count() {
            0 => found.push(Refusal::BodyMissing),
            many if many > BODY_CHARS_MAX => found.push(Refusal::BodyTooLong(many)),
            _ if self.body.chars().any(odd) => found.push(Refusal::BodyOdd),
            _ => {}
        }
        if self.audiences.is_empty() {
            found.push(Refusal::AudienceMissing);
        }
        found
    }
}

/// The day in Asia/Shanghai.
pub fn day(now: OffsetDateTime) -> Date {
    now.to_offset(offset!(+8)).date()
}

/// A draft may be written anew.
///
/// Error: [`Refusal::NotADraft`].
pub fn may_change(state: State) -> Result<(), Refusal> {
    match state {
        State::Draft => Ok(()),
        State::Published | State::Replaced | State::Withdrawn => Err(Refusal::NotADraft(state)),
    }
}

/// A draft may be published, unless it were pinned until a day that has passed.
///
/// Errors: [`Refusal::NotADraft`], [`Refusal::PinPassed`].
pub fn may_publish(state: State, content: &Content, today: Date) -> Result<(), Refusal> {
    may_change(state)?;
    match content.pinned_until {
        Some(day) if day < today => Err(Refusal::PinPassed(day)),
        Some(_) | None => Ok(()),
    }
}

/// What is published may be withdrawn, with a reason.
///
/// Errors: [`Refusal::NotPublished`], [`Refusal::ReasonMissing`], [`Refusal::ReasonTooLong`].
pub fn may_withdraw(state: State, reason: &str) -> Result<(), Refusal> {
    if state != State::Published {
        return Err(Refusal::NotPublished(state));
    }
    match reason.trim().chars().count() {
        0 => Err(Refusal::ReasonMissing),
        many if many > REASON_CHARS_MAX => Err(Refusal::ReasonTooLong(many)),
        _ => Ok(()),
    }
}

/// A notice may be revised unless one of its revisions is a draft.
///
/// Error: [`Refusal::DraftExists`].
pub fn may_revise(states: &[State]) -> Result<(), Refusal> {
    if states.contains(&State::Draft) { Err(Refusal::DraftExists) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    fn content() -> Content {
        Content {
            title: "2026 年度补贴申报通知".into(),
            body: "第一段\n\n第二段".into(),
            audiences: vec![Audience::Public],
            pinned_until: None,
        }
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let empty =
            Content { title: " \n".into(), body: "\r\n ".into(), audiences: vec![], pinned_until: None };
        let expected = [Refusal::TitleMissing, Refusal::BodyMissing, Refusal::AudienceMissing];
        assert_eq!(empty.tidied().problems(), expected);
        let long = Content { title: "长".repeat(61), body: "长".repeat(10_001), ..content() };
        assert_eq!(long.problems(), [Refusal::TitleTooLong(61), Refusal::BodyTooLong(10_001)]);
        let odd = Content { title: "两\n行".into(), body: "响\u{7}铃".into(), ..content() };
        assert_eq!(odd.problems(), [Refusal::TitleOdd, Refusal::BodyOdd]);
        let widest = Content { title: "长".repeat(60), body: "长".repeat(10_000), ..content() };
        assert_eq!(widest.problems(), []);
    }

    #[test]
    fn only_a_draft_is_changed_or_published_and_only_what_is_published_is_withdrawn() {
        let today = date!(2026 - 11 - 27);
        for state in State::ALL {
            let draft = state == State::Draft;
            assert_eq!(may_change(state).is_ok(), draft, "{state:?}");
            assert_eq!(may_publish(state, &content(), today).is_ok(), draft, "{state:?}");
            assert_eq!(may_withdraw(state, "内容有误").is_ok(), state == State::Published, "{state:?}");
            assert_eq!(may_revise(&[State::Replaced, state]).is_ok(), !draft, "{state:?}");
        }
        assert_eq!(may_withdraw(State::Published, " "), Err(Refusal::ReasonMissing));
        assert_eq!(may_withdraw(State::Published, &"长".repeat(501)), Err(Refusal::ReasonTooLong(501)));
    }

    #[test]
    fn it_is_pinned_through_its_last_day_in_shanghai() {
        let today = day(datetime!(2026-11-26 16:00 UTC));
        assert_eq!(today, date!(2026 - 11 - 27));
        let until = |day| Content { pinned_until: Some(day), ..content() };
        assert_eq!(may_publish(State::Draft, &until(today), today), Ok(()));
        let passed = date!(2026 - 11 - 26);
        assert_eq!(may_publish(State::Draft, &until(passed), today), Err(Refusal::PinPassed(passed)));
    }

    #[test]
    fn everybody_reads_what_is_public_and_nobody_what_is_for_others() {
        use Audience::{Authorities, Operators, Panels, Public};
        for (roles, expected) in [
            (&[][..], &[Public][..]),
            (&["operator_applicant"], &[Public, Operators]),
            (&["county", "city"], &[Public, Authorities]),
            (&["expert", "county"], &[Public, Authorities, Panels]),
            (&["province"], &[Public, Panels]),
            (&["audit_administrator"], &[Public]),
            (&["administrator"], &Audience::ALL),
        ] {
            assert_eq!(read_by(roles.iter().copied()), expected, "{roles:?}");
        }
    }
}
