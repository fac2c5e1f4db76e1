//! Tries of one client address: signing in, registering, asking for codes.

use std::{net::IpAddr, num::NonZeroU32};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::{config, refused::Refused};

/// Addresses that are remembered before those that have rested are forgotten.
const ADDRESSES_MAX: usize = 50_000;

/// Counts tries by client address.
pub struct Limits {
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    registrations: DefaultKeyedRateLimiter<IpAddr>,
}

impl Limits {
    /// As the settings say; they have been checked.
    pub fn new(settings: &config::Limits) -> Limits {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Limits {
            sign_ins: RateLimiter::keyed(Quota::per_minute(at_least_one(settings.sign_ins_per_minute))),
            registrations: RateLimiter::keyed(Quota::per_hour(at_least_one(settings.registrations_per_hour))),
        }
    }

    /// One more try to sign in or to set a password.
    ///
    /// # Errors
    /// Too many of this address within a minute.
    pub fn sign_in(&self, client: IpAddr) -> Result<(), Refused> {
        tried(&self.sign_ins, client).map_err(|()| Refused::too_often(1))
    }

    /// One more registration.
    ///
    /// # Errors
    /// Too many of this address within an hour.
    pub fn registration(&self, client: IpAddr) -> Result<(), Refused> {
        tried(&self.registrations, client).map_err(|()| Refused::too_often(10))
    }
}

fn tried(limiter: &DefaultKeyedRateLimiter<IpAddr>, client: IpAddr) -> Result<(), ()> {
    if limiter.len() > ADDRESSES_MAX {
        limiter.retain_recent();
    }
    limiter.check_key(&client).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_refused_after_its_tries_and_another_is_not() {
        let limits = Limits::new(&config::Limits {
            sign_ins_per_minute: 2,
            registrations_per_hour: 1,
            uploads_at_once: 1,
        });
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!(limits.sign_in(one).is_ok() && limits.sign_in(one).is_ok());
        assert!(limits.sign_in(one).is_err());
        assert!(limits.sign_in(other).is_ok());
    }
}
