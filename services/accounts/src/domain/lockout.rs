//! When failed sign-ins lock: fast for one login from one address, slowly for a login as a whole, so that nobody can
//! be locked out at will. Counting is the store's.

use time::{Duration, OffsetDateTime};

use super::refusal::Refusal;

/// Limits; from settings.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Failures of one login from one address until it locks.
    pub failures_max: i64,
    /// How long it locks after the last failure, and how far back failures count.
    pub lock: Duration,
    /// Failures of one login from all addresses, within the same time, until attempts are slowed.
    pub account_failures_max: i64,
    /// Time between attempts once slowed; doubles with each further `account_failures_max` failures.
    pub account_delay: Duration,
}

/// Failures within [`Limits::lock`] before now, since the last success.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures {
    /// Of this login from this address.
    pub pair: i64,
    /// The latest of them.
    pub pair_last: Option<OffsetDateTime>,
    /// Of this login from every address.
    pub account: i64,
    /// The latest of them.
    pub account_last: Option<OffsetDateTime>,
    /// Whether this login has signed in from this address before; such an address is not slowed by others.
    pub known_address: bool,
}

/// Longest slowing of an account as a whole: it must stay a nuisance to guessing, not a lock.
const ACCOUNT_DELAY_MAX: Duration = Duration::minutes(2);

/// Whether an attempt may be made now.
///
/// Errors: [`Refusal::SignInLocked`] with the seconds left. Source: reliability section 11.
pub fn admit(failures: Failures, limits: Limits, now: OffsetDateTime) -> Result<(), Refusal> {
    let pair_until = match failures.pair_last {
        Some(last) if failures.pair >= limits.failures_max => Some(last + limits.lock),
        Some(_) | None => None,
    };
    let account_until = match failures.account_last {
        Some(last) if failures.account >= limits.account_failures_max && !failures.known_address => {
            Some(last + account_delay(failures.account, limits))
        }
        Some(_) | None => None,
    };
    match pair_until.max(account_until) {
        Some(until) if until > now => Err(Refusal::SignInLocked { seconds: left(until - now) }),
        Some(_) | None => Ok(()),
    }
}

/// Failures left for a login and address before it locks.
pub fn left_before_lock(failures: Failures, limits: Limits) -> i64 {
    (limits.failures_max - failures.pair).max(0)
}

fn account_delay(failures: i64, limits: Limits) -> Duration {
    let doublings = u32::try_from(failures / limits.account_failures_max.max(1) - 1).unwrap_or(0).min(16);
    (limits.account_delay * 2_i32.pow(doublings)).min(ACCOUNT_DELAY_MAX)
}

fn left(duration: Duration) -> i64 {
    duration.whole_seconds() + i64::from(duration.subsec_nanoseconds() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        failures_max: 5,
        lock: Duration::minutes(15),
        account_failures_max: 20,
        account_delay: Duration::seconds(10),
    };
    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn pair(failures: i64) -> Failures {
        Failures {
            pair: failures,
            pair_last: Some(START),
            account: failures,
            account_last: Some(START),
            known_address: false,
        }
    }

    #[test]
    fn the_fifth_failure_locks_the_pair_for_15_minutes() {
        assert_eq!(admit(pair(4), LIMITS, START), Ok(()));
        let locked = admit(pair(5), LIMITS, START);
        assert_eq!(locked, Err(Refusal::SignInLocked { seconds: 900 }));
        assert_eq!(admit(pair(5), LIMITS, START + Duration::minutes(15)), Ok(()));
    }

    #[test]
    fn failures_elsewhere_slow_an_account_but_do_not_lock_it() {
        let elsewhere = Failures { pair: 0, pair_last: None, ..pair(400) };
        assert_eq!(admit(elsewhere, LIMITS, START), Err(Refusal::SignInLocked { seconds: 120 }));
        assert_eq!(admit(elsewhere, LIMITS, START + Duration::minutes(2)), Ok(()));
        let known = Failures { known_address: true, ..elsewhere };
        assert_eq!(admit(known, LIMITS, START), Ok(()));
    }

    #[test]
    fn the_slowing_doubles() {
        let delay = |account| account_delay(account, LIMITS);
        assert_eq!(delay(20), Duration::seconds(10));
        assert_eq!(delay(40), Duration::seconds(20));
        assert_eq!(delay(60), Duration::seconds(40));
    }
}
