//! The identities of the review, each its own type so that one cannot stand for another.
//!
//! Made by the unit of work (UUIDv7), never here.

use std::fmt;

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// One application of one station in one round.
    ApplicationId
);
id!(
    /// One work order: the members of one prefecture in one numbered batch of a round.
    OrderId
);
id!(
    /// One round (批次) with its policy.
    RoundId
);
id!(
    /// One natural person, as `accounts` knows it.
    PersonId
);
id!(
    /// One company, as `accounts` knows it.
    OperatorId
);
