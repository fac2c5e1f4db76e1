//! Forgotten passwords: how often a code may be asked for, and whom one is sent to. Nobody is told which of them failed.

use time::{Duration, OffsetDateTime};

use super::{refusal::Refusal, session::CredentialState};

/// Limits; from settings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How far back requests count.
    pub window: Duration,
    /// Requests for one login.
    pub login_max: i64,
    /// Requests for one phone.
    pub phone_max: i64,
    /// Requests from one address.
    pub address_max: i64,
}

/// Requests of one kind within [`Limits::window`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// How many.
    pub number: i64,
    /// The first of them.
    pub oldest: Option<OffsetDateTime>,
}

/// Requests that count against another one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// For the same login.
    pub login: Count,
    /// For the same phone.
    pub phone: Count,
    /// From the same address.
    pub address: Count,
    /// Whether this login has signed in from this address before; strangers' requests do not keep such a person out.
    pub known_address: bool,
}

/// Whether a code may be asked for now; the answer does not depend on whether there is such a login.
///
/// Errors: [`Refusal::ResetTooOften`] with the seconds left. Source: reliability section 11 (nobody is locked out at will).
pub fn admit(asked: Asked, limits: Limits, now: OffsetDateTime) -> Result<(), Refusal> {
    let until = |count: Count, max: i64| {
        count.oldest.filter(|_| count.number >= max).map(|oldest| oldest + limits.window)
    };
    let strangers = [until(asked.login, limits.login_max), until(asked.phone, limits.phone_max)];
    let strangers = strangers.into_iter().max().flatten().filter(|_| !asked.known_address);
    match strangers.max(until(asked.address, limits.address_max)) {
        Some(until) if until > now => {
            Err(Refusal::ResetTooOften { seconds: (until - now).whole_seconds() + 1 })
        }
        Some(_) | None => Ok(()),
    }
}

/// What is known of the login that was typed.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The phone on file; may be empty.
    pub phone: &'a str,
    /// Neither deactivated nor of a suspended operator.
    pub active: bool,
    /// State of the password.
    pub credential: Option<CredentialState>,
}

/// Why nothing is sent; for the audit log only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// Nobody has this login.
    UnknownLogin,
    /// Another phone is on file.
    OtherPhone,
    /// The account or its operator is suspended.
    Suspended,
    /// The password is a one-time one, or unusable: only its office issues another.
    NotActivated,
}

impl Unfit {
    /// Its name in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownLogin => "unknown_login",
            Self::OtherPhone => "other_phone",
            Self::Suspended => "account_suspended",
            Self::NotActivated => "not_activated",
        }
    }
}

/// Whether a code is sent to the phone on file.
///
/// Errors: [`Unfit`], which the asker does not learn.
pub fn fits(found: Option<Found<'_>>, phone: &str) -> Result<(), Unfit> {
    let found = found.ok_or(Unfit::UnknownLogin)?;
    if found.phone.is_empty() || found.phone != phone {
        return Err(Unfit::OtherPhone);
    }
    if !found.active {
        return Err(Unfit::Suspended);
    }
    match found.credential {
        Some(CredentialState::Normal) => Ok(()),
        Some(CredentialState::OneTime | CredentialState::Locked) | None => Err(Unfit::NotActivated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { window: Duration::hours(1), login_max: 5, phone_max: 5, address_max: 30 };
    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn count(number: i64) -> Count {
        Count { number, oldest: Some(START) }
    }

    #[test]
    fn each_of_login_phone_and_address_has_its_limit_until_the_first_request_is_an_hour_old() {
        let login = Asked { login: count(5), ..Asked::default() };
        let phone = Asked { phone: count(5), ..Asked::default() };
        let address = Asked { address: count(30), ..Asked::default() };
        for asked in [login, phone, address] {
            assert_eq!(admit(asked, LIMITS, START), Err(Refusal::ResetTooOften { seconds: 3_601 }));
            assert_eq!(admit(asked, LIMITS, START + Duration::hours(1)), Ok(()));
        }
        let fewer = Asked { login: count(4), phone: count(4), address: count(29), known_address: false };
        assert_eq!(admit(fewer, LIMITS, START), Ok(()));
    }

    #[test]
    fn strangers_do_not_keep_a_person_out_at_an_address_of_its_own() {
        let theirs = Asked { login: count(5), phone: count(5), known_address: true, ..Asked::default() };
        assert_eq!(admit(theirs, LIMITS, START), Ok(()));
        let own = Asked { address: count(30), ..theirs };
        assert_eq!(admit(own, LIMITS, START), Err(Refusal::ResetTooOften { seconds: 3_601 }));
    }

    #[test]
    fn only_an_active_person_with_an_own_password_and_this_phone_gets_a_code() {
        let normal = Some(CredentialState::Normal);
        let found = Found { phone: "19900000001", active: true, credential: normal };
        assert_eq!(fits(Some(found), "19900000001"), Ok(()));
        assert_eq!(fits(None, "19900000001"), Err(Unfit::UnknownLogin));
        assert_eq!(fits(Some(found), "19900000002"), Err(Unfit::OtherPhone));
        assert_eq!(fits(Some(Found { phone: "", ..found }), ""), Err(Unfit::OtherPhone));
        let suspended = Found { active: false, ..found };
        assert_eq!(fits(Some(suspended), "19900000001"), Err(Unfit::Suspended));
        for credential in [None, Some(CredentialState::OneTime), Some(CredentialState::Locked)] {
            let other = Found { credential, ..found };
            assert_eq!(fits(Some(other), "19900000001"), Err(Unfit::NotActivated));
        }
    }
}
