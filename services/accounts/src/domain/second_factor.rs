//! Of whom a second factor is asked after the password, how long a secret is offered to enrol with, and how long wrong codes
//! lock. Counting is the store's, sealing the vault's.

use time::{Duration, OffsetDateTime};

use super::{refusal::Refusal, totp};

/// Every so many wrong codes without a right one between them lock. Source: reliability section 11.
pub const WRONG_MAX: i32 = 5;
/// The first lock; each further one is twice as long. Source: reliability section 11.
const LOCK_FIRST: Duration = Duration::minutes(15);
/// The longest: five codes a day, of which three in a million fit at a time. Source: decision record 42.
const LOCK_MAX: Duration = Duration::days(1);
/// How long an offered secret waits for its first code: as long as an administrator's session may lie idle. Source: decision
/// record 42; reliability section 11.
const OFFER: Duration = Duration::minutes(15);

/// The setting `second_factor.required`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// Nobody is asked.
    Off,
    /// Whoever has enrolled one.
    Enrolled,
    /// Every official: who has none enrols one before anything else. Source: reliability section 11.
    Officials,
}

/// What stands between a right password and a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// Nothing.
    Nothing,
    /// A code.
    Code,
    /// Enrolling a second factor.
    Enrolment,
}

impl Required {
    /// The value by its name in the settings.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "enrolled" => Some(Self::Enrolled),
            "officials" => Some(Self::Officials),
            _ => None,
        }
    }

    /// What is needed of somebody.
    pub fn of(self, official: bool, enrolled: bool) -> Needed {
        match self {
            Self::Off => Needed::Nothing,
            Self::Enrolled | Self::Officials if enrolled => Needed::Code,
            Self::Officials if official => Needed::Enrolment,
            Self::Enrolled | Self::Officials => Needed::Nothing,
        }
    }
}

/// A secret that somebody is offered to enrol with. It goes out sealed and comes back with its first code.
pub struct Enrolment {
    /// The secret.
    pub secret: Vec<u8>,
    /// When it was offered first, unix seconds.
    pub offered_at: i64,
}

impl Enrolment {
    /// As it is sealed: the time in eight bytes, big end first, then the secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.offered_at.to_be_bytes().as_slice(), &self.secret].concat()
    }

    /// From what was sealed.
    ///
    /// Errors: [`Refusal::EnrolmentUnreadable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Enrolment, Refusal> {
        let (offered_at, secret) = bytes.split_first_chunk::<8>().ok_or(Refusal::EnrolmentUnreadable)?;
        if secret.len() != totp::SECRET_BYTES {
            return Err(Refusal::EnrolmentUnreadable);
        }
        Ok(Enrolment { secret: secret.to_vec(), offered_at: i64::from_be_bytes(*offered_at) })
    }

    /// Whether it may still be enrolled.
    ///
    /// Errors: [`Refusal::EnrolmentExpired`]. Source: decision record 42.
    pub fn admit(&self, now: OffsetDateTime) -> Result<(), Refusal> {
        let age = now.unix_timestamp().saturating_sub(self.offered_at);
        if age < OFFER.whole_seconds() { Ok(()) } else { Err(Refusal::EnrolmentExpired) }
    }
}

/// Wrong codes since the last right one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wrong {
    /// How many.
    pub failures: i32,
    /// No code is judged until then.
    pub locked_until: Option<OffsetDateTime>,
}

impl Wrong {
    /// Whether a code may be judged now.
    ///
    /// Errors: [`Refusal::FactorLocked`] with the seconds left. Source: decision record 42.
    pub fn admit(self, now: OffsetDateTime) -> Result<(), Refusal> {
        match self.locked_until {
            Some(until) if until > now => {
                let left = until - now;
                let begun = i64::from(left.subsec_nanoseconds() > 0);
                Err(Refusal::FactorLocked { seconds: left.whole_seconds() + begun })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// With one more, judged now.
    #[must_use]
    pub fn another(self, now: OffsetDateTime) -> Wrong {
        let failures = self.failures.saturating_add(1);
        let locked_until = (failures % WRONG_MAX == 0).then(|| now + lock(failures / WRONG_MAX));
        Wrong { failures, locked_until }
    }

    /// Wrong codes until the next lock.
    pub fn left(self) -> i32 {
        WRONG_MAX - self.failures % WRONG_MAX
    }
}

/// How long the lock of this number is, counted from 1.
fn lock(number: i32) -> Duration {
    let doublings = u32::try_from(number - 1).unwrap_or(0).min(16);
    (LOCK_FIRST * 2_i32.pow(doublings)).min(LOCK_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    /// After so many wrong codes, the last of them at the start.
    fn wrong(failures: i32) -> Wrong {
        Wrong { failures: failures - 1, locked_until: None }.another(START)
    }

    #[test]
    fn an_offered_secret_waits_15_minutes_for_its_first_code() {
        let offered = Enrolment { secret: vec![7; totp::SECRET_BYTES], offered_at: 1_000 };
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds);
        assert_eq!((offered.admit(at(1_000)), offered.admit(at(1_899))), (Ok(()), Ok(())));
        assert_eq!(offered.admit(at(1_900)), Err(Refusal::EnrolmentExpired));
    }

    #[test]
    fn an_offered_secret_is_read_as_it_was_written_and_nothing_else_is_one() {
        let offered = Enrolment { secret: vec![7; totp::SECRET_BYTES], offered_at: 1_000 };
        let read = Enrolment::from_bytes(&offered.to_bytes()).unwrap();
        assert_eq!((read.secret, read.offered_at), (offered.secret, offered.offered_at));
        for strange in [vec![], vec![7_u8; 8], vec![7; totp::SECRET_BYTES], vec![7; totp::SECRET_BYTES + 9]] {
            assert_eq!(Enrolment::from_bytes(&strange).err(), Some(Refusal::EnrolmentUnreadable));
        }
    }

    #[test]
    fn the_fifth_wrong_code_locks_for_15_minutes_and_the_ones_before_say_how_many_are_left() {
        for (failures, left) in [(1, 4), (2, 3), (3, 2), (4, 1)] {
            assert_eq!((wrong(failures).admit(START), wrong(failures).left()), (Ok(()), left));
        }
        assert_eq!(wrong(5).admit(START), Err(Refusal::FactorLocked { seconds: 900 }));
        assert_eq!(wrong(5).admit(START + Duration::minutes(15)), Ok(()));
        let nearly = START + Duration::minutes(15) - Duration::milliseconds(1);
        assert_eq!(wrong(5).admit(nearly), Err(Refusal::FactorLocked { seconds: 1 }));
    }

    #[test]
    fn after_a_lock_there_are_five_tries_and_each_lock_is_twice_as_long_up_to_a_day() {
        assert_eq!(wrong(6), Wrong { failures: 6, locked_until: None });
        for (failures, minutes) in [(10, 30), (15, 60), (20, 120), (35, 960), (40, 1_440), (45, 1_440)] {
            let until = Some(START + Duration::minutes(minutes));
            assert_eq!(wrong(failures).locked_until, until, "{failures}");
        }
        assert_eq!(lock(i32::MAX), LOCK_MAX);
    }

    #[test]
    fn who_has_enrolled_is_asked_for_a_code_and_an_official_without_one_enrols_where_that_is_demanded() {
        for (required, official, enrolled, needed) in [
            (Required::Off, true, true, Needed::Nothing),
            (Required::Enrolled, true, true, Needed::Code),
            (Required::Enrolled, true, false, Needed::Nothing),
            (Required::Officials, true, true, Needed::Code),
            (Required::Officials, true, false, Needed::Enrolment),
            (Required::Officials, false, false, Needed::Nothing),
        ] {
            assert_eq!(required.of(official, enrolled), needed, "{required:?} {official} {enrolled}");
        }
    }
}
