//! The fields of requests that rules speak about, by their names on the wire. Labels for people are in `labels.rs`.

/// A field of a request that a refusal can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Login name, 账号名称.
    Login,
    /// Password.
    Password,
    /// The password chosen anew.
    NewPassword,
    /// Company name.
    CompanyName,
    /// Unified social credit code.
    Uscc,
    /// Kind of company.
    OperatorType,
    /// Contact person.
    ContactName,
    /// Mobile phone of the contact.
    ContactPhone,
    /// E-mail of the contact.
    ContactEmail,
    /// Registered division.
    RegisteredDivision,
    /// The county named on the licence.
    LicenceCounty,
    /// Province of a company from outside.
    HomeProvince,
    /// Business licence file.
    LicenceFileId,
    /// Truth declaration.
    TruthDeclared,
    /// The entry by which an operator resubmits.
    Entry,
    /// The administrator's opinion.
    Opinion,
    /// The submission judged.
    SubmissionVersion,
    /// Display name of a person.
    DisplayName,
    /// Roles.
    Roles,
    /// Division scope.
    Scope,
    /// Department of a provincial body.
    Department,
    /// The office as people know it.
    Office,
    /// Name of an employer.
    Employer,
    /// One-time code.
    Code,
    /// Activation ticket.
    Ticket,
    /// Session token.
    SessionToken,
    /// Services that may accept a token.
    Audience,
    /// Operator of a machine client.
    OperatorId,
    /// A state to filter by.
    State,
    /// Last sign-in to 2.0 of an imported account.
    LastSignIn,
    /// Password hash of an imported account.
    PasswordHash,
    /// Reason given for an act.
    Reason,
    /// What a list is searched for.
    Text,
    /// A day that a list begins or ends with.
    Day,
}

impl Field {
    /// The field's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Password => "password",
            Self::NewPassword => "new_password",
            Self::CompanyName => "company_name",
            Self::Uscc => "uscc",
            Self::OperatorType => "operator_type",
            Self::ContactName => "contact_name",
            Self::ContactPhone => "contact_phone",
            Self::ContactEmail => "contact_email",
            Self::RegisteredDivision => "registered_division",
            Self::LicenceCounty => "licence_county",
            Self::HomeProvince => "home_province",
            Self::LicenceFileId => "licence_file_id",
            Self::TruthDeclared => "truth_declared",
            Self::Entry => "entry",
            Self::Opinion => "opinion",
            Self::SubmissionVersion => "submission_version",
            Self::DisplayName => "display_name",
            Self::Roles => "roles",
            Self::Scope => "scope",
            Self::Department => "department",
            Self::Office => "office",
            Self::Employer => "employer",
            Self::Code => "code",
            Self::Ticket => "ticket",
            Self::SessionToken => "session_token",
            Self::Audience => "audience",
            Self::OperatorId => "operator_id",
            Self::State => "state",
            Self::LastSignIn => "last_2_0_sign_in",
            Self::PasswordHash => "password_hash",
            Self::Reason => "reason",
            Self::Text => "text",
            Self::Day => "day",
        }
    }
}
