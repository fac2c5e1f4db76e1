//! Every way in which a rule of this service says no: a stable reason, the field it is about. The Chinese text is in
//! `labels.rs`; what a caller's code gets is decided by [`Refusal::kind`].

use thiserror::Error;

pub use super::field::Field;
use super::{lifecycle::State, roles::Role, uscc};

/// How the outside world takes a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A field is wrong.
    Invalid,
    /// The state of things forbids it.
    Refused,
    /// Who asks has not proved who it is.
    Unauthenticated,
    /// Who asks may not do this.
    Forbidden,
    /// Too many tries.
    Busy,
}

/// A rule said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A required field is empty.
    #[error("{} is empty", .0.name())]
    Missing(Field),
    /// A field is longer than it may be.
    #[error("{} is longer than {max} characters", .field.name())]
    TooLong {
        /// The field.
        field: Field,
        /// Characters allowed.
        max: usize,
    },
    /// A field holds control characters.
    #[error("{} holds control characters", .0.name())]
    ControlCharacters(Field),
    /// A coded field holds a value that is none of its codes.
    #[error("{} holds an unknown value", .0.name())]
    UnknownValue(Field),
    /// Not 4–20 letters, digits or underscores.
    #[error("login name has the wrong form")]
    LoginForm,
    /// Somebody has this login name.
    #[error("login name is taken")]
    LoginTaken,
    /// The unified social credit code is wrong.
    #[error(transparent)]
    Uscc(#[from] uscc::Fault),
    /// Another operator has this code.
    #[error("unified social credit code is taken")]
    UsccTaken,
    /// Not a mobile number of 11 digits.
    #[error("phone has {digits} digits")]
    Phone {
        /// Digits found.
        digits: usize,
    },
    /// An imported moment that is no date.
    #[error("last sign-in is no date")]
    MomentForm,
    /// An imported hash that sign-in cannot verify.
    #[error("password hash is no Argon2 PHC string of bearable cost")]
    HashUnreadable,
    /// Not an e-mail address.
    #[error("e-mail address has the wrong form")]
    Email,
    /// A county is needed, not a prefecture or the province.
    #[error("registered division is not a county")]
    DivisionNotCounty,
    /// The division was abolished.
    #[error("registered division was abolished; its successor is {successor}")]
    DivisionAbolished {
        /// Code of the successor.
        successor: String,
    },
    /// A company from outside the province takes 郑州-其他 only.
    #[error("a company from outside the province registers at the province's fixed division")]
    DivisionOutside,
    /// The county on the licence is listed, so 其他 (or another county) is wrong.
    #[error("the county on the licence is listed as {listed}")]
    DivisionListed {
        /// Code of the listed county.
        listed: String,
    },
    /// The county on the licence is not listed, so the prefecture's 其他 is right.
    #[error("the county on the licence is not listed; {other} is right")]
    DivisionOtherExpected {
        /// Code of the prefecture's 其他.
        other: String,
    },
    /// Documents knows no licence of this id.
    #[error("no such licence")]
    LicenceMissing,
    /// The licence was not inspected, or rejected.
    #[error("licence does not count")]
    LicenceNotClean,
    /// The licence was not uploaded by this operator.
    #[error("licence was uploaded by somebody else")]
    LicenceForeign,
    /// An operator has registered with this licence.
    #[error("licence belongs to an operator")]
    LicenceUsed,
    /// The truth declaration is not ticked.
    #[error("truth is not declared")]
    TruthUndeclared,
    /// Password too short or of too few classes.
    #[error("password is too weak")]
    PasswordWeak,
    /// Password longer than the limit.
    #[error("password is longer than {max} characters")]
    PasswordLong {
        /// Characters allowed.
        max: usize,
    },
    /// Password on the deny list.
    #[error("password is common")]
    PasswordCommon,
    /// Password equal to the login name.
    #[error("password equals the login name")]
    PasswordLogin,
    /// The new password is the old one.
    #[error("new password equals the old one")]
    PasswordSame,
    /// A return without an opinion.
    #[error("a return carries an opinion")]
    OpinionMissing,
    /// An approval that does not say of a field that the licence shows it so.
    #[error("{} was not compared with the licence", .0.name())]
    NotCompared(Field),
    /// The act does not fit the operator's state.
    #[error("not possible in state {state:?}")]
    WrongState {
        /// The state found.
        state: State,
        /// Whether a change waits for review.
        review_pending: bool,
    },
    /// The submission judged is not the one that waits.
    #[error("submission {current} stands, not the one judged")]
    StaleVersion {
        /// Version that stands.
        current: i32,
    },
    /// Nothing differs from the valid profile.
    #[error("nothing has changed")]
    NothingChanged,
    /// Two roles exclude each other.
    #[error("{} and {} exclude each other", .0.name(), .1.name())]
    RolesExclude(Role, Role),
    /// Only a security administrator grants this role.
    #[error("{} is not granted by this caller", .0.name())]
    RoleNotGrantable(Role),
    /// A role does not fit the scope.
    #[error("scope does not fit role {}", .0.name())]
    ScopeMismatch(Role),
    /// Unknown login or wrong password; both look the same.
    #[error("login or password is wrong")]
    SignInFailed,
    /// Too many failures for this login and address.
    #[error("locked")]
    SignInLocked {
        /// Seconds left.
        seconds: i64,
    },
    /// The account was deactivated or its operator suspended.
    #[error("account is suspended")]
    AccountSuspended,
    /// The one-time password has expired or was used.
    #[error("one-time password is spent")]
    OneTimeSpent,
    /// The session has ended or never was.
    #[error("session has ended")]
    SessionEnded,
    /// The activation ticket has ended or never was.
    #[error("ticket has ended")]
    TicketEnded,
    /// The code of the second factor is none of now, or was taken before.
    #[error("second factor is wrong")]
    FactorWrong,
    /// Too many wrong codes of this second factor.
    #[error("second factor is locked")]
    FactorLocked {
        /// Seconds left.
        seconds: i64,
    },
    /// There is no second factor.
    #[error("no second factor is enrolled")]
    FactorMissing,
    /// There is one already.
    #[error("a second factor is enrolled")]
    FactorEnrolled,
    /// Only officials have one.
    #[error("second factors are for officials")]
    FactorOfOfficials,
    /// The settings hold no key for secrets.
    #[error("no key seals secrets of second factors")]
    FactorClosed,
    /// What was offered to enrol with is not ours, or another person's.
    #[error("enrolment cannot be read")]
    EnrolmentUnreadable,
    /// What was offered to enrol with has waited too long for its first code.
    #[error("enrolment has expired")]
    EnrolmentExpired,
    /// The one-time code is wrong, expired or used up.
    #[error("code is wrong")]
    CodeWrong,
    /// Codes asked for too often.
    #[error("a code was sent a moment ago")]
    CodeTooSoon {
        /// Seconds to wait.
        seconds: i64,
    },
    /// A forgotten password was asked for too often: of this login, of this phone or from this address.
    #[error("codes were asked for too often")]
    ResetTooOften {
        /// Seconds to wait.
        seconds: i64,
    },
    /// Only the owner of an operator's account manages its members.
    #[error("members are managed by the owner")]
    NotOwner,
    /// The owner cannot do this to itself.
    #[error("the owner cannot do this to its own account")]
    OwnAccount,
    /// An operator has as many users as it may have.
    #[error("an operator has {max} members at most")]
    MembersFull {
        /// Users allowed.
        max: usize,
    },
    /// The member is deactivated.
    #[error("member is deactivated")]
    MemberInactive,
    /// The member has no own password yet.
    #[error("member has no own password")]
    MemberNotActivated,
    /// The platform, not the owner, deactivated the member.
    #[error("member was deactivated by the platform")]
    EndedByPlatform,
    /// This session has begun no such export, or it is recorded already.
    #[error("export was not begun")]
    ExportNotBegun,
    /// Client id or secret is wrong.
    #[error("client credentials are wrong")]
    ClientRefused,
    /// The client was issued by an earlier call with this request id; its secret is shown once.
    #[error("client was issued before")]
    ClientIssued {
        /// The client's id.
        client_id: String,
    },
}

impl Refusal {
    /// The stable id of the reason. Reported to callers, counted, never translated.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing(_) => "field_missing",
            Self::TooLong { .. } => "field_too_long",
            Self::ControlCharacters(_) => "control_characters",
            Self::UnknownValue(_) => "unknown_value",
            Self::LoginForm => "login_form",
            Self::LoginTaken => "login_taken",
            Self::Uscc(uscc::Fault::Length { .. }) => "uscc_length",
            Self::Uscc(uscc::Fault::Alphabet { .. }) => "uscc_alphabet",
            Self::Uscc(uscc::Fault::Area) => "uscc_area",
            Self::Uscc(uscc::Fault::Check) => "uscc_check",
            Self::Uscc(uscc::Fault::OrganisationCheck) => "uscc_organisation_check",
            Self::UsccTaken => "uscc_taken",
            Self::Phone { .. } => "phone_form",
            Self::MomentForm => "date_form",
            Self::HashUnreadable => "hash_unsupported",
            Self::Email => "email_form",
            Self::DivisionNotCounty => "division_not_county",
            Self::DivisionAbolished { .. } => "division_abolished",
            Self::DivisionOutside => "division_outside_province",
            Self::DivisionListed { .. } => "division_listed",
            Self::DivisionOtherExpected { .. } => "division_other_expected",
            Self::LicenceMissing => "licence_missing",
            Self::LicenceNotClean => "licence_not_clean",
            Self::LicenceForeign => "licence_foreign",
            Self::LicenceUsed => "licence_used",
            Self::TruthUndeclared => "truth_undeclared",
            Self::PasswordWeak => "password_weak",
            Self::PasswordLong { .. } => "password_long",
            Self::PasswordCommon => "password_common",
            Self::PasswordLogin => "password_is_login",
            Self::PasswordSame => "password_same",
            Self::OpinionMissing => "opinion_missing",
            Self::NotCompared(_) => "not_compared",
            Self::WrongState { .. } => "wrong_state",
            Self::StaleVersion { .. } => "stale_version",
            Self::NothingChanged => "nothing_changed",
            Self::RolesExclude(..) => "roles_exclude",
            Self::RoleNotGrantable(_) => "role_not_grantable",
            Self::ScopeMismatch(_) => "scope_mismatch",
            Self::SignInFailed => "sign_in_failed",
            Self::SignInLocked { .. } => "sign_in_locked",
            Self::AccountSuspended => "account_suspended",
            Self::OneTimeSpent => "one_time_password_spent",
            Self::SessionEnded => "session_ended",
            Self::TicketEnded => "ticket_ended",
            Self::FactorWrong => "second_factor_wrong",
            Self::FactorLocked { .. } => "second_factor_locked",
            Self::FactorMissing => "second_factor_missing",
            Self::FactorEnrolled => "second_factor_enrolled",
            Self::FactorOfOfficials => "second_factor_of_officials",
            Self::FactorClosed => "second_factor_closed",
            Self::EnrolmentUnreadable => "enrolment_unreadable",
            Self::EnrolmentExpired => "enrolment_expired",
            Self::CodeWrong => "code_wrong",
            Self::CodeTooSoon { .. } => "code_too_soon",
            Self::ResetTooOften { .. } => "reset_too_often",
            Self::NotOwner => "not_owner",
            Self::OwnAccount => "own_account",
            Self::MembersFull { .. } => "members_full",
            Self::MemberInactive => "member_inactive",
            Self::MemberNotActivated => "member_not_activated",
            Self::EndedByPlatform => "ended_by_platform",
            Self::ExportNotBegun => "export_not_begun",
            Self::ClientRefused => "client_refused",
            Self::ClientIssued { .. } => "client_issued",
        }
    }

    /// The field that the refusal is about, where there is one.
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::Missing(field)
            | Self::TooLong { field, .. }
            | Self::ControlCharacters(field)
            | Self::UnknownValue(field)
            | Self::NotCompared(field) => Some(*field),
            Self::LoginForm | Self::LoginTaken => Some(Field::Login),
            Self::Uscc(_) | Self::UsccTaken => Some(Field::Uscc),
            Self::Phone { .. } => Some(Field::ContactPhone),
            Self::MomentForm => Some(Field::LastSignIn),
            Self::HashUnreadable => Some(Field::PasswordHash),
            Self::Email => Some(Field::ContactEmail),
            Self::DivisionNotCounty
            | Self::DivisionAbolished { .. }
            | Self::DivisionOutside
            | Self::DivisionListed { .. }
            | Self::DivisionOtherExpected { .. } => Some(Field::RegisteredDivision),
            Self::LicenceMissing | Self::LicenceNotClean | Self::LicenceForeign | Self::LicenceUsed => {
                Some(Field::LicenceFileId)
            }
            Self::TruthUndeclared => Some(Field::TruthDeclared),
            Self::PasswordWeak | Self::PasswordLong { .. } | Self::PasswordCommon | Self::PasswordLogin => {
                Some(Field::Password)
            }
            Self::PasswordSame => Some(Field::NewPassword),
            Self::OpinionMissing => Some(Field::Opinion),
            Self::StaleVersion { .. } => Some(Field::SubmissionVersion),
            Self::RolesExclude(..) | Self::RoleNotGrantable(_) => Some(Field::Roles),
            Self::ScopeMismatch(_) => Some(Field::Scope),
            Self::CodeWrong | Self::FactorWrong | Self::EnrolmentUnreadable | Self::EnrolmentExpired => {
                Some(Field::Code)
            }
            Self::WrongState { .. }
            | Self::NothingChanged
            | Self::SignInFailed
            | Self::SignInLocked { .. }
            | Self::AccountSuspended
            | Self::OneTimeSpent
            | Self::SessionEnded
            | Self::TicketEnded
            | Self::FactorLocked { .. }
            | Self::FactorMissing
            | Self::FactorEnrolled
            | Self::FactorOfOfficials
            | Self::FactorClosed
            | Self::CodeTooSoon { .. }
            | Self::ResetTooOften { .. }
            | Self::NotOwner
            | Self::OwnAccount
            | Self::MembersFull { .. }
            | Self::MemberInactive
            | Self::MemberNotActivated
            | Self::EndedByPlatform
            | Self::ExportNotBegun
            | Self::ClientRefused
            | Self::ClientIssued { .. } => None,
        }
    }

    /// How the outside world takes it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing(_)
            | Self::TooLong { .. }
            | Self::ControlCharacters(_)
            | Self::UnknownValue(_)
            | Self::LoginForm
            | Self::LoginTaken
            | Self::Uscc(_)
            | Self::UsccTaken
            | Self::Phone { .. }
            | Self::MomentForm
            | Self::HashUnreadable
            | Self::Email
            | Self::DivisionNotCounty
            | Self::DivisionAbolished { .. }
            | Self::DivisionOutside
            | Self::DivisionListed { .. }
            | Self::DivisionOtherExpected { .. }
            | Self::LicenceMissing
            | Self::LicenceNotClean
            | Self::LicenceForeign
            | Self::LicenceUsed
            | Self::TruthUndeclared
            | Self::PasswordWeak
            | Self::PasswordLong { .. }
            | Self::PasswordCommon
            | Self::PasswordLogin
            | Self::PasswordSame
            | Self::OpinionMissing
            | Self::NotCompared(_)
            | Self::RolesExclude(..)
            | Self::ScopeMismatch(_)
            | Self::FactorWrong
            | Self::EnrolmentUnreadable
            | Self::EnrolmentExpired
            | Self::CodeWrong => Kind::Invalid,
            Self::WrongState { .. }
            | Self::StaleVersion { .. }
            | Self::NothingChanged
            | Self::OwnAccount
            | Self::MembersFull { .. }
            | Self::MemberInactive
            | Self::MemberNotActivated
            | Self::EndedByPlatform
            | Self::FactorMissing
            | Self::FactorEnrolled
            | Self::FactorOfOfficials
            | Self::FactorClosed
            | Self::ExportNotBegun
            | Self::ClientIssued { .. } => Kind::Refused,
            Self::SignInFailed
            | Self::AccountSuspended
            | Self::OneTimeSpent
            | Self::SessionEnded
            | Self::TicketEnded
            | Self::ClientRefused => Kind::Unauthenticated,
            Self::RoleNotGrantable(_) | Self::NotOwner => Kind::Forbidden,
            Self::SignInLocked { .. }
            | Self::FactorLocked { .. }
            | Self::CodeTooSoon { .. }
            | Self::ResetTooOften { .. } => Kind::Busy,
        }
    }
}
