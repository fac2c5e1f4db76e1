//! What came of one attempt, and what follows from it. Source: Standard Webhooks, "Delivery success and failure".

/// Why an attempt is no delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A status other than 2xx.
    Answered,
    /// 3xx: redirects are not followed.
    Redirected,
    /// 410: the receiver wants nothing more.
    Gone,
    /// No whole answer within the time.
    TimedOut,
    /// No connection, no TLS, or it broke off.
    Unreachable,
    /// The address is inside a network.
    AddressRefused,
    /// The secret cannot be opened with the key in the settings.
    SecretUnopened,
}

impl Trouble {
    /// The word in rows, answers and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Trouble::Answered => "answered",
            Trouble::Redirected => "redirected",
            Trouble::Gone => "gone",
            Trouble::TimedOut => "timed_out",
            Trouble::Unreachable => "unreachable",
            Trouble::AddressRefused => "address_refused",
            Trouble::SecretUnopened => "secret_unopened",
        }
    }
}

/// What a status says: nothing where it is a delivery.
pub fn judge(status: u16) -> Option<Trouble> {
    match status {
        200..=299 => None,
        300..=399 => Some(Trouble::Redirected),
        410 => Some(Trouble::Gone),
        _ => Some(Trouble::Answered),
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// HTTP status; 0 where no answer came.
    pub status: u16,
    /// How long it took.
    pub latency_millis: u32,
    /// Beginning of the answer.
    pub answer: String,
    /// Nothing where it is a delivery.
    pub trouble: Option<Trouble>,
    /// Seconds that the receiver asked to wait.
    pub retry_after_secs: Option<u64>,
}

impl Outcome {
    /// An attempt to which no answer came.
    pub fn without_answer(trouble: Trouble, latency_millis: u32) -> Outcome {
        Outcome {
            status: 0,
            latency_millis,
            answer: String::new(),
            trouble: Some(trouble),
            retry_after_secs: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_is_a_delivery() {
        for status in [200, 204, 299] {
            assert_eq!(judge(status), None);
        }
        assert_eq!(judge(302), Some(Trouble::Redirected));
        assert_eq!(judge(410), Some(Trouble::Gone));
        for status in [100, 400, 404, 429, 500, 503] {
            assert_eq!(judge(status), Some(Trouble::Answered));
        }
    }
}
